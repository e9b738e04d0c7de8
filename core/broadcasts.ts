/**
 * Messages to a topic: one rumour each, of its sender's own numbering, taken once by everybody who is there and kept by
 * nobody. They are bounded where they are sent and again wherever they are taken: a member that sends more than its share
 * is heard as far as the share goes, and no further.
 */

import { Allowance, Allowances } from './allowance.ts'
import { rumourBytesMax } from './codec.ts'
import { ShoalError } from './errors.ts'
import type { Query, SwimEvent } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import { checkTopic, decodeData, encodeData } from './message.ts'
import { leapMax, Numbers } from './numbers.ts'
import { encodeRumour, type MessageRecord, numberMax } from './rumour.ts'
import { messageSubject } from './rumours.ts'

/** What one member may send, in messages. A query counts as so many, since everybody answers it. */
const ownPerSecond = 50
const ownBurst = 200
const queryCost = 10
/** What is taken of one sender: more than it may send, since what waited on the way comes in a burst. */
const originPerSecond = 60
const originBurst = 300
/** ... of all together ... */
const allPerSecond = 2_000
const allBurst = 4_000
/** ... and of all those together whom this view does not hold: their greeting may be on its way, or they are made up. */
const strangersPerSecond = 20
const strangersBurst = 60
/** Senders whose numbers are remembered; of more, who was silent for longest is forgotten. */
const originsMax = 4096

interface BroadcastsOwner {
  spread(subject: string, bytes: Uint8Array): void
  tell(event: SwimEvent): void
  count(what: string): void
}

export class Broadcasts {
  readonly #self: PeerId
  readonly #members: Members
  readonly #owner: BroadcastsOwner
  readonly #own: Allowance
  readonly #origins = new Allowances(originPerSecond, originBurst)
  readonly #all: Allowance
  readonly #strangers: Allowance
  /** In the order in which they were last heard. */
  readonly #numbers = new Map<PeerId, Numbers>()
  #lastSeq = 0

  constructor(self: PeerId, members: Members, owner: BroadcastsOwner, now: number) {
    this.#self = self
    this.#members = members
    this.#owner = owner
    this.#own = new Allowance(ownPerSecond, ownBurst, now)
    this.#all = new Allowance(allPerSecond, allBurst, now)
    this.#strangers = new Allowance(strangersPerSecond, strangersBurst, now)
  }

  /**
   * Sends to everybody but this peer itself, or with `answerMs` asks everybody, this peer included, to answer within this time. Returns its
   * number. Throws `bad_option`, `bad_value`, `message_too_large` or `rate_limited`.
   */
  publish(topic: unknown, data: unknown, answerMs: number, now: number): number {
    const named = checkTopic(topic)
    const value = decodeData(encodeData(data))
    // Behind the last number comes the first: whoever hears that begins a new window.
    const seq = (this.#lastSeq % numberMax) + 1
    const bytes = encodeRumour({ type: 'message', id: this.#self, seq, topic: named, data: value, answerMs })
    if (bytes.length > rumourBytesMax) {
      throw new ShoalError(
        'message_too_large',
        `message: with its topic it takes ${bytes.length} bytes, at most ${rumourBytesMax} fit; nothing was sent`,
      )
    }
    if (!this.#own.take(answerMs > 0 ? queryCost : 1, now)) {
      throw new ShoalError(
        'rate_limited',
        `publish: at most ${ownPerSecond} messages a second, ${ownBurst} at once, a query counts as ${queryCost}; nothing was sent`,
      )
    }
    this.#lastSeq = seq
    this.#owner.count('messages_published')
    this.#owner.spread(messageSubject(this.#self, seq), bytes)
    // Its own answer counts as any other.
    if (answerMs > 0) this.#tellQuery({ from: this.#self, seq, topic: named, data: value, answerMs })
    return seq
  }

  /** `bytes` is borrowed. */
  receive(record: MessageRecord, bytes: Uint8Array, now: number): void {
    const { id, seq, topic, data, answerMs } = record
    if (id === this.#self) return this.#receiveOwn(seq)
    if (this.#numbers.get(id)?.has(seq)) return this.#owner.count('messages_repeated')
    if (!this.#mayTake(id, answerMs > 0 ? queryCost : 1, now)) return this.#owner.count('messages_refused')
    this.#numbersOf(id, seq).add(seq)
    this.#owner.count('messages_received')
    this.#owner.spread(messageSubject(id, seq), new Uint8Array(bytes))
    if (answerMs > 0) this.#tellQuery({ from: id, seq, topic, data, answerMs })
    else this.#owner.tell({ type: 'message', message: Object.freeze({ from: id, topic, data }) })
  }

  /** One in this peer's name that it has not sent: it goes on above it, or what it says next would count as seen. */
  #receiveOwn(seq: number): void {
    if (seq <= this.#lastSeq || seq - this.#lastSeq > leapMax) return
    this.#owner.count('messages_forged')
    this.#lastSeq = seq
  }

  #tellQuery(query: Query): void {
    this.#owner.tell({ type: 'query', query })
  }

  #mayTake(id: PeerId, cost: number, now: number): boolean {
    const known = this.#members.get(id) !== undefined
    if (!(known ? this.#origins.take(id, cost, now) : this.#strangers.take(cost, now))) return false
    return this.#all.take(cost, now)
  }

  #numbersOf(id: PeerId, seq: number): Numbers {
    const numbers = this.#numbers.get(id) ?? new Numbers(seq)
    this.#numbers.delete(id)
    if (this.#numbers.size >= originsMax) this.#numbers.delete(this.#numbers.keys().next().value!)
    this.#numbers.set(id, numbers)
    return numbers
  }
}
