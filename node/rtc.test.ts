/** The WebRTC channel on the real stack: two ends in one process, introduced by a hub that carries signals as JSON. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import SimplePeer from 'simple-peer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { idFromBytes, type PeerId } from '../core/index.ts'
import { type ContractEnd, channelContract, RecordedEvents } from '../peer/channel.contract.ts'
import { RtcChannel, type RtcConnection, type RtcOptions } from '../peer/rtc.ts'
import { loadWrtc } from './wrtc.ts'

const [small, large, absent] = [1, 2, 3].map((n) => idFromBytes(new Uint8Array(16).fill(n))) as [PeerId, PeerId, PeerId]
const wrtc = await loadWrtc()
const sdp = 'v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n'

interface RtcEnd extends ContractEnd {
  channel: RtcChannel
}

/** Introduces the ends that it opens. `passes` decides what becomes of a signal: true lets it through. */
class Hub {
  readonly #ends = new Map<PeerId, RtcChannel>()
  readonly signals: { from: PeerId; to: PeerId; data: { t: string } }[] = []
  passes: (signal: { from: PeerId; to: PeerId; data: { t: string } }) => boolean = () => true

  open(id: PeerId, options: Partial<RtcOptions> = {}): RtcEnd {
    const events = new RecordedEvents()
    const signal = (to: PeerId, data: object) => {
      const carried = { from: id, to, data: JSON.parse(JSON.stringify(data)) }
      this.signals.push(carried)
      if (this.passes(carried)) setImmediate(() => this.#ends.get(to)?.receiveSignal(id, carried.data))
    }
    const channel = new RtcChannel(
      { id, wrtc, simplePeer: SimplePeer, signal, random: Math.random, ...options },
      events,
    )
    this.#ends.set(id, channel)
    return { id, channel, events }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#ends.values()].map((channel) => channel.close()))
  }
}

let hub: Hub
beforeEach(() => {
  hub = new Hub()
})
afterEach(() => hub.close())

const contractDialTimeoutMs = 4_000
for (const [name, first, second] of [
  ['rtc, dialled from the smaller id', small, large],
  ['rtc, dialled from the larger id', large, small],
] as const) {
  channelContract(
    name,
    async () => {
      const own = new Hub()
      const options = { dialTimeoutMs: contractDialTimeoutMs }
      const [a, b] = [own.open(first, options), own.open(second, options)]
      const close = () => own.close()
      return { a, b, nobody: `rtc:${absent}`, unreachable: absent, dialTimeoutMs: contractDialTimeoutMs, close }
    },
    'linked',
  )
}

test('both ends send without order and without retransmission', async () => {
  const made: { _channel: RTCDataChannel }[] = []
  const simplePeer = class extends SimplePeer {
    constructor(options: object) {
      super(options)
      // The private field is read because the question is what is in force, not what was asked for.
      made.push(this as unknown as { _channel: RTCDataChannel })
    }
  } as unknown as new (
    options: object,
  ) => RtcConnection
  const [a, b] = [hub.open(small, { simplePeer }), hub.open(large, { simplePeer })]
  await connect(a, b)
  const inForce = made.map(({ _channel: { ordered, maxRetransmits } }) => ({ ordered, maxRetransmits }))
  expect(inForce).toEqual(Array(2).fill({ ordered: false, maxRetransmits: 0 }))
})

test('opening a link takes few signals, and each of them fits a packet of the mesh beside its route', async () => {
  await connect(hub.open(small), hub.open(large))
  expect(hub.signals.map(({ data }) => data.t)).toEqual(expect.arrayContaining(['offer', 'answer', 'candidates']))
  expect(Math.max(...hub.signals.map(({ data }) => JSON.stringify(data).length))).toBeLessThan(700)
})

test('a link opens amid garbage, signals of another session and a stranger who offers out of turn', async () => {
  const [a, b] = [hub.open(small), hub.open(large)]
  hub.passes = ({ from, to, data }) => {
    const receiver = to === small ? a : b
    const stale = { ...data, s: 1 }
    for (const bad of [null, 'x', {}, { t: 'offer' }, { t: 'answer', s: 1, sdp: 'v=0' }, { t: 'end', s: 1 }, stale]) {
      receiver.channel.receiveSignal(from, bad)
    }
    if (to === small) receiver.channel.receiveSignal(absent, { t: 'offer', s: 9, sdp })
    return true
  }
  await connect(a, b)
  expect(a.channel.counters().badSignal).toBeGreaterThan(0)
  expect(a.channel.counters().staleSignal).toBeGreaterThan(0)
  expect(a.channel.counters().wrongRole).toBeGreaterThan(0)
})

test('a description that WebRTC refuses ends that attempt only, and a later one succeeds', async () => {
  const [a, b] = [hub.open(small), hub.open(large)]
  hub.passes = ({ to, data }) => {
    if (data.t !== 'answer') return true
    a.channel.receiveSignal(to === small ? large : small, { ...data, sdp })
    return false
  }
  a.channel.dial(large)
  await a.events.linkDownTo(large)
  hub.passes = () => true
  await connect(a, b)
})

test('a peer that hangs up and dials again at once gets a new link, and each link is told once', async () => {
  const [a, b] = [hub.open(small), hub.open(large)]
  await connect(a, b)
  a.channel.hangUp(large)
  a.channel.dial(large)
  await b.events.until('a second link', () => b.events.ups(small) === 2)
  await a.events.until('a second link', () => a.events.ups(large) === 2)
  await exchange(a, b)
  expect(b.events.links.map(({ up }) => up)).toEqual([true, false, true])
  expect(a.events.links.map(({ up }) => up)).toEqual([true, false, true])
})

test('a wish whose answer is lost ends at its deadline, told down at the side that dialled only', async () => {
  const [a, b] = [hub.open(small, { dialTimeoutMs: 300 }), hub.open(large, { dialTimeoutMs: 10_000 })]
  hub.passes = ({ data }) => data.t !== 'answer'
  a.channel.dial(large)
  await a.events.linkDownTo(large)
  // The other side learns of it from `end`, long before its own deadline.
  await expect.poll(() => b.channel.counters().failed).toBe(1)
  expect(a.events.links).toEqual([{ up: false, peer: large }])
  expect(b.events.links).toEqual([])
})

test('a farewell sent right before close arrives', async () => {
  const [a, b] = [hub.open(small), hub.open(large)]
  await connect(a, b)
  a.channel.send(b.channel.endpoint, new Uint8Array([9, 9]))
  await a.channel.close()
  await b.events.linkDownTo(small)
  expect(b.events.packets.map(({ packet }) => [...packet])).toEqual([[9, 9]])
})

test('a process that has closed its links ends by itself, at once and with code 0', async () => {
  const program = await bundle(`
    import SimplePeer from 'simple-peer'
    import { idFromBytes } from '../core/index.ts'
    import { RtcChannel } from '../peer/rtc.ts'
    import { loadWrtc } from './wrtc.ts'

    const wrtc = await loadWrtc()
    const ids = Array.from({ length: 4 }, (_, n) => idFromBytes(new Uint8Array(16).fill(n)))
    const ends = new Map()
    let up = 0
    for (const id of ids) {
      const signal = (to, data) => setImmediate(() => ends.get(to)?.receiveSignal(id, data))
      const linkUp = () => {
        if (++up === 6) void Promise.all([...ends.values()].map((end) => end.close())).then(() => console.log('closed'))
      }
      const events = { receive() {}, linkUp, linkDown() {}, available() {} }
      ends.set(id, new RtcChannel({ id, wrtc, simplePeer: SimplePeer, signal, random: Math.random }, events))
    }
    for (const to of ids.slice(1)) ends.get(ids[0]).dial(to)
  `)
  for (let run = 0; run < 3; run++) {
    const child = spawn(process.execPath, ['--input-type=module'], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      const ended = once(child, 'close')
      child.stdin.end(program)
      const [printed] = await Promise.race([once(child.stdout, 'data'), ended])
      const closedAt = performance.now()
      const [code, signal] = await ended
      expect({ code, signal, printed: String(printed) }).toEqual({ code: 0, signal: null, printed: 'closed\n' })
      // It takes about 15 ms; a forgotten timer of simple-peer or a handle of the stack would take 5 s or for ever.
      expect(performance.now() - closedAt).toBeLessThan(3_000)
    } finally {
      child.kill('SIGKILL')
    }
  }
})

test('where WebRTC is not installed the error says how to install it and what works without', async () => {
  const loading = loadWrtc(() => Promise.reject(new Error("Cannot find package '@roamhq/wrtc'")))
  await expect(loading).rejects.toMatchObject({
    code: 'webrtc_missing',
    message: expect.stringMatching(/npm install @roamhq\/wrtc.*udp/),
  })
})

async function connect(a: RtcEnd, b: RtcEnd): Promise<void> {
  a.channel.dial(b.id)
  await Promise.all([a.events.linkUpTo(b.id), b.events.linkUpTo(a.id)])
}

/** A packet each way, sent again until it arrives. */
async function exchange(a: RtcEnd, b: RtcEnd): Promise<void> {
  await expect
    .poll(() => {
      a.channel.send(b.channel.endpoint, new Uint8Array(1))
      b.channel.send(a.channel.endpoint, new Uint8Array(1))
      return a.events.packets.length > 0 && b.events.packets.length > 0
    })
    .toBe(true)
}

async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  })
  return outputFiles[0]!.text
}
