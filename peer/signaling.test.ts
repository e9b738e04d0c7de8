import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { idFromBytes, type PeerId } from '../core/index.ts'
import { type SignalingServer, startSignaling } from '../signaling/index.ts'
import { encodePacket, encodeServerText, type ServerText } from '../signaling/protocol.ts'
import { silentLog } from './options.ts'
import { SignalingClient, type WebSocketLike } from './signaling.ts'

const [ana, ben] = [id(1), id(2)]

describe('with the real server', () => {
  const open: { close(): unknown }[] = []
  afterEach(async () => {
    for (const thing of open.splice(0).reverse()) await thing.close()
  })

  async function start(port = 0): Promise<SignalingServer> {
    const server = await startSignaling({ port })
    open.push(server)
    return server
  }

  function connect(url: string, who: PeerId) {
    const told = new Recorder()
    const options = { url, room: 'room', id: who, webSocket: WebSocket, random: Math.random, log: silentLog }
    const client = new SignalingClient(options, told)
    open.push(client)
    client.open()
    return { client, told }
  }

  test('peers are introduced, and signals and packets arrive with their sender', async () => {
    const server = await start()
    const a = connect(server.url, ana)
    await a.told.until('welcome ')
    const b = connect(server.url, ben)
    await b.told.until(`welcome ${ana}`)
    b.client.sendSignal(ana, { sdp: 'offer' })
    await a.told.until(`signal ${ben} {"sdp":"offer"}`)
    b.client.sendPacket(ana, Uint8Array.of(1, 2))
    await a.told.until(`packet ${ben} 1,2`)
    a.client.introduce()
    await a.told.until(`introduced ${ben}`)
    a.client.sendSignal(id(3), {})
    await a.told.until(`absent ${id(3)}`)
  })

  test('after a restart of the server the same peers are back under the same ids', async () => {
    const server = await start()
    const a = connect(server.url, ana)
    await a.told.until('welcome ')
    const b = connect(server.url, ben)
    await b.told.until(`welcome ${ana}`)
    await server.close()
    await a.told.until('down the server restarts')
    await b.told.until('down the server restarts')
    a.told.lines.length = 0
    b.told.lines.length = 0

    await start(server.port)
    await Promise.all([a.told.until('up'), b.told.until('up')])
    a.client.sendSignal(ben, { n: 1 })
    await b.told.until(`signal ${ana} {"n":1}`)
  })

  test('a lost connection is taken up again at once, although the server still holds the old one', async () => {
    const server = await start()
    // As when a phone changes its network: this end is told, the server is not.
    const near: Socket[] = []
    const far: Socket[] = []
    const network = createServer((socket) => {
      const onward = connectTcp(server.port, '127.0.0.1')
      near.push(socket)
      far.push(onward)
      socket.pipe(onward).pipe(socket)
    })
    network.listen(0, '127.0.0.1')
    await once(network, 'listening')
    open.push({
      close() {
        for (const socket of [...near, ...far]) socket.destroy()
        network.close()
      },
    })

    const { port } = network.address() as AddressInfo
    const { told } = connect(`ws://127.0.0.1:${port}`, ana)
    await told.until('up')
    told.lines.length = 0
    near[0]!.destroy()
    await told.until('up')
    expect(far[0]!.destroyed).toBe(false)
    expect(server.counters()).toMatchObject({ replaced: 1, helloRefused: 0, members: 1 })
  })

  test('a server that falls silent is noticed and left within about two of its intervals', async () => {
    const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    open.push({
      close() {
        for (const socket of silent.clients) socket.terminate()
        silent.close()
      },
    })
    await once(silent, 'listening')
    silent.on('connection', (socket) => {
      socket.on('message', () => socket.send(text({ t: 'welcome', token: 'x', introducers: [], pingMs: 40 })))
    })
    const { port } = silent.address() as AddressInfo
    const { told } = connect(`ws://127.0.0.1:${port}`, ana)
    await told.until('up')
    const upAt = performance.now()
    await told.until('down the server fell silent')
    expect(performance.now() - upAt).toBeGreaterThanOrEqual(79)
    told.lines.length = 0
    await told.until('up')
  })

  test('close leaves no socket, in whatever state it comes', async () => {
    const server = await start()
    const { client, told } = connect(server.url, ana)
    await client.close() // while connecting
    await client.close()
    expect(server.counters().members).toBe(0)
    client.open()
    await told.until('up')
    const closing = client.close()
    expect(client.close()).toBe(closing)
    await closing
    await vi.waitUntil(() => server.counters().sockets === 0, { timeout: 10_000 })
    expect(told.lines.filter((line) => line.startsWith('down'))).toEqual([])

    const lost = connect('ws://127.0.0.1:1', ben)
    await lost.told.until('down')
    await lost.client.close() // while waiting
  })
})

describe('with a socket made of paper', () => {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn() }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    Paper.all.length = 0
    log.warn.mockClear()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function connect(random = () => 1) {
    const told = new Recorder()
    const client = new SignalingClient(
      { url: 'ws://server/', room: 'room', id: ana, webSocket: Paper, random, log },
      told,
    )
    client.open()
    return { client, told }
  }

  test('attempts go on for ever, at growing distances up to ten seconds', () => {
    const { told } = connect()
    const distances: number[] = []
    for (let n = 0; n < 12; n++) {
      const at = performance.now()
      Paper.last.fail('refused')
      vi.advanceTimersToNextTimer()
      distances.push(performance.now() - at)
    }
    expect(distances).toEqual([1_000, 2_000, 4_000, 8_000, ...new Array(8).fill(10_000)])
    expect(told.lines).toEqual(new Array(12).fill('down refused'))
    expect(log.warn).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(1)
  })

  test('the distance is any part of its limit, so that many clients do not come back at once', () => {
    connect(() => 0.1)
    Paper.last.fail('refused')
    vi.advanceTimersByTime(99)
    expect(Paper.all).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(Paper.all).toHaveLength(2)
  })

  test('a server that welcomes and hangs up again is not hammered', () => {
    connect()
    let distance = 0
    for (let n = 0; n < 4; n++) {
      Paper.last.accept()
      const at = performance.now()
      Paper.last.fail('')
      vi.advanceTimersToNextTimer()
      distance = performance.now() - at
    }
    expect(distance).toBe(8_000)
    // One that held for a while is given its due.
    Paper.last.accept()
    for (let n = 0; n < 11; n++) {
      vi.advanceTimersByTime(1_000)
      Paper.last.say({ t: 'ping' })
    }
    Paper.last.fail('')
    vi.advanceTimersByTime(1_000)
    expect(Paper.all).toHaveLength(6)
  })

  test('the token of a welcome is shown at the next hello', () => {
    connect()
    Paper.last.accept()
    expect(JSON.parse(Paper.last.sent[0] as string)).toEqual({ t: 'hello', v: 1, room: 'room', id: ana })
    Paper.last.fail('')
    vi.advanceTimersToNextTimer()
    Paper.last.accept()
    expect(JSON.parse(Paper.last.sent[0] as string)).toMatchObject({ id: ana, token: 'token' })
  })

  test('an attempt without an answer is given up after ten seconds', () => {
    const { told } = connect()
    Paper.last.onopen?.()
    vi.advanceTimersByTime(9_999)
    expect(told.lines).toEqual([])
    vi.advanceTimersByTime(1)
    expect(told.lines).toEqual(['down no answer within 10 s'])
    expect(Paper.last.closed).toBe(true)
  })

  test('what a socket says after it was given up is not listened to', () => {
    const { told } = connect()
    const stale = Paper.last
    vi.advanceTimersByTime(10_000)
    stale.accept()
    stale.fail('late')
    expect(told.lines).toEqual(['down no answer within 10 s'])
  })

  test('the reason a server gives for a refusal is the reason told', () => {
    const { told } = connect()
    Paper.last.onopen?.()
    Paper.last.say({ t: 'error', code: 'room_full', message: 'the room is full' })
    Paper.last.fail('')
    expect(told.lines).toEqual(['down the room is full (room_full)'])
  })

  test('any frame keeps the watchdog quiet, and silence for two intervals wakes it', () => {
    const { told } = connect()
    Paper.last.accept()
    for (let n = 0; n < 5; n++) {
      vi.advanceTimersByTime(1_900)
      Paper.last.say({ t: 'ping' })
      vi.advanceTimersByTime(1_900)
      Paper.last.deliver(encodePacket(ben, Uint8Array.of(1)))
    }
    expect(told.lines.filter((line) => line.startsWith('down'))).toEqual([])
    vi.advanceTimersByTime(1_999)
    expect(told.lines.at(-1)).toMatch(/^packet/)
    vi.advanceTimersByTime(1)
    expect(told.lines.at(-1)).toBe('down the server fell silent')
  })

  test('a page that stood still itself does not blame the server, but only once', () => {
    let now = 0
    const told = new Recorder()
    const client = new SignalingClient(
      { url: 'ws://server/', room: 'room', id: ana, webSocket: Paper, random: () => 1, log, now: () => now },
      told,
    )
    client.open()
    Paper.last.accept() // a ping each second is announced
    const thaw = () => {
      now += 60_000
      vi.advanceTimersToNextTimer()
    }
    thaw()
    now += 1
    Paper.last.say({ t: 'ping' }) // the queue is read: all was well
    thaw()
    expect(told.lines).toEqual(['up', 'welcome '])
    thaw()
    expect(told.lines.at(-1)).toBe('down the server fell silent')
  })

  test('packets are dropped while the socket is slow, signals are not', () => {
    const { client } = connect()
    Paper.last.accept()
    Paper.last.sent.length = 0
    Paper.last.bufferedAmount = 256 * 1024 + 1
    client.sendPacket(ben, Uint8Array.of(1))
    client.sendSignal(ben, {})
    expect(Paper.last.sent).toHaveLength(1)
    Paper.last.bufferedAmount = 256 * 1024
    client.sendPacket(ben, Uint8Array.of(1))
    expect(Paper.last.sent).toHaveLength(2)
    expect(client.counters()).toMatchObject({ packetsDropped: 1, packetsSent: 1, signalsSent: 1 })
  })

  test('what cannot be sent is dropped and counted, and never throws', () => {
    const { client } = connect()
    client.sendSignal(ben, {})
    client.sendPacket(ben, Uint8Array.of(1))
    client.introduce()
    Paper.last.accept()
    client.sendSignal(ben, { sdp: 'x'.repeat(20_000) })
    client.sendPacket(ben, new Uint8Array(1_201))
    client.sendPacket(ben, new Uint8Array(0))
    expect(Paper.last.sent).toHaveLength(1)
    expect(client.counters()).toMatchObject({ signalsDropped: 2, packetsDropped: 3 })
  })

  test('a socket that is closing is given nothing more, not even a farewell', () => {
    const { client } = connect()
    Paper.last.accept()
    Paper.last.readyState = 2
    client.sendSignal(ben, {})
    client.sendPacket(ben, Uint8Array.of(1))
    client.introduce()
    client.bye()
    expect(Paper.last.sent).toHaveLength(1)
    expect(client.counters()).toMatchObject({ signalsDropped: 1, packetsDropped: 1 })
  })

  test('frames that are none are counted and change nothing', () => {
    const { client, told } = connect()
    Paper.last.accept()
    Paper.last.deliver('}{')
    Paper.last.deliver(new Uint8Array(3))
    Paper.last.deliver('{"t":"later"}')
    Paper.last.say({ t: 'signal', from: ben, data: {} })
    expect(client.counters()).toMatchObject({ malformed: 2, ignored: 1, signalsReceived: 1 })
    expect(told.lines).toEqual(['up', 'welcome ', `signal ${ben} {}`])
  })

  test('bye is on its way before it returns, and afterwards nothing is left to happen', () => {
    const { client, told } = connect()
    Paper.last.accept()
    client.bye()
    expect(Paper.last.sent.at(-1)).toBe('{"t":"bye"}')
    expect(Paper.last.closed).toBe(true)
    Paper.last.say({ t: 'signal', from: ben, data: {} })
    Paper.last.fail('')
    expect(vi.getTimerCount()).toBe(0)
    expect(told.lines).toEqual(['up', 'welcome '])
  })

  test('open while an attempt is waited for makes it at once', () => {
    const { client } = connect()
    Paper.last.fail('')
    client.open()
    expect(Paper.all).toHaveLength(2)
    client.open()
    expect(Paper.all).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(1)
  })
})

test.each(['', 'localhost:8787', 'http://localhost:8787', 'ws://', 'ws://host/#part', 7 as never])(
  'the address %j is refused with the name of the option',
  (url) => {
    const options = { url, room: 'room', id: ana, webSocket: Paper, random: Math.random, log: silentLog }
    expect(() => new SignalingClient(options, new Recorder())).toThrow(
      expect.objectContaining({ code: 'bad_option', message: expect.stringMatching(/^signaling: expected .*ws:\/\//) }),
    )
  },
)

/** All events as lines of text, in order. */
class Recorder {
  readonly lines: string[] = []
  readonly #waiting = new Set<() => void>()

  welcome = (introducers: PeerId[]) => this.#tell(`welcome ${introducers}`)
  introduced = (ids: PeerId[]) => this.#tell(`introduced ${ids}`)
  signal = (from: PeerId, data: object) => this.#tell(`signal ${from} ${JSON.stringify(data)}`)
  packet = (from: PeerId, packet: Uint8Array) => this.#tell(`packet ${from} ${packet}`)
  absent = (who: PeerId) => this.#tell(`absent ${who}`)
  up = () => this.#tell('up')
  down = (reason: string) => this.#tell(`down ${reason}`)

  /** Waits for a line that begins so. */
  until(start: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`no "${start}" in ${this.lines.join('; ')}`)), 10_000)
      const check = () => {
        if (!this.lines.some((line) => line.startsWith(start))) return
        clearTimeout(deadline)
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  #tell(line: string): void {
    this.lines.push(line)
    for (const check of [...this.#waiting]) check()
  }
}

/** A WebSocket that does what the test says. */
class Paper implements WebSocketLike {
  static readonly all: Paper[] = []
  static get last(): Paper {
    return Paper.all.at(-1)!
  }

  binaryType = 'blob'
  bufferedAmount = 0
  readyState = 1
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: ((event: { message?: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  readonly sent: (string | Uint8Array)[] = []
  closed = false

  constructor(url: string) {
    expect(url).toBe('ws://server/')
    Paper.all.push(this)
  }

  send(data: string | Uint8Array): void {
    this.sent.push(data)
  }

  close(): void {
    this.closed = true
  }

  accept(): void {
    this.onopen?.()
    this.say({ t: 'welcome', token: 'token', introducers: [], pingMs: 1_000 })
  }

  say(message: ServerText): void {
    this.deliver(text(message))
  }

  deliver(data: string | Uint8Array<ArrayBuffer>): void {
    this.onmessage?.({ data: typeof data === 'string' ? data : data.buffer })
  }

  fail(reason: string): void {
    this.onclose?.({ code: 1006, reason })
  }
}

function text(message: ServerText): string {
  return encodeServerText(message)
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
