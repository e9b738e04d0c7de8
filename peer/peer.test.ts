import { afterEach, expect, test, vi } from 'vitest'
import { type Member, type PeerStatus, ShoalError, type StateValue } from '../core/index.ts'
import { Hub } from './hub.fake.ts'
import type { PeerOptions } from './options.ts'
import type { Peer } from './peer.ts'
import { start } from './start.ts'

const hub = new Hub()
const peers: Peer[] = []
const warnings: string[] = []

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.leave()))
  expect(hub.open).toEqual([])
  warnings.length = 0
})

// Watching

test('each of two peers hears of the other, of what it publishes and of its farewell', async () => {
  const one = await join({ name: 'one' })
  const heard: string[] = []
  for (const type of ['join', 'update', 'suspect', 'refute', 'leave', 'dead'] as const) {
    one.on(type, ({ name, status }) => heard.push(`${type} ${name} ${status}`))
  }
  const two = await join({ name: 'two' }, one)
  await until(() => one.members().length === 2)
  two.setState({ mood: 'fine' })
  await until(() => one.members().some(({ state }) => state.mood === 'fine'))
  await two.leave()
  await until(() => one.members().length === 1)
  expect(heard).toEqual(['join two alive', 'update two alive', 'leave two left'])
  expect(
    one
      .members({ gone: true })
      .map(({ name, status }) => `${name} ${status}`)
      .sort(),
  ).toEqual(['one alive', 'two left'])
})

test('a listener hears until it is taken off, and the same function may listen twice over', async () => {
  const peer = await join()
  const heard: string[] = []
  const off = peer.on('update', () => heard.push('first'))
  peer.on('update', () => heard.push('second'))
  peer.setState({ n: 1 })
  off()
  off()
  peer.setState({ n: 2 })
  expect(heard).toEqual(['first', 'second', 'second'])
})

test('a listener that throws harms neither the peer nor other listeners, and is told of once for each throw', async () => {
  const peer = await join()
  let heard = 0
  peer.on('update', () => {
    throw new Error('listener at fault')
  })
  peer.subscribe(() => {
    throw new Error('subscriber at fault')
  })
  peer.on('update', () => heard++)
  peer.subscribe(() => heard++)
  peer.setState({ n: 1 })
  peer.setState({ n: 2 })
  expect(heard).toBe(4)
  expect(warnings.map((warning) => /(\w+) at fault/.exec(warning)?.[1])).toEqual([
    'listener',
    'subscriber',
    'listener',
    'subscriber',
  ])
})

test('a listener whose promise rejects harms nobody, and is told of', async () => {
  const peer = await join()
  const fail = async (what: string) => {
    throw new Error(`${what} at fault`)
  }
  peer.on('update', () => fail('listener'))
  peer.subscribe(() => fail('subscriber'))
  peer.onMessage(() => fail('hearer'))
  peer.onMessage('topic', () => fail('reader'))
  const other = await join({}, peer)
  await until(() => peer.members().length === 2)
  other.publish('topic')
  peer.setState({ n: 1 })
  const atFault = () => new Set(warnings.map((warning) => /(\w+) at fault/.exec(warning)?.[1]))
  await until(() => atFault().size === 4)
  expect([...atFault()].sort()).toEqual(['hearer', 'listener', 'reader', 'subscriber'])
})

test('what is no signal is refused wherever something waits, its controller too', async () => {
  const peer = await join()
  for (const signal of [{}, new AbortController(), 'abort'] as unknown as AbortSignal[]) {
    const bad = { code: 'bad_option', message: expect.stringMatching(/^signal: expected an AbortSignal/) }
    expect(() => peer.watch('api', { signal })).toThrow(expect.objectContaining(bad))
    expect(() => peer.query('topic', 1, { signal })).toThrow(expect.objectContaining(bad))
    await expect(peer.settled({ signal })).rejects.toMatchObject(bad)
    await expect(peer.connect(peer.id, { signal })).rejects.toMatchObject(bad)
  }
})

test('a state that names no keys is refused, not taken for an empty one', async () => {
  const peer = await join()
  for (const patch of [new Map([['n', 1]]), Promise.resolve({ n: 1 }), () => ({ n: 1 }), [1], null, 'n', undefined]) {
    expect(() => peer.setState(patch as never)).toThrow(
      expect.objectContaining({ code: 'bad_value', message: expect.stringMatching(/^state: expected an object/) }),
    )
  }
})

test('a subscriber is called once for each change, and sees the view as it is', async () => {
  const peer = await join()
  const seen: StateValue[] = []
  const off = peer.subscribe(() => seen.push(peer.getSnapshot()[0]!.state.n!))
  peer.setState({ n: 1, other: true })
  peer.setState({ n: 1 })
  peer.setState({ n: 2 })
  off()
  peer.setState({ n: 3 })
  expect(seen).toEqual([1, 2])
})

test('subscribe and getSnapshot may be handed over without their peer, as to useSyncExternalStore', async () => {
  const peer = await join()
  const { subscribe, getSnapshot } = peer
  const seen: StateValue[] = []
  const off = subscribe(() => seen.push(getSnapshot()[0]!.state.n!))
  peer.setState({ n: 1 })
  off()
  expect(seen).toEqual([1])
})

test('the snapshot is the same array until something changes, and so are the members that did not', async () => {
  const one = await join({ name: 'one' })
  const two = await join({ name: 'two' }, one)
  const other = two.getSnapshot().find(({ name }) => name === 'one')
  const before = two.getSnapshot()
  expect(two.getSnapshot()).toBe(before)
  expect(two.members()).toBe(before)
  two.setState({ n: 1 })
  const after = two.getSnapshot()
  expect(after).not.toBe(before)
  expect(after.find(({ name }) => name === 'one')).toBe(other)
  expect(() => (after as Member[]).pop()).toThrow(TypeError)
})

test('a listener may change the state, and every change is heard in its turn', async () => {
  const peer = await join()
  const seen: StateValue[] = []
  peer.on('update', ({ state }) => {
    seen.push(state.n!)
    if (state.n === 1) peer.setState({ n: 2 })
  })
  peer.setState({ n: 1 })
  expect(seen).toEqual([1, 2])
  expect(peer.state).toEqual({ n: 2 })
})

test('data that calls the peer while it is read does not disturb what it is sent with', async () => {
  const peer = await join()
  const heard: unknown[] = []
  peer.onMessage(({ data }) => heard.push(data))
  const data = (n: number) => ({
    get n() {
      peer.setState({ read: n })
      return n
    },
  })
  const sent = peer.send(peer.id, data(1))
  expect(peer.state).toEqual({ read: 1 })
  peer.publish('topic', data(2))
  expect(peer.state).toEqual({ read: 2 })
  expect(await sent).toBe(true)
  expect(heard).toEqual([{ n: 1 }])
})

test('a listener may leave, and nothing is heard after `left`', async () => {
  const peer = await join()
  const heard: string[] = []
  peer.on('update', () => {
    heard.push('update')
    void peer.leave()
  })
  peer.on('status', (status) => heard.push(status))
  peer.setState({ n: 1 })
  await peer.leave()
  expect(heard).toEqual(['update', 'left'])
})

// State

test('a patch sets, keeps and deletes keys', async () => {
  const peer = await join({ state: { a: 1, b: 2 } })
  peer.setState({ a: undefined, c: [3] })
  expect(peer.state).toEqual({ b: 2, c: [3] })
  expect(peer.self.state).toEqual({ b: 2, c: [3] })
})

test.each<[string, Record<string, unknown>, string]>([
  ['a key of the services', { '$service/web': 1 }, 'reserved_key'],
  ['a function', { f: () => 1 }, 'bad_value'],
  ['a large value', { f: 'x'.repeat(1000) }, 'entry_too_large'],
  [
    'a large whole',
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, 'x'.repeat(900)])),
    'state_too_large',
  ],
])('%s is refused, and nothing of the patch is done', async (_name, bad, code) => {
  const peer = await join({ state: { a: 1 } })
  const before = peer.getSnapshot()
  expect(() => peer.setState({ a: 2, ...(bad as Record<string, StateValue>) })).toThrow(
    expect.objectContaining({ code }),
  )
  expect(peer.getSnapshot()).toBe(before)
})

test('a volatile entry reaches others and is no matter of agreement', async () => {
  const one = await join({ name: 'one' })
  const two = await join({ name: 'two' }, one)
  await until(() => one.consistency().digest === two.consistency().digest)
  const before = one.consistency().digest
  two.setState({ cursor: [1, 2] }, { volatile: true })
  await until(() => one.members().some(({ state }) => state.cursor !== undefined))
  expect(one.consistency().digest).toBe(before)
  expect(two.consistency().digest).toBe(before)
})

test('peers say how far they agree, and when they last did', async () => {
  const one = await join()
  expect(one.consistency()).toMatchObject({ agreeing: 0, asked: 0, lastAgreedAt: 0 })
  const two = await join({}, one)
  await until(() => one.consistency().agreeing > 0 && two.consistency().agreeing > 0)
  expect(one.consistency().lastAgreedAt).toBeGreaterThan(0)
  expect(one.consistency().digest).toMatch(/^[0-9a-f]{16}$/)
  expect(one.counters().packets_received).toBeGreaterThan(0)
})

// Services

test('a service is found by others, by its tag and by its health, until it is deregistered', async () => {
  const one = await join({ name: 'one' })
  const two = await join({ name: 'two' }, one)
  const web = two.register({ service: 'Web', port: 80, tags: ['eu'], meta: { v: '1' }, weight: 5 })
  two.register({ service: 'web', port: 81, tags: ['us'] })
  await until(() => one.lookup('web').length === 2)
  const ports = (found: readonly { port?: number }[]) => found.map(({ port }) => port).sort()
  expect(one.lookup('WEB', { tag: 'eu' })).toMatchObject([{ member: two.id, name: 'two', meta: { v: '1' }, weight: 5 }])
  expect(one.lookup('db')).toEqual([])
  web.setHealth('critical')
  await until(() => ports(one.lookup('web', { passing: true })).join() === '81')
  expect(ports(one.lookup('web'))).toEqual([80, 81])
  expect(one.pick('web')?.port).toBe(81)
  web.setHealth('passing')
  web.drain()
  await until(() => one.lookup('web').some(({ status }) => status === 'draining'))
  expect(ports(one.lookup('web', { passing: true }))).toEqual([81])
  web.deregister()
  await until(() => ports(one.lookup('web')).join() === '81')
})

test('the services of a member that left are gone with it', async () => {
  const one = await join()
  const two = await join({}, one)
  two.register({ service: 'web' })
  await until(() => one.lookup('web').length === 1)
  await two.leave()
  await until(() => one.lookup('web').length === 0)
  expect(one.pick('web')).toBeUndefined()
})

test('a service can be registered once a port, and again when it was deregistered', async () => {
  const peer = await join()
  const first = peer.register({ service: 'web' })
  peer.register({ service: 'web', port: 80 })
  expect(() => peer.register({ service: 'WEB' })).toThrow(expect.objectContaining({ code: 'already_registered' }))
  first.deregister()
  first.deregister()
  expect(() => first.setHealth('passing')).toThrow(expect.objectContaining({ code: 'not_registered' }))
  expect(() => first.drain()).toThrow(expect.objectContaining({ code: 'not_registered' }))
  peer.register({ service: 'web', tags: ['second'] })
  expect(peer.lookup('web', { tag: 'second' })).toHaveLength(1)
})

test('an ended registration has no hold on a later one of the same service', async () => {
  const peer = await join()
  const first = peer.register({ service: 'web' })
  first.deregister()
  peer.register({ service: 'web' })
  expect(() => first.drain()).toThrow(expect.objectContaining({ code: 'not_registered' }))
  first.deregister()
  expect(peer.lookup('web')).toMatchObject([{ status: 'alive' }])
})

test('a registration or a health that cannot be is refused and changes nothing', async () => {
  const peer = await join()
  const before = peer.getSnapshot()
  expect(() => peer.register({ service: 'a b' })).toThrow(expect.objectContaining({ code: 'bad_name' }))
  expect(() => peer.register({ service: 'web', port: 0 })).toThrow(expect.objectContaining({ code: 'bad_option' }))
  const tags = Array(32).fill('t'.repeat(100))
  expect(() => peer.register({ service: 'web', tags })).toThrow(expect.objectContaining({ code: 'entry_too_large' }))
  expect(peer.getSnapshot()).toBe(before)
  const web = peer.register({ service: 'web' })
  expect(() => web.setHealth('fine' as 'passing')).toThrow(expect.objectContaining({ code: 'bad_option' }))
  expect(peer.lookup('web')).toMatchObject([{ health: 'passing' }])
})

// Users

test('connections of one user are one user, in with the first and out with the last', async () => {
  const one = await join({ user: 'u-1', name: 'laptop' })
  const two = await join({ user: 'u-1', name: 'phone' }, one)
  await join({ name: 'server' }, one)
  const other = await join({ user: 'u-2' }, one)
  const users = () =>
    one
      .users()
      .map(({ user, members }) => `${user} x${members.length}`)
      .sort()
  await until(() => users().join() === 'u-1 x2,u-2 x1')
  await two.leave()
  await other.leave()
  await until(() => users().join() === 'u-1 x1')
})

test('an option that a call does not have is named, with those that it has, and nothing is done', async () => {
  const peer = await join()
  const wrong = { timeoutMs: 500 } as object
  for (const [call, run] of Object.entries({
    members: () => peer.members(wrong),
    setState: () => peer.setState({ a: 1 }, wrong),
    register: () => peer.register({ service: 'web', ...wrong }),
    lookup: () => peer.lookup('web', wrong),
    pick: () => peer.pick('web', wrong),
    watch: () => peer.watch('web', wrong),
    query: () => peer.query('load', undefined, wrong),
  })) {
    expect(run, call).toThrow(new RegExp(`^${call}: there is no option timeoutMs; expected .*[a-z]+$`))
  }
  await expect(peer.settled(wrong)).rejects.toMatchObject({ code: 'bad_option' })
  await expect(peer.connect('id', wrong)).rejects.toThrow('connect: there is no option timeoutMs; expected signal')
  expect(() => peer.lookup('web', null as never)).toThrow('lookup: expected options as an object, got null')
  expect(peer.state).toEqual({})
  expect(peer.self.services).toEqual([])
})

test('what has to be true or false is not taken for true', async () => {
  const peer = await join()
  const no = 'no' as unknown as boolean
  expect(() => peer.setState({ a: 1 }, { volatile: no })).toThrow('volatile: expected true or false, got "no"')
  expect(() => peer.members({ gone: no })).toThrow('gone: expected true or false, got "no"')
  for (const call of ['lookup', 'pick', 'watch'] as const) {
    expect(() => peer[call]('web', { passing: no })).toThrow('passing: expected true or false, got "no"')
  }
  expect(peer.state).toEqual({})
})

// Leaving

test('leaving is told once, releases everything, and doing it again is the same leaving', async () => {
  const peer = await join()
  const statuses: [PeerStatus, string][] = []
  peer.on('status', (status, reason) => statuses.push([status, reason]))
  const leaving = peer.leave()
  expect(peer.status).toBe('left')
  expect(peer.leave()).toBe(leaving)
  await leaving
  expect(peer[Symbol.asyncDispose]()).toBe(leaving)
  expect(statuses).toEqual([['left', peer.reason]])
  expect(hub.open).toEqual([])
})

test('behind leaving every call that would change something throws `left`, and every read still answers', async () => {
  const peer = await join({ user: 'u', state: { a: 1 } })
  const web = peer.register({ service: 'web' })
  await peer.leave()
  for (const call of [
    () => peer.setState({ a: 2 }),
    () => peer.register({ service: 'db' }),
    () => web.setHealth('warning'),
    () => web.drain(),
  ]) {
    expect(codeOf(call)).toBe('left')
  }
  web.deregister()
  expect(peer.state).toEqual({ a: 1 })
  expect(peer.self.status).toBe('left')
  expect([peer.members(), peer.users(), peer.lookup('web'), peer.pick('web')]).toEqual([[], [], [], undefined])
  expect(peer.consistency().digest).toHaveLength(16)
})

async function join(options: Partial<PeerOptions> = {}, via?: Peer): Promise<Peer> {
  const log = { debug() {}, info() {}, warn: (message: string) => warnings.push(message) }
  const config = { probePeriodMs: 50, ackTimeoutMs: 25, syncTimeoutMs: 50 }
  const peer = await start({ room: 'r', log, config, throttleMs: 0, ...options }, 'server', async ({ driver }) => ({
    channels: [hub.channel(driver.eventsOf('sim'))],
    begin: () => driver.call((swim, now) => swim.join(via?.self.endpoints ?? [], now)),
    close: async () => {},
  }))
  peers.push(peer)
  return peer
}

function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 10_000, interval: 5 })
}

function codeOf(call: () => void): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    return error.code
  }
}
