/**
 * Who can pass a letter on to a member that this peer has no way to, or no way that works: one that shares a channel with
 * it, or else a gateway that is at least nearer to it.
 */

import type { Belief } from './belief.ts'
import { kindOf } from './host.ts'
import { stepsTo } from './islands.ts'
import type { Members } from './members.ts'
import type { Paths } from './paths.ts'
import type { Random } from './random.ts'

export class Couriers {
  readonly #members: Members
  readonly #paths: Paths
  readonly #random: Random

  constructor(members: Members, paths: Paths, random: Random) {
    this.#members = members
    this.#paths = paths
    this.#random = random
  }

  /** One drawn at random, by neither of those to `avoid`; undefined where there is none. */
  to(target: Belief, avoid: ReadonlySet<string>): Belief | undefined {
    const kinds = kindsOf(target)
    const isFit = (belief: Belief) =>
      belief !== target &&
      belief.status === 'alive' &&
      belief.record?.mode !== 'frozen' &&
      !avoid.has(belief.id) &&
      this.#paths.to(belief) !== undefined
    const [meets] = this.#pick((belief) => kinds.some((kind) => belief.has(kind)) && isFit(belief))
    if (meets !== undefined || this.#paths.kinds.some((kind) => kinds.includes(kind))) return meets
    // Several islands away. Whoever passes it on is nearer than whoever did before, so it does not run in circles.
    const steps = stepsTo(kinds, this.#members.present())
    const stepsFrom = (own: readonly string[]) => Math.min(...own.map((kind) => steps.get(kind) ?? Infinity))
    const ours = stepsFrom(this.#paths.kinds)
    const [nearer] = this.#pick((belief) => stepsFrom(kindsOf(belief)) < ours && isFit(belief))
    return nearer
  }

  #pick(suits: (belief: Belief) => boolean): Belief[] {
    return this.#members.pick(1, this.#random, suits)
  }
}

function kindsOf({ record }: Belief): string[] {
  return (record?.endpoints ?? []).map(kindOf)
}
