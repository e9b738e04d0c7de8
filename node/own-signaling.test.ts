/** Rooms that live on without their signalling server, or with two of them: real sockets, real WebRTC. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type SignalingServer, startSignaling } from '../signaling/index.ts'
import { type NodePeerOptions, type Peer, type ShoalError, startPeer } from './index.ts'

const peers: Peer[] = []
const servers: { close(): Promise<void> }[] = []
/** `Ana: Ben dead`: what nobody should see in these tests, unless they cause it. */
const deaths: string[] = []

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.leave()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
  deaths.length = 0
})

for (const webrtc of [true, false]) {
  const way = webrtc ? 'WebRTC' : 'the relay alone'

  test(`a gateway that serves signalling is all that a room needs, with ${way}`, async () => {
    const gate = await open('gate', { serveSignaling: { port: 0 }, webrtc })
    const ana = await open('Ana', { room: undefined, signaling: gate.invite(), webrtc })
    await agree([gate, ana])
    const ben = await open('Ben', { room: undefined, signaling: ana.invite(), webrtc })
    await agree([gate, ana, ben])
    ben.setState({ mood: 'calm' })
    await expect.poll(() => stateOf(ana, ben)).toEqual({ mood: 'calm' })

    await gate.leave()
    await expect.poll(() => [ana, ben].map(invite)).toEqual(['no_invite', 'no_invite'])
    expect(deaths).toEqual([])
  })

  test(`two halves on two servers become one when a gateway is on both, with ${way}`, async () => {
    const [left, right] = [await serve(), await serve()]
    const half = (side: string, { url }: SignalingServer) =>
      Promise.all(Array.from({ length: 2 }, (_, n) => open(`${side} ${n}`, { signaling: url, webrtc })))
    const [west, east] = [await half('west', left), await half('east', right)]
    await agree(west)
    await agree(east)

    const gate = await open('gate', { signaling: [left.url, right.url], webrtc })
    const all = [...west, ...east, gate]
    await agree(all)
    west[0]!.setState({ mood: 'glad' })
    east[0]!.setState({ mood: 'calm' })
    await expect.poll(() => east.map((peer) => stateOf(peer, west[0]!))).toEqual(east.map(() => ({ mood: 'glad' })))
    await expect.poll(() => west.map((peer) => stateOf(peer, east[0]!))).toEqual(west.map(() => ({ mood: 'calm' })))
    expect(left.counters().members + right.counters().members).toBe(6)
    // And it stays one: everybody goes on asking after everybody.
    await rounds(all, 8)
    await agree(all)
    expect(deaths).toEqual([])
  })
}

test('while the signalling server is away presence goes on, and an invite lets a newcomer in', async () => {
  const server = await serve()
  const front = await openFront(server)
  const signaling = front.url
  const gate = await open('gate', { signaling, serveSignaling: { port: 0 } })
  const ana = await open('Ana', { signaling })
  const ben = await open('Ben', { signaling })
  const room = [gate, ana, ben]
  await agree(room)
  for (const peer of room) await linked(peer, 2)

  await server.close()
  await rounds(room, 4)
  ana.setState({ note: 'still here' })
  await expect.poll(() => stateOf(ben, ana)).toEqual({ note: 'still here' })

  const cy = await open('Cy', { room: undefined, signaling: ben.invite() })
  const all = [...room, cy]
  await agree(all)
  cy.setState({ note: 'hello' })
  await expect.poll(() => [stateOf(ana, cy), stateOf(cy, ana)]).toEqual([{ note: 'hello' }, { note: 'still here' }])

  // The server comes back and remembers nobody: those who came by it return to it, and the room stays whole.
  const again = await serve()
  front.server = again
  await expect.poll(() => again.counters().members, { timeout: 30_000 }).toBe(3)
  const dee = await open('Dee', { signaling })
  await agree([...all, dee])
  expect(deaths).toEqual([])
})

test('a peer that was given its server and an invite comes by the one that is there', async () => {
  const server = await serve()
  const gate = await open('gate', { signaling: server.url, serveSignaling: { port: 0 }, webrtc: false })
  await server.close()
  const ana = await open('Ana', { signaling: [server.url, gate.invite()], webrtc: false })
  await agree([gate, ana])
  expect(ana.status).toBe('joined')
})

test('an address to be told instead is the one invites lead to', async () => {
  const advertise = 'wss://gate.example/room?key=1'
  const gate = await open('gate', { serveSignaling: { port: 0, advertise }, webrtc: false })
  expect(gate.invite()).toBe('wss://gate.example/room?key=1&room=r')
  expect(gate.lookup('shoal-signaling')).toEqual([expect.objectContaining({ address: 'gate.example', port: 443 })])
})

test('what stands in records is no invite unless it is the address of a server', async () => {
  const gate = await open('gate', { udp: { bind: '127.0.0.1:0' } })
  gate.register({ service: 'shoal-signaling', port: 1 })
  gate.register({ service: 'shoal-signaling', port: 2, meta: { url: 'javascript:alert(1)' } })
  expect(invite(gate)).toBe('no_invite')
  gate.register({ service: 'shoal-signaling', port: 3, meta: { url: 'ws://10.0.0.7:3' } })
  expect(invite(gate)).toBe('ws://10.0.0.7:3/?room=r')
  await gate.leave()
  expect(invite(gate)).toBe('left')
})

test.each<[string, unknown]>([
  ['serveSignaling: expected options as an object, got 8787; there are port, host', 8787],
  ['serveSignaling.port: expected a whole number', { port: 70_000 }],
  ['serveSignaling.host: expected a host name', { host: '' }],
  ['serveSignaling: there is no option orgins; expected port, host', { port: 0, orgins: ['https://a.example'] }],
  ['serveSignaling.origins: expected origins', { port: 0, origins: ['nonsense'] }],
  ['serveSignaling.origins: expected a list of origins', { port: 0, origins: 'https://a.example' }],
  ['serveSignaling.origins: expected a list of origins', { port: 0, origins: '' }],
  ['serveSignaling.advertise: expected an address', { port: 0, advertise: 'http://gate.example' }],
  ['serveSignaling.advertise: expected an address', { port: 0, advertise: 'wss://user:secret@gate.example' }],
])('%s: a bad option is one clear error', async (message, serveSignaling) => {
  const options = { room: 'r', webrtc: false, serveSignaling } as NodePeerOptions
  await expect(startPeer(options)).rejects.toMatchObject({
    code: 'bad_option',
    message: expect.stringMatching(`^${message}`),
  })
})

test('a port in use is named, and what else was opened is closed again', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const sockets = () => process.getActiveResourcesInfo().filter((kind) => ['TCPServerWrap', 'UDPWrap'].includes(kind))
  await expect.poll(sockets).toEqual(['TCPServerWrap']) // those of the tests before are gone
  const udp = { bind: '127.0.0.1:0' }
  await expect(startPeer({ room: 'r', udp, webrtc: false, serveSignaling: { port } })).rejects.toMatchObject({
    code: 'bind_failed',
    message: expect.stringContaining(String(port)),
  })
  // Nor does its server outlive a peer whose own socket was refused.
  const bad = { bind: '192.0.2.1:7946' } // no address of any machine (RFC 5737)
  const refused = startPeer({ room: 'r', udp: bad, webrtc: false, serveSignaling: { port: 0 } })
  await expect(refused).rejects.toMatchObject({ code: 'bind_failed' })
  await expect.poll(sockets).toEqual(['TCPServerWrap'])
  taken.close()
})

async function open(name: string, options: Partial<Omit<NodePeerOptions, 'room'>> & { room?: string | undefined }) {
  const { room, ...rest } = { room: 'r', ...options }
  const quiet = { debug() {}, info() {}, warn() {} }
  const peer = await startPeer({ ...(room !== undefined && { room }), name, log: quiet, ...rest })
  peers.push(peer)
  peer.on('dead', (member) => deaths.push(`${name}: ${member.name} dead`))
  return peer
}

async function serve(): Promise<SignalingServer> {
  const server = await startSignaling({ port: 0 })
  servers.push(server)
  return server
}

/** One address for a server and for the one started after it: a port that was given back may be taken by anybody. */
async function openFront(server: SignalingServer) {
  const listener = createServer((near) => {
    const far = connect(front.server.port, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy())
      one.pipe(other)
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const front = { server, url: `ws://127.0.0.1:${port}`, close: async () => void listener.close() }
  servers.push(front)
  return front
}

/** Waits until all of them see all of them, and nobody else. */
async function agree(all: readonly Peer[]): Promise<void> {
  const names = all.map(({ self }) => self.name).sort()
  const views = () =>
    all.map((peer) =>
      peer
        .members()
        .filter(({ status }) => status === 'alive')
        .map(({ name }) => name)
        .sort(),
    )
  await expect.poll(views, { timeout: 20_000 }).toEqual(all.map(() => names))
}

async function linked(peer: Peer, count: number): Promise<void> {
  const links = () => peer.members().filter(({ id, via }) => id !== peer.id && via === 'direct').length
  await expect.poll(links, { timeout: 20_000 }).toBe(count)
}

/** Waits until each of them has probed for that many periods from now on. */
async function rounds(all: readonly Peer[], count: number): Promise<void> {
  const periods = () => all.map((peer) => peer.counters().periods ?? 0)
  const before = periods()
  await expect
    .poll(() => Math.min(...periods().map((now, n) => now - before[n]!)), { timeout: 60_000 })
    .toBeGreaterThanOrEqual(count)
}

function stateOf(viewer: Peer, { id }: Peer): unknown {
  return viewer.members().find((member) => member.id === id)?.state
}

/** The invite, or the code of what was thrown. */
function invite(peer: Peer): string {
  try {
    return peer.invite()
  } catch (error) {
    return (error as ShoalError).code
  }
}
