/** Whose fault is the silence? A peer that is cut off keeps its view; a room that is really gone is dropped. */

import { expect, test } from 'vitest'
import { simulate, type World } from './index.ts'

test('a peer whose cable is pulled keeps its view and says so, and is back without having lost anybody', () => {
  for (const seed of [1, 2, 3]) {
    const world = acquainted(20, seed)
    const told: string[] = []
    world.onEvent(({ by, type, of }) => {
      if (by === 'p7') told.push(`${type} ${of}`)
    })
    world.partition(['p7'])
    world.runUntil(() => world.peer('p7').status === 'isolated', 15_000)
    world.run(120_000)
    expect(world.peer('p7').members()).toHaveLength(20)
    expect(world.peer('p7').reason).toBe(
      'none of 19 members answers, so this peer is probably cut off; the last view is kept',
    )
    expect(world.status('p0', 'p7')).toBe('dead')
    world.heal()
    world.settle(20_000)
    world.runUntil(() => world.peer('p7').status === 'joined', 5_000)
    expect(told).toEqual(['status isolated', 'status joined'])
  }
})

test('a browser with five of seven tabs that is killed is no isolation for the others: their signalling server is there', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 7, seed, kinds: ['rtc', 'relay'] })
    world.settle(20_000)
    world.run(5_000)
    for (const name of ['p0', 'p1', 'p2', 'p3', 'p4']) world.crash(name)
    world.settle(30_000)
    expect(world.peer('p6').status).toBe('joined')
  }
})

test('a process whose last way to the tabs is gone drops them: they are cut off, it is not', () => {
  const kinds = [['udp', 'rtc', 'relay'], ['udp'], ['rtc', 'relay'], ['rtc', 'relay']]
  const world = simulate({ peers: 4, seed: 1, kinds: (i) => kinds[i]! })
  world.settle(20_000)
  world.crash('p0')
  world.runUntil(() => world.peer('p1').members().length === 1, 60_000)
  expect(world.peer('p1').status).toBe('joined')
  expect(world.status('p2', 'p3')).toBe('alive')
})

function acquainted(peers: number, seed: number): World {
  const world = simulate({ peers, seed, acquainted: true })
  world.run(3_000)
  return world
}
