/**
 * The view: all beliefs, the order of ids that sync pages through, the digest, and the snapshot applications read.
 */

import type { Belief } from './belief.ts'
import { type Digest, toggle } from './digest.ts'
import { type Endpoint, kindOf } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Member } from './member.ts'

export class Members {
  readonly #beliefs = new Map<PeerId, Belief>()
  /** Ids of present members in ascending order of their text. */
  readonly #present: PeerId[] = []
  /** What each present member has put into the digest. */
  readonly #counted = new Map<PeerId, Digest>()
  readonly #idAt = new Map<Endpoint, PeerId>()
  readonly digest: Digest = { hi: 0, lo: 0 }
  #presentSnapshot: readonly Member[] | undefined
  #allSnapshot: readonly Member[] | undefined

  /** Present members, the peer itself included. */
  get size(): number {
    return this.#present.length
  }

  /** Dead and left members that are still remembered. */
  get gone(): number {
    return this.#beliefs.size - this.#present.length
  }

  get(id: PeerId): Belief | undefined {
    return this.#beliefs.get(id)
  }

  all(): Iterable<Belief> {
    return this.#beliefs.values()
  }

  presentIds(): readonly PeerId[] {
    return this.#present
  }

  *present(): Generator<Belief> {
    for (const id of this.#present) yield this.#beliefs.get(id)!
  }

  /** The present member that lives at an endpoint, as far as its record says. */
  at(endpoint: Endpoint): Belief | undefined {
    const id = this.#idAt.get(endpoint)
    return id === undefined ? undefined : this.#beliefs.get(id)
  }

  /** What is held against the member at an endpoint, be it present or gone. */
  claimAt(endpoint: Endpoint): Uint8Array | undefined {
    const kind = kindOf(endpoint)
    for (const belief of this.#beliefs.values()) {
      if (belief.claimBytes && belief.endpoint(kind) === endpoint) return belief.claimBytes
    }
    return undefined
  }

  /** Takes in a belief, or takes over every change made to one: order, digest, endpoints and snapshots follow. */
  update(belief: Belief): void {
    const { id } = belief
    this.#beliefs.set(id, belief)
    const counted = this.#counted.get(id)
    if (counted) toggle(this.digest, counted)
    if (belief.present) {
      const hash = belief.hash()
      toggle(this.digest, hash)
      this.#counted.set(id, hash)
      if (!counted) this.#present.splice(this.#lowerBound(id), 0, id)
      for (const endpoint of belief.record?.endpoints ?? []) this.#idAt.set(endpoint, id)
    } else if (counted) {
      this.#counted.delete(id)
      this.#present.splice(this.#lowerBound(id), 1)
      this.forgetEndpoints(belief)
    }
    belief.touch()
    this.#presentSnapshot = undefined
    this.#allSnapshot = undefined
  }

  /** Call before a record with other endpoints takes the place of the one held. */
  forgetEndpoints(belief: Belief): void {
    for (const endpoint of belief.record?.endpoints ?? []) {
      if (this.#idAt.get(endpoint) === belief.id) this.#idAt.delete(endpoint)
    }
  }

  /** Forgets a member that is gone. */
  forget(id: PeerId): void {
    this.#beliefs.delete(id)
    this.#allSnapshot = undefined
  }

  /** Hash and number of the present members whose ids begin with `prefix`. */
  range(prefix: string): { hash: Digest; count: number } {
    const hash = { hi: 0, lo: 0 }
    let count = 0
    for (const id of this.idsUnder(prefix)) {
      toggle(hash, this.#counted.get(id)!)
      count++
    }
    return { hash, count }
  }

  /** Ids of present members that begin with `prefix`, ascending, those up to and with `after` left out. */
  *idsUnder(prefix: string, after = ''): Generator<PeerId> {
    for (let i = this.#lowerBound(prefix > after ? prefix : after); i < this.#present.length; i++) {
      const id = this.#present[i]!
      if (!id.startsWith(prefix)) return
      if (id !== after) yield id
    }
  }

  /** The 32 bits by which sync tells whether a member differs. */
  shortHash(id: PeerId): number | undefined {
    return this.#counted.get(id)?.lo
  }

  /** Frozen; the same array until something in it changed. */
  snapshot(now: number, withGone: boolean): readonly Member[] {
    if (withGone) {
      this.#allSnapshot ??= Object.freeze([...this.#beliefs.values()].map((belief) => belief.snapshot(now)))
      return this.#allSnapshot
    }
    this.#presentSnapshot ??= Object.freeze([...this.present()].map((belief) => belief.snapshot(now)))
    return this.#presentSnapshot
  }

  #lowerBound(id: string): number {
    let low = 0
    let high = this.#present.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#present[middle]! < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
