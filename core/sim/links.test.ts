/** What it takes to open a link, how its ends learn that it is closed, and who knows whom at which signalling server. */

import { expect, test } from 'vitest'
import { simulate, type World } from './index.ts'

const tab = ['rtc', 'relay']

test('a link opens by way of the signalling server, and both ends count it', () => {
  const world = simulate({ peers: 2, seed: 1, kinds: tab })
  world.settle(10_000)
  world.runUntil(() => via(world, 'p0', 'p1') === 'direct', 5_000)
  for (const name of ['p0', 'p1']) expect(world.linksOf(name)).toEqual({ open: 1, opened: 1, failed: 0 })
})

test('opening a link takes the time of its signals and of ICE', () => {
  const world = simulate({ peers: 2, seed: 1, kinds: tab, link: { delayMs: 100, jitterMs: 0 }, handshakeMs: 1_000 })
  world.runUntil(() => world.peer('p0').beliefs.size === 2, 5_000)
  const took = world.runUntil(() => via(world, 'p0', 'p1') === 'direct', 5_000)
  // An offer and an answer, and the ask and the next probe period at most.
  expect(took).toBeGreaterThanOrEqual(1_200)
  expect(took).toBeLessThanOrEqual(2_500)
})

test('members with no way to signal to each other open no link until they have one', () => {
  const world = simulate({ peers: 3, seed: 1, kinds: tab, acquainted: true })
  world.setSignaling(false)
  world.run(20_000)
  for (const name of world.names()) expect(world.linksOf(name).opened).toBe(0)
  world.setSignaling(true)
  world.runUntil(() => world.names().every((name) => world.linksOf(name).open === 2), 60_000)
})

test('with the signalling server down, links open wherever the mesh carries the signals', () => {
  const world = simulate({ peers: 20, seed: 1, kinds: tab, linked: true })
  world.run(5_000)
  world.setSignaling(false)
  for (const name of ['p3', 'p8', 'p15']) world.crash(name)
  const before = opened(world)
  world.settle(20_000)
  // Those next to the crashed have new neighbours.
  world.runUntil(() => world.names().every((name) => missing(world, name) === 0), 60_000)
  expect(opened(world)).toBeGreaterThan(before)
  expect(world.isTrue()).toBe(true)
})

test('those that ICE finds no way between stay members by the relay, and try again and again', () => {
  const linkable = (a: string, b: string) => a !== 'p2' && b !== 'p2'
  const world = simulate({ peers: 4, seed: 1, kinds: tab, linkable })
  world.run(60_000)
  expect(world.isTrue()).toBe(true)
  expect(world.linksOf('p2')).toMatchObject({ open: 0, opened: 0 })
  expect(world.linksOf('p2').failed).toBeGreaterThanOrEqual(3)
  expect(world.linksOf('p1').open).toBe(2)
  expect(via(world, 'p0', 'p2')).toBe('relayed')
})

test('a link that is closed in good order is closed at the other end at once, one whose end crashed after its timeout', () => {
  const world = linkedRoom(3)
  const last = world.endpoint('p2', 'rtc').slice(4)
  world.leave('p1')
  world.run(100)
  expect(world.linksOf('p0').open).toBe(1)
  const downs: number[] = []
  const core = world.peer('p0')
  const linkDown = core.linkDown.bind(core)
  core.linkDown = (kind, peer, now) => {
    if (peer === last) downs.push(world.now)
    linkDown(kind, peer, now)
  }
  const crashedAt = world.now
  world.crash('p2')
  world.run(20_000)
  expect(downs).toEqual([crashedAt + 15_000])
})

test('the links of a laptop that sleeps time out, and are opened again when it wakes', () => {
  const world = linkedRoom(3)
  world.sleep('p1', 20_000)
  world.run(16_000)
  expect(world.linksOf('p0').open).toBe(1)
  world.run(4_000)
  world.runUntil(() => via(world, 'p1', 'p0') === 'direct' && via(world, 'p0', 'p1') === 'direct', 60_000)
  world.settle(10_000)
})

test('a room may begin with its links open', () => {
  const world = linkedRoom(10)
  for (const name of world.names()) expect(world.linksOf(name)).toEqual({ open: 9, opened: 9, failed: 0 })
  expect(via(world, 'p3', 'p8')).toBe('direct')
  world.run(10_000)
  expect(world.deaths()).toEqual([])
})

test('peers of different signalling servers are strangers, until one comes that is at both', () => {
  const world = simulate({ peers: 6, seed: 1, kinds: tab, server: (i) => i % 2 })
  world.run(90_000)
  for (const name of world.names()) expect(world.peer(name).beliefs.size).toBe(3)
  world.join('both', { kinds: tab, server: [0, 1] })
  world.runUntil(() => world.names().every((name) => world.peer(name).beliefs.size === 7), 120_000)
})

test('nothing is relayed between peers of different signalling servers', () => {
  const world = simulate({ peers: 2, seed: 1, kinds: ['relay'], server: (i) => i })
  world.peer('p0').introduce([world.endpoint('p1', 'relay')], 1_000_000)
  world.run(10_000)
  expect(world.traffic().get('p0')!.packetsOut).toBeGreaterThan(0)
  expect(world.traffic().get('p1')!.packetsIn).toBe(0)
})

test('when the signalling server is back its peers return one by one, within ten seconds', () => {
  const world = simulate({ peers: 20, seed: 1, kinds: ['relay'] })
  world.settle(20_000)
  world.setSignaling(false)
  expect(connected(world)).toBe(0)
  world.run(2_000)
  world.setSignaling(true)
  world.run(5_000)
  expect(connected(world)).toBeGreaterThan(2)
  expect(connected(world)).toBeLessThan(18)
  world.run(5_000)
  expect(connected(world)).toBe(20)
})

test('one signalling server may be down while another runs', () => {
  const world = simulate({ peers: 4, seed: 1, kinds: ['relay'], server: (i) => (i === 0 ? [0, 1] : 0) })
  world.settle(20_000)
  world.setSignaling(false)
  world.join('late', { kinds: ['relay'], server: 1 })
  world.runUntil(() => world.status('late', 'p0') === 'alive' && world.status('p0', 'late') === 'alive', 10_000)
})

function linkedRoom(peers: number): World {
  const world = simulate({ peers, seed: 1, kinds: tab, linked: true })
  world.run(1_000)
  return world
}

function via(world: World, by: string, of: string): string | undefined {
  return world.peer(by).member(world.peer(of).id)?.via
}

/** Links to neighbours that are not open. */
function missing(world: World, name: string): number {
  return world
    .peer(name)
    .links()
    .filter(({ wanted, open }) => wanted && !open).length
}

/** By all that live. */
function opened(world: World): number {
  return world.names().reduce((sum, name) => sum + world.linksOf(name).opened, 0)
}

/** Members that can send over the relay. */
function connected(world: World): number {
  return world.names().filter((name) => {
    const members = world.peer(name).members()
    return members.some(({ via }) => via === 'relayed')
  }).length
}
