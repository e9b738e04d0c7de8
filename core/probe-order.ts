/**
 * Whom to probe next. Four periods in five it is the turn of a successor on the rings (see `Rings`), the fifth belongs
 * to SWIM's shuffled round robin (section 4.3) over all that may be probed, on a sparse mesh the neighbours, which completes
 * the rings where views differ and compares digests across the room.
 *
 * Whose turn it is, is read off the clock: on one ring everybody has one successor and one predecessor, so where clocks
 * agree within a period, each member is probed by exactly one other in each of the four. Where they do not, its observers
 * come by at the same intervals, but at times that have nothing to do with each other.
 */

import type { PeerId } from './ids.ts'
import { type Random, randomInt, shuffle } from './random.ts'

/** Members that wait to be probed next; of more, the round robin takes care. */
const hastenedMax = 64
/** Of so many periods one belongs to the round robin. */
const roundRobinEvery = 5

export class ProbeOrder {
  #order: PeerId[] = []
  #at = 0
  readonly #hastened: PeerId[] = []
  #circuits: readonly (readonly PeerId[])[] = []
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Members of the round under way, those already probed included: bounded by twice the members of the room. */
  get size(): number {
    return this.#order.length
  }

  /** Who comes next on the rings, for each kind of channel: the kinds take turns, and within one its members. */
  follow(circuits: readonly (readonly PeerId[])[]): void {
    this.#circuits = circuits
  }

  /** Takes a newcomer into the round that is under way. */
  add(id: PeerId): void {
    const place = randomInt(this.#random, this.#order.length + 1)
    this.#order.splice(place, 0, id)
    if (place < this.#at) this.#at++
  }

  /** Puts a member next: something spoke against it. */
  hasten(id: PeerId): void {
    if (this.#hastened.length < hastenedMax && !this.#hastened.includes(id)) this.#hastened.push(id)
  }

  /** The member that `mayProbe` in the period of this number, counted by the clock. */
  next(period: number, all: readonly PeerId[], mayProbe: (id: PeerId) => boolean): PeerId | undefined {
    for (let id = this.#hastened.shift(); id !== undefined; id = this.#hastened.shift()) if (mayProbe(id)) return id
    const turn = period % roundRobinEvery
    const step = Math.floor(period / roundRobinEvery) * (roundRobinEvery - 1) + turn
    return (
      (turn < roundRobinEvery - 1 ? this.#nextOnRings(step, mayProbe) : undefined) ?? this.#nextOfAll(all, mayProbe)
    )
  }

  #nextOnRings(step: number, mayProbe: (id: PeerId) => boolean): PeerId | undefined {
    const kinds = this.#circuits.length
    for (let i = 0; i < kinds; i++) {
      const circuit = this.#circuits[(step + i) % kinds]!
      const id = circuit[Math.floor(step / kinds) % circuit.length]
      if (id !== undefined && mayProbe(id)) return id
    }
    return undefined
  }

  /** A new round over `all` begins at the end of the last, or where so many came and went that there would be no end. */
  #nextOfAll(all: readonly PeerId[], mayProbe: (id: PeerId) => boolean): PeerId | undefined {
    if (this.#order.length > 2 * all.length + hastenedMax) this.#at = this.#order.length
    for (let rounds = 0; rounds < 2; rounds++) {
      while (this.#at < this.#order.length) {
        const id = this.#order[this.#at++]!
        if (mayProbe(id)) return id
      }
      this.#order = shuffle([...all], this.#random)
      this.#at = 0
    }
    return undefined
  }
}
