/** Which way signals take: over the mesh, or by the signalling server. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { idFromBytes, type PeerId, type Swim, seededRandom } from '../core/index.ts'
import { Driver } from './driver.ts'
import { silentLog } from './options.ts'
import type { RtcConnection } from './rtc.ts'
import { encodeRtcSignal } from './rtc-signal.ts'
import type { WebSocketLike } from './signaling.ts'
import { openWeb, type Web } from './web.ts'

const [small, middle, large] = [1, 2, 3].map((n) => idFromBytes(new Uint8Array(16).fill(n))) as [PeerId, PeerId, PeerId]

let swim: Swim
let web: Web
let driver: Driver
/** What the server was told, and what the core was given to carry. */
let byServer: { t: string; to?: PeerId; data?: { t: string } }[]
let byMesh: { to: PeerId; data: unknown }[]
let meshHasPath: boolean

beforeEach(async () => {
  byServer = []
  byMesh = []
  meshHasPath = true
  driver = new Driver(() => {})
  const options = { room: 'r', servers: [{ url: 'ws://127.0.0.1:1' }] }
  const platform = { webSocket: Socket, simplePeer: Connection }
  web = openWeb(middle, options, platform, driver, seededRandom(1), silentLog)
  swim = driver.start(
    { id: middle, room: 'r', name: 'n', user: null, mode: 'server', random: seededRandom(2) },
    web.channels,
  )
  vi.spyOn(swim, 'sendSignal').mockImplementation((kind, to, data) => {
    expect(kind).toBe('rtc')
    if (meshHasPath) byMesh.push({ to, data: JSON.parse(new TextDecoder().decode(data)) })
    return meshHasPath
  })
  web.open()
  await vi.waitUntil(() => web.counters().signaling_welcomes === 1)
})

afterEach(async () => {
  await driver.close()
  await web.close()
})

test('a signal goes over the mesh, and by the server only where the mesh has no path', () => {
  driver.dial('rtc', small)
  expect([byMesh, signalsByServer()]).toEqual([[{ to: small, data: { t: 'ask' } }], []])
  driver.hangUp('rtc', small)
  meshHasPath = false
  driver.dial('rtc', small)
  expect(signalsByServer()).toEqual([{ t: 'signal', to: small, data: { t: 'ask' } }])
  expect(web.counters()).toMatchObject({ rtc_signals_by_mesh: 1, rtc_signals_by_server: 1, rtc_dialled: 2 })
})

test('a signal that is raised while the core runs waits until it has finished', () => {
  const order: string[] = []
  driver.call(() => {
    driver.dial('rtc', small)
    order.push(`in the call: ${byMesh.length}`)
  })
  order.push(`behind it: ${byMesh.length}`)
  expect(order).toEqual(['in the call: 0', 'behind it: 1'])
})

test('a signal that found no way over the mesh goes by the server, and garbage in its place does not', () => {
  driver.signalLost('rtc', small, encodeRtcSignal({ t: 'ask', lost: 7 }))
  driver.signalLost('rtc', small, new Uint8Array([0xff]))
  expect(signalsByServer()).toEqual([{ t: 'signal', to: small, data: { t: 'ask', lost: 7 } }])
})

test('a signal from the mesh reaches the links, and garbage from there is counted', () => {
  driver.signal('rtc', large, encodeRtcSignal({ t: 'ask' }))
  expect(web.links()).toEqual([{ id: large, state: 'opening' }])
  for (const garbage of [[], [0xff, 0xff], [0x7b, 0x7d]]) driver.signal('rtc', large, new Uint8Array(garbage))
  driver.signal('rtc', 'no id', encodeRtcSignal({ t: 'ask' }))
  expect(web.counters().rtc_bad_signal).toBe(4)
})

test('signals of calls go the same ways, and reach whoever hears of calls and not the links', () => {
  const heard: unknown[] = []
  const receive = (from: PeerId, data: unknown) => heard.push([from, data])
  web.calls!.listen({ receive, unreachable: (to) => heard.push(to) })
  web.calls!.signal(small, { t: 'end', c: 7 })
  expect([byMesh, signalsByServer()]).toEqual([[{ to: small, data: { t: 'end', c: 7 } }], []])
  driver.signalLost('rtc', small, encodeRtcSignal({ t: 'end', c: 7 }))
  driver.signalLost('rtc', small, encodeRtcSignal({ t: 'evil', c: 7 }))
  expect(signalsByServer()).toEqual([{ t: 'signal', to: small, data: { t: 'end', c: 7 } }])
  driver.signal('rtc', small, encodeRtcSignal({ t: 'anything', c: 8 }))
  Socket.last.say({ t: 'signal', from: small, data: { t: 'end', c: 9 } })
  Socket.last.say({ t: 'absent', id: large })
  expect(heard).toEqual([[small, { t: 'anything', c: 8 }], [small, { t: 'end', c: 9 }], large])
  expect(web.counters()).toMatchObject({ rtc_bad_signal: 0, rtc_stale_signal: 0 })
})

test('a peer that closes tells by the server that it gives up opening links', async () => {
  driver.dial('rtc', large)
  await driver.close()
  expect(signalsByServer()).toEqual([{ t: 'signal', to: large, data: { t: 'end', s: expect.any(Number) } }])
})

function signalsByServer() {
  return byServer.filter(({ t }) => t === 'signal')
}

/** A socket to a server that welcomes whoever says hello, at once. */
class Socket implements WebSocketLike {
  static last: Socket
  binaryType = ''
  readonly bufferedAmount = 0
  readonly readyState = 1
  onopen: unknown
  onmessage: unknown
  onerror: unknown
  onclose: unknown

  constructor() {
    Socket.last = this
    queueMicrotask(() => (this.onopen as () => void)())
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== 'string') return
    const frame = JSON.parse(data)
    byServer.push(frame)
    const welcome = { t: 'welcome', token: 'x', introducers: [], pingMs: 1000 }
    if (frame.t === 'hello') this.say(welcome)
  }

  say(message: object): void {
    ;(this.onmessage as (event: object) => void)({ data: JSON.stringify(message) })
  }

  close(): void {
    queueMicrotask(() => (this.onclose as (event: object) => void)({ code: 1000, reason: '' }))
  }
}

/** A connection that never opens. */
class Connection implements RtcConnection {
  readonly bufferSize = 0
  #ended = () => {}

  on(event: string, listener: (value: unknown) => void): void {
    if (event === 'close') this.#ended = () => listener(undefined)
  }

  signal(): void {}

  send(): void {}

  destroy(): void {
    queueMicrotask(this.#ended)
  }
}
