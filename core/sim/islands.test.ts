/** Servers on UDP, tabs on WebRTC, and gateways between them. */

import { expect, test } from 'vitest'
import { simulate, type World } from './index.ts'

const server = ['udp']
const tab = ['rtc', 'relay']
const gateway = ['udp', 'rtc', 'relay']

/** p0 to p4 are servers, p5 the gateway, p6 to p10 tabs. */
function twoIslands(seed: number): World {
  const kinds = (i: number) => (i < 5 ? server : i === 5 ? gateway : tab)
  const world = simulate({ peers: 11, seed, kinds })
  world.settle(60_000)
  return world
}

test('servers and tabs that only share a gateway hold the same view', () => {
  for (const seed of [1, 2, 3]) {
    const world = twoIslands(seed)
    world.run(120_000)
    expect(world.deaths()).toEqual([])
    expect(world.isTrue()).toBe(true)
    expect(world.peer('p0').member(world.peer('p8').id)?.via).toBe('gossip')
    expect(world.peer('p7').member(world.peer('p8').id)?.via).toBe('direct')
  }
})

test('state crosses a gateway both ways within two seconds', () => {
  for (const seed of [1, 2, 3]) {
    const world = twoIslands(seed)
    world.setState('p0', { from: 'a server' })
    world.setState('p8', { from: 'a tab' })
    world.runUntil(() => stateAt(world, 'p8', 'p0') === 'a server' && stateAt(world, 'p0', 'p8') === 'a tab', 2_000)
    world.settle(5_000)
  }
})

test("a tab's crash is known at servers that have no way to reach it", () => {
  for (const seed of [1, 2, 3]) {
    const world = twoIslands(seed)
    world.crash('p8')
    world.settle(30_000)
    expect(world.status('p0', 'p8')).toBe('dead')
    expect(world.deaths()).toEqual([])
  }
})

test("a server's crash is known at tabs", () => {
  const world = twoIslands(4)
  world.crash('p2')
  world.settle(30_000)
  expect(world.status('p9', 'p2')).toBe('dead')
})

test('with the last gateway gone the other island is given up, and a new gateway brings it back', () => {
  for (const seed of [1, 2, 3]) {
    const world = twoIslands(seed)
    world.crash('p5')
    world.runUntil(() => sizes(world).every((size) => size === 5), 60_000)
    world.run(60_000)
    expect(sizes(world)).toEqual(Array(10).fill(5))
    world.join('gateway', { kinds: gateway, seeds: ['p0'] })
    world.settle(120_000)
  }
})

test('of two gateways one may go: nobody is given up', () => {
  for (const seed of [1, 2, 3]) {
    const world = twoIslands(seed)
    world.join('second', { kinds: gateway, seeds: ['p0'] })
    world.settle(30_000)
    world.crash('p5')
    world.settle(60_000)
    expect(world.deaths()).toEqual([])
  }
})

test('members that only have the relay are full members', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 12, seed, kinds: ['relay'] })
    world.settle(30_000)
    world.setState('p3', { x: 1 })
    world.crash('p5')
    world.settle(30_000)
    expect(world.status('p0', 'p5')).toBe('dead')
    expect(world.peer('p0').member(world.peer('p3').id)).toMatchObject({ via: 'relayed', state: { x: 1 } })
  }
})

test('tabs with open links go on without the signalling server', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 12, seed, kinds: tab })
    world.settle(30_000)
    world.run(30_000)
    world.setSignaling(false)
    world.setState('p3', { x: 1 })
    world.run(60_000)
    expect(world.deaths()).toEqual([])
    expect(world.isTrue()).toBe(true)
    expect(world.agrees()).toBe(true)
    world.crash('p5')
    world.settle(30_000)
  }
})

test('a link that closes gives nobody up whom the relay still reaches', () => {
  const world = simulate({ peers: 6, seed: 1, kinds: tab })
  world.settle(30_000)
  world.run(10_000)
  const [one, other] = [world.peer('p1'), world.peer('p2')]
  one.linkDown('rtc', other.id, 1_000_000 + world.now)
  world.run(60_000)
  expect(world.deaths()).toEqual([])
  expect(world.isTrue()).toBe(true)
})

test('two rooms of tabs that lost sight of each other meet through the signalling server', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 12, seed, kinds: tab })
    world.settle(30_000)
    const names = world.names()
    world.partition(names.slice(0, 6), names.slice(6))
    world.run(120_000)
    world.heal()
    world.settle(120_000)
  }
})

function sizes(world: World): number[] {
  return [...world.views().values()].map((members) => members.length)
}

function stateAt(world: World, by: string, of: string): unknown {
  return world.peer(by).member(world.peer(of).id)?.state.from
}
