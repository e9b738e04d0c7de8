import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ShoalError } from '../core/index.ts'
import type { Log } from '../peer/options.ts'
import { type Agent, type AgentOptions, openAgent, type StartPeer } from './agent.ts'
import { type FakePeer, fakeInstance, fakeMember, fakePeer } from './peer.fake.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const tab = fakeMember({
  id: 'tab-id',
  name: 'Ana',
  mode: 'visible',
  state: { color: 'teal', key: new Uint8Array([1, 2, 255]) },
})
const api = fakeMember({
  id: 'api-id',
  name: 'api-1',
  services: [
    fakeInstance({ tags: ['eu'] }),
    fakeInstance({ id: 'api-id/payments:8081', port: 8081, health: 'critical', tags: ['eu', 'blue'] }),
    fakeInstance({ id: 'api-id/search', service: 'search' }),
  ],
})
const suspect = fakeMember({ id: 'suspect-id', status: 'suspect' })
const gone = fakeMember({ id: 'gone-id', status: 'dead' })

test('members are listed with those that are gone, and chosen by status', async () => {
  const { url } = await start()
  expect(idsOf(await body(`${url}/v1/members`))).toEqual(['self-id', 'tab-id', 'api-id', 'suspect-id', 'gone-id'])
  expect(idsOf(await body(`${url}/v1/members?status=dead`))).toEqual(['gone-id'])
  expect(idsOf(await body(`${url}/v1/members?status=left`))).toEqual([])
})

test.each(['alife', 'toString', ''])('a status that is none is refused: %j', async (status) => {
  const { url } = await start()
  const reply = await fetch(`${url}/v1/members?status=${status}`)
  expect(reply.status).toBe(400)
  expect(await reply.json()).toMatchObject({
    error: { code: 'bad_query', message: expect.stringContaining('suspect') },
  })
})

test('bytes in the state of a member are written as base64', async () => {
  const { url } = await start()
  const { members } = (await body(`${url}/v1/members`)) as { members: { name: string; state: unknown }[] }
  expect(members.find(({ name }) => name === 'Ana')?.state).toEqual({ color: 'teal', key: { $bytes: 'AQL/' } })
})

test('a member is explained by its id, or by a name that it alone has among those present', async () => {
  const twin = fakeMember({ id: 'twin-id', name: 'api-1' })
  const ghost = fakeMember({ id: 'ghost-id', name: 'Ana', status: 'dead' })
  const { url } = await start({}, [tab, api, twin, ghost, gone])
  const explained = async (word: string) => {
    const reply = await fetch(`${url}/v1/explain/${encodeURIComponent(word)}`)
    const { id, error } = (await reply.json()) as { id?: string; error?: { code: string; message: string } }
    return [reply.status, id ?? error!.code, error?.message]
  }
  expect(await explained('twin-id')).toEqual([200, 'twin-id', undefined])
  // The dead one of the name is not meant, unless it is the only one.
  expect(await explained('Ana')).toEqual([200, 'tab-id', undefined])
  expect(await explained('member')).toEqual([200, 'gone-id', undefined])
  expect(await explained('api-1')).toEqual([409, 'ambiguous_name', expect.stringContaining('api-id, twin-id')])
  expect(await explained('nobody')).toEqual([404, 'unknown_member', expect.stringContaining('"nobody"')])
})

test('services are summed up by name', async () => {
  const { url } = await start()
  expect(await body(`${url}/v1/services`)).toEqual({
    services: [
      { service: 'payments', instances: 2, passing: 1, tags: ['blue', 'eu'] },
      { service: 'search', instances: 1, passing: 1, tags: [] },
    ],
  })
})

test.each([
  ['', [8080, 8081]],
  ['?passing', [8080]],
  ['?passing=true', [8080]],
  ['?passing=false', [8080, 8081]],
  ['?tag=blue', [8081]],
  ['?tag=blue&passing', []],
])('instances of a service are looked up with %j', async (query, ports) => {
  const { url } = await start()
  const { instances } = (await body(`${url}/v1/services/PAYMENTS${query}`)) as { instances: { port: number }[] }
  expect(instances.map(({ port }) => port)).toEqual(ports)
})

test('a service that nobody offers has no instances', async () => {
  const { url } = await start()
  expect(await body(`${url}/v1/services/nothing`)).toEqual({ service: 'nothing', instances: [] })
})

test('a passing that is neither true nor false is refused', async () => {
  const { url } = await start()
  expect((await fetch(`${url}/v1/services/payments?passing=perhaps`)).status).toBe(400)
})

test('health is 200 while joined and 503 otherwise, with the reason in both', async () => {
  const { url, peer } = await start()
  expect(await body(`${url}/v1/health`)).toEqual({ status: 'joined', reason: '', members: 4, agreeing: 2, asked: 3 })
  peer.status = 'isolated'
  peer.reason = 'most of the view turned suspect at once'
  const reply = await fetch(`${url}/v1/health`)
  expect(reply.status).toBe(503)
  expect(await reply.json()).toMatchObject({
    error: { code: 'not_joined', message: 'the agent is isolated: most of the view turned suspect at once' },
    status: 'isolated',
    asked: 3,
  })
})

test('the agent tells who it is, what it sees and what it has counted', async () => {
  const { url } = await start()
  expect(await body(`${url}/v1/agent/self`)).toMatchObject({
    version: '1.2.3',
    room: 'lobby',
    pid: process.pid,
    status: 'joined',
    member: { id: 'self-id' },
    members: { alive: 3, suspect: 1, dead: 1, left: 0 },
    consistency: { agreeing: 2, asked: 3 },
    counters: { packetsSent: 7 },
  })
})

test('an invite is given to whoever asks, and refused where there is none', async () => {
  const { url, peer } = await start()
  expect(await body(`${url}/v1/invite`)).toEqual({ invite: peer.invite() })
  peer.invite = () => {
    throw new ShoalError('no_invite', 'invite: nobody serves signalling')
  }
  const reply = await fetch(`${url}/v1/invite`)
  expect(reply.status).toBe(404)
  expect(await reply.json()).toEqual({ error: { code: 'no_invite', message: 'invite: nobody serves signalling' } })
})

test('asked to leave by HTTP, it says goodbye, answers, and ends', async () => {
  const { agent, url, peer } = await start()
  const reply = await fetch(`${url}/v1/agent/leave`, { method: 'PUT' })
  expect(await reply.json()).toEqual({ status: 'left' })
  await agent.ended
  expect(peer.left).toBeGreaterThan(0)
  await expect(fetch(`${url}/v1/health`)).rejects.toThrow()
})

test('until the peer has started, the API answers that it is starting', async () => {
  const port = await freePort()
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const opening = open({ http: { address: { host: '127.0.0.1', port }, optional: false } }, async () => {
    await released
    return fakePeer()
  })
  const health = () => fetch(`http://127.0.0.1:${port}/v1/health`).catch(() => undefined)
  await expect.poll(async () => (await health())?.status).toBe(503)
  expect(await (await health())?.json()).toMatchObject({ error: { code: 'starting' } })
  release()
  await opening
  expect((await health())?.status).toBe(200)
})

test('services are registered once the peer has started', async () => {
  const { peer } = await start({ services: [{ service: 'payments', port: 8080 }, { service: 'search' }] })
  expect(peer.registered).toEqual(['payments', 'search'])
})

test('a service that cannot be registered takes peer and HTTP down again', async () => {
  const port = await freePort()
  const peer = fakePeer()
  const services = [{ service: 'payments' }, { service: 'payments' }]
  const http = { address: { host: '127.0.0.1', port }, optional: false }
  await expect(open({ services, http }, async () => peer)).rejects.toMatchObject({ code: 'already_registered' })
  expect(peer.left).toBe(1)
  await expect(fetch(`http://127.0.0.1:${port}/v1/health`)).rejects.toThrow()
})

test('a peer that fails to start leaves no HTTP API behind', async () => {
  const port = await freePort()
  const failing = async () => {
    throw new ShoalError('bind_failed', 'udp.bind: in use')
  }
  const http = { address: { host: '127.0.0.1', port }, optional: false }
  await expect(open({ http }, failing)).rejects.toMatchObject({ code: 'bind_failed' })
  await expect(fetch(`http://127.0.0.1:${port}/v1/health`)).rejects.toThrow()
})

test('an HTTP address in use that was asked for stops the agent before it shows up in the room', async () => {
  const port = await takenPort()
  let started = false
  const opening = open({ http: { address: { host: '127.0.0.1', port }, optional: false } }, async () => {
    started = true
    return fakePeer()
  })
  await expect(opening).rejects.toMatchObject({
    code: 'bind_failed',
    message: expect.stringContaining(`:${port} is in use`),
  })
  expect(started).toBe(false)
})

test('an optional HTTP address in use is told, and the agent goes on without', async () => {
  const port = await takenPort()
  const lines: string[] = []
  const agent = await open({ http: { address: { host: '127.0.0.1', port }, optional: true }, log: logInto(lines) })
  expect(agent.http).toBeUndefined()
  expect(lines).toEqual([expect.stringContaining(`no HTTP API: 127.0.0.1:${port} is in use`)])
})

test('closing twice leaves once', async () => {
  const { agent, peer } = await start()
  await Promise.all([agent.close(), agent.close()])
  await agent.ended
  expect(peer.left).toBe(1)
})

test('a farewell that fails still closes the HTTP API, and is told', async () => {
  const { agent, peer, url } = await start()
  peer.leave = () => Promise.reject(new Error('no farewell'))
  await expect(agent.close()).rejects.toThrow('no farewell')
  await expect(agent.ended).rejects.toThrow('no farewell')
  await expect(fetch(`${url}/v1/health`)).rejects.toThrow()
})

test('what happens to members is told at level info', async () => {
  const lines: string[] = []
  const { peer } = await start({ log: logInto(lines) })
  peer.raise('dead', api)
  expect(lines).toEqual(['dead api-1 api-id'])
})

async function start(
  options: Partial<AgentOptions> = {},
  others = [tab, api, suspect, gone],
): Promise<{ agent: Agent; peer: FakePeer; url: string }> {
  const peer = fakePeer(others)
  const http = { address: { host: '127.0.0.1', port: 0 }, optional: false }
  const agent = await open({ http, ...options }, async () => peer)
  return { agent, peer, url: `http://127.0.0.1:${agent.http?.address.port}` }
}

async function open(options: Partial<AgentOptions>, startPeer: StartPeer = async () => fakePeer()): Promise<Agent> {
  const start = { room: 'lobby', udp: { bind: '127.0.0.1:0' } }
  const agent = await openAgent({ start, services: [], version: '1.2.3', log: logInto([]), ...options }, { startPeer })
  closers.push(() => agent.close().catch(() => {}))
  return agent
}

async function body(url: string): Promise<unknown> {
  const reply = await fetch(url)
  expect(reply.status).toBe(200)
  return reply.json()
}

function idsOf(reply: unknown): string[] {
  return (reply as { members: { id: string }[] }).members.map(({ id }) => id)
}

/** The port of a server that stays until the end of the test. */
async function takenPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const port = await takenPort()
  await closers.pop()?.()
  return port
}

function logInto(lines: string[]): Log {
  const add = (line: string) => void lines.push(line)
  return { debug: add, info: add, warn: add }
}
