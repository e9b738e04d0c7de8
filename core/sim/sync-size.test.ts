/** What a newcomer's sync costs in a large room: two real peers among members that are hardly more than records. */

import { expect, test } from 'vitest'
import { Answers } from '../answers.ts'
import { decodePacket, PacketWriter } from '../codec.ts'
import { Deadlines } from '../deadlines.ts'
import { roomTag } from '../digest.ts'
import { addressOf, type Endpoint, type Host, packetBytesMax } from '../host.ts'
import { idFromBytes } from '../ids.ts'
import { type Random, randomBytes, seededRandom } from '../random.ts'
import { encodeRumour } from '../rumour.ts'
import { Swim } from '../swim.ts'
import { requestsMax } from '../sync.ts'

const delayMs = 5
const loss = 0.05
const size = 5000
/** Besides the requests of a sync: one burst of rumours and one probe with its helpers. */
const othersInFlightMax = 8
const everybody = size + 1

test('a newcomer learns 5,000 members from several of them in about a second, with few packets in flight', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const net = new Net(seed)
    const { asked, newcomer } = net.largeRoom({ answering: 0.9 })
    expect(net.run(5_000, () => newcomer.beliefs.size === everybody)).toBeLessThan(1500)
    expect(newcomer.consistency().digest).toBe(asked.consistency().digest)
    // None of four does more than half of the work, and nobody is asked for the same thing again and again.
    expect(Math.max(...net.requests.values())).toBeLessThan(net.requestsSent / 2)
    expect(net.requestsSent).toBeLessThan(400)
    expect(net.bytes).toBeLessThan(500_000)
    expect(net.inFlightMax).toBeLessThanOrEqual(requestsMax + othersInFlightMax)
  }
})

test('where nobody answers but the one asked first, that one is enough', () => {
  for (let seed = 1; seed <= 3; seed++) {
    const net = new Net(seed)
    const { asked, newcomer } = net.largeRoom({ answering: 0 })
    expect(net.run(10_000, () => newcomer.beliefs.size === everybody)).toBeLessThan(4_000)
    expect(newcomer.consistency().digest).toBe(asked.consistency().digest)
    expect(net.requestsSent).toBeLessThan(400)
  }
})

test('a second seed helps the first and is then compared with, so what it alone knows is learnt as well', () => {
  for (let seed = 1; seed <= 3; seed++) {
    const net = new Net(seed)
    const { newcomer } = net.largeRoom({ answering: 0.9, seeds: ['seed', 'other'] })
    expect(net.run(10_000, () => newcomer.beliefs.size === everybody + 2)).toBeLessThan(4_000)
    expect(net.requestsSent).toBeLessThan(450)
  }
})

test('where the one asked first dies half-way, the others bring the rest', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const net = new Net(seed)
    const { newcomer } = net.largeRoom({ answering: 1 })
    net.run(5_000, () => newcomer.beliefs.size > size / 4)
    net.kill('udp:seed')
    expect(net.run(5_000, () => newcomer.beliefs.size === everybody)).toBeLessThan(1500)
  }
})

/**
 * Peers in virtual time. Every packet takes `delayMs` or is lost. Members without a peer of their own answer what a sync
 * asks, out of the seed's view, as far as they are in `standIns`; else they are silent.
 */
class Net {
  now = 1000
  bytes = 0
  inFlightMax = 0
  /** Sync requests of the newcomer by the endpoint that was asked. */
  readonly requests = new Map<Endpoint, number>()
  readonly #random: Random
  readonly #peers = new Map<Endpoint, Swim>()
  readonly #standIns = new Set<Endpoint>()
  readonly #arrivals = new Deadlines<() => void>()
  readonly #writer = new PacketWriter(roomTag('large'))
  #answers: Answers | undefined
  #inFlight = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /**
   * A newcomer, and seeds of which each knows `size` members with itself and the first knows no other seed. Of those
   * members a share answers. Each seed but the first knows one member that the others do not.
   */
  largeRoom({ answering, seeds = ['seed'] }: { answering: number; seeds?: string[] }): { asked: Swim; newcomer: Swim } {
    const [asked, ...others] = seeds.map((name) => this.#peer(name)) as [Swim, ...Swim[]]
    const endpoints = Array.from({ length: size - 1 }, (_, i) => `udp:10.0.${i >> 8}.${i & 255}:7946`)
    for (const endpoint of endpoints) if (this.#random() < answering) this.#standIns.add(endpoint)
    const records = endpoints.map((endpoint) => this.#record(endpoint))
    asked.remember(records, this.now)
    others.forEach((other, i) => {
      other.remember([...records, this.#record(`udp:10.1.0.${i}:7946`)], this.now)
    })
    for (const seed of [asked, ...others]) seed.join([], this.now)
    this.#answers = new Answers(asked.beliefs)
    const newcomer = this.#peer('newcomer')
    newcomer.join(
      seeds.map((name) => `udp:${name}`),
      this.now,
    )
    return { asked, newcomer }
  }

  /** From now on nobody answers there. */
  kill(endpoint: Endpoint): void {
    this.#peers.delete(endpoint)
  }

  get requestsSent(): number {
    return [...this.requests.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Runs until something is so, and returns how long that took. */
  run(forMs: number, until: () => boolean): number {
    const start = this.now
    while (!until()) {
      let at = this.#arrivals.next
      for (const peer of this.#peers.values()) at = Math.min(at, peer.nextTimeout())
      if (at > start + forMs) throw new Error(`not after ${forMs} ms`)
      this.now = at
      for (let arrive = this.#arrivals.take(at); arrive; arrive = this.#arrivals.take(at)) arrive()
      for (const peer of this.#peers.values()) if (peer.nextTimeout() <= at) peer.tick(at)
    }
    return this.now - start
  }

  #peer(name: string): Swim {
    const endpoint = `udp:${name}`
    const host: Host = {
      send: (to, packet) => this.#send(endpoint, to, packet),
      dial() {},
      hangUp() {},
      signal() {},
      signalLost() {},
      notify() {},
    }
    const swim = new Swim({
      id: idFromBytes(randomBytes(this.#random, 16)),
      name,
      user: null,
      mode: 'server',
      room: 'large',
      channels: [{ kind: 'udp', endpoint, reach: 'any' }],
      random: this.#random,
      host,
      now: this.now,
    })
    this.#peers.set(endpoint, swim)
    return swim
  }

  #record(endpoint: Endpoint): Uint8Array {
    return encodeRumour({
      type: 'alive',
      id: idFromBytes(randomBytes(this.#random, 16)),
      incarnation: 1,
      name: addressOf(endpoint),
      user: null,
      mode: 'server',
      endpoints: [endpoint],
      floor: 0,
    })
  }

  #send(from: Endpoint, to: Endpoint, packet: Uint8Array): void {
    const copy = new Uint8Array(packet)
    const isNewcomers = from === 'udp:newcomer' || to === 'udp:newcomer'
    if (isNewcomers) this.#count(copy, to)
    const isLost = this.#random() < loss
    this.#arrivals.add(this.now + delayMs, () => {
      if (isNewcomers) this.#inFlight--
      if (isLost) return
      if (this.#standIns.has(to)) this.#answer(copy, to, from)
      else this.#peers.get(to)?.receive(copy, from, this.now)
    })
  }

  #count(packet: Uint8Array, to: Endpoint): void {
    this.bytes += packet.length
    this.inFlightMax = Math.max(this.inFlightMax, ++this.#inFlight)
    const { header } = decodePacket(packet, roomTag('large'))!
    if (to === 'udp:newcomer' || (header.kind !== 'fetch' && header.kind !== 'ranges')) return
    this.requests.set(to, (this.requests.get(to) ?? 0) + 1)
  }

  /** What a member that holds the seed's view would answer. */
  #answer(packet: Uint8Array, self: Endpoint, asker: Endpoint): void {
    const { header } = decodePacket(packet, roomTag('large'))!
    if (header.kind !== 'fetch') return
    const { header: page, records } = this.#answers!.page(header, packetBytesMax)
    this.#writer.begin(page)
    for (const record of records) this.#writer.add(record)
    this.#send(self, asker, this.#writer.finish())
  }
}
