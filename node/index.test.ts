import { createSocket, Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { type NodePeerOptions, type Peer, ShoalError, startPeer } from './index.ts'
import { withChecksum } from './udp.ts'

const peers: Peer[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(peers.splice(0).map((peer) => peer.leave()))
})

test('two processes that meet over UDP see each other, what they publish, and a farewell', async () => {
  const one = await startUdp({ name: 'one', state: { zone: 'a' } })
  expect(one.status).toBe('joined')
  const two = await startUdp({ name: 'two', user: 'u' }, one)
  expect(two.status).toBe('joined')
  await until(() => one.members().length === 2 && two.members().length === 2)
  expect(two.members().find(({ id }) => id === one.id)).toMatchObject({
    name: 'one',
    mode: 'server',
    status: 'alive',
    state: { zone: 'a' },
    endpoints: one.self.endpoints,
  })
  two.register({ service: 'payments', port: 8080 })
  await until(() => one.lookup('payments').length === 1)
  expect(one.pick('payments')).toMatchObject({ address: '127.0.0.1', port: 8080, member: two.id })
  await until(() => one.consistency().digest === two.consistency().digest)
  const left = new Promise((resolve) => one.on('leave', resolve))
  await two.leave()
  expect(await left).toMatchObject({ id: two.id, status: 'left' })
  expect(one.members()).toHaveLength(1)
})

test('a probe measures the round trip, and an answer is remembered', async () => {
  const one = await startUdp({ config: { probePeriodMs: 50 } })
  const two = await startUdp({}, one)
  const seen = () => one.members().find(({ id }) => id === two.id)
  await until(() => (seen()?.rttMs ?? 0) > 0)
  expect(seen()).toMatchObject({ via: 'direct' })
  expect(seen()!.lastHeard).toBeGreaterThan(one.self.since)
})

test('peers of two rooms on one network do not see each other', async () => {
  const one = await startUdp({ room: 'red' })
  const two = await startUdp({ room: 'blue', joinTimeoutMs: 0 }, one)
  await until(() => (one.counters().packets_foreign ?? 0) > 0)
  expect(one.members()).toHaveLength(1)
  expect(two.status).toBe('joining')
})

test('a member that vanishes without a word is found dead by both that are left', async () => {
  const config = { probePeriodMs: 50, ackTimeoutMs: 20, suspicionMult: 4 }
  const one = await startUdp({ config })
  const two = await startUdp({ config }, one)
  const three = await startUdp({ config }, one)
  await until(() => [one, two, three].every((peer) => peer.members().length === 3))
  const deaths = [one, two].map((peer) => new Promise((resolve) => peer.on('dead', resolve)))
  silence(three)
  for (const death of await Promise.all(deaths)) expect(death).toMatchObject({ id: three.id, status: 'dead' })
  expect(
    one
      .members()
      .map(({ id }) => id)
      .sort(),
  ).toEqual([one.id, two.id].sort())
})

test('packets that are none of the protocol are counted and do no harm', async () => {
  const peer = await startUdp()
  const socket = createSocket('udp4')
  for (const text of ['hello', '\0'.repeat(1200), '\x01\x02\x03\x04\x05\xdd\xff\xff\xff\xff']) {
    socket.send(withChecksum(Buffer.from(text, 'latin1')), portOf(peer), '127.0.0.1')
  }
  await until(() => (peer.counters().packets_malformed ?? 0) + (peer.counters().packets_foreign ?? 0) >= 3)
  expect(peer.members()).toHaveLength(1)
  socket.close()
  await once(socket, 'close')
})

test.each<[string, object]>([
  ['udp: there is no option joni; expected bind, join, advertise', { udp: { bind: '127.0.0.1:0', joni: [] } }],
  ['udp: there is no option port; expected bind, join, advertise', { udp: { port: 7946 } }],
  ['udp: expected options as an object, got "127.0.0.1:7946"; there are bind, join', { udp: '127.0.0.1:7946' }],
  [
    'config: there is no option periodMS; expected probePeriodMs',
    { udp: { bind: '127.0.0.1:0' }, config: { periodMS: 5 } },
  ],
  ['webrtc: expected true or false, got "no"', { udp: { bind: '127.0.0.1:0' }, webrtc: 'no' }],
])('a nested option that there is none of is refused: %s', async (message, bad) => {
  const refused = { code: 'bad_option', message: expect.stringContaining(message) }
  await expect(startPeer({ room: 'r', log: quiet, ...bad } as NodePeerOptions)).rejects.toMatchObject(refused)
})

test.each<[string, unknown, string]>([
  ['udp or signaling', {}, 'bad_option'],
  ['room', { room: '', udp: { bind: '127.0.0.1:0' } }, 'bad_name'],
  ['name', { name: 'n'.repeat(65), udp: { bind: '127.0.0.1:0' } }, 'bad_name'],
  ['user', { user: '', udp: { bind: '127.0.0.1:0' } }, 'bad_name'],
  ['state', { state: 'teal', udp: { bind: '127.0.0.1:0' } }, 'bad_option'],
  ['udp.bind', { udp: {} }, 'bad_option'],
  ['udp.bind', { udp: { bind: 'nonsense' } }, 'bad_option'],
  ['udp.advertise', { udp: { bind: '127.0.0.1:0', advertise: '0.0.0.0:1' } }, 'bad_option'],
  ['udp.join', { udp: { bind: '127.0.0.1:0', join: '127.0.0.1:7946' } }, 'bad_option'],
  ['udp.join', { udp: { bind: '127.0.0.1:0', join: ['127.0.0.1'] } }, 'bad_option'],
  ['udp.join', { udp: { bind: '127.0.0.1:0', join: [7946] } }, 'bad_option'],
  ['signaling', { signaling: 'http://127.0.0.1:1', webrtc: false }, 'bad_option'],
  ['signaling', { signaling: 'nonsense', webrtc: false }, 'bad_option'],
])('a bad %s is one clear error that names it, and nothing stays open (%j)', async (option, bad, code) => {
  const before = handles()
  const options = { room: 'r', log: quiet, ...(bad as object) } as NodePeerOptions
  const refused = await startPeer(options).then(
    (peer) => peer.leave(),
    (error: unknown) => error,
  )
  expect(refused).toBeInstanceOf(ShoalError)
  expect(refused).toMatchObject({ code, message: expect.stringMatching(`^${option}: `) })
  await until(() => isReleased(before))
})

test('an address in use is one clear error, and nothing stays open', async () => {
  const peer = await startUdp()
  const before = handles()
  const bind = peer.self.endpoints[0]!.slice('udp:'.length)
  await expect(startPeer({ room: 'r', udp: { bind } })).rejects.toMatchObject({ code: 'bind_failed' })
  await until(() => isReleased(before))
})

test('a start that is aborted closes its socket and leaves no timer', async () => {
  const before = handles()
  const aborted = new AbortController()
  const starting = startUdp({ signal: aborted.signal, udp: { bind: '127.0.0.1:0', join: ['127.0.0.1:9'] } })
  await until(() => !isReleased(before))
  aborted.abort(new Error('enough'))
  await expect(starting).rejects.toThrow('enough')
  await until(() => isReleased(before))
})

test('a peer that has left holds nothing that keeps its process alive', async () => {
  const before = handles()
  const one = await startUdp()
  const two = await startUdp({}, one)
  expect(isReleased(before)).toBe(false)
  await Promise.all([one.leave(), two.leave()])
  await until(() => isReleased(before))
})

const quiet = { debug() {}, info() {}, warn() {} }

async function startUdp(options: Partial<NodePeerOptions> = {}, via?: Peer): Promise<Peer> {
  const join = via?.self.endpoints.map((endpoint) => endpoint.slice('udp:'.length)) ?? []
  const peer = await startPeer({ room: 'r', log: quiet, udp: { bind: '127.0.0.1:0', join }, ...options })
  peers.push(peer)
  return peer
}

/** From now on nothing that this peer sends arrives, as if its process had been killed. */
function silence(peer: Peer): void {
  const port = portOf(peer)
  const { send } = Socket.prototype
  vi.spyOn(Socket.prototype, 'send').mockImplementation(function (this: Socket, ...args: unknown[]) {
    if (this.address().port !== port) Reflect.apply(send, this, args)
  })
}

function portOf(peer: Peer): number {
  return Number(peer.self.endpoints[0]!.split(':').at(-1))
}

/** How many sockets and timers keep this process alive. */
function handles(): Record<string, number> {
  const counts = { UDPWrap: 0, TCPSocketWrap: 0, TCPConnectWrap: 0, Timeout: 0 }
  for (const kind of process.getActiveResourcesInfo()) if (kind in counts) counts[kind as keyof typeof counts]++
  return counts
}

/** The test runner's own timers come and go, so fewer than before is fine. */
function isReleased(before: Record<string, number>): boolean {
  return Object.entries(handles()).every(([kind, count]) => count <= before[kind]!)
}

/** Polls with a timer that is over when `holds` is asked, so that it is none of the handles counted. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`still not so: ${holds}`)
    await setTimeout(10)
  }
}
