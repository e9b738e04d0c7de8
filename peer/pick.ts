/** Chooses among instances: the best tier that has any, within it at random by weight. */

import type { Instance, Random } from '../core/index.ts'

export function chooseInstance(instances: readonly Instance[], random: Random): Instance | undefined {
  let best: Instance[] = []
  let bestTier = Number.POSITIVE_INFINITY
  for (const instance of instances) {
    const tier = tierOf(instance)
    if (tier > bestTier) continue
    if (tier < bestTier) best = []
    bestTier = tier
    best.push(instance)
  }
  let share = random() * best.reduce((sum, { weight }) => sum + weight, 0)
  for (const instance of best) {
    share -= instance.weight
    if (share < 0) return instance
  }
  return best.at(-1)
}

/** A suspect may well be alive, so it ranks before one that says of itself that it is ill or on its way out. */
function tierOf({ health, status }: Instance): number {
  if (status === 'draining') return health === 'critical' ? 5 : 4
  if (health === 'critical') return 3
  if (health === 'warning') return 2
  return status === 'suspect' ? 1 : 0
}
