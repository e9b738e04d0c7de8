import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { decodePacket, type Header } from './codec.ts'
import { type Config, defaultConfig } from './config.ts'
import { Deadlines } from './deadlines.ts'
import { Detector, type Failure } from './detector.ts'
import { roomTag } from './digest.ts'
import type { Endpoint } from './host.ts'
import { idFromBytes, idPrefix, type PeerId } from './ids.ts'
import { Members } from './members.ts'
import { Outbox } from './outbox.ts'
import { Paths } from './paths.ts'
import { seededRandom } from './random.ts'

const tag = roomTag('detector')
const self = idOf(1)
/** The member that is probed, and where it lives. */
const target = idOf(2)
const home = 'udp:2'

// One probe

test('a member that acks in time has not failed, and its round trip is measured', () => {
  const bench = benchOf(6)
  expect(bench.detector.probe(target, 0)).toBe(true)
  expect(bench.sent).toEqual([
    { at: 0, to: home, header: expect.objectContaining({ kind: 'ping', to: idPrefix(target) }) },
  ])
  bench.run(80)
  expect(bench.ack(0)).toMatchObject({ belief: { id: target }, rttMs: 80, inTime: true })
  bench.run(20_000)
  expect(bench.sent).toHaveLength(1)
  expect(bench.failures).toEqual([])
})

test('without an ack it tries again itself and asks three others, all under one other number', () => {
  const bench = benchOf(8)
  bench.detector.probe(target, 0)
  bench.run(499)
  expect(bench.sent).toHaveLength(1)
  bench.run(1)
  const [first, again, ...asked] = bench.sent
  expect(again).toMatchObject({ at: 500, to: home, header: { kind: 'ping' } })
  const { seq } = again!.header as Header & { kind: 'ping' }
  expect(seq).not.toBe((first!.header as Header & { kind: 'ping' }).seq)
  expect(asked.map(({ header }) => header)).toEqual(
    Array(3).fill(expect.objectContaining({ kind: 'pingReq', seq, target })),
  )
  expect(new Set(asked.map(({ to }) => to)).size).toBe(3)
  expect(asked.map(({ to }) => to)).not.toContain(home)
})

test('only members that are alive and share a kind of channel with the target are asked', () => {
  const bench = benchOf(5)
  bench.belief(idOf(3)).status = 'suspect'
  bench.belief(idOf(4)).record = { ...bench.belief(idOf(4)).record!, endpoints: ['radio:4'] }
  bench.detector.probe(target, 0)
  bench.run(500)
  expect(bench.sent.slice(2).map(({ to }) => to)).toEqual(['udp:5'])
})

test('a probe has failed after the ack timeout and twice as long for the second attempt', () => {
  const bench = benchOf(6)
  bench.run(1_000)
  bench.detector.probe(target, 1_000)
  bench.run(1_499)
  expect(bench.failures).toEqual([])
  bench.run(1)
  expect(bench.failures).toMatchObject([{ at: 2_500, id: target, sentAt: 1_000, helpers: 3, nacks: 0, denied: false }])
  bench.run(60_000)
  expect(bench.failures).toHaveLength(1)
})

test('where nobody can be asked, the second attempt is its own', () => {
  const bench = benchOf(2)
  bench.detector.probe(target, 0)
  bench.run(1_500)
  expect(bench.sent.map(({ to }) => to)).toEqual([home, home])
  expect(bench.failures).toMatchObject([{ helpers: 0, nacks: 0 }])
})

test('an ack of the second attempt, by whatever way, proves life and says nothing about the round trip', () => {
  const bench = benchOf(6)
  bench.detector.probe(target, 0)
  bench.run(700)
  expect(bench.ack(1)).toMatchObject({ belief: { id: target }, rttMs: undefined, inTime: true })
  expect(bench.detector.usual.medianMs).toBeUndefined()
  bench.run(20_000)
  expect(bench.failures).toEqual([])
})

test('the ack of the first ping is still measured when that of the second was faster', () => {
  const bench = benchOf(6)
  bench.detector.probe(target, 0)
  bench.run(700)
  bench.ack(1)
  bench.run(50)
  expect(bench.ack(0)).toMatchObject({ rttMs: 750 })
  expect(bench.detector.usual.medianMs).toBe(750)
})

// Late acks

test('an ack that comes within ten seconds of the failure still counts, and is measured, but was not in time', () => {
  const bench = benchOf(6)
  bench.detector.probe(target, 0)
  bench.run(9_000)
  expect(bench.failures).toHaveLength(1)
  expect(bench.ack(0)).toMatchObject({ belief: { id: target }, rttMs: 9_000, inTime: false })
  expect(bench.counts).toEqual([])
})

test('an ack that comes later than that, twice, or of nothing that was asked is counted and is no proof of life', () => {
  const bench = benchOf(6)
  bench.detector.probe(target, 0)
  bench.run(11_501)
  expect(bench.ack(0)).toBeUndefined()
  bench.detector.probe(target, bench.now)
  expect(bench.ack(-1)).toBeDefined()
  expect(bench.ack(-1)).toBeUndefined()
  expect(bench.detector.receiveAck({ kind: 'ack', seq: 4_000_000, hi: 0, lo: 0 }, true, bench.now)).toBeUndefined()
  expect(bench.counts).toEqual(['acks_late', 'acks_late', 'acks_late'])
})

// Nacks

test('nacks say how many of those asked had heard the asking: each counts once, a stranger not at all', () => {
  const bench = benchOf(8)
  bench.detector.probe(target, 0)
  bench.run(600)
  const { seq } = bench.sent[1]!.header as Header & { kind: 'ping' }
  const [one, two, three] = bench.sent.slice(2).map(({ to }) => to)
  const stranger = [3, 4, 5, 6, 7, 8].map((n) => `udp:${n}`).find((to) => ![one, two, three].includes(to))!
  const told = [one!, one!, two!, stranger].map((from) =>
    bench.detector.receiveNack({ kind: 'nack', seq }, from, bench.now),
  )
  expect(told).toEqual([true, true, true, false])
  bench.run(1_000)
  expect(bench.failures).toMatchObject([{ helpers: 3, nacks: 2, denied: false }])
})

test('a nack from where the member is said to live ends the probe at once: another lives there now', () => {
  for (const attempt of [0, 1]) {
    const bench = benchOf(6)
    bench.detector.probe(target, 0)
    bench.run(attempt === 0 ? 20 : 520)
    const { seq } = bench.sent[attempt]!.header as Header & { kind: 'ping' }
    expect(bench.detector.receiveNack({ kind: 'nack', seq }, home, bench.now)).toBe(true)
    expect(bench.failures).toMatchObject([{ at: bench.now, id: target, denied: true }])
    bench.detector.receiveNack({ kind: 'nack', seq }, home, bench.now)
    bench.run(20_000)
    expect(bench.failures).toHaveLength(1)
  }
})

test('a denial of nothing that was asked, or from elsewhere before anybody was asked, says nothing', () => {
  const bench = benchOf(6)
  bench.detector.probe(target, 0)
  const { seq } = bench.sent[0]!.header as Header & { kind: 'ping' }
  expect(bench.detector.receiveNack({ kind: 'nack', seq: seq + 1_000 }, home, 1)).toBe(false)
  expect(bench.detector.receiveNack({ kind: 'nack', seq }, 'udp:5', 1)).toBe(false)
  expect(bench.failures).toEqual([])
})

test('helpers are given four fifths of the time that is left to them, less the way to them', () => {
  const bench = benchOf(6)
  bench.detector.probe(target, 0)
  bench.run(500)
  const nackMs = () => bench.sent.flatMap(({ header }) => (header.kind === 'pingReq' ? [header.nackMs] : []))
  expect(nackMs()).toEqual([800, 800, 800])
  bench.detector.usual.take(100)
  bench.sent.length = 0
  bench.detector.probe(idOf(3), bench.now)
  bench.run(300)
  // Twice 300 ms, less 100 ms.
  expect(nackMs()).toEqual([400, 400, 400])
})

// Timeouts

test.each([
  ['a round trip of 50 ms', 50, 150],
  ['a round trip of 2 ms: never less than the floor', 2, 100],
  ['a round trip of 1,500 ms: never more than the ceiling', 1_500, 2_000],
])('how long an answer may take follows %s', (_name, rttMs, timeoutMs) => {
  const bench = benchOf(6)
  bench.belief(target).measure(rttMs)
  bench.detector.probe(target, 0)
  expect(bench.attemptAfterMs()).toBe(timeoutMs)
})

test('of a member that was never measured, what is usual is expected', () => {
  const bench = benchOf(6)
  bench.detector.probe(idOf(3), 0)
  bench.run(60)
  bench.ack(0)
  bench.sent.length = 0
  bench.detector.probe(target, bench.now)
  expect(bench.attemptAfterMs()).toBe(180)
})

test('a steady way is given less and less time, one whose length changes more', () => {
  const steady = benchOf(6)
  const uneven = benchOf(6)
  for (let i = 0; i < 30; i++) {
    steady.belief(target).measure(200)
    uneven.belief(target).measure(i % 2 === 0 ? 100 : 300)
  }
  for (const bench of [steady, uneven]) bench.detector.probe(target, 0)
  const [short, long] = [steady.attemptAfterMs(), uneven.attemptAfterMs()]
  expect(short).toBeLessThan(210)
  expect(long).toBeGreaterThan(500)
})

test('whoever doubts itself waits longer, beyond the ceiling too', () => {
  for (const [rttMs, timeoutMs] of [
    [50, 450],
    [1_500, 6_000],
  ] as const) {
    const bench = benchOf(6)
    bench.stretch = 3
    bench.belief(target).measure(rttMs)
    bench.detector.probe(target, 0)
    expect(bench.attemptAfterMs()).toBe(timeoutMs)
  }
})

test('a room set up to wait less than the floor waits that much', () => {
  const bench = benchOf(6, { ackTimeoutMs: 30 })
  bench.detector.probe(target, 0)
  expect(bench.attemptAfterMs()).toBe(30)
})

test('about whom only a server leads to two processes are asked besides: they are on servers that tabs are not on', () => {
  for (const [kind, most] of [
    ['relay', 2],
    ['udp', 0],
  ] as const) {
    const bench = benchOf(300, {}, kind)
    const processes = [297, 298, 299, 300]
    for (let n = 2; n < 297; n++) {
      const belief = bench.belief(idOf(n))
      belief.record = { ...belief.record!, mode: 'visible' }
    }
    bench.belief(idOf(300)).status = 'suspect'
    bench.detector.helped(idOf(299))
    bench.detector.probe(target, 0)
    bench.run(600)
    const asked = bench.sent.filter(({ header }) => header.kind === 'pingReq').map(({ to }) => to)
    expect(new Set(asked).size).toBe(asked.length)
    expect(asked.filter((to) => processes.some((n) => to === `${kind}:${n}`))).toHaveLength(most)
    expect(asked).toHaveLength(3 + most)
    expect(asked).not.toContain(`${kind}:300`)
    // Who helped last is the first of the two.
    expect(asked.includes(`${kind}:299`)).toBe(kind === 'relay')
  }
})

// What is probed, and how many at a time

test('a member that is being probed is not probed a second time; once that has failed it may be', () => {
  const bench = benchOf(6)
  expect([bench.detector.probe(target, 0), bench.detector.probe(target, 1)]).toEqual([true, true])
  expect(bench.sent).toHaveLength(1)
  bench.run(1_500)
  bench.sent.length = 0
  expect(bench.detector.probe(target, bench.now)).toBe(true)
  expect(bench.sent).toHaveLength(1)
})

test('nobody probes itself, whom it does not know, who is gone, or who cannot be reached', () => {
  const bench = benchOf(6)
  bench.belief(idOf(3)).status = 'dead'
  bench.belief(idOf(4)).record = { ...bench.belief(idOf(4)).record!, endpoints: ['radio:4'] }
  for (const id of [self, idOf(99), idOf(3), idOf(4)]) {
    expect([bench.detector.mayProbe(id), bench.detector.probe(id, 0)]).toEqual([false, false])
  }
  expect(bench.sent).toEqual([])
})

test('a member that goes while it is being probed has not failed to answer', () => {
  for (const ms of [100, 900]) {
    const bench = benchOf(6)
    bench.detector.probe(target, 0)
    bench.run(ms)
    bench.belief(target).status = 'left'
    bench.run(20_000)
    expect(bench.failures).toEqual([])
  }
})

test('after an absence no silence means anything: what was under way neither fails nor is answered', () => {
  const bench = benchOf(6)
  bench.detector.probe(target, 0)
  bench.detector.forget()
  bench.run(20_000)
  expect(bench.failures).toEqual([])
  expect(bench.sent).toHaveLength(1)
  expect(bench.ack(0)).toBeUndefined()
})

test('256 probes are under way or remembered at most', () => {
  const bench = benchOf(400)
  const begun = Array.from({ length: 300 }, (_, i) => bench.detector.probe(idOf(2 + i), 0))
  expect(begun.filter((yes) => yes)).toHaveLength(256)
  bench.ack(0)
  expect(bench.detector.probe(idOf(400), 0)).toBe(true)
  expect(bench.detector.probe(idOf(399), 0)).toBe(false)
})

// On behalf of others

test('asked for help it pings at the endpoint of its own view, and passes the ack on with the digest it carries', () => {
  const bench = benchOf(6)
  bench.detector.receivePingReq(asking(target), 'udp:5', 0)
  expect(bench.sent).toMatchObject([{ to: home, header: { kind: 'ping', from: self, to: idPrefix(target) } }])
  bench.run(30)
  const { seq } = bench.sent[0]!.header as Header & { kind: 'ping' }
  expect(bench.detector.receiveAck({ kind: 'ack', seq, hi: 8, lo: 9 }, true, 30)).toBeUndefined()
  expect(bench.sent[1]).toEqual({ at: 30, to: 'udp:5', header: { kind: 'ack', seq: 77, hi: 8, lo: 9 } })
  bench.run(20_000)
  expect(bench.sent).toHaveLength(2)
  expect(bench.counts).toEqual([])
})

test('asked to ping one it does not know or cannot reach, it says by a nack that the asking arrived', () => {
  for (const id of [idOf(99), idOf(3), idOf(4)]) {
    const bench = benchOf(6)
    bench.belief(idOf(3)).status = 'dead'
    bench.belief(idOf(4)).record = { ...bench.belief(idOf(4)).record!, endpoints: ['radio:4'] }
    bench.detector.receivePingReq(asking(id), 'udp:5', 0)
    bench.run(20_000)
    expect(bench.sent).toEqual([{ at: 400, to: 'udp:5', header: { kind: 'nack', seq: 77 } }])
  }
})

function asking(id: PeerId): Header & { kind: 'pingReq' } {
  return { kind: 'pingReq', seq: 77, from: idOf(5), target: id, nackMs: 400 }
}

interface Bench {
  readonly detector: Detector
  readonly sent: { at: number; to: Endpoint; header: Header }[]
  readonly failures: ({ at: number; id: PeerId } & Failure)[]
  readonly counts: string[]
  readonly now: number
  stretch: number
  belief(id: PeerId): Belief
  run(ms: number): void
  /** Answers the ping that was sent as the n-th packet; -1 is the last. */
  ack(n: number): ReturnType<Detector['receiveAck']>
  /** Lets time pass until the second attempt of the last probe, and returns how long that took. */
  attemptAfterMs(): number
}

/** A detector among so many members, itself included, each on one channel; nothing is answered but by hand. */
function benchOf(size: number, settings: Partial<Config> = {}, kind = 'udp'): Bench {
  const config = { ...defaultConfig, ...settings }
  const members = new Members()
  for (let n = 1; n <= size; n++) members.update(beliefOf(n, kind))
  const random = seededRandom(1)
  const links = { dial() {}, hangUp() {} }
  const paths = new Paths(self, [{ kind, endpoint: `${kind}:1`, reach: 'any' }], members, config, random, links)
  for (const belief of members.present()) paths.vicinity.add(belief)
  const timers = new Deadlines<{ kind: 'probe' | 'relay'; seq: number }>()
  const [sent, failures, counts]: [Bench['sent'], Bench['failures'], string[]] = [[], [], []]
  let now = 0
  let seq = 100
  const send = (to: Endpoint, packet: Uint8Array) => {
    sent.push({ at: now, to, header: decodePacket(packet, tag)!.header })
  }
  const outbox = new Outbox(tag, members, paths, config, { send }, () => {})
  const owner = {
    stretch: 1,
    wake: (kind: 'probe' | 'relay', seq: number, at: number) => timers.add(at, { kind, seq }),
    nextSeq: () => ++seq,
    count: (what: string) => counts.push(what),
    doubtful: false,
    failed: ({ id }: Belief, failure: Failure, at: number) => failures.push({ at, id, ...failure }),
  }
  const detector = new Detector(self, members, paths, outbox, config, random, owner)
  const run = (ms: number) => {
    const until = now + ms
    while (timers.next <= until) {
      now = Math.max(now, timers.next)
      const { kind, seq } = timers.take(now)!
      detector.expire(kind, seq, now)
    }
    now = until
  }
  return {
    detector,
    sent,
    failures,
    counts,
    get now() {
      return now
    },
    set stretch(factor: number) {
      owner.stretch = factor
    },
    get stretch() {
      return owner.stretch
    },
    belief: (id) => members.get(id)!,
    run,
    ack(n) {
      const { seq } = sent.at(n)!.header as Header & { kind: 'ping' }
      return detector.receiveAck({ kind: 'ack', seq, hi: 0, lo: 0 }, true, now)
    },
    attemptAfterMs() {
      const from = now
      const before = sent.length
      while (sent.length === before) run(1)
      return now - from
    },
  }
}

function beliefOf(n: number, kind: string): Belief {
  const id = idOf(n)
  const belief = new Belief(id, 0)
  const endpoints = [`${kind}:${n}`]
  belief.record = { type: 'alive', id, incarnation: 1, name: '', user: null, mode: 'server', endpoints, floor: 0 }
  return belief
}

function idOf(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(1, 4).map((byte, i) => (i === 0 ? n >> 8 : i === 1 ? n & 255 : byte)))
}
