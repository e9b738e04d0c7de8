/**
 * Whom to probe next: SWIM's shuffled round robin (section 4.3). Everybody is probed once in a round, so a failure is
 * noticed within 2n - 1 periods at the latest, and a newcomer's place in the round is drawn at random.
 */

import type { PeerId } from './ids.ts'
import { type Random, randomInt, shuffle } from './random.ts'

export class ProbeOrder {
  #order: PeerId[] = []
  #at = 0
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Takes a newcomer into the round that is under way. */
  add(id: PeerId): void {
    const place = randomInt(this.#random, this.#order.length + 1)
    this.#order.splice(place, 0, id)
    if (place < this.#at) this.#at++
  }

  /** Puts a member next: something spoke against it. */
  hasten(id: PeerId): void {
    this.#order.splice(this.#at, 0, id)
  }

  /** The next member that `mayProbe`; a new round over `all` begins at the end of the last. */
  next(all: readonly PeerId[], mayProbe: (id: PeerId) => boolean): PeerId | undefined {
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
