import { expect, test, vi } from 'vitest'
import { Hub } from './hub.fake.ts'
import { type PeerOptions, silentLog } from './options.ts'
import type { Peer } from './peer.ts'
import { type Opened, start } from './start.ts'

test('without anybody to look for, the room begins here', async () => {
  const world = new World()
  const peer = await world.start({ name: 'ann', user: 'u', state: { color: 'teal' } })
  expect(peer.status).toBe('joined')
  expect(peer.members()).toEqual([peer.self])
  expect(peer.self).toMatchObject({ id: peer.id, name: 'ann', user: 'u', mode: 'server', state: { color: 'teal' } })
  await world.end()
})

test('a start call resolves when a member was found', async () => {
  const world = new World()
  const one = await world.start({ name: 'one' })
  const two = await world.start({ name: 'two' }, [one.self.endpoints[0]!])
  expect(two.status).toBe('joined')
  expect(
    two
      .members()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['one', 'two'])
  await world.end()
})

test('with nobody answering it resolves when the time is up, with a peer that goes on looking', async () => {
  const world = new World()
  const early = await world.start({ name: 'early', joinTimeoutMs: 20 }, ['sim:late'])
  expect(early.status).toBe('joining')
  const joined = new Promise<string>((resolve) => early.on('status', resolve))
  await world.start({ name: 'late' }, [], 'sim:late')
  expect(await joined).toBe('joined')
  expect(early.members()).toHaveLength(2)
  await world.end()
})

test('a peer may be told to wait for ever', async () => {
  const world = new World()
  const waiting = world.start({ joinTimeoutMs: Number.POSITIVE_INFINITY }, ['sim:late'])
  await vi.waitFor(() => expect(world.hub.open).toHaveLength(1))
  await world.start({ joinTimeoutMs: 0 }, [], 'sim:late')
  expect((await waiting).status).toBe('joined')
  await world.end()
})

test('a peer that is to go on, but is called off while its sockets are opened, leaves nothing open and stays as it was', async () => {
  const world = new World()
  const peer = await world.start({ state: { color: 'teal' } })
  await peer.leave()
  const controller = new AbortController()
  world.onOpened = () => controller.abort(new Error('enough'))
  await expect(world.start({ signal: controller.signal }, [], undefined, peer)).rejects.toThrow('enough')
  world.onOpened = () => {}
  expect(world.hub.open).toEqual([])
  await world.start({}, [], undefined, peer)
  expect(peer.status).toBe('joined')
  expect(peer.state).toEqual({ color: 'teal' })
  await world.end()
})

test('an option that cannot be used rejects before anything is opened', async () => {
  const world = new World()
  await expect(world.start({ room: '' })).rejects.toMatchObject({ code: 'bad_name' })
  await expect(world.start({ joinTimeoutMs: -1 })).rejects.toMatchObject({ code: 'bad_option' })
  expect(world.opened).toBe(0)
})

test('a state that cannot be published rejects and leaves nothing open', async () => {
  const world = new World()
  const bad = world.start({ state: { k: 'x'.repeat(2000) } })
  await expect(bad).rejects.toMatchObject({ code: 'entry_too_large' })
  expect(world.hub.open).toEqual([])
  expect(world.closed).toBe(1)
})

test('what cannot be opened rejects with its own error', async () => {
  const failed = start({ room: 'r' }, 'server', () => Promise.reject(new Error('no socket')))
  await expect(failed).rejects.toThrow('no socket')
})

test('a signal that was aborted before rejects with its reason, and nothing is opened', async () => {
  const world = new World()
  await expect(world.start({ signal: AbortSignal.abort('too late') })).rejects.toBe('too late')
  expect(world.opened).toBe(0)
})

test('a signal that is aborted while the peer looks for members rejects with its reason and closes everything', async () => {
  const world = new World()
  const aborted = new AbortController()
  const starting = world.start({ signal: aborted.signal }, ['sim:nobody'])
  await vi.waitFor(() => expect(world.hub.open).toHaveLength(1))
  aborted.abort(new Error('enough'))
  await expect(starting).rejects.toThrow('enough')
  expect(world.hub.open).toEqual([])
  expect(world.closed).toBe(1)
})

test('a peer given up while it is being answered says farewell to those it has asked: nobody holds a ghost', async () => {
  const world = new World()
  const one = await world.start({ name: 'one' })
  const gone: string[] = []
  one.on('leave', ({ name }) => gone.push(name))
  const aborted = new AbortController()
  // Its question is under way, and nobody is known to it yet.
  world.onBegun = () => aborted.abort(new Error('enough'))
  const starting = world.start({ name: 'ghost', signal: aborted.signal }, [one.self.endpoints[0]!])
  await expect(starting).rejects.toThrow('enough')
  await vi.waitFor(() => expect(gone).toEqual(['ghost']))
  expect(one.members()).toEqual([one.self])
  await world.end()
})

test('a signal that is aborted while channels are being opened closes them', async () => {
  const world = new World()
  const aborted = new AbortController()
  world.onOpened = () => aborted.abort(new Error('enough'))
  await expect(world.start({ signal: aborted.signal })).rejects.toThrow('enough')
  expect(world.hub.open).toEqual([])
  expect(world.closed).toBe(1)
})

test('a signal that is aborted after the start does nothing', async () => {
  const world = new World()
  const aborted = new AbortController()
  const peer = await world.start({ signal: aborted.signal })
  aborted.abort()
  expect(peer.status).toBe('joined')
  expect(world.hub.open).toHaveLength(1)
  await world.end()
})

test('a peer that is started again has a new id and the lasting state and services it left with', async () => {
  const world = new World()
  const peer = await world.start({ name: 'ann', state: { color: 'teal' } })
  const witness = await world.start({ name: 'witness' }, peer.self.endpoints)
  const registration = peer.register({ service: 'web', port: 80 })
  registration.setHealth('warning')
  peer.setState({ cursor: [1, 2] }, { volatile: true })
  const before = peer.id
  await peer.leave()
  const again = await world.start({ name: 'ann' }, witness.self.endpoints, undefined, peer)
  expect(again).toBe(peer)
  expect(peer.id).not.toBe(before)
  expect(peer.status).toBe('joined')
  await vi.waitFor(() => {
    const found = witness.members().filter(({ name }) => name === 'ann')
    expect(found).toMatchObject([
      { id: peer.id, state: { color: 'teal' }, services: [{ port: 80, health: 'warning' }] },
    ])
  })
  // The registration made before goes on being the way to change it.
  registration.setHealth('passing')
  expect(peer.lookup('web')).toMatchObject([{ member: peer.id, health: 'passing' }])
  await world.end()
})

/** A hub and the peers that were started on it. */
class World {
  readonly hub = new Hub()
  opened = 0
  closed = 0
  onOpened: () => void = () => {}
  onBegun: () => void = () => {}
  readonly #peers: Peer[] = []

  async start(
    options: Partial<PeerOptions>,
    seeds: readonly string[] = [],
    endpoint?: string,
    again?: Peer,
  ): Promise<Peer> {
    const config = { probePeriodMs: 50, ackTimeoutMs: 25, syncTimeoutMs: 25, healMinMs: 50 }
    const peer = await start(
      { room: 'r', log: silentLog, config, ...options },
      'server',
      async ({ driver }): Promise<Opened> => {
        this.opened++
        const channel = this.hub.channel(driver.eventsOf('sim'), endpoint)
        this.onOpened()
        return {
          channels: [channel],
          begin: () => {
            driver.call((swim, now) => swim.join(seeds, now))
            this.onBegun()
          },
          close: async () => {
            this.closed++
          },
        }
      },
      again,
    )
    this.#peers.push(peer)
    return peer
  }

  /** Lets everybody leave, and nothing may be left open. */
  async end(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.leave()))
    expect(this.hub.open).toEqual([])
    expect(this.closed).toBe(this.opened)
  }
}
