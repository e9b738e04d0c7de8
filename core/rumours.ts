/**
 * Rumours on their way round: which to put into the next packet (SWIM, section 4.1). Those sent least often go first,
 * among them the oldest; each is sent a limited number of times. One queue per island, so that a gateway's rumours are
 * not used up on one side. A newer rumour about the same subject takes the older one's place.
 *
 * Subjects tell by what stands behind the id whose rumour it is:
 *
 *     <id>              what the member itself stands at: alive, dead, left
 *     <id>!<accuser>    one accuser's suspicion of it
 *     <id>/<key>        one entry of its state
 */

import type { Config } from './config.ts'
import { packetBytesMax } from './host.ts'
import { idTextLength, type PeerId } from './ids.ts'

/** Who is here, and what members say: while both wait, each is sure of a third of every packet's room. */
export type Share = 'membership' | 'application'

/**
 * How often one member sends one rumour: SWIM's lambda log n with memberlist's lambda, rounded behind the multiplication
 * and not before, since half of it goes along the rings, where none of it is wasted. In small rooms a few more, as losses
 * weigh more there.
 */
export function transmitLimit(config: Pick<Config, 'transmitMult'>, size: number): number {
  const least = Math.min(leastTransmissions, size - 1)
  return Math.max(1, least, Math.round(config.transmitMult * Math.log10(size + 1)))
}

const leastTransmissions = 8

export function accusationSubject(id: PeerId, accuser: PeerId): string {
  return `${id}!${accuser}`
}

export function entrySubject(id: PeerId, key: string): string {
  return `${id}/${key}`
}

/** The one place that decides whose share a rumour is sent from: an id and an accusation of it are membership. */
export function shareOf(subject: string): Share {
  return subject.length === idTextLength || subject[idTextLength] === '!' ? 'membership' : 'application'
}

/** Rumours shorter than this do not exist, so less room than this ends a search. */
const rumourBytesMin = 20
/** How many waiting rumours one walk looks at; a packet takes two walks of one share each and one of both. */
const looksMax = 128

/** A packet while it is filled. */
interface Filling {
  readonly room: number
  left: number
  readonly taken: { queue: Queue; tier: number; subject: string; bytes: Uint8Array }[]
}

export class Rumours {
  readonly #membership: Queue
  readonly #application: Queue

  /** At most `sizeMax` rumours of each share wait; beyond it the most often sent of that share is dropped and counted. */
  constructor(sizeMax: number) {
    this.#membership = new Queue(sizeMax)
    this.#application = new Queue(sizeMax)
  }

  get size(): number {
    return this.#membership.size + this.#application.size
  }

  get dropped(): number {
    return this.#membership.dropped + this.#application.dropped
  }

  /**
   * `subject` names what the rumour is about: a later one with the same subject replaces it. A subject keeps to one
   * share. `bytes` is kept.
   */
  add(subject: string, bytes: Uint8Array, share: Share): void {
    const queue = share === 'membership' ? this.#membership : this.#application
    queue.add(subject, bytes)
  }

  /** Takes back what waits under exactly these subjects; what does not wait is passed over. */
  withdraw(subjects: readonly string[]): void {
    for (const subject of subjects) {
      this.#membership.remove(subject)
      this.#application.remove(subject)
    }
  }

  clear(): void {
    this.#membership.clear()
    this.#application.clear()
  }

  /**
   * Rumours for one packet with `room` bytes left; each counts as sent once more and is dropped at `limit`.
   *
   * Alone, a share has all the room. While both wait, each is credited with a third of it (deficit round robin, after
   * Shreedhar and Varghese): what its next rumour is too long for is saved up for the packets that follow, so that a
   * long entry gets its turn among short claims, and the share with more credit goes first. The last third, and what a
   * share leaves, goes to those sent least often of both and is charged to nobody. Where rumours of both are too long
   * for one packet, they take turns.
   */
  take(room: number, limit: number): Uint8Array[] {
    const filling: Filling = { room, left: room, taken: [] }
    if (this.size === 0 || room < rumourBytesMin) return []
    this.#takeSure(filling)
    this.#takeRest(filling)
    // Those that go on wait behind all that were sent as often.
    for (const { queue, tier, subject, bytes } of filling.taken) {
      if (tier + 1 < limit) queue.put(subject, bytes, tier + 1)
    }
    return filling.taken.map(({ bytes }) => bytes)
  }

  #takeSure(filling: Filling): void {
    const membership = this.#membership
    const application = this.#application
    const both = membership.size > 0 && application.size > 0
    const sure = Math.floor(filling.room / 3)
    for (const queue of [membership, application]) {
      // More than a packet holds is no use, and would let a share that was kept waiting fill several in a row.
      queue.credit = both ? Math.min(queue.credit + sure, packetBytesMax) : 0
    }
    if (!both) return
    const applicationFirst = application.credit > membership.credit
    for (const queue of applicationFirst ? [application, membership] : [membership, application]) {
      queue.takeOnCredit(filling)
    }
  }

  #takeRest(filling: Filling): void {
    const looks = { left: looksMax }
    const tiers = Math.max(this.#membership.tiers, this.#application.tiers)
    for (let tier = 0; tier < tiers && filling.left >= rumourBytesMin; tier++) {
      this.#membership.takeTier(tier, filling, looks)
      this.#application.takeTier(tier, filling, looks)
    }
  }
}

/** What waits of one share. */
class Queue {
  /** `#tiers[k]` holds what was sent k times, in the order it came; keyed by subject. */
  readonly #tiers: Map<string, Uint8Array>[] = [new Map()]
  readonly #tierOf = new Map<string, number>()
  readonly #sizeMax: number
  dropped = 0
  /** Bytes that this share may still take ahead of the other. */
  credit = 0

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#tierOf.size
  }

  get tiers(): number {
    return this.#tiers.length
  }

  add(subject: string, bytes: Uint8Array): void {
    this.remove(subject)
    if (this.size >= this.#sizeMax) this.#dropMostSent()
    this.put(subject, bytes, 0)
  }

  /** At most one tier behind the last. */
  put(subject: string, bytes: Uint8Array, tier: number): void {
    if (tier === this.#tiers.length) this.#tiers.push(new Map())
    this.#tiers[tier]!.set(subject, bytes)
    this.#tierOf.set(subject, tier)
  }

  remove(subject: string): void {
    const tier = this.#tierOf.get(subject)
    if (tier === undefined) return
    this.#tiers[tier]!.delete(subject)
    this.#tierOf.delete(subject)
  }

  clear(): void {
    for (const tier of this.#tiers) tier.clear()
    this.#tierOf.clear()
    this.credit = 0
  }

  /** In order, as far as the credit goes. What no credit could fit into this packet is passed over. */
  takeOnCredit(filling: Filling): void {
    let looks = 0
    for (let tier = 0; tier < this.#tiers.length; tier++) {
      for (const [subject, bytes] of this.#tiers[tier]!) {
        if (++looks > looksMax) return
        if (bytes.length > filling.room) continue
        if (bytes.length > Math.min(this.credit, filling.left)) return
        this.credit -= bytes.length
        this.#takeOne(tier, subject, bytes, filling)
      }
    }
  }

  /** Whatever fits of those sent `tier` times. */
  takeTier(tier: number, filling: Filling, looks: { left: number }): void {
    for (const [subject, bytes] of this.#tiers[tier] ?? []) {
      if (filling.left < rumourBytesMin || looks.left-- <= 0) return
      if (bytes.length <= filling.left) this.#takeOne(tier, subject, bytes, filling)
    }
  }

  #takeOne(tier: number, subject: string, bytes: Uint8Array, filling: Filling): void {
    this.remove(subject)
    filling.left -= bytes.length
    filling.taken.push({ queue: this, tier, subject, bytes })
  }

  #dropMostSent(): void {
    for (let tier = this.#tiers.length - 1; tier >= 0; tier--) {
      const first = this.#tiers[tier]!.keys().next()
      if (first.done) continue
      this.remove(first.value)
      this.dropped++
      return
    }
  }
}
