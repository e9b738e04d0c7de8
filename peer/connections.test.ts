/** The decisions about connections of the application, with connections that do only what the test says. */

import type SimplePeer from 'simple-peer'
import { beforeEach, expect, expectTypeOf, test } from 'vitest'
import { idFromBytes, type Member, type PeerId, type Swim, seededRandom } from '../core/index.ts'
import type { CallParts, CallPartsEvents, CallSignal } from './call-signal.ts'
import { Connections, connectionsForOthersMax, connectionsMax, reservedForLinks } from './connections.ts'
import type { DirectConnection } from './direct-connection.ts'
import { Grounds } from './grounds.ts'
import { connectionsBurst, RtcBudget } from './rtc-budget.ts'
import { FakeConnection } from './simple-peer.fake.ts'

const [self, ben, eve] = [1, 2, 3].map((n) => idOf(n)) as [PeerId, PeerId, PeerId]
const candidate = (n: number) => `candidate:1 1 udp 2122260223 10.0.0.${n} 5000 typ host`
const sdp = 'v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n'

let now: number
let due: { seq: number; at: number }[]
let members: Map<PeerId, Member>
let sent: { to: PeerId; signal: CallSignal }[]
let made: FakeConnection[]
let warnings: string[]
let grounds: Grounds
let connections: Connections
let heard: CallPartsEvents
let status: string

beforeEach(() => {
  now = 0
  due = []
  sent = []
  made = FakeConnection.made = []
  warnings = []
  status = 'joined'
  members = new Map([ben, eve].map((id) => [id, memberOf(id)]))
  build(true)
})

// Calling

test('a call is an offer, and its promise the very object that simple-peer made', async () => {
  const calling = connections.connect(ben)
  expect(made[0]!.options).toMatchObject({
    initiator: true,
    objectMode: true,
    channelConfig: { negotiated: true, id: 0 },
  })
  expect(made[0]!.options.channelConfig).not.toHaveProperty('maxRetransmits')
  made[0]!.emit('signal', { type: 'offer', sdp })
  const { c } = sent[0]!.signal
  expect(sent).toEqual([{ to: ben, signal: { t: 'offer', c, sdp } }])
  heard.receive(ben, { t: 'answer', c, sdp })
  made[0]!.emit('connect')
  expect(await calling).toBe(made[0])
})

test('whoever has not taken the call learns no addresses', () => {
  void connections.connect(ben).catch(() => {})
  made[0]!.emit('signal', { type: 'offer', sdp })
  for (let n = 0; n < 7; n++) made[0]!.emit('signal', { type: 'candidate', candidate: { candidate: candidate(n) } })
  pass(1_000)
  expect(sent.map(({ signal }) => signal.t)).toEqual(['offer'])
  heard.receive(ben, { t: 'answer', c: sent[0]!.signal.c, sdp })
  expect(sent.slice(1).map(({ signal }) => (signal as { list: string[] }).list)).toEqual([
    [0, 1, 2, 3, 4].map(candidate),
    [5, 6].map(candidate),
  ])
})

test.each([
  ['unheard', 'nobody listens there by onConnection'],
  ['busy', 'it has too many connections just now'],
] as const)('a call refused as %s rejects at once and says why', async (why, reason) => {
  const calling = connections.connect(ben)
  made[0]!.emit('signal', { type: 'offer', sdp })
  heard.receive(ben, { t: 'refuse', c: sent[0]!.signal.c, why })
  await expect(calling).rejects.toMatchObject({
    code: 'connection_refused',
    message: `connect: refused by member 2 (${ben}): ${reason}`,
  })
  expect(made[0]!.destroyed).toBe(true)
})

test('a call without an answer is given up after seven seconds, an answered one after fifteen, and says how far it got', async () => {
  const [silent, stuck] = [connections.connect(ben), connections.connect(eve)]
  for (const connection of made) connection.emit('signal', { type: 'offer', sdp })
  made[1]!.emit('signal', { type: 'candidate', candidate: { candidate: candidate(1) } })
  pass(6_999)
  heard.receive(eve, { t: 'answer', c: sent[1]!.signal.c, sdp })
  heard.receive(eve, { t: 'candidates', c: sent[1]!.signal.c, list: [candidate(2), candidate(3)] })
  made[1]!.emit('iceStateChange', 'checking', 'complete')
  expect(made.map(({ destroyed }) => destroyed)).toEqual([false, false])
  pass(1)
  await expect(silent).rejects.toMatchObject({
    code: 'connection_failed',
    message: `connect: to member 2 (${ben}): no answer after 7000 ms (ICE new; candidates: 0 told, 0 came)`,
  })
  expect(sent.at(-1)).toEqual({ to: ben, signal: { t: 'end', c: sent[0]!.signal.c } })
  pass(14_998)
  expect(made[1]!.destroyed).toBe(false)
  pass(1)
  await expect(stuck).rejects.toMatchObject({
    message: `connect: to member 3 (${eve}): not open 15000 ms after the answer (ICE checking; candidates: 1 told, 2 came)`,
  })
})

test('a connection that fails, or is given up by the other side, rejects with the reason', async () => {
  const [failing, ended] = [connections.connect(ben), connections.connect(ben)]
  made[0]!.emit('error', new Error('Ice connection failed.'))
  made[0]!.destroy()
  made[1]!.emit('signal', { type: 'offer', sdp })
  heard.receive(ben, { t: 'end', c: (sent.at(-1)!.signal as { c: number }).c })
  await expect(failing).rejects.toMatchObject({
    message: expect.stringContaining(': Ice connection failed. (ICE new;'),
  })
  await expect(ended).rejects.toMatchObject({ message: expect.stringContaining('given up by the other side') })
})

test('where no signal gets to the member the call fails at once, unless it was answered before', async () => {
  const [first, second] = [connections.connect(ben), connections.connect(ben)]
  for (const connection of made) connection.emit('signal', { type: 'offer', sdp })
  heard.receive(ben, { t: 'answer', c: sent[1]!.signal.c, sdp })
  heard.unreachable(ben)
  await expect(first).rejects.toMatchObject({ message: expect.stringContaining('no way for signals') })
  made[1]!.emit('connect')
  expect(await second).toBe(made[1])
})

test('an aborted call rejects with the reason of the signal, and the other side is told', async () => {
  const aborted = new AbortController()
  const calling = connections.connect(ben, { signal: aborted.signal })
  made[0]!.emit('signal', { type: 'offer', sdp })
  aborted.abort('enough')
  await expect(calling).rejects.toBe('enough')
  expect(made[0]!.destroyed).toBe(true)
  expect(sent.map(({ signal }) => signal.t)).toEqual(['offer', 'end'])
  await expect(connections.connect(ben, { signal: aborted.signal })).rejects.toBe('enough')
  expect(made).toHaveLength(1)
})

test('a signal that is aborted when the connection is open does nothing to it', async () => {
  const aborted = new AbortController()
  const connection = await open(ben, aborted.signal)
  aborted.abort()
  expect(connection.destroyed).toBe(false)
})

test.each([
  ['nobody', idOf(9), 'unknown_member', 'there is none'],
  ['no id at all', { id: ben } as unknown as string, 'unknown_member', 'there is none'],
  ['the dead', idOf(4), 'unknown_member', 'member 4 (.*) is dead'],
  ['the gone', idOf(5), 'unknown_member', 'member 5 (.*) is gone'],
  ['itself', self, 'not_connectable', 'expected another member'],
  [
    'a member without WebRTC',
    idOf(6),
    'not_connectable',
    'member 6 .* has no WebRTC; it can be reached by udp and relay only',
  ],
])('a call to %s is refused, and nothing is made', async (_, id, code, message) => {
  for (const [n, status] of [
    [4, 'dead'],
    [5, 'left'],
  ] as const) {
    members.set(idOf(n), { ...memberOf(idOf(n)), status })
  }
  members.set(self, memberOf(self))
  members.set(idOf(6), { ...memberOf(idOf(6)), endpoints: ['udp:10.0.0.1:7946', `relay:${idOf(6)}`] })
  await expect(connections.connect(id)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  expect(made).toEqual([])
})

test('a peer without WebRTC says so, and one that left, too', async () => {
  build(false)
  await expect(connections.connect(ben)).rejects.toMatchObject({ code: 'not_connectable' })
  status = 'left'
  const message = 'this peer has left its room; nothing was opened'
  await expect(connections.connect(ben)).rejects.toMatchObject({ code: 'left', message })
})

test('a platform that makes no connection rejects the call', async () => {
  FakeConnection.failing = true
  try {
    await expect(connections.connect(ben)).rejects.toMatchObject({
      code: 'connection_failed',
      message: expect.stringContaining('too many'),
    })
  } finally {
    FakeConnection.failing = false
  }
  await open(ben)
})

test('connections are bounded, and so many are always left for links', async () => {
  const refused = { code: 'too_many' }
  for (let n = 0; n < connectionsBurst - reservedForLinks; n++) await open(ben)
  await expect(connections.connect(ben)).rejects.toMatchObject(refused)
  now = 200_000
  while (made.length < connectionsMax) await open(ben)
  now = 400_000
  await expect(connections.connect(ben)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('64') })
  made[0]!.destroy()
  await Promise.resolve()
  await open(ben)
})

test('what is added to an open connection goes in parts, and candidates of the first description go as before', async () => {
  await open(ben)
  sent = []
  made[0]!.emit('signal', { type: 'offer', sdp: `v=0\r\n${'a=rtpmap:96 VP8/90000\r\n'.repeat(100)}` })
  made[0]!.emit('signal', { type: 'candidate', candidate: { candidate: candidate(1), sdpMid: '1', sdpMLineIndex: 1 } })
  made[0]!.emit('signal', { type: 'candidate', candidate: { candidate: candidate(2), sdpMid: '0', sdpMLineIndex: 0 } })
  pass(20)
  expect(sent.map(({ signal }) => signal.t)).toEqual(['media', 'media', 'media', 'media', 'media', 'candidates'])
})

test('media that cannot be told of ends the connection, where both sides see it', async () => {
  const connection = await open(ben)
  made[0]!.emit('signal', { type: 'offer', sdp: `v=0\r\n${'x'.repeat(50_000)}` })
  expect(connection.destroyed).toBe(true)
})

// Being called

test('a call is answered where somebody listens, and given out once it is open', () => {
  const got: unknown[] = []
  connections.onConnection((...given) => got.push(given))
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  expect(made[0]!.options).toMatchObject({ initiator: false })
  expect(made[0]!.signals).toEqual([{ type: 'offer', sdp: sdp.replaceAll('\n', '\r\n') }])
  made[0]!.emit('signal', { type: 'answer', sdp })
  expect(sent).toEqual([{ to: ben, signal: { t: 'answer', c: 7, sdp } }])
  expect(got).toEqual([])
  made[0]!.emit('connect')
  made[0]!.emit('connect')
  connections.review()
  expect(got).toEqual([[made[0], members.get(ben)]])
})

test('media of the caller waits until the connection is given out, and is not lost', () => {
  connections.onConnection(() => expect(made[0]!.signals).toHaveLength(1))
  const text = JSON.stringify({ type: 'renegotiate', renegotiate: true })
  const part = { t: 'media', c: 7, n: 0, i: 0, of: 1, text }
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  heard.receive(ben, part)
  expect(connections.counters().connections_stale_signal).toBe(1)
  made[0]!.emit('signal', { type: 'answer', sdp })
  heard.receive(ben, part)
  expect(made[0]!.signals).toHaveLength(1)
  made[0]!.emit('connect')
  expect(made[0]!.signals).toHaveLength(2)
  expect(warnings).toEqual([])
})

test('where nobody listens a call is refused and nothing is made', () => {
  const off = connections.onConnection(() => {})
  off()
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  expect(made).toEqual([])
  expect(sent).toEqual([{ to: ben, signal: { t: 'refuse', c: 7, why: 'unheard' } }])
})

test('an offer that comes again, late or behind its end makes nothing', () => {
  connections.onConnection(() => {})
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  heard.receive(ben, { t: 'end', c: 7 })
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  heard.receive(ben, { t: 'end', c: 8 })
  heard.receive(ben, { t: 'offer', c: 8, sdp })
  expect(made).toHaveLength(1)
  expect(made[0]!.destroyed).toBe(true)
  expect(connections.counters()).toMatchObject({ connections_stale_signal: 4, connections_failed: 1 })
})

test('calls of one caller are bounded, and take up no room of others', () => {
  connections.onConnection(() => {})
  for (let c = 1; c <= 20; c++) heard.receive(eve, { t: 'offer', c, sdp })
  expect(made).toHaveLength(8)
  expect(sent.filter(({ signal }) => signal.t === 'refuse')).toHaveLength(12)
  heard.receive(ben, { t: 'offer', c: 1, sdp })
  expect(made).toHaveLength(9)
  now = 5_000
  heard.receive(eve, { t: 'offer', c: 21, sdp })
  heard.receive(eve, { t: 'offer', c: 22, sdp })
  expect(made).toHaveLength(10)
})

test('calls of many callers are bounded together, their connections too, and so are the refusals they get', () => {
  connections.onConnection(() => {})
  for (let n = 10; n < 210; n++) heard.receive(idOf(n), { t: 'offer', c: 1, sdp })
  expect(made).toHaveLength(24)
  expect(sent.filter(({ signal }) => signal.t === 'refuse')).toHaveLength(16)
  now = 3_600_000
  for (let n = 210; n < 250; n++) heard.receive(idOf(n), { t: 'offer', c: 1, sdp })
  expect(made).toHaveLength(connectionsForOthersMax)
})

test('a caller that the view does not have yet is given out when it has, and given up when it never does', () => {
  const got: Member[] = []
  connections.onConnection((_, member) => got.push(member))
  const [late, never] = [idOf(10), idOf(11)]
  for (const id of [late, never]) heard.receive(id, { t: 'offer', c: 1, sdp })
  for (const connection of made) connection.emit('connect')
  connections.review()
  expect(got).toEqual([])
  members.set(late, memberOf(late))
  connections.review()
  expect(got.map(({ id }) => id)).toEqual([late])
  pass(15_000)
  expect(made.map(({ destroyed }) => destroyed)).toEqual([false, true])
})

test('a listener that throws is told of, and the others are given the connection', () => {
  const got: unknown[] = []
  connections.onConnection(() => {
    throw new Error('at fault')
  })
  const off = connections.onConnection(() => {
    off()
    offLast()
  })
  connections.onConnection((connection) => got.push(connection))
  const offLast = connections.onConnection((connection) => got.push(connection))
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  made[0]!.emit('connect')
  expect(got).toEqual([made[0]])
  expect(warnings).toEqual([expect.stringContaining('at fault')])
  expect(made[0]!.destroyed).toBe(false)
  expect(() => connections.onConnection('x' as never)).toThrow(/expected a function/)
})

test('garbage, signals of no call, and answers to a call of the other side change nothing', async () => {
  connections.onConnection(() => {})
  const calling = open(ben)
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  const signals = made.map((connection) => connection.signals.length)
  for (const data of [{ c: 1 }, { c: 0, t: 'end' }, { c: 1, t: 'offer', sdp: 'x' }, { c: 'x', t: 'end' }, null]) {
    heard.receive(ben, data)
  }
  heard.receive('no id', { t: 'offer', c: 9, sdp })
  heard.receive(self, { t: 'offer', c: 9, sdp })
  for (const c of [7, 8]) heard.receive(ben, { t: 'answer', c, sdp })
  heard.receive(eve, { t: 'end', c: 7 })
  heard.receive(ben, { t: 'refuse', c: 7, why: 'busy' })
  expect(made.map((connection) => connection.signals.length)).toEqual(signals)
  expect(made.some(({ destroyed }) => destroyed)).toBe(false)
  expect(connections.counters()).toMatchObject({ connections_bad_signal: 7, connections_stale_signal: 4 })
  await calling
})

// Ending

test('a connection that closes is forgotten, at either side, and its number is not used again', async () => {
  connections.onConnection(() => {})
  const connection = await open(ben)
  heard.receive(eve, { t: 'offer', c: 7, sdp })
  made[1]!.emit('connect')
  expect(connections.counters().connections_open).toBe(2)
  connection.destroy()
  made[1]!.destroy()
  await Promise.resolve()
  expect(connections.counters().connections_open).toBe(0)
  // An open one tells its end by itself.
  expect(sent.map(({ signal }) => signal.t)).toEqual(['offer'])
  heard.receive(eve, { t: 'offer', c: 7, sdp })
  expect(made).toHaveLength(2)
})

test('closing ends all there are, rejects what waits, and resolves when they are gone', async () => {
  connections.onConnection(() => {})
  await open(ben)
  const calling = connections.connect(eve)
  heard.receive(eve, { t: 'offer', c: 7, sdp })
  const closed = connections.close()
  expect(made.map(({ destroyed }) => destroyed)).toEqual([true, true, true])
  await expect(calling).rejects.toMatchObject({ code: 'left' })
  await closed
  expect(made.map(({ closed }) => closed)).toEqual([true, true, true])
  status = 'left'
  heard.receive(eve, { t: 'offer', c: 8, sdp })
  expect(made).toHaveLength(3)
  // No reminder is kept for what has ended.
  pass(60_000)
  expect(sent.filter(({ signal }) => signal.t === 'end')).toHaveLength(2)
})

test('on new parts calls go on, and listeners hear of them', () => {
  const got: unknown[] = []
  connections.onConnection((connection) => got.push(connection))
  grounds.parts = { ...grounds.parts, calls: callParts() }
  connections.attach()
  heard.receive(ben, { t: 'offer', c: 7, sdp })
  made[0]!.emit('connect')
  expect(got).toEqual([made[0]])
})

test('what users see is a part of what simple-peer is', () => {
  // Left out is what returns the object itself, and `pipe`, which here wants no types of Node.
  type Compared = Omit<DirectConnection, 'on' | 'once' | 'off' | 'pause' | 'resume' | 'pipe'>
  const seen = (instance: SimplePeer.Instance): Compared => instance
  expectTypeOf(seen).returns.toEqualTypeOf<Compared>()
})

function build(webrtc: boolean): void {
  const swim = {
    id: self,
    get status() {
      return status
    },
    member: (id: PeerId) => members.get(id),
    get beliefs() {
      return { now }
    },
    remind: (seq: number, at: number) => due.push({ seq, at }),
  } as unknown as Swim
  grounds = new Grounds({
    room: 'r',
    swim,
    call: (run) => run(swim, now),
    now: () => now,
    leave: async () => {},
    random: seededRandom(1),
    warn: (message) => warnings.push(message),
    ...(webrtc && { calls: callParts() }),
  })
  connections = new Connections(grounds)
}

function callParts(): CallParts {
  return {
    signal: (to, signal) => sent.push({ to, signal }),
    listen: (events) => {
      heard = events
    },
    platform: { simplePeer: FakeConnection },
    budget: new RtcBudget(() => now),
    now: () => now,
  }
}

/** Time goes by, and what is due is called. */
function pass(ms: number): void {
  now += ms
  const rung = due.filter(({ at }) => at <= now)
  due = due.filter(({ at }) => at > now)
  for (const { seq } of rung) grounds.ring(seq)
}

/** A call that is taken at once. */
async function open(to: PeerId, signal?: AbortSignal): Promise<DirectConnection> {
  const calling = connections.connect(to, signal && { signal })
  const connection = made.at(-1)!
  connection?.emit('signal', { type: 'offer', sdp })
  const last = sent.at(-1)
  if (last) heard.receive(to, { t: 'answer', c: last.signal.c, sdp })
  connection?.emit('connect')
  return calling
}

function idOf(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}

function memberOf(id: PeerId): Member {
  const n = [...Array(256).keys()].find((n) => idOf(n) === id)
  return { id, name: `member ${n}`, status: 'alive', endpoints: [`rtc:${id}`] } as unknown as Member
}
