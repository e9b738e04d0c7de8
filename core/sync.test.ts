import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodePacket, type Header, PacketWriter, rumourBytesMax } from './codec.ts'
import { defaultConfig } from './config.ts'
import { packetBytesMax } from './host.ts'
import { idFromBytes, type PeerId } from './ids.ts'
import { randomBytes, randomInt, seededRandom } from './random.ts'
import { encodeRumour, type Rumour } from './rumour.ts'
import { Self } from './self.ts'
import { recordsFrom, Sync } from './sync.ts'
import { View } from './view.ts'

const tag = 7

test('two views that differ in anything agree after one sync', () => {
  const facts = fc.array(
    fc.record({ member: fc.nat(60), incarnation: fc.integer({ min: 1, max: 3 }), version: fc.nat(4), at: fc.nat(2) }),
    { maxLength: 120 },
  )
  fc.assert(
    fc.property(facts, fc.nat(), (all, seed) => {
      const [one, two] = [new Side('one', seed), new Side('two', seed)]
      for (const { member, incarnation, version, at } of all) {
        const id = idOf(member)
        for (const side of [one, two].filter((_, i) => at === 2 || at === i)) {
          side.hear(alive(id, incarnation))
          if (version > 0)
            side.hear({ type: 'entry', id, key: `k${version % 2}`, version, volatile: false, value: version })
        }
      }
      one.syncWith(two)
      expect(one.finished).toEqual([true])
      expect(one.view.members.digest).toEqual(two.view.members.digest)
    }),
    { numRuns: 100 },
  )
})

test('a newcomer learns a room of 1,000 in one sync, in answers that fit packets', () => {
  const [newcomer, member] = [new Side('newcomer', 1), new Side('member', 1)]
  const random = seededRandom(1)
  for (let i = 0; i < 1000; i++) {
    const id = idFromBytes(randomBytes(random, 16))
    member.hear(alive(id, 1))
    member.hear({ type: 'entry', id, key: 'k', version: 1, volatile: false, value: 'x'.repeat(randomInt(random, 300)) })
  }
  newcomer.syncWith(member)
  expect(newcomer.finished).toEqual([true])
  expect(newcomer.view.members.size).toBe(1002)
  expect(newcomer.view.members.digest).toEqual(member.view.members.digest)
})

test('lost requests and answers are asked for again', () => {
  const [one, two] = [new Side('one', 5), new Side('two', 5)]
  for (let i = 0; i < 200; i++) (i % 2 ? one : two).hear(alive(idOf(i), 1))
  one.syncWith(two, 0.05)
  expect(one.finished).toEqual([true])
  expect(one.lost).toBeGreaterThan(0)
  for (let i = 0; i < 200; i++) expect(one.view.members.get(idOf(i))).toBeDefined()
})

test('an answerer that falls silent is given up after a bounded number of requests', () => {
  const [one, two] = [new Side('one', 6), new Side('two', 6)]
  for (let i = 0; i < 200; i++) two.hear(alive(idOf(i), 1))
  one.syncWith(two, 1)
  expect(one.finished).toEqual([false])
  expect(one.sync.sessions).toBe(0)
  expect(one.lost).toBe(defaultConfig.syncAttemptsMax)
})

test('a member whose record is as long as a rumour may be does not stand in the way of others', () => {
  const [one, two] = [new Side('one', 7), new Side('two', 7)]
  const endpoints = [...'abcdefgh'].map((kind) => `${kind}:${'x'.repeat(114)}`)
  const longest = { ...alive(idOf(3), 1), name: 'n'.repeat(64), user: 'u'.repeat(116), endpoints }
  expect(encodeRumour(longest)).toHaveLength(rumourBytesMax)
  for (let i = 0; i < 20; i++) two.hear(i === 3 ? longest : alive(idOf(i), 1))
  one.syncWith(two)
  for (let i = 0; i < 20; i++) expect(one.view.members.get(idOf(i))).toBeDefined()
})

test('an answer that nobody asked for changes nothing', () => {
  const one = new Side('one', 8)
  one.sync.receivePage({ kind: 'page', seq: 1, next: null, wants: new Uint8Array(16) }, 'sim:other', 0)
  one.sync.receiveParts({ kind: 'parts', seq: 1, prefix: '', parts: new Uint8Array(384) }, 'sim:other', 0)
  expect([one.sync.sessions, one.finished]).toEqual([0, []])
})

/** One side of a sync: a view, and packets in real bytes to the other side. */
class Side {
  readonly view: View
  readonly sync: Sync
  readonly finished: boolean[] = []
  lost = 0
  readonly #name: string
  readonly #writer = new PacketWriter(tag)
  readonly #random: () => number
  readonly #wakes: { seq: number; at: number }[] = []
  #other: Side | undefined
  #loss = 0

  constructor(name: string, seed: number) {
    this.#name = name
    this.#random = seededRandom(seed + name.length)
    const id = idFromBytes(new TextEncoder().encode(name.padEnd(16)))
    const ignored = { spread() {}, suspected() {}, accused() {}, notify() {}, count() {} }
    this.view = new View(id, defaultConfig, ignored)
    new Self({ id, name, user: null, mode: 'server', endpoints: [] }, this.view.members, () => {}, 0)
    this.sync = new Sync(id, this.view.members, defaultConfig, {
      ask: (_to, header) => this.#transmit(header, []),
      push: (_to, ids) => {
        for (const one of ids) this.#push(one)
      },
      wake: (seq, at) => this.#wakes.push({ seq, at }),
      finished: (complete) => {
        this.finished.push(complete)
      },
      nextSeq: () => randomInt(this.#random, 0x1_0000_0000),
    })
  }

  hear(rumour: Rumour): void {
    this.view.receive(rumour, encodeRumour(rumour), 0)
  }

  /** Runs a session to its end; a timer fires only where nothing else is left to happen. */
  syncWith(other: Side, loss = 0): void {
    this.#other = other
    other.#other = this
    this.#loss = loss
    this.#inFlight = []
    other.#inFlight = this.#inFlight
    this.sync.start(`sim:${other.#name}`, 0)
    for (let now = 0; this.finished.length === 0; ) {
      const next = this.#inFlight.shift()
      if (next) next()
      else {
        const wake = this.#wakes.shift()
        if (wake === undefined) throw new Error('the session has come to a standstill')
        now = Math.max(now, wake.at)
        this.sync.wake(wake.seq, wake.at, now)
      }
    }
    for (let next = this.#inFlight.shift(); next; next = this.#inFlight.shift()) next()
  }

  #inFlight: (() => void)[] = []

  #transmit(header: Header, records: readonly Uint8Array[]): void {
    this.#writer.begin(header)
    for (const bytes of records) {
      expect(this.#writer.length + bytes.length).toBeLessThanOrEqual(packetBytesMax)
      this.#writer.add(bytes)
    }
    const packet = new Uint8Array(this.#writer.finish())
    const other = this.#other!
    const isLost = this.#random() < Math.max(this.#loss, other.#loss)
    if (isLost) this.lost++
    else this.#inFlight.push(() => other.#receive(packet, `sim:${this.#name}`))
  }

  #receive(packet: Uint8Array, from: string): void {
    const { header, rumours } = decodePacket(packet, tag)!
    for (const { rumour, bytes } of rumours) this.view.receive(rumour, bytes, 0)
    if (header.kind === 'parts') this.sync.receiveParts(header, from, 0)
    else if (header.kind === 'page') this.sync.receivePage(header, from, 0)
    else if (header.kind === 'ranges') this.#transmit(this.sync.parts(header.prefix, header.seq), [])
    else if (header.kind === 'fetch') {
      const { header: answer, records } = this.sync.page(header, packetBytesMax)
      this.#transmit(answer, records)
    }
  }

  #push(id: PeerId): void {
    for (const { bytes } of recordsFrom(this.view.members.get(id)!, 0)) this.#transmit({ kind: 'gossip' }, [bytes])
  }
}

function alive(id: PeerId, incarnation: number): Rumour & { type: 'alive' } {
  return { type: 'alive', id, incarnation, name: 'n', user: null, mode: 'server', endpoints: [], floor: 0 }
}

function idOf(n: number): PeerId {
  return idFromBytes(randomBytes(seededRandom(n + 100), 16))
}
