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
 *     <id>~<number>     one message to a topic
 */

import type { Config } from './config.ts'
import { packetBytesMax } from './host.ts'
import { idTextLength, type PeerId } from './ids.ts'

/** Who is here, what members publish, what they say: of those that wait, each is sure of a third of every packet's room. */
export type Share = 'membership' | 'state' | 'message'
export const shares: readonly Share[] = ['membership', 'state', 'message']

/**
 * Messages that wait; of more, those sent most often are dropped. Where more is said than the packets of a room can carry,
 * each goes fewer times instead of later and later. It holds what some members may say at once.
 */
export const messagesMax = 512

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

export function messageSubject(id: PeerId, seq: number): string {
  return `${id}~${seq}`
}

/** The one place that decides whose share a rumour is sent from: an id and an accusation of it are membership. */
export function shareOf(subject: string): Share {
  if (subject.length === idTextLength || subject[idTextLength] === '!') return 'membership'
  return subject[idTextLength] === '~' ? 'message' : 'state'
}

/** Rumours shorter than this do not exist, so less room than this ends a search. */
const rumourBytesMin = 20
/** How many waiting rumours one walk looks at; a packet takes a walk of each share and one of all. */
const looksMax = 128

/** A packet while it is filled. */
interface Filling {
  readonly room: number
  left: number
  readonly taken: { queue: Queue; tier: number; subject: string; bytes: Uint8Array }[]
}

export class Rumours {
  readonly #queues: Readonly<Record<Share, Queue>>
  /** In the order of `shares`. */
  readonly #all: readonly Queue[]

  /** At most `sizeMax` rumours of each share wait; beyond it the most often sent of that share is dropped and counted. */
  constructor(sizeMax: number) {
    const [membership, state] = [new Queue(sizeMax), new Queue(sizeMax)]
    this.#queues = { membership, state, message: new Queue(Math.min(sizeMax, messagesMax)) }
    this.#all = shares.map((share) => this.#queues[share])
  }

  get size(): number {
    return this.#all.reduce((sum, { size }) => sum + size, 0)
  }

  get dropped(): number {
    return this.#all.reduce((sum, { dropped }) => sum + dropped, 0)
  }

  /**
   * `subject` names what the rumour is about: a later one with the same subject replaces it. A subject keeps to one
   * share. `bytes` is kept.
   */
  add(subject: string, bytes: Uint8Array, share: Share): void {
    this.#queues[share].add(subject, bytes)
  }

  /** Takes back what waits under exactly these subjects; what does not wait is passed over. */
  withdraw(subjects: readonly string[]): void {
    for (const subject of subjects) for (const queue of this.#all) queue.remove(subject)
  }

  clear(): void {
    for (const queue of this.#all) queue.clear()
  }

  /**
   * Rumours for one packet with `room` bytes left; each counts as sent once more and is dropped at `limit`.
   *
   * Alone, a share has all the room. While several wait, each is credited with a third of it (deficit round robin, after
   * Shreedhar and Varghese): what its next rumour is too long for is saved up for the packets that follow, so that a
   * long entry gets its turn among short claims, and the share with more credit goes first. Where rumours of several are
   * too long for one packet, all soon have saved as much as they may: of those the one that was left out of more packets
   * goes first, so that they take turns. What the shares leave goes to those sent least often of all and is charged to
   * nobody.
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
    const waiting = this.#all.filter(({ size }) => size > 0)
    const sure = Math.floor(filling.room / shares.length)
    for (const queue of this.#all) {
      const contends = waiting.length > 1 && queue.size > 0
      // More than a packet holds is no use, and would let a share that was kept waiting fill several in a row.
      queue.credit = contends ? Math.min(queue.credit + sure, packetBytesMax) : 0
      queue.leftOut = contends ? queue.leftOut + 1 : 0
    }
    if (waiting.length < 2) return
    const order = waiting.sort((a, b) => b.credit - a.credit || b.leftOut - a.leftOut)
    for (const queue of order) queue.takeOnCredit(filling)
  }

  #takeRest(filling: Filling): void {
    const looks = { left: looksMax }
    const tiers = Math.max(...this.#all.map(({ tiers }) => tiers))
    for (let tier = 0; tier < tiers && filling.left >= rumourBytesMin; tier++) {
      for (const queue of this.#all) queue.takeTier(tier, filling, looks)
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
  /** Packets in a row that it had to share with others and had nothing in. */
  leftOut = 0

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
    this.leftOut = 0
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
    this.leftOut = 0
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
