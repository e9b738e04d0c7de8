import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { idFromBytes, type PeerId, type PeerStatus } from '../core/index.ts'
import { encodeServerText, type ServerText } from '../signaling/protocol.ts'
import { Driver } from './driver.ts'
import { type PeerOptions, silentLog } from './options.ts'
import { Peer } from './peer.ts'
import type { RtcConnection } from './rtc.ts'
import type { WebSocketLike } from './signaling.ts'
import { openWeb, type Web } from './web.ts'

const [self, other, third] = [id(1), id(2), id(3)]
const own = { urls: 'stun:own.example' }
const issued = (credential: string) => [{ urls: ['turn:turn.example'], username: `9:${self}`, credential }]

let ended: (() => Promise<void>)[] = []
beforeEach(() => {
  Wire.all.length = 0
  Connection.configs.length = 0
})
afterEach(async () => {
  for (const end of ended) await end()
  ended = []
})

test('a link is made with the servers of the options and those of the last welcome or renewal', () => {
  const { dial } = open({ iceServers: [own] })
  Wire.last.accept({ iceServers: issued('first') })
  dial(other)
  Wire.last.say({ t: 'ice', servers: issued('second') })
  dial(third)
  expect(Connection.configs.map(({ iceServers }) => iceServers)).toEqual([
    [own, ...issued('first')],
    [own, ...issued('second')],
  ])
})

test('what one server has told holds while there is none, and is not taken back by one that tells nothing', () => {
  const { dial } = open({})
  Wire.last.accept({ iceServers: issued('first') })
  Wire.last.fail()
  dial(other)
  open({}).dial(other)
  expect(Connection.configs.map(({ iceServers }) => iceServers)).toEqual([issued('first'), []])
})

test('a welcome with a server that no browser could read is none', () => {
  const { web } = open({})
  Wire.last.accept({ iceServers: [{ urls: ['https://turn.example'] }] })
  Wire.last.fail()
  expect(web.trouble()).toContain('out of reach')
})

test('the policy to send nothing but by TURN reaches every connection', () => {
  const { dial } = open({ iceTransportPolicy: 'relay' })
  Wire.last.accept({ iceServers: issued('first') })
  dial(other)
  expect(Connection.configs).toEqual([{ iceServers: issued('first'), iceTransportPolicy: 'relay' }])
})

test('while it finds nobody, a peer says that the server is out of reach and what its links come to', () => {
  const told: [PeerStatus, string][] = []
  const { peer, dial } = open({ signaling: 'ws://user:pass@server:1/way?key=hidden' })
  peer.on('status', (status, reason) => told.push([status, reason]))
  expect(peer.reason).toBe('looking for members')
  Wire.last.fail()
  expect(peer.status).toBe('joining')
  expect(peer.reason).toBe(
    'looking for members; the signalling server ws://server:1/way is out of reach ' +
      '(no signalling server answers there, or it does not let this page in, 1006), and no WebRTC connection is open',
  )
  dial(other)
  Connection.last.emit('close')
  expect(peer.reason).toMatch(/no WebRTC connection is open \(1 failed to open, with no TURN server to go by\)$/)
  dial(third)
  Connection.last.emit('connect')
  expect(peer.reason).toMatch(
    /is out of reach \(no signalling server answers there, or it does not let this page in, 1006\)$/,
  )
  expect(told).toEqual([])
})

test('a peer that has joined does not complain, and one without WebRTC says so', () => {
  const { peer, web } = open({}, false)
  Wire.last.accept({})
  Wire.last.fail()
  expect(peer.status).toBe('joined')
  expect(peer.reason).toBe('alone in the room so far')
  expect(web.trouble()).toMatch(/, and there is no WebRTC here$/)
})

/** A peer with the web side alone, whose server and connections the test plays. */
function open(
  options: Partial<PeerOptions & { signaling: string }>,
  webrtc = true,
): { web: Web; peer: Peer; dial: (to: PeerId) => void } {
  let peer: Peer | undefined
  const driver = new Driver((event) => peer?.hear(event))
  const random = () => 0.999
  const web = openWeb(
    self,
    { ...options, room: 'r', servers: [{ url: options.signaling ?? 'ws://server:1' }] },
    { webSocket: Wire, ...(webrtc && { simplePeer: Connection }) },
    driver,
    random,
    silentLog,
  )
  const about = { id: self, room: 'r', name: 'n', user: null, mode: 'visible', random } as const
  const swim = driver.start(about, web.channels)
  const leave = async () => {
    await driver.close()
    await web.close()
  }
  const call: Driver['call'] = (run) => driver.call(run)
  peer = new Peer({
    room: 'r',
    swim,
    call,
    now: () => driver.now(),
    leave,
    random,
    warn() {},
    trouble: () => web.trouble(),
  })
  ended.push(() => peer!.leave())
  web.open()
  return { web, peer, dial: (to) => web.channels[0]!.dial!(to) }
}

/** The server's end of the socket, in the hands of the test. */
class Wire implements WebSocketLike {
  static readonly all: Wire[] = []
  static get last(): Wire {
    return Wire.all.at(-1)!
  }

  binaryType = 'blob'
  bufferedAmount = 0
  readyState = 1
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: unknown = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null

  constructor() {
    Wire.all.push(this)
  }

  send(): void {}

  close(): void {
    queueMicrotask(() => this.fail())
  }

  accept(more: object): void {
    this.onopen?.()
    this.say({ t: 'welcome', token: 'token', introducers: [], pingMs: 20_000, ...more })
  }

  say(message: ServerText): void {
    this.onmessage?.({ data: encodeServerText(message) })
  }

  fail(): void {
    this.onclose?.({ code: 1006, reason: '' })
  }
}

/** What stands for simple-peer: it keeps what it was made with, and does what the test says. */
class Connection extends EventEmitter implements RtcConnection {
  static readonly configs: { iceServers: unknown; iceTransportPolicy?: unknown }[] = []
  static last: Connection
  readonly bufferSize = 0

  constructor(options: object) {
    super()
    Connection.last = this
    Connection.configs.push((options as { config: (typeof Connection.configs)[number] }).config)
  }

  signal(): void {}
  send(): void {}

  destroy(): void {
    queueMicrotask(() => this.emit('close'))
  }
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
