/**
 * Which members can be reached, and by whom. Members that share a kind of channel form an island; members with several
 * kinds (gateways) join islands.
 */

import type { Belief } from './belief.ts'
import { type ChannelInfo, kindOf } from './host.ts'

/** The island a member lives on, seen from here: the first of our channels that it has too; undefined without one. */
export function islandOf(channels: readonly ChannelInfo[], belief: Belief): string | undefined {
  return channels.find(({ kind }) => belief.has(kind))?.kind
}

/** Members that no chain of present members leads to: with the last gateway gone, nobody can say that they live. */
export function cutOff(channels: readonly ChannelInfo[], present: Iterable<Belief>): Belief[] {
  let outside = [...present]
  const kinds = new Set(channels.map(({ kind }) => kind))
  for (;;) {
    const before = outside.length
    outside = outside.filter((belief) => {
      const endpoints = belief.record?.endpoints ?? []
      const own = endpoints.map(kindOf)
      if (!own.some((kind) => kinds.has(kind))) return true
      for (const kind of own) kinds.add(kind)
      return false
    })
    if (outside.length === before || outside.length === 0) return outside
  }
}

/** How many gateways a way takes from a channel of each kind to one of these; kinds that do not lead there are left out. */
export function stepsTo(kinds: readonly string[], present: Iterable<Belief>): Map<string, number> {
  const steps = new Map(kinds.map((kind) => [kind, 0]))
  const gateways = [...present]
    .map(({ record }) => (record?.endpoints ?? []).map(kindOf))
    .filter((own) => own.length > 1)
  for (let step = 1; ; step++) {
    const before = steps.size
    const reached = gateways.filter((own) => own.some((kind) => steps.get(kind) === step - 1))
    for (const kind of reached.flat()) if (!steps.has(kind)) steps.set(kind, step)
    if (steps.size === before) return steps
  }
}
