/**
 * What one member says to another. A letter is acknowledged by the peer it is for, and repeated by other ways until it is:
 * directly, over links of others, by the server, by way of a courier. So it reaches everybody in the view, also one that
 * shares no channel with its sender:
 *
 *     tab                gateway             process
 *      | -- letter ------> | -- letter ------> |      passed on by whoever is nearer, a few times at most
 *      | <------- letter - | <------- letter - |      the ack, handed to whoever brought the letter
 *
 * The first that gets it sees that its sender lives where the packet came from. What couriers say they cannot prove.
 */

import { Allowance, Allowances } from './allowance.ts'
import type { Belief } from './belief.ts'
import type { Header, LetterRole } from './codec.ts'
import { Couriers } from './couriers.ts'
import { ShoalError } from './errors.ts'
import type { Endpoint, SwimEvent } from './host.ts'
import { isPeerId, type PeerId } from './ids.ts'
import type { Members } from './members.ts'
import { decodeData, encodeData } from './message.ts'
import { shown } from './options.ts'
import type { Outbox } from './outbox.ts'
import type { Paths } from './paths.ts'
import type { Random } from './random.ts'

const attemptsMax = 4
/** Until the second attempt, and longer by as much each time: 3 s in all. */
const ackTimeoutMs = 300
/** Letters that wait for their ack; answers to queries take half of these at most. */
const waitingMax = 512
/** What one member may send, in letters; answers to queries besides. */
const ownPerSecond = 50
const ownBurst = 250
const answersPerSecond = 20
const answersBurst = 100
/** What is taken of one sender, and what is passed on for one: more than it may send, for what is repeated. */
const sourcePerSecond = 100
const sourceBurst = 500
/** What is passed on that comes by one neighbour, and for all; acks count here alone. */
const linkPerSecond = 250
const linkBurst = 1_000
const allPerSecond = 500
const allBurst = 2_000
/** How many pass a letter on. */
const hopsMax = 4
/** What is taken of all senders together ... */
const takenPerSecond = 2_000
const takenBurst = 8_000
/** ... and remembered, so that a repeated one is not told again: all that is taken in four seconds, since one may come again for three. */
const takenMax = 16_384

type Letter = Header & { kind: 'letter' }

interface Waiting {
  /** What the receipt is told by; undefined where nobody wants one. */
  readonly ref: number | undefined
  readonly letter: Letter
  attempts: number
  /** Couriers, and first hops on the mesh, that were tried. */
  readonly couriers: Set<PeerId>
  readonly hops: Set<number>
}

interface LettersOwner {
  wake(seq: number, at: number): void
  nextSeq(): number
  tell(event: SwimEvent): void
  count(what: string): void
}

export class Letters {
  readonly #self: PeerId
  readonly #members: Members
  readonly #paths: Paths
  readonly #outbox: Outbox
  readonly #couriers: Couriers
  readonly #owner: LettersOwner
  readonly #own: Allowance
  readonly #answers: Allowance
  readonly #senders = new Allowances(sourcePerSecond, sourceBurst)
  readonly #sources = new Allowances(sourcePerSecond, sourceBurst)
  readonly #links = new Allowances(linkPerSecond, linkBurst)
  readonly #all: Allowance
  readonly #waiting = new Map<number, Waiting>()
  readonly #taking: Allowance
  readonly #taken = new Set<string>()

  constructor(
    self: PeerId,
    members: Members,
    paths: Paths,
    outbox: Outbox,
    random: Random,
    owner: LettersOwner,
    now: number,
  ) {
    this.#self = self
    this.#members = members
    this.#paths = paths
    this.#outbox = outbox
    this.#couriers = new Couriers(members, paths, random)
    this.#owner = owner
    this.#own = new Allowance(ownPerSecond, ownBurst, now)
    this.#answers = new Allowance(answersPerSecond, answersBurst, now)
    this.#all = new Allowance(allPerSecond, allBurst, now)
    this.#taking = new Allowance(takenPerSecond, takenBurst, now)
  }

  /** Throws `bad_option`, `bad_value`, `message_too_large` or `rate_limited`; a `receipt` tells how it went. */
  send(ref: number, to: PeerId, data: unknown, now: number): void {
    if (!isPeerId(to)) {
      throw new ShoalError(
        'bad_option',
        `send: expected the id of a member (member.id), got ${shown(to)}; nothing was sent`,
      )
    }
    const bytes = encodeData(data)
    // Who sends cannot know who has just gone: that is no mistake, only no receipt.
    if (!this.#members.get(to)?.present) return this.#owner.tell({ type: 'receipt', ref, arrived: false })
    if (this.#waiting.size >= waitingMax || !this.#own.take(1, now)) {
      throw new ShoalError(
        'rate_limited',
        `send: at most ${ownPerSecond} messages a second, ${ownBurst} at once, ${waitingMax} unacknowledged; nothing was sent`,
      )
    }
    this.#owner.count('letters_sent')
    if (to !== this.#self) return this.#begin(ref, to, 'message', 0, bytes, now)
    this.#owner.tell({ type: 'message', message: Object.freeze({ from: to, data: decodeData(bytes) }) })
    this.#owner.tell({ type: 'receipt', ref, arrived: true })
  }

  /** Answers a query; what cannot be sent is counted. Throws `bad_value` or `message_too_large`. */
  answer(to: PeerId, re: number, data: unknown, now: number): void {
    const bytes = encodeData(data)
    if (to === this.#self) return this.#owner.tell({ type: 'answer', from: to, seq: re, data: decodeData(bytes) })
    const isPresent = this.#members.get(to)?.present === true
    if (!isPresent || this.#waiting.size >= waitingMax / 2 || !this.#answers.take(1, now)) {
      return this.#owner.count('answers_dropped')
    }
    this.#owner.count('answers_sent')
    this.#begin(undefined, to, 'answer', re, bytes, now)
  }

  /** One that has come, for this peer or for another. */
  receive(letter: Letter, from: Endpoint, now: number): void {
    const bringer = this.#members.at(from)
    const sender = this.#members.get(letter.from)
    // Only the first to get it can tell whether it is the sender's own word.
    if (!bringer || !sender?.present || sender.id === this.#self || (letter.hops === 0 && bringer !== sender)) {
      return this.#owner.count('letters_foreign')
    }
    if (letter.to !== this.#self) return this.#pass(letter, bringer, now)
    if (letter.role === 'ack') return this.#acknowledged(letter)
    if (!this.#senders.take(letter.from, 1, now)) return this.#owner.count('letters_refused')
    this.#take(letter, from, now)
  }

  /** No ack in time. */
  expire(seq: number, now: number): void {
    const waiting = this.#waiting.get(seq)
    if (waiting && (waiting.attempts >= attemptsMax || !this.#try(waiting, now))) this.#end(seq, waiting, false)
  }

  #begin(
    ref: number | undefined,
    to: PeerId,
    role: LetterRole,
    re: number,
    data: Uint8Array | null,
    now: number,
  ): void {
    const seq = this.#owner.nextSeq()
    const letter: Letter = { kind: 'letter', from: this.#self, to, seq, hops: 0, role, re, data }
    const waiting = { ref, letter, attempts: 0, couriers: new Set([this.#self]), hops: new Set<number>() }
    this.#waiting.set(seq, waiting)
    this.#try(waiting, now)
  }

  /** False where the member is gone. */
  #try(waiting: Waiting, now: number): boolean {
    const { letter, couriers, hops } = waiting
    const target = this.#members.get(letter.to)
    if (!target?.present) return false
    waiting.attempts++
    if (waiting.attempts > 1) this.#owner.count('letters_repeated')
    const way = this.#way(target, waiting.attempts, couriers)
    const first = way === undefined ? undefined : this.#outbox.forward(letter, way, hops)
    if (first !== undefined) hops.add(first)
    this.#owner.wake(letter.seq, now + ackTimeoutMs * waiting.attempts)
    return true
  }

  /** Each attempt by another way, as far as there are any. */
  #way(target: Belief, attempt: number, tried: Set<PeerId>): Endpoint | undefined {
    const direct = this.#paths.to(target)
    if (direct !== undefined) {
      if (attempt % 2 === 1) return direct
      const other = this.#paths.besides(direct, target)
      if (attempt === 2 && (other !== direct || this.#paths.isByOthers(direct))) return other
    }
    const courier = this.#couriers.to(target, tried)
    // With all of them tried, any may be tried again.
    if (courier === undefined && direct === undefined && tried.size > 1) {
      tried.clear()
      tried.add(this.#self)
      return this.#way(target, attempt, tried)
    }
    if (courier === undefined) return direct
    tried.add(courier.id)
    return this.#paths.to(courier)
  }

  #take(letter: Letter, from: Endpoint, now: number): void {
    const { from: sender, seq, role, re } = letter
    const key = `${sender}${seq}`
    const isKnown = this.#taken.has(key)
    if (!isKnown && !this.#taking.take(1, now)) return this.#owner.count('letters_refused')
    let data: unknown
    try {
      data = decodeData(letter.data)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      return this.#owner.count('letters_malformed')
    }
    // By whoever brought it, who knows a way; and each time, since the ack before may be what was lost.
    const ack: Letter = { ...letter, from: this.#self, to: sender, hops: 0, role: 'ack', re: 0, data: null }
    this.#outbox.forward(ack, from)
    if (isKnown) return this.#owner.count('letters_known')
    if (this.#taken.size >= takenMax) this.#taken.delete(this.#taken.keys().next().value!)
    this.#taken.add(key)
    this.#owner.count('letters_received')
    if (role === 'answer') this.#owner.tell({ type: 'answer', from: sender, seq: re, data })
    else this.#owner.tell({ type: 'message', message: Object.freeze({ from: sender, data }) })
  }

  #acknowledged({ from, seq }: Letter): void {
    const waiting = this.#waiting.get(seq)
    if (waiting?.letter.to === from) this.#end(seq, waiting, true)
  }

  #end(seq: number, { ref }: Waiting, arrived: boolean): void {
    this.#waiting.delete(seq)
    this.#owner.count(arrived ? 'letters_acknowledged' : 'letters_lost')
    if (ref !== undefined) this.#owner.tell({ type: 'receipt', ref, arrived })
  }

  /** For another: straight to it, or to one who is nearer, and never back. */
  #pass(letter: Letter, bringer: Belief, now: number): void {
    const target = this.#members.get(letter.to)
    if (!target?.present || letter.hops >= hopsMax) return this.#owner.count('letters_stranded')
    // Before a way is looked for, which may take a look at everybody.
    if (!this.#mayCarry(letter, bringer.id, now)) return this.#owner.count('letters_refused')
    const way = this.#wayOn(target, letter.from, bringer)
    if (way === undefined) return this.#owner.count('letters_stranded')
    this.#owner.count('letters_carried')
    this.#outbox.forward({ ...letter, hops: letter.hops + 1 }, way)
  }

  #wayOn(target: Belief, from: PeerId, bringer: Belief): Endpoint | undefined {
    const direct = this.#paths.to(target)
    if (direct !== undefined) return direct
    const courier = this.#couriers.to(target, new Set([this.#self, from, bringer.id]))
    return courier && this.#paths.to(courier)
  }

  #mayCarry({ from, role }: Letter, bringer: PeerId, now: number): boolean {
    if (role !== 'ack' && !this.#sources.take(from, 1, now)) return false
    return this.#links.take(bringer, 1, now) && this.#all.take(1, now)
  }
}
