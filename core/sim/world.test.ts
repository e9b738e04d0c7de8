/** The simulator itself: what it promises to those who test with it. */

import { expect, test } from 'vitest'
import { simulate, type World } from './index.ts'

test('the same seed gives the same run, to the event; another seed another', () => {
  const story = (seed: number) => {
    const world = simulate({ peers: 16, seed, link: { loss: 0.1, duplicate: 0.05, reorder: 0.05 } })
    world.run(5_000)
    world.crash('p3')
    world.pause('p5', 2_000)
    world.run(30_000)
    return JSON.stringify([world.events, [...world.traffic()]])
  }
  expect(story(7)).toBe(story(7))
  expect(story(7)).not.toBe(story(8))
})

test('a false death is told with who was held dead, by whom and when', () => {
  const world = settled(4)
  world.pause('p2', 20_000)
  world.run(20_000)
  const names = world.deaths().map(({ name, by, life }) => `${by} ${name} ${life}`)
  expect(new Set(names)).toEqual(new Set(['p0 p2 paused', 'p1 p2 paused', 'p3 p2 paused']))
  expect(world.deaths()[0]?.atMs).toBeGreaterThan(0)
})

test('the death of one that crashed or left is no false death', () => {
  const world = settled(4)
  world.crash('p2')
  world.leave('p3')
  world.settle(20_000)
  expect(world.deaths()).toEqual([])
})

test('a run that does not get where it should says so with its seed and its last events', () => {
  const world = settled(3)
  expect(() => world.runUntil(() => false, 100)).toThrow(/not reached within 100 ms\nseed 1,[\s\S]*p0 running holds 3/)
})

test('a broken invariant stops the run, with the peer, the seed and the time', () => {
  const world = settled(4)
  const { beliefs } = world.peer('p1')
  const belief = beliefs.get(world.peer('p2').id)!
  // An incarnation that its owner never had.
  belief.incarnation = 7
  beliefs.update(belief)
  expect(() => world.run(1_000)).toThrow(/invariant broken at p1: it holds p2 at incarnation 7[\s\S]*seed 1,/)
})

test('a digest that has drifted from what it stands for is found', () => {
  const world = settled(4)
  world.peer('p1').beliefs.digest.hi ^= 1
  expect(() => world.run(1_000)).toThrow('invariant broken at p1: its digest is not that of its beliefs')
})

test('packets between groups are lost until the partition is healed, also for who was named in none', () => {
  const world = settled(4)
  const crossed: string[] = []
  world.partition(['p0', 'p1'])
  world.onEvent(({ type, by, of }) => {
    if (type === 'dead') crossed.push(`${by} ${of}`)
  })
  world.run(30_000)
  expect(new Set(crossed)).toEqual(new Set(['p0 p2', 'p0 p3', 'p1 p2', 'p1 p3', 'p2 p0', 'p2 p1', 'p3 p0', 'p3 p1']))
  expect(world.agrees()).toBe(false)
  world.heal()
  world.settle(120_000)
})

test('a sleeper wakes with a clock that has lost the time it slept', () => {
  const world = settled(4)
  const before = world.peer('p2').members().length
  world.sleep('p2', 1_000)
  world.run(999)
  const { packetsIn, packetsOut } = world.traffic().get('p2')!
  world.run(1)
  expect(world.traffic().get('p2')).toMatchObject({ packetsIn, packetsOut })
  world.run(5_000)
  expect(world.traffic().get('p2')!.packetsOut).toBeGreaterThan(packetsOut)
  expect(world.peer('p2').members()).toHaveLength(before)
})

test('traffic counts what each peer sends and receives', () => {
  const world = settled(2)
  world.run(10_000)
  const [one, other] = [world.traffic().get('p0')!, world.traffic().get('p1')!]
  expect(Math.abs(one.packetsOut - other.packetsIn)).toBeLessThanOrEqual(1)
  expect(one.bytesOut / one.packetsOut).toBeLessThan(1_200)
  expect(one.packetsOut).toBeGreaterThan(15)
})

test('names that are unknown, taken or gone are refused', () => {
  const world = settled(2)
  expect(() => world.peer('p9')).toThrow('there is no peer named p9')
  expect(() => world.join('p1')).toThrow('a peer named p1 is live already')
  world.crash('p1')
  expect(() => world.pause('p1', 5)).toThrow('p1 has crashed')
})

test('of those that are gone the last keep their views, and the others are still known', () => {
  const world = settled(2)
  for (let i = 0; i < 65; i++) {
    world.join(`x${i}`)
    world.run(200)
    world.leave(`x${i}`)
  }
  expect(world.peer('x1').members().length).toBeGreaterThan(1)
  expect(() => world.peer('x0')).toThrow('x0 is gone for so long that its view is no longer kept')
  expect(() => world.loadOf('x0')).toThrow('no longer kept')
  expect(world.status('p0', 'x0')).toBe('left')
  expect(world.traffic().get('x0')!.packetsOut).toBeGreaterThan(0)
  world.restart('x0')
  world.settle(60_000)
  expect(world.peer('x0').members()).toHaveLength(3)
})

function settled(peers: number): World {
  const world = simulate({ peers, seed: 1 })
  world.settle(20_000)
  return world
}
