/** Connections of the application between peers with real WebRTC and a real signalling server. */

import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, expect, test } from 'vitest'
import { type SignalingServer, startSignaling } from '../signaling/index.ts'
import { type DirectConnection, type Member, type NodePeerOptions, type Peer, startPeer } from './index.ts'

const peers: Peer[] = []
const servers: SignalingServer[] = []
/** What the peers warned of. That a server is away is no fault here; that a listener threw is. */
const warnings: string[] = []

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.leave()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
  expect(warnings.splice(0).filter((warning) => !warning.startsWith('signaling: '))).toEqual([])
})

test('a connection carries texts and bytes both ways, each as it was sent, and its end is seen', async () => {
  const [ana, ben] = await pair()
  const taken = nextConnection(ben)
  const here = await ana.connect(ben.id)
  const { connection: there, member } = await taken
  expect(member).toMatchObject({ id: ana.id, name: 'Ana' })
  expect([here.connected, there.connected]).toEqual([true, true])
  const [atBen, atAna] = [pieces(there, 3), pieces(here, 1)]
  here.write('hello')
  here.write(new Uint8Array([1, 2, 3]))
  here.send('at once')
  there.write(new Uint8Array(70_000).fill(7))
  expect(await atBen).toEqual(['hello', [1, 2, 3], 'at once'])
  expect(await atAna).toEqual([Array(70_000).fill(7)])
  const closed = once(there as never, 'close')
  here.destroy()
  await closed
  expect(there.destroyed).toBe(true)
})

test('what is said before the other side listens is not lost', async () => {
  const [ana, ben] = await pair()
  const taken = nextConnection(ben)
  const here = await ana.connect(ben.id)
  for (let i = 0; i < 100; i++) here.write(`${i}`)
  const { connection } = await taken
  await expect.poll(() => (connection as unknown as Readable).readableLength).toBe(100)
  expect(await pieces(connection, 100)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
})

test('a stream of 5 MB goes through pipe with back-pressure, byte for byte', async () => {
  const [ana, ben] = await pair()
  const taken = nextConnection(ben)
  const here = await ana.connect(ben.id)
  const sent = randomBytes(5_000_000)
  const hash = createHash('sha256')
  let received = 0
  let waiting = 0
  const all = taken.then(
    ({ connection }) =>
      new Promise<void>((resolve) => {
        connection.on('data', (piece) => {
          hash.update(piece)
          received += piece.length
          waiting = Math.max(waiting, here.bufferSize)
          if (received >= sent.length) resolve()
        })
      }),
  )
  const blocks = Array.from({ length: Math.ceil(sent.length / 16_384) }, (_, i) =>
    sent.subarray(i * 16_384, (i + 1) * 16_384),
  )
  Readable.from(blocks).pipe(here as never, { end: false })
  await all
  expect(received).toBe(sent.length)
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
  expect(waiting).toBeLessThan(200_000)
})

test('both may call at once, and that makes two connections', async () => {
  const [ana, ben] = await pair()
  const [atAna, atBen] = [nextConnection(ana), nextConnection(ben)]
  const [fromAna, fromBen] = await Promise.all([ana.connect(ben.id), ben.connect(ana.id)])
  fromAna.write('from Ana')
  fromBen.write('from Ben')
  expect(await pieces((await atBen).connection, 1)).toEqual(['from Ana'])
  expect(await pieces((await atAna).connection, 1)).toEqual(['from Ben'])
})

test('where nobody listens the call is refused at once, and taken as soon as somebody does', async () => {
  const [ana, ben] = await pair()
  await expect(ana.connect(ben.id)).rejects.toMatchObject({
    code: 'connection_refused',
    message: `connect: refused by Ben (${ben.id}): nobody listens there by onConnection`,
  })
  const off = ben.onConnection(() => {})
  await ana.connect(ben.id)
  off()
  await expect(ana.connect(ben.id)).rejects.toMatchObject({ code: 'connection_refused' })
  expect(ana.counters()).toMatchObject({ connections_called: 3, connections_opened: 1, connections_failed: 2 })
  expect(ben.counters()).toMatchObject({ connections_taken: 1, connections_opened: 1, connections_refused: 2 })
})

test('a call finds its way over the mesh while the signalling server is away', async () => {
  const server = await serve()
  const [ana, ben] = await pair(server)
  await expect.poll(() => ana.links()).toEqual([{ id: ben.id, state: 'open' }])
  await server.close()
  servers.length = 0
  const before = ana.counters().rtc_signals_by_server
  const taken = nextConnection(ben)
  const here = await ana.connect(ben.id)
  here.write('over the mesh')
  expect(await pieces((await taken).connection, 1)).toEqual(['over the mesh'])
  expect(ana.counters().rtc_signals_by_server).toBe(before)
})

test('a member that leaves closes its connections at both ends', async () => {
  const [ana, ben] = await pair()
  const taken = nextConnection(ben)
  const here = await ana.connect(ben.id)
  const { connection: there } = await taken
  const closed = once(here as never, 'close')
  await ben.leave()
  expect(there.destroyed).toBe(true)
  await closed
  await expect(ben.connect(ana.id)).rejects.toMatchObject({ code: 'left' })
})

test('leaving while a call is being made rejects it and leaves nothing behind', async () => {
  const [ana, ben] = await pair()
  ben.onConnection(() => {})
  const calling = ana.connect(ben.id)
  const rejected = expect(calling).rejects.toMatchObject({ code: 'left' })
  await ana.leave()
  await rejected
})

test('a member with UDP only cannot be connected to, and the error says so', async () => {
  const server = await serve()
  const gate = await open('gate', server, { udp: { bind: '127.0.0.1:0' } })
  const udp = gate.self.endpoints.find((endpoint) => endpoint.startsWith('udp:'))!.slice(4)
  const plain = await startPeer({ room: 'r', name: 'plain', udp: { bind: '127.0.0.1:0', join: [udp] } })
  peers.push(plain)
  await expect.poll(() => gate.members().length).toBe(2)
  await expect(gate.connect(plain.id)).rejects.toMatchObject({
    code: 'not_connectable',
    message: `connect: plain (${plain.id}) has no WebRTC; it can be reached by udp only`,
  })
  await expect(plain.connect(gate.id)).rejects.toMatchObject({
    code: 'not_connectable',
    message: expect.stringMatching(/^connect: this peer has no WebRTC/),
  })
})

test('a process that left with a connection open ends by itself, with code 0', async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { startSignaling } from '../signaling/index.ts'
        import { startPeer } from './index.ts'

        const server = await startSignaling({ port: 0, host: '127.0.0.1' })
        const open = (name) => startPeer({ room: 'r', name, signaling: server.url })
        const [ana, ben] = [await open('Ana'), await open('Ben')]
        ben.onConnection((connection) => connection.on('data', () => {}))
        if (!ana.member(ben.id)) await new Promise((resolve) => ana.on('join', resolve))
        const connection = await ana.connect(ben.id)
        connection.write('hello')
        await Promise.all([ana.leave(), ben.leave()])
        await server.close()
        console.log(connection.destroyed)
      `,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  })
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  const child = spawn(process.execPath, ['--input-type=module'], { cwd, stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    let printed = ''
    child.stdout.on('data', (text) => {
      printed += text
    })
    child.stdin.end(outputFiles[0]!.text)
    const [code, signal] = await once(child, 'close')
    expect({ code, signal, printed }).toEqual({ code: 0, signal: null, printed: 'true\n' })
  } finally {
    child.kill('SIGKILL')
  }
})

async function serve(): Promise<SignalingServer> {
  const server = await startSignaling({ port: 0, host: '127.0.0.1' })
  servers.push(server)
  return server
}

/** Two that know each other. */
async function pair(server?: SignalingServer): Promise<[Peer, Peer]> {
  const at = server ?? (await serve())
  const both: [Peer, Peer] = [await open('Ana', at), await open('Ben', at)]
  await expect.poll(() => both.map((peer) => peer.members().length)).toEqual([2, 2])
  return both
}

async function open(name: string, { url }: SignalingServer, more: Partial<NodePeerOptions> = {}): Promise<Peer> {
  const log = { debug() {}, info() {}, warn: (message: string) => warnings.push(message) }
  const peer = await startPeer({ room: 'r', name, signaling: url, log, ...more } as NodePeerOptions)
  peers.push(peer)
  return peer
}

function nextConnection(peer: Peer): Promise<{ connection: DirectConnection; member: Member }> {
  return new Promise((resolve) => {
    const off = peer.onConnection((connection, member) => {
      off()
      resolve({ connection, member })
    })
  })
}

/** The next pieces that arrive; bytes as numbers. */
function pieces(connection: DirectConnection, count: number): Promise<(string | number[])[]> {
  return new Promise((resolve) => {
    const heard: (string | number[])[] = []
    connection.on('data', (piece) => {
      heard.push(typeof piece === 'string' ? piece : [...piece])
      if (heard.length === count) resolve(heard)
    })
  })
}
