/** Several signalling servers at once, with sockets made of paper. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { idFromBytes, type PeerId } from '../core/index.ts'
import { encodePacket, encodeServerText, parseClientFrame, type ServerText } from '../signaling/protocol.ts'
import { silentLog } from './options.ts'
import { SignalingServers } from './servers.ts'
import type { WebSocketLike } from './signaling.ts'

const [a, b, own] = ['ws://a/', 'ws://b/', 'ws://own/'] as [string, string, string]
const [self, ana, ben] = [id(0), id(1), id(2)]
const packet = Uint8Array.of(7)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  Paper.at.clear()
})
afterEach(() => {
  vi.useRealTimers()
})

function connect(...urls: string[]) {
  const told: string[] = []
  const servers = new SignalingServers(
    urls.map((url) => ({ url, own: url === own })),
    { room: 'room', id: self, webSocket: Paper, random: () => 1, log: silentLog },
    {
      welcome: (ids) => told.push(`welcome ${ids}`),
      introduced: (ids) => told.push(`introduced ${ids}`),
      signal: (from) => told.push(`signal ${from}`),
      packet: (from, bytes) => told.push(`packet ${from} ${bytes}`),
      up: () => told.push('up'),
      down: (reason) => told.push(`down ${reason}`),
    },
  )
  servers.open()
  return { servers, told }
}

test('a peer is answered by the server it was heard by, and one not heard yet is looked for on all', () => {
  const { servers, told } = connect(a, b)
  Paper.on(a).welcome()
  Paper.on(b).welcome()
  servers.sendPacket(ana, packet)
  expect([Paper.on(a).taken(), Paper.on(b).taken()]).toEqual([[`packet ${ana}`], [`packet ${ana}`]])
  Paper.on(b).deliver(encodePacket(ana, packet))
  Paper.on(a).say({ t: 'signal', from: ben, data: {} })
  expect(told.slice(-2)).toEqual([`packet ${ana} 7`, `signal ${ben}`])
  servers.sendPacket(ana, packet)
  servers.sendSignal(ben, {})
  expect([Paper.on(a).taken(), Paper.on(b).taken()]).toEqual([[`signal ${ben}`], [`packet ${ana}`]])
  // It has moved.
  Paper.on(a).deliver(encodePacket(ana, packet))
  servers.sendPacket(ana, packet)
  expect([Paper.on(a).taken(), Paper.on(b).taken()]).toEqual([[`packet ${ana}`], []])
})

test('a peer is looked for on all servers again once nothing came from it, its server, or for long', () => {
  const { servers } = connect(a, b)
  Paper.on(a).welcome()
  Paper.on(b).welcome()
  const routes = () => {
    servers.sendSignal(ana, {})
    return [Paper.on(a).taken().length, Paper.on(b).taken().length]
  }
  Paper.on(a).deliver(encodePacket(ana, packet))
  expect(routes()).toEqual([1, 0])
  Paper.on(b).say({ t: 'absent', id: ana })
  expect(routes()).toEqual([1, 0]) // where it was looked for in vain does not matter
  Paper.on(a).say({ t: 'absent', id: ana })
  expect(routes()).toEqual([1, 1])
  Paper.on(a).deliver(encodePacket(ana, packet))
  for (const url of [a, b]) Paper.on(url).say({ t: 'ping' })
  vi.advanceTimersByTime(29_999)
  expect(routes()).toEqual([1, 0])
  vi.advanceTimersByTime(1)
  expect(routes()).toEqual([1, 1])
  Paper.on(a).deliver(encodePacket(ana, packet))
  Paper.on(a).fail()
  servers.sendPacket(ana, packet)
  expect(Paper.on(b).taken()).toEqual([`packet ${ana}`])
})

test('no more than 4,096 peers are remembered', () => {
  const { servers } = connect(a, b)
  Paper.on(a).welcome()
  Paper.on(b).welcome()
  for (let n = 1; n <= 4_097; n++) Paper.on(a).deliver(encodePacket(id(n), packet))
  for (const n of [1, 2, 4_097]) servers.sendPacket(id(n), packet)
  expect(Paper.on(b).taken()).toEqual([`packet ${id(1)}`])
})

test('each of several servers introduces its share of four, and a single one all it has', () => {
  const many = [1, 2, 3, 4, 5, 6].map(id)
  const { told } = connect(a, b)
  Paper.on(a).welcome(...many)
  Paper.on(b).say({ t: 'introducers', ids: many }) // before its welcome, from a server that does as it likes
  expect(told.slice(1)).toEqual([`welcome ${many.slice(0, 2)}`, `introduced ${many.slice(0, 2)}`])
  const alone = connect(own)
  Paper.on(own).welcome(...many)
  expect(alone.told).toEqual([`welcome ${many}`])
})

test('that nobody is there is told once every server has said so or failed', () => {
  const { told } = connect(a, b)
  Paper.on(a).welcome()
  expect(told).toEqual(['up'])
  Paper.on(b).fail()
  expect(told).toEqual(['up', 'welcome '])
})

test('who is there is told at once, and an empty server behind it is no news', () => {
  const { told } = connect(a, b)
  Paper.on(b).welcome(ana)
  Paper.on(a).welcome()
  expect(told).toEqual(['up', `welcome ${ana}`])
})

test('where no server answers nothing is said of others', () => {
  const { told } = connect(a, b)
  Paper.on(a).fail()
  Paper.on(b).fail()
  expect(told).toEqual(['down closed', 'down closed'])
})

test('something can be carried while any server is there', () => {
  const { servers, told } = connect(a, b)
  Paper.on(a).welcome(ana)
  Paper.on(b).welcome(ana)
  Paper.on(a).fail()
  servers.sendPacket(ana, packet)
  expect(Paper.on(b).taken()).toEqual([`packet ${ana}`])
  expect(told.filter((line) => /^(up|down)/.test(line))).toEqual(['up'])
  Paper.on(b).fail()
  expect(told.at(-1)).toBe('down closed')
  servers.sendPacket(ana, packet)
  expect(servers.counters()).toMatchObject({ packetsSent: 1, packetsDropped: 1, losses: 2 })
})

test('the own server can carry something while others are heard by it', () => {
  const { servers, told } = connect(own)
  Paper.on(own).welcome()
  expect(told).toEqual(['welcome '])
  Paper.on(own).deliver(encodePacket(ana, packet))
  expect(told).toEqual(['welcome ', 'up', `packet ${ana} 7`])
  vi.advanceTimersByTime(59_999)
  servers.introduce()
  expect(told.at(-1)).toBe(`packet ${ana} 7`)
  vi.advanceTimersByTime(1)
  servers.introduce()
  expect(told.at(-1)).toBe('down nobody is left on the server of this peer')
})

test('the own server does not hide that all others are gone', () => {
  const { told } = connect(a, own)
  Paper.on(own).welcome()
  Paper.on(a).welcome(ana)
  expect(told).toEqual(['up', `welcome ${ana}`])
  Paper.on(a).fail()
  expect(told.at(-1)).toBe('down closed')
})

test('all servers are asked for introductions, and all are left', async () => {
  const { servers } = connect(a, b)
  Paper.on(a).welcome()
  Paper.on(b).welcome()
  servers.introduce()
  expect([Paper.on(a).taken(), Paper.on(b).taken()]).toEqual([['introduce'], ['introduce']])
  const closing = servers.close()
  expect([Paper.on(a).taken(), Paper.on(b).taken()]).toEqual([['bye'], ['bye']])
  for (const url of [a, b]) Paper.on(url).fail()
  await closing
  expect(vi.getTimerCount()).toBe(0)
})

/** The latest socket at each address; the server at its other end does what the test says. */
class Paper implements WebSocketLike {
  static readonly at = new Map<string, Paper>()
  static on(url: string): Paper {
    return Paper.at.get(url)!
  }

  binaryType = 'blob'
  bufferedAmount = 0
  readyState = 1
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: (() => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  #sent: (string | Uint8Array)[] = []

  constructor(url: string) {
    Paper.at.set(url, this)
  }

  send(data: string | Uint8Array): void {
    this.#sent.push(data)
  }

  close(): void {}

  /** What was sent since the last question. */
  taken(): string[] {
    const frames = this.#sent.map((data) => parseClientFrame(data))
    this.#sent = []
    return frames.map((frame) =>
      frame.t === 'packet' ? `packet ${frame.peer}` : frame.t === 'signal' ? `signal ${frame.to}` : frame.t,
    )
  }

  welcome(...introducers: PeerId[]): void {
    this.onopen?.()
    this.say({ t: 'welcome', token: 'token', introducers, pingMs: 120_000 })
    this.#sent = []
  }

  say(message: ServerText): void {
    this.onmessage?.({ data: encodeServerText(message) })
  }

  deliver(frame: Uint8Array<ArrayBuffer>): void {
    this.onmessage?.({ data: frame.buffer })
  }

  fail(): void {
    this.readyState = 3
    this.onclose?.({ code: 1006, reason: 'closed' })
  }
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(new Uint32Array([n, 0, 0, 0]).buffer))
}
