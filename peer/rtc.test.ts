/** The decisions of the WebRTC channel, with connections that do only what the test says. `node/rtc.test.ts` has real ones. */

import { expect, test, vi } from 'vitest'
import { idFromBytes, type PeerId, seededRandom } from '../core/index.ts'
import { RecordedEvents } from './channel.contract.ts'
import { linksForOthersMax, linksMax, RtcBudget, RtcChannel, type RtcConnection, type RtcOptions } from './rtc.ts'
import { connectionsBurst, connectionsPerSecond } from './rtc-budget.ts'

const [small, middle, large] = [1, 2, 3].map((n) => idOf(n)) as [PeerId, PeerId, PeerId]
const candidate = 'candidate:1 1 udp 2122260223 10.0.0.1 5000 typ host'
const sdp = 'v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n'
/** As WebRTC stacks write and read it. */
const crlf = sdp.replaceAll('\n', '\r\n')

test('the smaller id offers, without order, without retransmission and without servers of others', () => {
  const { channel, made, sent } = build(small)
  channel.dial(large)
  expect(made[0]!.options).toMatchObject({
    initiator: true,
    objectMode: true,
    trickle: true,
    config: { iceServers: [] },
    channelConfig: { negotiated: true, ordered: false, maxRetransmits: 0 },
  })
  made[0]!.emit('signal', { type: 'offer', sdp: `${crlf}a=${candidate}\r\n` })
  expect(sent).toEqual([{ to: large, data: { t: 'offer', s: expect.any(Number), sdp } }])
})

test('the larger id asks to be dialled, and the offer it gets is the link it wanted', async () => {
  const { channel, events, made, sent } = build(large)
  channel.dial(small)
  expect(made).toEqual([])
  expect(sent).toEqual([{ to: small, data: { t: 'ask' } }])
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  expect(made[0]!.options).toMatchObject({ initiator: false })
  expect(made[0]!.signals).toEqual([{ type: 'offer', sdp: crlf }])
  made[0]!.emit('connect')
  expect(events.links).toEqual([{ up: true, peer: small }])
})

test('an offer from a larger id, an ask from a smaller one and an answer to no offer are refused', () => {
  const { channel, made } = build(middle)
  channel.receiveSignal(large, { t: 'offer', s: 5, sdp })
  channel.receiveSignal(small, { t: 'ask' })
  channel.receiveSignal(small, { t: 'answer', s: 5, sdp })
  expect(made).toEqual([])
  expect(channel.counters()).toMatchObject({ wrongRole: 2, staleSignal: 1 })
})

test('when both dial at once the ask is left alone, because the offer is on its way', () => {
  const { channel, made } = build(small)
  channel.dial(large)
  channel.receiveSignal(large, { t: 'ask' })
  expect(made.length).toBe(1)
})

test('answers, candidates and ends of an earlier session, and second answers, do not reach the connection', () => {
  const { channel, made, sent } = build(small)
  channel.dial(large)
  made[0]!.emit('signal', { type: 'offer', sdp })
  const { s } = sent[0]!.data as { s: number }
  for (const stale of [s - 1, s + 1]) {
    channel.receiveSignal(large, { t: 'answer', s: stale, sdp })
    channel.receiveSignal(large, { t: 'candidates', s: stale, list: [candidate] })
    channel.receiveSignal(large, { t: 'end', s: stale })
  }
  channel.receiveSignal(middle, { t: 'answer', s, sdp })
  expect(made[0]!.signals).toEqual([])
  channel.receiveSignal(large, { t: 'answer', s, sdp })
  channel.receiveSignal(large, { t: 'answer', s, sdp })
  expect(made[0]!.signals).toEqual([{ type: 'answer', sdp: crlf }])
  expect(channel.counters()).toMatchObject({ staleSignal: 8, failed: 0 })
})

test('an offer of an earlier or the same session is stale, even after its link is gone', async () => {
  const { channel, made } = build(large)
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  channel.receiveSignal(small, { t: 'offer', s: 4, sdp })
  channel.hangUp(small)
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  expect(made.length).toBe(1)
})

test('an offer of a later session replaces an open link: down once, then up', async () => {
  const { channel, events, made } = build(large)
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  made[0]!.emit('connect')
  channel.receiveSignal(small, { t: 'offer', s: 6, sdp })
  expect(made[0]!.destroyed).toBe(true)
  await events.linkDownTo(small)
  made[1]!.emit('connect')
  made[0]!.emit('data', new Uint8Array(3))
  made[0]!.emit('connect')
  expect(events.links.map(({ up }) => up)).toEqual([true, false, true])
  expect(events.packets).toEqual([])
})

test('an offer of a later session takes over a wish, so that a dial is told down once at most', async () => {
  const { channel, events, made } = build(large)
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  channel.dial(small)
  channel.receiveSignal(small, { t: 'offer', s: 6, sdp })
  await nextTurn()
  expect(events.links).toEqual([])
  made[1]!.destroy()
  await nextTurn()
  expect(events.links).toEqual([{ up: false, peer: small }])
})

test('an ask replaces an open link only where it names that link as lost', async () => {
  const { channel, events, made, sent } = build(small)
  channel.dial(large)
  made[0]!.emit('signal', { type: 'offer', sdp })
  made[0]!.emit('connect')
  const { s } = sent[0]!.data as { s: number }
  channel.receiveSignal(large, { t: 'ask' })
  channel.receiveSignal(large, { t: 'ask', lost: s - 1 })
  expect(made.length).toBe(1)
  channel.receiveSignal(large, { t: 'ask', lost: s })
  expect(made.length).toBe(2)
  await events.linkDownTo(large)
  expect(made[0]!.destroyed).toBe(true)
})

test('whoever asks names the session it lost', () => {
  const { channel, made, sent } = build(large)
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  made[0]!.destroy()
  channel.hangUp(small)
  channel.dial(small)
  expect(sent.at(-1)).toEqual({ to: small, data: { t: 'ask', lost: 5 } })
})

test('candidates that overtake their offer are kept for it, up to a bound', () => {
  const { channel, made } = build(large)
  for (let i = 0; i < 100; i++) channel.receiveSignal(small, { t: 'candidates', s: 5, list: [candidateOf(i)] })
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  expect(made[0]!.signals.length).toBe(1 + 16)
})

test('a session takes a bounded number of candidates, and each of them once', () => {
  const { channel, made } = build(large)
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  for (let i = 0; i < 200; i++) {
    const signal = { t: 'candidates', s: 5, list: [candidateOf(i), candidateOf(i)] }
    channel.receiveSignal(small, signal)
    channel.receiveSignal(small, signal)
  }
  expect(made[0]!.signals.length).toBe(1 + 64)
})

test('garbage from anybody, and anything said in our own name, is counted and changes nothing', () => {
  const { channel, made } = build(middle)
  const garbage = [null, 1, 'x', [], {}, { t: 'offer' }, { t: 'offer', s: 1 }, { t: 'signal', s: 1, sdp: 'x' }]
  for (const data of garbage) channel.receiveSignal(small, data)
  channel.receiveSignal('not an id', { t: 'offer', s: 1, sdp })
  channel.receiveSignal(middle, { t: 'offer', s: 1, sdp })
  expect(made).toEqual([])
  expect(channel.counters()).toMatchObject({ badSignal: garbage.length + 2 })
})

test('a connection that throws at a signal is ended, and a wished one is told down', async () => {
  const { channel, events, made, sent } = build(small)
  channel.dial(large)
  made[0]!.failing = true
  made[0]!.emit('signal', { type: 'offer', sdp })
  const { s } = sent[0]!.data as { s: number }
  channel.receiveSignal(large, { t: 'answer', s, sdp })
  await events.linkDownTo(large)
  expect(made[0]!.destroyed).toBe(true)
})

test('dial and hangUp never call back before they have returned', async () => {
  const { channel, events } = build(small)
  channel.dial(small)
  channel.dial('not an id')
  channel.dial(large)
  channel.hangUp(large)
  expect(events.links).toEqual([])
  await nextTurn()
  expect(events.links.map(({ peer }) => peer)).toEqual([small, 'not an id', large])
})

test('a dial that was hung up tells the other side, which gives up at once', async () => {
  const { channel, made, sent } = build(small)
  channel.dial(large)
  made[0]!.emit('signal', { type: 'offer', sdp })
  channel.hangUp(large)
  expect(sent.at(-1)!.data).toMatchObject({ t: 'end' })

  const other = build(large)
  other.channel.receiveSignal(small, sent[0]!.data)
  other.channel.receiveSignal(small, sent.at(-1)!.data)
  expect(other.made[0]!.destroyed).toBe(true)
  expect(other.sent).toEqual([])
})

test('when the connection ends by itself the link is told down once and forgotten', async () => {
  const { channel, events, made } = build(small)
  channel.dial(large)
  made[0]!.emit('connect')
  made[0]!.emit('error', new Error('Ice connection failed.'))
  made[0]!.destroy()
  await events.linkDownTo(large)
  made[0]!.emit('close')
  channel.hangUp(large)
  await nextTurn()
  expect(events.links.map(({ up }) => up)).toEqual([true, false])
  channel.send(`rtc:${large}`, new Uint8Array(1))
  expect(channel.counters()).toMatchObject({ opened: 1, ended: 1, notOpen: 1 })
})

test('a message before connect opens the link; texts and messages over 1,200 bytes are dropped and counted', () => {
  const { channel, events, made } = build(small)
  channel.dial(large)
  made[0]!.emit('data', new Uint8Array([1, 2, 3]))
  made[0]!.emit('connect')
  for (const bad of ['text', new Uint8Array(1201), new Uint8Array(0), 7]) made[0]!.emit('data', bad)
  expect(events.links).toEqual([{ up: true, peer: large }])
  expect(events.packets).toEqual([{ from: `rtc:${large}`, packet: new Uint8Array([1, 2, 3]) }])
  expect(channel.counters()).toMatchObject({ badPacket: 4, received: 1 })
})

test('packets to a slow link are dropped and counted', () => {
  const { channel, made } = build(small)
  channel.dial(large)
  made[0]!.emit('connect')
  made[0]!.bufferSize = 64 * 1024 + 1
  channel.send(`rtc:${large}`, new Uint8Array(1))
  made[0]!.bufferSize = 64 * 1024
  channel.send(`rtc:${large}`, new Uint8Array(1))
  expect(channel.counters()).toMatchObject({ congested: 1, sent: 1 })
})

test('links are bounded, for others earlier than for this peer itself', async () => {
  const { channel, events, made, sent } = build(idOf(1_000))
  for (let i = 1; i <= linksForOthersMax + 1; i++) channel.receiveSignal(idOf(i), { t: 'offer', s: 1, sdp })
  expect(made.length).toBe(linksForOthersMax)
  expect(sent).toEqual([{ to: idOf(linksForOthersMax + 1), data: { t: 'end', s: 1 } }])
  for (let i = linksForOthersMax; i <= linksMax; i++) channel.dial(idOf(2_000 + i))
  expect(channel.links().length).toBe(linksMax)
  await events.linkDownTo(idOf(2_000 + linksMax))
})

test('connections are bounded over time, for those who dial and for those who are dialled', async () => {
  let now = 0
  const { channel, events, made, sent } = build(middle, { budget: new RtcBudget(() => now) })
  for (let s = 1; s <= connectionsBurst; s++) {
    channel.receiveSignal(small, { t: 'offer', s, sdp })
    channel.hangUp(small)
  }
  expect(made.length).toBe(connectionsBurst)
  channel.receiveSignal(small, { t: 'offer', s: connectionsBurst + 1, sdp })
  channel.receiveSignal(large, { t: 'ask' })
  expect(sent.slice(-2).map(({ data }) => data)).toEqual([{ t: 'end', s: connectionsBurst + 1 }, { t: 'no' }])
  channel.dial(large)
  await events.linkDownTo(large)
  expect(made.length).toBe(connectionsBurst)
  now = 1_000 / connectionsPerSecond
  channel.dial(large)
  channel.receiveSignal(small, { t: 'offer', s: connectionsBurst + 2, sdp })
  expect(made.length).toBe(connectionsBurst + 1)
})

test('close ends every connection, waits until they are gone and says nothing afterwards', async () => {
  const { channel, events, made } = build(small)
  channel.dial(large)
  channel.dial(middle)
  made[0]!.emit('connect')
  const told = events.told
  await channel.close()
  expect(made.every(({ closed }) => closed)).toBe(true)
  channel.dial(large)
  channel.receiveSignal(large, { t: 'ask' })
  await channel.close()
  expect(made.length).toBe(2)
  expect(events.told).toBe(told)
})

test('close resolves after a connection that has ended before it', async () => {
  const { channel, events, made } = build(small)
  channel.dial(large)
  made[0]!.destroy()
  await events.linkDownTo(large)
  await expect(channel.close()).resolves.toBeUndefined()
})

test('every signal may come twice and late, and the link is the same', () => {
  const { channel, events, made } = build(large)
  const signals = [
    { t: 'candidates', s: 5, list: [candidate] },
    { t: 'offer', s: 5, sdp },
  ]
  for (const signal of [...signals, ...signals]) channel.receiveSignal(small, signal)
  made[0]!.emit('connect')
  for (const signal of [...signals, { t: 'end', s: 5 }, { t: 'end', s: 4 }]) channel.receiveSignal(small, signal)
  expect(made.length).toBe(1)
  expect(made[0]!.signals.length).toBe(2)
  expect(made[0]!.destroyed).toBe(false)
  expect(events.links).toEqual([{ up: true, peer: small }])
})

test('an end that overtakes its offer makes it stale', () => {
  const { channel, made } = build(large)
  channel.receiveSignal(small, { t: 'end', s: 5 })
  channel.receiveSignal(small, { t: 'offer', s: 5, sdp })
  expect(made).toEqual([])
  channel.receiveSignal(small, { t: 'offer', s: 6, sdp })
  expect(made.length).toBe(1)
})

test('whoever is asked and has no room says so, and the wish ends at once', async () => {
  const others = Array.from({ length: linksForOthersMax + 1 }, (_, i) => idOf(1_000 + i))
  const asked = build(small)
  for (const other of others) asked.channel.receiveSignal(other, { t: 'ask' })
  expect(asked.made.length).toBe(linksForOthersMax)
  expect(asked.sent).toEqual([{ to: others.at(-1), data: { t: 'no' } }])

  const asking = build(others.at(-1)!)
  asking.channel.dial(small)
  asking.channel.receiveSignal(small, { t: 'no' })
  await asking.events.linkDownTo(small)
  asking.channel.receiveSignal(small, { t: 'no' })
  expect(asking.channel.links()).toEqual([])
})

test('an offer or an ask without an answer is given up after seven seconds, an answered one after fifteen', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const { channel, events, made, sent } = build(middle)
    channel.dial(small)
    channel.dial(large)
    made[0]!.emit('signal', { type: 'offer', sdp })
    expect(channel.links()).toEqual([
      { id: small, state: 'asked' },
      { id: large, state: 'opening' },
    ])
    vi.advanceTimersByTime(6_999)
    expect(channel.links().length).toBe(2)
    vi.advanceTimersByTime(1)
    await Promise.resolve()
    expect(events.links).toEqual([
      { up: false, peer: small },
      { up: false, peer: large },
    ])
    // The other side may have the offer, and only the answer was lost.
    expect(sent.at(-1)).toMatchObject({ to: large, data: { t: 'end' } })

    channel.dial(large)
    made[1]!.emit('signal', { type: 'offer', sdp })
    vi.advanceTimersByTime(6_000)
    channel.receiveSignal(large, { t: 'answer', s: (sent.at(-1)!.data as { s: number }).s, sdp })
    vi.advanceTimersByTime(14_999)
    expect(channel.links()).toEqual([{ id: large, state: 'opening' }])
    vi.advanceTimersByTime(1)
    expect(channel.links()).toEqual([])
  } finally {
    vi.useRealTimers()
  }
})

test('candidates that come together are told together, and those beyond five in a signal of their own', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const { channel, made, sent } = build(small)
    channel.dial(large)
    const tell = (n: number) => made[0]!.emit('signal', { type: 'candidate', candidate: { candidate: candidateOf(n) } })
    for (let n = 0; n < 7; n++) tell(n)
    vi.advanceTimersByTime(100)
    tell(7)
    vi.advanceTimersByTime(100)
    const lists = sent.map(({ data }) => (data as { list: string[] }).list)
    expect(lists).toEqual([[0, 1, 2, 3, 4].map(candidateOf), [5, 6].map(candidateOf), [candidateOf(7)]])
    tell(8)
    channel.hangUp(large)
    vi.advanceTimersByTime(100)
    expect(sent.at(-1)!.data).toMatchObject({ t: 'end' })
  } finally {
    vi.useRealTimers()
  }
})

/** Does nothing by itself but what simple-peer does on `destroy`: `close`, in a microtask. */
class FakeConnection implements RtcConnection {
  readonly options: object
  readonly signals: object[] = []
  bufferSize = 0
  failing = false
  destroyed = false
  closed = false
  readonly #listeners: [event: string, listener: (value: unknown) => void][] = []

  constructor(options: object) {
    this.options = options
  }

  on(event: string, listener: (value: unknown) => void): void {
    this.#listeners.push([event, listener])
  }

  emit(event: string, value?: unknown): void {
    for (const [name, listener] of [...this.#listeners]) if (name === event) listener(value)
  }

  signal(data: object): void {
    if (this.failing) throw new Error('no such candidate')
    this.signals.push(data)
  }

  send(): void {
    if (this.destroyed) throw new Error('cannot send after peer is destroyed')
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    queueMicrotask(() => {
      this.closed = true
      this.emit('close')
    })
  }
}

function build(id: PeerId, options: Partial<RtcOptions> = {}) {
  const made: FakeConnection[] = []
  const sent: { to: PeerId; data: object }[] = []
  const events = new RecordedEvents()
  const simplePeer = class extends FakeConnection {
    constructor(given: object) {
      super(given)
      made.push(this)
    }
  }
  const signal = (to: PeerId, data: object) => sent.push({ to, data })
  const channel = new RtcChannel({ id, simplePeer, signal, random: seededRandom(7), ...options }, events)
  return { channel, events, made, sent }
}

function candidateOf(n: number): string {
  return candidate.replace('5000', String(5_000 + n))
}

/** Ids in the order of their numbers. */
function idOf(n: number): PeerId {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(0, n)
  return idFromBytes(bytes)
}

/** Every microtask that is queued by now has run. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
