/** The peer object in a simulated world: that it is the one applications know, and where the world differs. */

import { expect, test } from 'vitest'
import { type Peer, peerIn, simulate, type World } from './sim.ts'

const types = ['join', 'update', 'suspect', 'refute', 'leave', 'dead'] as const

test('a peer hears of others while the world runs, as one over real channels does', () => {
  const world = settled(4)
  const heard = listen(peerIn(world, 'p0'))
  peerIn(world, 'p1').setState({ mood: 'fine' })
  world.run(1_000)
  world.pause('p2', 1_200)
  world.run(6_000)
  world.leave('p1')
  world.run(1_000)
  world.crash('p3')
  world.settle(30_000)
  expect(heard).toEqual([
    'update p1 alive',
    'suspect p2 suspect',
    'refute p2 alive',
    'leave p1 left',
    'suspect p3 suspect',
    'dead p3 dead',
  ])
})

test('the snapshot is another one exactly when subscribers are called', () => {
  const world = settled(4)
  const peer = peerIn(world, 'p0')
  const told: unknown[] = [peer.getSnapshot()]
  const off = peer.subscribe(() => told.push(peer.getSnapshot()))
  for (let n = 1; n <= 20; n++) {
    if (n % 5 === 0) world.setState('p1', { n })
    world.run(500)
    expect(peer.getSnapshot()).toBe(told.at(-1))
  }
  expect(new Set(told).size).toBe(told.length)
  expect(told.length).toBeGreaterThan(4)
  off()
  world.setState('p1', { n: 0 })
  world.run(1_000)
  expect(told).not.toContain(peer.getSnapshot())
})

test('users who come and go are told of, also where a subscriber looks first, and those who were there are no news', () => {
  const world = settled(2)
  world.join('ana-1', { user: 'ana' })
  world.settle(10_000)
  const peer = peerIn(world, 'p0')
  peer.subscribe(() => peer.users())
  const told: string[] = []
  peer.on('userJoin', ({ user }) => told.push(`+${user}`))
  const off = peer.on('userLeave', ({ user }) => told.push(`-${user}`))
  world.join('ana-2', { user: 'ana' })
  world.join('ben', { user: 'ben' })
  world.settle(10_000)
  world.leave('ana-1')
  world.run(1_000)
  expect(told).toEqual(['+ben'])
  world.leave('ana-2')
  world.run(1_000)
  expect(told).toEqual(['+ben', '-ana'])
  off()
  world.leave('ben')
  world.run(1_000)
  expect(told).toEqual(['+ben', '-ana'])
  expect(() => peer.on('joined' as 'join', () => {})).toThrow(/event: expected one of join, update, .* got "joined"/)
})

test('why a member is believed what it is can be asked as of now, also of a process that has crashed or left', () => {
  const world = settled(4)
  const [one, two] = [peerIn(world, 'p0'), peerIn(world, 'p1')]
  const id = world.idOf('p3')
  world.leave('p3')
  world.run(2_000)
  const before = one.explain(id)!
  expect(before).toMatchObject({ status: 'left', because: expect.stringMatching(/^said farewell [12]\.\d s ago$/) })
  world.crash('p0')
  world.leave('p1')
  world.run(60_000)
  expect(one.explain(id)!.sinceMs - before.sinceMs).toBeCloseTo(60_000, 0)
  expect(two.explain(world.idOf('p2'))).toMatchObject({ status: 'alive', observer: { status: 'left' } })
  expect(one.explain('nobody')).toBeUndefined()
  expect(one.neighbours('nobody')).toEqual([])
})

test('it is the same object each time, until the name is started again', () => {
  const world = settled(3)
  const first = peerIn(world, 'p1')
  expect(peerIn(world, 'p1')).toBe(first)
  world.restart('p1')
  const second = peerIn(world, 'p1')
  expect(second).not.toBe(first)
  expect(second.id).not.toBe(first.id)
  expect(peerIn(world, 'p1')).toBe(second)
})

test('worlds with the same seed have peers of their own', () => {
  const [one, other] = [settled(2), settled(2)]
  expect(peerIn(one, 'p0').id).toBe(peerIn(other, 'p0').id)
  peerIn(one, 'p0').setState({ n: 1 })
  expect(peerIn(other, 'p0').state).toEqual({})
})

test('services are registered, found, drained and gone with their process', () => {
  const world = settled(4)
  const client = peerIn(world, 'p0')
  const api = peerIn(world, 'p1').register({ service: 'api', port: 80, tags: ['eu'] })
  peerIn(world, 'p2').register({ service: 'api', port: 81 })
  world.run(1_000)
  const ports = () => client.lookup('api', { passing: true }).map(({ port }) => port)
  expect(new Set(ports())).toEqual(new Set([80, 81]))
  api.drain()
  world.run(1_000)
  expect(ports()).toEqual([81])
  world.crash('p2')
  world.settle(30_000)
  expect(ports()).toEqual([])
  expect(client.pick('api')?.port).toBe(80)
})

test('what pick draws follows the seed and changes nothing of the run', () => {
  const story = (seed: number, picks: number) => {
    const world = settled(6, seed)
    for (const name of world.names()) peerIn(world, name).register({ service: 'api' })
    world.settle(5_000)
    const client = peerIn(world, 'p0')
    const picked = Array.from({ length: picks }, () => client.pick('api')?.name).join(' ')
    world.run(5_000)
    return { picked, run: JSON.stringify([world.events, [...world.traffic()]]) }
  }
  expect(story(7, 20)).toEqual(story(7, 20))
  expect(story(7, 20).picked).not.toBe(story(8, 20).picked)
  expect(story(7, 20).run).toBe(story(7, 0).run)
})

test('users are those of the join options, and a restart keeps them', () => {
  const world = settled(2)
  world.join('laptop', { user: 'ana' })
  world.join('phone', { user: 'ana' })
  world.settle(5_000)
  const users = () =>
    peerIn(world, 'p0')
      .users()
      .map(({ user, members }) => `${user} x${members.length}`)
  expect(users()).toEqual(['ana x2'])
  world.restart('phone')
  world.settle(30_000)
  expect(users()).toEqual(['ana x2'])
})

test('leaving needs no real time: others hear it, and calls behind it throw `left`', async () => {
  const world = settled(3)
  const heard = listen(peerIn(world, 'p0'))
  const peer = peerIn(world, 'p1')
  const statuses: string[] = []
  peer.on('status', (status) => statuses.push(status))
  const leaving = peer.leave()
  expect(statuses).toEqual(['left'])
  expect(world.names()).toEqual(['p0', 'p2'])
  world.run(1_000)
  expect(heard).toEqual(['leave p1 left'])
  expect(() => peer.setState({ n: 1 })).toThrow(expect.objectContaining({ code: 'left' }))
  await leaving
  await peer[Symbol.asyncDispose]()
})

test('a peer hears when the world makes it leave, and may be told to leave again', async () => {
  const world = settled(3)
  const peer = peerIn(world, 'p1')
  const statuses: string[] = []
  peer.on('status', (status) => statuses.push(status))
  world.leave('p1')
  expect(statuses).toEqual(['left'])
  await peer.leave()
  expect(world.names()).toEqual(['p0', 'p2'])
})

test('a crashed process hears and changes nothing any more, and the calls say so', async () => {
  const world = settled(3)
  const peer = peerIn(world, 'p1')
  const heard = listen(peer)
  world.crash('p1')
  world.setState('p0', { n: 1 })
  world.run(10_000)
  expect(heard).toEqual([])
  expect(() => peer.setState({ n: 1 })).toThrow(/^p1 \(.{22}\) has crashed; nothing was changed$/)
  expect(peer.members()).toHaveLength(3)
  await peer.leave()
  world.restart('p1')
  await peer.leave()
  expect(world.names()).toContain('p1')
})

test('a connection is refused for what it is: simulated peers have none', async () => {
  const world = settled(2)
  const peer = peerIn(world, 'p0')
  await expect(peer.connect(world.idOf('p1'))).rejects.toMatchObject({
    code: 'not_connectable',
    message: expect.stringContaining('simulated peers have no connections'),
  })
  await expect(peer.connect('nobody')).rejects.toMatchObject({ code: 'unknown_member' })
  await expect(peer.connect(world.idOf('p1'), { signals: 1 } as object)).rejects.toMatchObject({ code: 'bad_option' })
})

test('what is no world, and a name that nobody has, are told', () => {
  expect(() => peerIn('p0' as unknown as World, 'p0')).toThrow(/^peerIn: expected a world, .* got "p0"$/)
  const error = expect.objectContaining({
    code: 'unknown_member',
    message: 'there is no peer named p9; there are p0, p1',
  })
  expect(() => peerIn(settled(2), 'p9')).toThrow(error)
})

test('a listener that lets time pass ends the run with one clear error', () => {
  const world = settled(3)
  peerIn(world, 'p0').on('leave', () => world.run(10))
  world.leave('p1')
  expect(() => world.run(2_000)).toThrow(/run: a listener cannot let time pass/)
})

test('a listener may call in again: what that raises is heard in its turn', () => {
  const world = settled(3)
  const peer = peerIn(world, 'p0')
  const seen: unknown[] = []
  peer.on('update', ({ name, state }) => {
    seen.push(`${name} ${state.n}`)
    if (name === 'p1') peer.setState({ n: 10 })
  })
  world.setState('p1', { n: 1 })
  world.run(1_000)
  expect(seen).toEqual(['p1 1', 'p0 10'])
})

test('a listener may crash its own process, and nothing is heard behind that', () => {
  const world = settled(3)
  const peer = peerIn(world, 'p0')
  const heard: string[] = []
  peer.on('update', () => {
    heard.push('update')
    world.crash('p0')
  })
  peer.subscribe(() => heard.push('changed'))
  world.setState('p1', { n: 1 })
  world.run(1_000)
  expect(heard).toEqual(['update'])
})

test('a listener that throws ends the run with its error', () => {
  const world = settled(3)
  peerIn(world, 'p0').on('update', () => {
    throw new Error('not what was expected')
  })
  world.setState('p1', { n: 1 })
  expect(() => world.run(1_000)).toThrow(/p0: a listener threw: Error: not what was expected/)
})

test('a paused peer hears nothing until it goes on, and then what it has missed', () => {
  const world = settled(3)
  const heard = listen(peerIn(world, 'p0'))
  world.pause('p0', 2_000)
  world.setState('p1', { n: 1 })
  world.run(1_999)
  expect(heard).toEqual([])
  world.run(1)
  expect(heard).toEqual(['update p1 alive'])
})

function settled(peers: number, seed = 1): World {
  const world = simulate({ peers, seed })
  world.settle(20_000)
  return world
}

function listen(peer: Peer): string[] {
  const heard: string[] = []
  for (const type of types) peer.on(type, ({ name, status }) => heard.push(`${type} ${name} ${status}`))
  return heard
}
