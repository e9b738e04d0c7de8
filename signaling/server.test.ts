import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { idFromBytes, type PeerId } from '../core/index.ts'
import type { SignalingOptions } from './options.ts'
import { encodeClientText, encodePacket, frameBytesMax, parseServerFrame, type ServerFrame } from './protocol.ts'
import type { IceServer } from './protocol-ice.ts'
import { type SignalingServer, startSignaling } from './server.ts'

const [ana, ben, cy] = [id(1), id(2), id(3)]
const opened: { close(): unknown }[] = []
const sockets: WebSocket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate()
  for (const server of opened.splice(0)) await server.close()
})

// The first of the file, since the fetch of a later one leaves a timer of its own behind.
test('close says 1012, cuts off whoever does not answer, and leaves nothing open', async () => {
  const server = await start({ limits: { helloTimeoutMs: 60_000 } })
  const polite = await member(server, 'room', ana)
  const silent = await socketTo(server)
  const deaf = await rawMember(server, 'room', ben)
  const idle = connect(server.port, '127.0.0.1')
  await once(idle, 'connect')
  const cut = [once(deaf, 'close'), once(idle, 'close')]
  deaf.resume()
  idle.resume()

  await Promise.all([server.close(), server.close()])
  expect((await polite.closed).code).toBe(1012)
  expect((await silent.closed).code).toBe(1012)
  await Promise.all(cut)
  await until(() => openHandles().length === 0)
  expect(server.counters()).toMatchObject({ sockets: 0, rooms: 0, members: 0 })
})

test('two of one room are introduced, exchange signals and packets, and the server stamps the sender', async () => {
  const server = await start()
  const a = await member(server, 'room', ana)
  expect(a.welcome.introducers).toEqual([])
  const b = await member(server, 'room', ben)
  expect(b.welcome.introducers).toEqual([ana])

  // A sender's own idea of who it is has no place in the protocol: fields more are skipped.
  b.send(JSON.stringify({ t: 'signal', to: ana, from: cy, data: { sdp: 'offer', __proto__: null } }))
  expect(await a.next('signal')).toEqual({ t: 'signal', from: ben, data: { sdp: 'offer' } })
  b.send(encodePacket(ana, Uint8Array.of(1, 2, 3)))
  expect(await a.next('packet')).toMatchObject({ peer: ben, packet: Buffer.of(1, 2, 3) })

  a.send('{"t":"introduce"}')
  expect(await a.next('introducers')).toEqual({ t: 'introducers', ids: [ben] })
  expect(server.counters()).toMatchObject({ rooms: 1, members: 2, signalsRelayed: 1, packetsRelayed: 1 })
})

test('somebody of another room is as absent as somebody who never was', async () => {
  const server = await start()
  const a = await member(server, 'one', ana)
  const b = await member(server, 'two', ben)
  for (const to of [ben, cy]) {
    a.send(encodeClientText({ t: 'signal', to, data: {} }))
    expect(await a.next('absent')).toEqual({ t: 'absent', id: to })
    a.send(encodePacket(to, Uint8Array.of(1)))
  }
  await until(() => server.counters().absent === 4)
  expect(server.counters()).toMatchObject({ rooms: 2, signalsRelayed: 0, packetsRelayed: 0 })
  expect(b.frames).toEqual([])
})

test('a live id is not given to another socket, whatever token it shows', async () => {
  const server = await start()
  const a = await member(server, 'room', ana)
  const b = await member(server, 'room', ben)
  for (const token of [undefined, 'guess', b.welcome.token]) {
    const thief = await socketTo(server)
    thief.send(hello('room', ana, token))
    expect(await thief.next('error')).toMatchObject({ code: 'id_taken' })
    expect((await thief.closed).code).toBe(1008)
  }
  b.send(encodeClientText({ t: 'signal', to: ana, data: { still: 'here' } }))
  expect(await a.next('signal')).toMatchObject({ data: { still: 'here' } })
})

test('the same id with its token takes the place of its old socket at once', async () => {
  const server = await start()
  const before = await member(server, 'room', ana)
  const after = await member(server, 'room', ana, before.welcome.token)
  expect((await before.closed).code).toBe(4409)
  expect(after.welcome.token).toBe(before.welcome.token)
  expect(server.counters()).toMatchObject({ members: 1, replaced: 1 })

  const b = await member(server, 'room', ben)
  b.send(encodeClientText({ t: 'signal', to: ana, data: { n: 1 } }))
  expect(await after.next('signal')).toMatchObject({ from: ben })
})

test('whoever took an id while its owner was away makes way when the owner returns', async () => {
  const server = await start()
  const owner = await member(server, 'room', ana)
  owner.socket.terminate()
  await until(() => server.counters().members === 0)
  const squatter = await member(server, 'room', ana)
  await member(server, 'room', ana, owner.welcome.token)
  expect((await squatter.closed).code).toBe(4409)
  const again = await socketTo(server)
  again.send(hello('room', ana, squatter.welcome.token))
  expect(await again.next('error')).toMatchObject({ code: 'id_taken' })
})

test('bye frees the place, and nobody else is told', async () => {
  const server = await start()
  const a = await member(server, 'room', ana)
  const b = await member(server, 'room', ben)
  a.send('{"t":"bye"}')
  expect((await a.closed).code).toBe(1000)
  expect(server.counters()).toMatchObject({ members: 1, rooms: 1 })
  b.socket.terminate()
  await until(() => server.counters().rooms === 0)
  expect(b.frames).toEqual([])
})

test('a socket that does not say hello in time is closed', async () => {
  const server = await start({ limits: { helloTimeoutMs: 30 } })
  const silent = await socketTo(server)
  expect(await silent.closed).toEqual({ code: 1008, reason: 'no hello in time' })
  expect(server.counters().helloTimeouts).toBe(1)
  const polite = await member(server, 'room', ana)
  polite.send('{"t":"introduce"}')
  await polite.next('introducers')
})

test('a version the server does not speak is refused by name', async () => {
  const server = await start()
  const a = await socketTo(server)
  a.send(JSON.stringify({ t: 'hello', v: 2, room: 'room', id: ana }))
  expect(await a.next('error')).toMatchObject({ code: 'version' })
  expect((await a.closed).code).toBe(1008)
})

test.each([
  ['text that is no JSON', '}{'],
  ['bytes too few for a packet', new Uint8Array(5)],
  ['bytes too many for a packet', new Uint8Array(2_000)],
  ['a signal to no id', '{"t":"signal","to":"x","data":{}}'],
  ['a second hello', hello('room', ana)],
])('the third malformed frame closes the socket, and only that: %s', async (_what, frame) => {
  const server = await start()
  const b = await member(server, 'room', ben)
  const a = await member(server, 'room', ana)
  a.send(frame)
  a.send(frame)
  a.send(encodeClientText({ t: 'signal', to: ben, data: { after: 2 } }))
  expect(await b.next('signal')).toMatchObject({ data: { after: 2 } })
  a.send(frame)
  const { code, reason } = await a.closed
  expect(code).toBe(1008)
  expect(reason).not.toBe('')
  expect(server.counters()).toMatchObject({ malformed: 3, malformedClosed: 1, members: 1 })
})

test('nothing but a hello is acted on before the hello', async () => {
  const server = await start()
  const b = await member(server, 'room', ben)
  const a = await socketTo(server)
  a.send(encodeClientText({ t: 'signal', to: ben, data: {} }))
  a.send(encodePacket(ben, Uint8Array.of(1)))
  a.send('{"t":"introduce"}')
  expect(await a.closed).toEqual({ code: 1008, reason: 'say hello first' })
  expect(b.frames).toEqual([])
})

test('a frame beyond the limit, and text that is no UTF-8, close the socket', async () => {
  const server = await start()
  const big = await member(server, 'room', ana)
  big.send(`{"t":"later","padding":"${'x'.repeat(frameBytesMax)}"}`)
  expect((await big.closed).code).toBe(1009)
  const broken = await member(server, 'room', ben)
  broken.socket.send(Buffer.of(0xc3, 0x28), { binary: false })
  expect((await broken.closed).code).toBe(1007)
  await member(server, 'room', cy)
})

test('frames of a later version are ignored and counted', async () => {
  const server = await start()
  const a = await member(server, 'room', ana)
  for (let n = 0; n < 5; n++) a.send('{"t":"subscribe"}')
  a.send('{"t":"introduce"}')
  await a.next('introducers')
  expect(server.counters()).toMatchObject({ ignored: 5, malformed: 0 })
})

test('beyond its allowance a socket loses messages, and far beyond it the connection', async () => {
  const server = await start({ limits: { messagesPerSecond: 1, messageBurst: 10, floodBurst: 20 } })
  const b = await member(server, 'room', ben)
  const a = await member(server, 'room', ana)
  // The hello took one of ten, and the clock may give one back.
  for (let n = 0; n < 20; n++) a.send(encodePacket(ben, Uint8Array.of(n)))
  await until(() => server.counters().rateDropped + b.frames.length === 20)
  expect(b.frames.length).toBeGreaterThanOrEqual(9)
  expect(b.frames.length).toBeLessThanOrEqual(11)
  for (let n = 0; n < 20; n++) a.socket.ping()
  expect(await a.closed).toEqual({ code: 1008, reason: 'too many messages' })
  expect(server.counters()).toMatchObject({ floodClosed: 1, members: 1 })
})

test('a reader who does not read loses packets first and then the connection, and costs a bounded memory', async () => {
  const server = await start({
    limits: { messagesPerSecond: 1e6, messageBurst: 1e6, bufferedBytesDrop: 20_000, bufferedBytesMax: 100_000 },
  })
  const lazy = await rawMember(server, 'room', ben)
  lazy.pause()
  const a = await member(server, 'room', ana)
  const packet = encodePacket(ben, new Uint8Array(1_200))
  const pump = async (frame: string | Uint8Array, reached: () => boolean) => {
    while (!reached()) {
      for (let n = 0; n < 50; n++) a.send(frame)
      a.send('{"t":"introduce"}')
      // By its answer the server has read all that was sent before; absents may stand in front of it.
      await until(() => a.frames.at(-1)?.t === 'introducers')
      a.frames.length = 0
    }
  }
  await pump(packet, () => server.counters().packetsDroppedSlow > 0)
  expect(server.counters()).toMatchObject({ slowDisconnected: 0, members: 2 })
  const signal = encodeClientText({ t: 'signal', to: ben, data: { sdp: 'x'.repeat(9_000) } })
  await pump(signal, () => server.counters().slowDisconnected > 0)
  expect(server.counters().members).toBe(1)
})

test('a half-open socket is ended after two beats, one that answers is not', async () => {
  const server = await start({ pingIntervalMs: 30 })
  const dead = await rawMember(server, 'room', ana)
  const alive = await member(server, 'room', ben)
  const ended = once(dead, 'close')
  dead.resume()
  await ended
  expect(server.counters()).toMatchObject({ halfOpen: 1, members: 1 })
  for (let n = 0; n < 4; n++) await alive.next('ping')
  expect(server.counters()).toMatchObject({ halfOpen: 1, members: 1 })
})

test('a page of a foreign origin gets 403 before there is a socket', async () => {
  const server = await start({ origins: ['https://example.com'] })
  expect(await refusedUpgrade(server, 'https://evil.org')).toBe(403)
  await socketTo(server, { origin: 'https://example.com' })
  await socketTo(server)
  expect(server.counters()).toMatchObject({ refusedOrigin: 1, accepted: 2 })
})

test('sockets beyond the limits of one address and of all are turned away until one goes', async () => {
  const server = await start({ limits: { socketsPerAddressMax: 1 } })
  const first = await socketTo(server)
  expect(await refusedUpgrade(server)).toBe(429)
  first.socket.terminate()
  await until(() => server.counters().sockets === 0)
  await socketTo(server)

  const small = await start({ limits: { socketsMax: 1 } })
  await socketTo(small)
  expect(await refusedUpgrade(small)).toBe(503)
})

test('full rooms and a full server say so', async () => {
  const server = await start({ limits: { roomsMax: 1, membersPerRoomMax: 1 } })
  await member(server, 'room', ana)
  for (const [room, code] of [
    ['room', 'room_full'],
    ['other', 'rooms_full'],
  ] as const) {
    const late = await socketTo(server)
    late.send(hello(room, ben))
    expect(await late.next('error')).toMatchObject({ code })
    expect((await late.closed).code).toBe(1013)
  }
})

test('STUN and TURN servers are told in the welcome, with a password of its own for each', async () => {
  const turn = { urls: ['turn:turn.example'], secret: 'north' }
  const server = await start({ stun: ['stun:stun.example'], turn })
  const a = await member(server, 'room', ana)
  const b = await member(server, 'room', ben)
  const turnOf = (servers: IceServer[] = []) => servers.find(({ urls }) => urls[0] === 'turn:turn.example')!
  const [first, another] = [turnOf(a.welcome.iceServers), turnOf(b.welcome.iceServers)]
  expect(a.welcome.iceServers![0]).toEqual({ urls: ['stun:stun.example'] })
  expect(first.username).toMatch(new RegExp(`^\\d{10}:${ana}$`))
  expect(another.username).toMatch(new RegExp(`^\\d{10}:${ben}$`))
  expect(another.credential).not.toBe(first.credential)
})

test('without such servers the welcome says nothing of them', async () => {
  const server = await start()
  expect((await member(server, 'room', ana)).welcome).not.toHaveProperty('iceServers')
})

test('health tells how many there are', async () => {
  const server = await start()
  await member(server, 'room', ana)
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/health`)
  expect(await response.json()).toEqual({ status: 'ok', rooms: 1, members: 1 })
  expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404)
})

test('a port in use is one clear error that names address and cause', async () => {
  const server = await start()
  const second = startSignaling({ port: server.port })
  await expect(second).rejects.toMatchObject({
    code: 'bind_failed',
    message: `cannot listen on 127.0.0.1:${server.port}: the port is in use`,
  })
  await expect(startSignaling({ port: 0, host: '192.0.2.1' })).rejects.toMatchObject({
    code: 'bind_failed',
    message: 'cannot listen on 192.0.2.1:0: this machine does not have that address',
  })
})

test.each([
  ['port', { port: 65_536 }],
  ['host', { host: '' }],
  ['origins', { origins: ['example.com'] }],
  ['origins', { origins: ['https://example.com/path'] }],
  ['page', { page: '' }],
  ['page', { page: '/nowhere/at/all' }],
  ['pingIntervalMs', { pingIntervalMs: 0 }],
  ['stun', { stun: ['turn:a'] }],
  ['stun', { stun: 'stun:a' as never }],
  ['stun', { stun: new Array(9).fill('stun:a') }],
  ['turn.urls', { turn: { urls: [], secret: 's' } }],
  ['turn.urls', { turn: { urls: ['https://a'], secret: 's' } }],
  ['turn.secret', { turn: { urls: ['turn:a'], secret: '' } }],
  ['turn.ttlSeconds', { turn: { urls: ['turn:a'], secret: 's', ttlSeconds: 79 } }],
  ['turn.ttlSeconds', { turn: { urls: ['turn:a'], secret: 's', ttlSeconds: 1.5 } }],
  ['limits.roomsMax', { limits: { roomsMax: -1 } }],
  ['limits', { limits: 5 as never }],
  ['origins', { origins: 'https://example.com' as never }],
  ['origins', { origins: null as never }],
  ['origins', { origins: [7] as never }],
  ['turn', { turn: null as never }],
] satisfies [string, SignalingOptions][])('a bad option is named: %s in %j', async (option, options) => {
  await expect(startSignaling({ port: 0, ...options })).rejects.toMatchObject({
    code: 'bad_option',
    message: expect.stringMatching(new RegExp(`^${option}: expected `)),
  })
})

test.each<[string, unknown]>([
  [
    'startSignaling: there is no option origin; expected port, host, origins',
    { port: 0, origin: ['https://a.example'] },
  ],
  ['startSignaling: there is no option hostname; expected port, host', { port: 0, hostname: '127.0.0.1' }],
  ['startSignaling: expected options as an object, got 8787; there are port, host', 8787],
  ['limits: there is no option rooms; expected socketsMax', { port: 0, limits: { rooms: 1 } }],
  [
    'turn: there is no option ttl; expected urls, secret, ttl',
    { port: 0, turn: { urls: ['turn:a'], secret: 's', ttl: 9 } },
  ],
])('an option that there is none of opens nothing: %s', async (message, options) => {
  const refused = { code: 'bad_option', message: expect.stringContaining(message) }
  await expect(startSignaling(options as SignalingOptions)).rejects.toMatchObject(refused)
})

test('the secret of a TURN server stands in no error', async () => {
  const secret = ['hidden'] as never
  await expect(startSignaling({ port: 0, turn: { urls: ['turn:a'], secret } })).rejects.not.toThrow('hidden')
  await expect(startSignaling({ port: 0, turn: { urls: ['turn'], secret: 'hidden' } })).rejects.not.toThrow('hidden')
})

/** A socket with everything it was told, and the frames not asked for yet. Pings are kept out of the way. */
class Client {
  readonly socket: WebSocket
  readonly frames: ServerFrame[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  #pings = 0

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data, isBinary) => {
      const frame = parseServerFrame(isBinary ? (data as Buffer) : String(data))
      if (frame.t === 'ping') this.#pings++
      else this.frames.push(frame)
    })
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
  }

  send(frame: string | Uint8Array): void {
    this.socket.send(frame)
  }

  /** Takes the next frame; it has to be of this type. */
  async next<T extends ServerFrame['t']>(type: T): Promise<Extract<ServerFrame, { t: T }>> {
    if (type === 'ping') {
      const heard = this.#pings
      await until(() => this.#pings > heard)
      return { t: 'ping' } as Extract<ServerFrame, { t: T }>
    }
    await until(() => this.frames.length > 0)
    const frame = this.frames.shift()!
    expect(frame.t).toBe(type)
    return frame as Extract<ServerFrame, { t: T }>
  }
}

async function start(options: SignalingOptions = {}): Promise<SignalingServer> {
  const server = await startSignaling({ port: 0, ...options })
  opened.push(server)
  return server
}

async function socketTo(server: SignalingServer, options: { origin?: string } = {}): Promise<Client> {
  const socket = new WebSocket(server.url, options)
  sockets.push(socket)
  const client = new Client(socket)
  await once(socket, 'open')
  return client
}

async function member(server: SignalingServer, room: string, who: PeerId, token?: string) {
  const client = await socketTo(server)
  client.send(hello(room, who, token))
  return Object.assign(client, { welcome: await client.next('welcome') })
}

async function refusedUpgrade(server: SignalingServer, origin?: string): Promise<number> {
  const socket = new WebSocket(server.url, origin === undefined ? {} : { origin })
  socket.on('error', () => {})
  const [request, response] = await once(socket, 'unexpected-response')
  request.destroy()
  return response.statusCode as number
}

/** A member by hand, over a bare TCP socket: it answers no ping and no close, and reads only when it is told to. */
async function rawMember(server: SignalingServer, room: string, who: PeerId): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  opened.push({ close: () => socket.destroy() })
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await once(socket, 'data')
  const text = Buffer.from(hello(room, who))
  // FIN and text, masked with zeros: the payload stands as it is.
  socket.write(Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), text]))
  await once(socket, 'data')
  return socket
}

function hello(room: string, who: PeerId, token?: string): string {
  return encodeClientText({ t: 'hello', v: 1, room, id: who, ...(token === undefined ? {} : { token }) })
}

async function until(reached: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!reached()) {
    if (performance.now() > deadline) throw new Error(`not reached in time: ${reached}`)
    // A turn of the event loop, and no timer: that would itself be an open handle.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function openHandles(): string[] {
  const kinds = ['TCPSocketWrap', 'TCPServerWrap', 'TCPConnectWrap', 'Timeout']
  return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind))
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
