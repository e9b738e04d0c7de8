/** One real peer among members that answer by a script: what it makes of their silence can be tried one by one. */

import type { Belief } from '../belief.ts'
import { decodePacket, type Header } from '../codec.ts'
import type { Config } from '../config.ts'
import { Deadlines } from '../deadlines.ts'
import { roomTag } from '../digest.ts'
import type { Endpoint, SwimEvent } from '../host.ts'
import { idFromBytes, idPrefix, type PeerId } from '../ids.ts'
import { randomBytes, seededRandom } from '../random.ts'
import { neighboursOf } from '../rings.plain.ts'
import { type AliveRecord, encodeRumour, type Rumour } from '../rumour.ts'
import { Swim } from '../swim.ts'
import { forge } from './forgery.ts'
import { simulatedRoom } from './world.ts'

const tag = roomTag(simulatedRoom)
/** Each answer comes after this long. */
export const rttMs = 20

export class Crowd {
  readonly self = idFromBytes(randomBytes(seededRandom(1), 16))
  readonly swim: Swim
  readonly sent: { to: Endpoint; header: Header; rumours: Rumour[] }[] = []
  /** Members that are gone. */
  readonly silent = new Set<number>()
  /** Endpoints where another lives now. */
  readonly denying = new Set<number>()
  /** Nothing gets to anybody. */
  silentAll = false
  /** Asked to help, true for those whom the asking does not reach. */
  mute: () => boolean = () => false
  /** Answers that arrived. */
  received = 0
  readonly statuses: string[] = []
  readonly #events: { type: string; name: string }[] = []
  readonly #answers = new Deadlines<() => void>()
  readonly #ids = new Map<number, PeerId>()
  readonly #size: number
  #now = 1_000_000

  constructor(size: number, config: Partial<Config> = {}) {
    this.#size = size
    this.swim = new Swim({
      id: this.self,
      name: 'self',
      user: null,
      mode: 'server',
      room: simulatedRoom,
      channels: [{ kind: 'udp', endpoint: 'udp:self', reach: 'any' }],
      random: seededRandom(3),
      host: {
        send: (to, packet) => this.#send(to, packet),
        dial() {},
        hangUp() {},
        signal() {},
        signalLost() {},
        notify: (event) => this.#notify(event),
      },
      now: this.#now,
      config,
    })
    this.swim.remember(
      Array.from({ length: size }, (_, n) => encodeRumour(this.recordOf(n))),
      this.#now,
    )
    this.statuses.length = 0
  }

  get now(): number {
    return this.#now
  }

  get health(): number {
    return this.swim.counters().health!
  }

  get usualRttMs(): number {
    return this.swim.usualRttMs
  }

  idOf(n: number): PeerId {
    const id = this.#ids.get(n) ?? idFromBytes(randomBytes(seededRandom(100 + n), 16))
    this.#ids.set(n, id)
    return id
  }

  endpoint(n: number): Endpoint {
    return `udp:${n}`
  }

  belief(n: number): Belief {
    return this.swim.beliefs.get(this.idOf(n))!
  }

  recordOf(n: number): AliveRecord {
    const endpoints = [this.endpoint(n)]
    return {
      type: 'alive',
      id: this.idOf(n),
      incarnation: 1,
      name: `m${n}`,
      user: null,
      mode: 'server',
      endpoints,
      floor: 0,
    }
  }

  /** Members that this peer is a witness of, or those that it is not. */
  witnesses(yes: boolean): number[] {
    const crowd = [...this.swim.beliefs.present()]
    const all = Array.from({ length: this.#size }, (_, n) => n)
    // The first few accuse.
    return all.filter((n) => n > 10 && neighboursOf(this.belief(n), crowd).all.has(this.self) === yes)
  }

  /** Of which members something was told, by name. */
  told(type: SwimEvent['type']): string[] {
    return this.#events.filter((event) => event.type === type).map(({ name }) => name)
  }

  /** A member sends these rumours. */
  hear(from: number, rumours: readonly Rumour[]): void {
    this.#receive(from, { kind: 'gossip' }, rumours)
  }

  /** A member says that it suspects another. */
  accuse(of: number, accuser: number): void {
    const { id, incarnation } = this.belief(of)
    this.hear(accuser, [{ type: 'suspect', id, incarnation, accuser: this.idOf(accuser) }])
  }

  /** A member says that it suspects this peer. */
  doubt(): void {
    const { id, incarnation } = this.swim.self()
    this.hear(7, [{ type: 'suspect', id, incarnation, accuser: this.idOf(7) }])
  }

  /** A member answers at last. */
  ack(from: number, seq: number): void {
    this.#receive(from, this.#ack(seq), [])
  }

  /** What was sent meanwhile. */
  during(run: () => void): { packets: Crowd['sent']; pinged: number[] } {
    const before = this.sent.length
    run()
    const packets = this.sent.slice(before)
    return {
      packets,
      pinged: packets.filter(({ header }) => header.kind === 'ping').map(({ to }) => Number(to.slice(4))),
    }
  }

  run(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const at = Math.min(this.#answers.next, this.swim.nextTimeout())
      if (at > until) break
      this.#step(at)
    }
    this.#now = until
  }

  /** Returns the time at which it was so. */
  runUntil(predicate: () => boolean, withinMs = 60_000): number {
    const until = this.#now + withinMs
    while (!predicate()) {
      if (this.#now > until) throw new Error(`not reached within ${withinMs} ms`)
      this.#step(Math.min(this.#answers.next, this.swim.nextTimeout()))
    }
    return this.#now
  }

  /** Long enough for everybody's round trip to be known. */
  warmUp(): void {
    this.run(20_000)
  }

  /** The next timer comes so much late, and nothing arrives before. */
  stall(ms: number): void {
    this.#now = this.swim.nextTimeout() + ms
    this.swim.tick(this.#now)
  }

  #step(at: number): void {
    this.#now = Math.max(this.#now, at)
    const answer = this.#answers.take(this.#now)
    if (answer) answer()
    else this.swim.tick(this.#now)
  }

  #notify(event: SwimEvent): void {
    if (event.type === 'status') this.statuses.push(event.status)
    else if ('member' in event) this.#events.push({ type: event.type, name: event.member.name })
  }

  #send(to: Endpoint, packet: Uint8Array): void {
    const { header, rumours } = decodePacket(packet, tag)!
    this.sent.push({ to, header, rumours: rumours.map(({ rumour }) => rumour) })
    const n = Number(to.slice(4))
    if (this.silentAll || this.silent.has(n)) return
    if (header.kind === 'ping') this.#answerPing(header, n)
    if (header.kind === 'pingReq') this.#help(header, n)
  }

  #answerPing(ping: Header & { kind: 'ping' }, n: number): void {
    const denies = this.denying.has(n) || ping.to !== idPrefix(this.idOf(n))
    this.#answer(n, rttMs, denies ? { kind: 'nack', seq: ping.seq } : this.#ack(ping.seq))
  }

  #help(request: Header & { kind: 'pingReq' }, n: number): void {
    if (this.mute()) return
    const target = [...this.#ids].find(([, id]) => id === request.target)![0]
    const isThere = !this.silent.has(target) && !this.denying.has(target)
    if (isThere) this.#answer(n, 2 * rttMs, this.#ack(request.seq))
    else this.#answer(n, rttMs + request.nackMs, { kind: 'nack', seq: request.seq })
  }

  /** Everybody's view is this peer's, so that there is nothing to sync. */
  #ack(seq: number): Header {
    return { kind: 'ack', seq, ...this.swim.beliefs.digest }
  }

  #answer(from: number, afterMs: number, header: Header): void {
    this.#answers.add(this.#now + afterMs, () => {
      if (this.silentAll) return
      this.received++
      this.#receive(from, header, [])
    })
  }

  #receive(from: number, header: Header, rumours: readonly Rumour[]): void {
    this.swim.receive(forge(rumours, header), this.endpoint(from), this.#now)
  }
}
