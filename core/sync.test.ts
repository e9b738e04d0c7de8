import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Answers, recordsFrom } from './answers.ts'
import { decodePacket, type Header, PacketWriter, rumourBytesMax } from './codec.ts'
import { defaultConfig } from './config.ts'
import { packetBytesMax } from './host.ts'
import { idFromBytes, type PeerId } from './ids.ts'
import { randomBytes, randomInt, seededRandom } from './random.ts'
import { encodeRumour, type Rumour } from './rumour.ts'
import { Self } from './self.ts'
import { Sync } from './sync.ts'
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

test('so do views that share little or nothing, of any size', () => {
  const sizes = fc.constantFrom(0, 1, 30, 64, 65, 200, 700)
  fc.assert(
    fc.property(sizes, sizes, sizes, fc.nat(), (ofOne, ofTwo, ofBoth, seed) => {
      const [one, two] = [new Side('one', seed), new Side('two', seed)]
      for (let i = 0; i < ofOne + ofTwo + ofBoth; i++) {
        if (i < ofOne + ofBoth) one.hear(alive(idOf(i), 1))
        if (i >= ofOne) two.hear(alive(idOf(i), 1))
      }
      one.syncWith(two)
      expect(one.finished).toEqual([true])
      expect(one.view.members.digest).toEqual(two.view.members.digest)
    }),
    { numRuns: 30 },
  )
})

test('one difference among 1,000 members costs four packets of 1,100 bytes in all', () => {
  const [one, two] = [new Side('one', 9), new Side('two', 9)]
  for (let i = 0; i < 1000; i++) for (const side of [one, two]) side.hear(alive(idOf(i), 1))
  one.syncWith(two)
  const [packets, bytes] = [one.packets + two.packets, one.bytes + two.bytes]
  two.hear(alive(idOf(1001), 1))
  one.finished.length = 0
  one.syncWith(two)
  expect(one.view.members.get(idOf(1001))).toBeDefined()
  expect(one.packets + two.packets - packets).toBe(4)
  expect(one.bytes + two.bytes - bytes).toBeLessThan(1100)
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

test('loss of 15 % each way ends no sync that has begun', () => {
  let begun = 0
  for (let seed = 0; seed < 50; seed++) {
    const [newcomer, member] = [new Side('newcomer', seed), new Side('member', seed)]
    for (let i = 0; i < 200; i++) member.hear(alive(idOf(i), 1))
    newcomer.syncWith(member, 0.15)
    // Where not even the first question was answered, the next seed or the next try is better.
    if (newcomer.packets === defaultConfig.syncAttemptsMax) continue
    begun++
    expect(newcomer.finished).toEqual([true])
    for (let i = 0; i < 200; i++) expect(newcomer.view.members.get(idOf(i))).toBeDefined()
  }
  expect(begun).toBeGreaterThan(40)
})

test('one who takes us for a stranger is asked in full packets, one who knows us is not', () => {
  const [ofStranger, ofMember] = [true, false].map((strange) => {
    const [newcomer, member] = [new Side('newcomer', 3), new Side('member', 3)]
    for (let i = 0; i < 1000; i++) member.hear(alive(idOf(i), 1))
    member.takesOthersForStrangers = strange
    newcomer.syncWith(member)
    expect(newcomer.finished).toEqual([true])
    expect(newcomer.view.members.size).toBe(1002)
    return newcomer.bytes / newcomer.packets
  })
  expect(ofStranger).toBeGreaterThan(1000)
  expect(ofMember).toBeLessThan(300)
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

test('an answer that is none to the question ends the session, and so does one that never gets ahead', () => {
  for (const answer of [
    { kind: 'parts', prefix: 'B', parts: new Uint8Array(384) },
    { kind: 'page', next: { id: idOf(1), version: 1 }, wants: new Uint8Array(0) },
  ] as const) {
    const one = new Side('one', 10)
    const other = new Side('other', 10)
    other.answerInstead = (seq) => ({ ...answer, seq })
    one.syncWith(other)
    expect([one.finished, one.sync.sessions, one.sync.requests]).toEqual([[false], 0, 0])
    expect(one.packets).toBeLessThan(10)
  }
})

test('an answer that nobody asked for changes nothing', () => {
  const one = new Side('one', 8)
  one.sync.receivePage({ kind: 'page', seq: 1, next: null, wants: new Uint8Array(16) }, 'sim:other', 40, 0)
  one.sync.receiveParts({ kind: 'parts', seq: 1, prefix: '', parts: new Uint8Array(384) }, 'sim:other', 0)
  expect([one.sync.sessions, one.finished]).toEqual([0, []])
})

/** One side of a sync: a view, and packets in real bytes to the other side. */
class Side {
  readonly view: View
  readonly sync: Sync
  readonly answers: Answers
  readonly finished: boolean[] = []
  lost = 0
  packets = 0
  bytes = 0
  /** Answers are no longer than the question was. */
  takesOthersForStrangers = false
  answerInstead: ((seq: number) => Header) | undefined
  readonly #name: string
  readonly #writer = new PacketWriter(tag)
  readonly #random: () => number
  readonly #wakes: { seq: number; at: number }[] = []
  #now = 0
  #other: Side | undefined
  #loss = 0

  constructor(name: string, seed: number) {
    this.#name = name
    this.#random = seededRandom(seed + name.length)
    const id = idOfName(name)
    const ignored = {
      spread() {},
      withdraw() {},
      suspected() {},
      displaced() {},
      usualRttMs: 0,
      accused() {},
      impersonated() {},
      notify() {},
      count() {},
    }
    this.view = new View(id, defaultConfig, ignored)
    new Self({ id, name, user: null, mode: 'server', endpoints: [] }, this.view.members, () => {}, 0)
    this.answers = new Answers(this.view.members)
    this.sync = new Sync(id, this.view.members, defaultConfig, {
      ask: (_to, header, padded) => {
        const left = this.#writer.begin(header)
        const pad = padded ? left - 2 : 0
        this.#transmit(header.kind === 'ranges' || header.kind === 'fetch' ? { ...header, pad } : header, [])
        return this.#writer.length
      },
      isStrange: (to) => this.view.members.get(idOfName(to.slice(4))) === undefined,
      helpers: () => [],
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
    this.sync.start(`sim:${other.#name}`, this.#now)
    while (this.finished.length === 0) {
      const next = this.#inFlight.shift()
      if (next) next()
      else {
        const wake = this.#wakes.sort((a, b) => a.at - b.at).shift()
        if (wake === undefined) throw new Error('the session has come to a standstill')
        this.#now = wake.at
        this.sync.wake(wake.seq, wake.at, this.#now)
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
    this.packets++
    this.bytes += packet.length
    const other = this.#other!
    const isLost = this.#random() < Math.max(this.#loss, other.#loss)
    if (isLost) this.lost++
    else this.#inFlight.push(() => other.#receive(packet, `sim:${this.#name}`))
  }

  #receive(packet: Uint8Array, from: string): void {
    const { header, rumours } = decodePacket(packet, tag)!
    for (const { rumour, bytes } of rumours) this.view.receive(rumour, bytes, 0)
    if (header.kind === 'parts') this.sync.receiveParts(header, from, this.#now)
    else if (header.kind === 'page') this.sync.receivePage(header, from, packet.length, this.#now)
    else if (header.kind === 'ranges' || header.kind === 'fetch') {
      this.#answer(header, this.takesOthersForStrangers ? packet.length : packetBytesMax)
    }
  }

  #answer(question: Header & { kind: 'ranges' | 'fetch' }, room: number): void {
    if (this.answerInstead) return this.#transmit(this.answerInstead(question.seq), [])
    const { header, records } =
      question.kind === 'fetch'
        ? this.answers.page(question, room)
        : { header: this.answers.parts(question.prefix, question.seq), records: [] }
    const left = this.#writer.begin(header)
    if (packetBytesMax - left <= room) this.#transmit(header, records)
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

function idOfName(name: string): PeerId {
  return idFromBytes(new TextEncoder().encode(name.padEnd(16)))
}
