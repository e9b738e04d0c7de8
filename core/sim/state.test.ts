/** What members say of themselves, and how a newcomer learns all of it. */

import { expect, test } from 'vitest'
import type { State } from '../member.ts'
import { randomInt, seededRandom } from '../random.ts'
import type { EntryRecord } from '../rumour.ts'
import { versionLeadMax } from '../view.ts'
import { forge } from './forgery.ts'
import { simulate, type World } from './index.ts'

test('a newcomer gets the whole view and every state by sync', () => {
  const world = settled(24, 1)
  for (const name of world.names()) world.setState(name, { name, bio: 'x'.repeat(400) })
  world.run(30_000)
  world.join('late')
  const took = world.settle(3_000)
  expect(took).toBeLessThan(3_000)
  expect(stateAt(world, 'late', 'p7')).toEqual({ name: 'p7', bio: 'x'.repeat(400) })
})

test('a newcomer to 300 members, some of them with 4 KB of state, gets all of it page by page, also when packets are lost', () => {
  const world = simulate({ peers: 300, seed: 7, link: { loss: 0.05 } })
  world.settle(30_000)
  const big = { a: 'a'.repeat(900), b: 'b'.repeat(900), c: 'c'.repeat(900), d: 'd'.repeat(900) }
  for (let i = 0; i < 300; i += 25) world.setState(`p${i}`, big)
  world.settle(60_000)
  world.join('late')
  const late = world.peer('late')
  world.runUntil(() => late.members().length === 301, 5_000)
  world.settle(30_000)
  for (let i = 0; i < 300; i += 25) expect(stateAt(world, 'late', `p${i}`)).toEqual(big)
})

test('entries converge under loss and duplication, deleted ones too', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 16, seed, link: { loss: 0.1, duplicate: 0.1, reorder: 0.1 } })
    world.settle(30_000)
    const random = seededRandom(seed)
    const expected = new Map<string, Record<string, number>>(world.names().map((name) => [name, {}]))
    for (let i = 0; i < 400; i++) {
      const name = `p${randomInt(random, 16)}`
      const key = `k${randomInt(random, 6)}`
      const own = expected.get(name)!
      if (random() < 0.3) {
        delete own[key]
        world.setState(name, { [key]: undefined })
      } else {
        own[key] = i
        world.setState(name, { [key]: i })
      }
      world.run(randomInt(random, 200))
    }
    world.settle(30_000)
    for (const by of world.names())
      for (const of of world.names()) expect(stateAt(world, by, of)).toEqual(expected.get(of))
  }
})

test('what is forged in the name of a member, new keys too, gives way to what the member says', () => {
  for (const seed of [1, 2, 3]) {
    const world = settled(12, seed)
    world.setState('p3', { color: 'teal', note: 'mine' })
    world.run(5_000)
    for (const [i, at] of ['p1', 'p7'].entries()) {
      const rumours = { color: [9 + i, 'red'], note: [versionLeadMax - i], extra: [1 + i, 'x'] } as const
      inject(world, at, forgedOf(world, 'p3', rumours))
    }
    expect(stateAt(world, 'p1', 'p3')).toEqual({ color: 'red', extra: 'x' })
    world.settle(15_000)
    for (const by of world.names()) expect(stateAt(world, by, 'p3')).toEqual({ color: 'teal', note: 'mine' })
    expect(world.deaths()).toEqual([])
  }
})

test('a version that leaves its owner no number to outbid it with is refused', () => {
  const world = settled(4, 1)
  world.setState('p3', { color: 'teal' })
  world.run(5_000)
  for (const at of ['p1', 'p3']) inject(world, at, forgedOf(world, 'p3', { color: [versionLeadMax + 1, 'red'] }))
  expect(world.names().map((name) => stateAt(world, name, 'p3')?.color)).toEqual(Array(4).fill('teal'))
  expect(['p1', 'p3'].map((name) => world.peer(name).counters().versions_refused)).toEqual([1, 1])
})

test('whoever forges all the time has a member write its state anew once a second, and no more', () => {
  const world = settled(4, 1)
  world.setState('p3', { color: 'teal' })
  for (let i = 1; i <= 100; i++) {
    inject(world, 'p3', forgedOf(world, 'p3', { color: [1_000 * i, 'red'] }))
    world.run(100)
  }
  expect(world.peer('p3').counters().impersonations).toBeLessThanOrEqual(10)
  world.settle(15_000)
  expect(stateAt(world, 'p1', 'p3')).toEqual({ color: 'teal' })
})

test('a new value is everywhere within half a second among 32', () => {
  const world = settled(32, 1)
  world.setState('p3', { cursor: 1 })
  const took = world.runUntil(() => world.names().every((name) => stateAt(world, name, 'p3')?.cursor === 1), 1_000)
  expect(took).toBeLessThanOrEqual(500)
})

test('a key that comes and goes more often than keys may be held is forgotten for good', () => {
  const world = settled(8, 3)
  for (let i = 0; i < 400; i++) {
    world.setState('p2', { keep: 'kept', [`k${i}`]: i })
    world.setState('p2', { [`k${i}`]: undefined })
    world.run(50)
  }
  world.settle(10_000)
  for (const name of world.names()) {
    expect(stateAt(world, name, 'p2')).toEqual({ keep: 'kept' })
    expect(world.peer(name).beliefs.get(world.peer('p2').id)!.entries.size).toBeLessThanOrEqual(128)
  }
  world.join('late')
  world.settle(5_000)
  expect(stateAt(world, 'late', 'p2')).toEqual({ keep: 'kept' })
})

test('deletes and compactions that happen during a partition are learnt after it', () => {
  const world = settled(8, 4)
  world.setState('p2', { old: 1, keep: 2 })
  world.settle(5_000)
  world.partition(['p0', 'p1', 'p2', 'p3'], ['p4', 'p5', 'p6', 'p7'])
  world.run(2_000)
  world.setState('p2', { old: undefined })
  for (let i = 0; i < 140; i++) {
    world.setState('p2', { [`k${i}`]: i })
    world.setState('p2', { [`k${i}`]: undefined })
  }
  world.run(60_000)
  world.heal()
  world.settle(300_000)
  expect(stateAt(world, 'p7', 'p2')).toEqual({ keep: 2 })
})

test('a volatile value spreads and is synced to newcomers, though digests leave it out', () => {
  const world = settled(8, 5)
  const before = world.peer('p4').consistency().digest
  world.setState('p2', { cursor: [1, 2] }, true)
  world.run(1_000)
  expect(stateAt(world, 'p4', 'p2')).toEqual({ cursor: [1, 2] })
  expect(world.peer('p4').consistency().digest).toBe(before)
  world.join('late')
  world.run(3_000)
  expect(stateAt(world, 'late', 'p2')).toEqual({ cursor: [1, 2] })
})

test('many writers at once: 32 members that each write ten times a second agree when they stop', () => {
  const world = settled(32, 6)
  for (let i = 0; i < 30; i++) {
    for (const name of world.names()) world.setState(name, { x: i })
    world.run(100)
  }
  world.settle(10_000)
  expect(world.deaths()).toEqual([])
})

function settled(peers: number, seed: number): World {
  const world = simulate({ peers, seed })
  world.settle(20_000)
  return world
}

function stateAt(world: World, by: string, of: string): State | undefined {
  return world.peer(by).member(world.peer(of).id)?.state
}

/** A packet of entries in a member's name, by key: version and value. */
function forgedOf(world: World, name: string, entries: Record<string, readonly [number, string?]>): Uint8Array {
  const { id } = world.peer(name)
  const rumours = Object.entries(entries).map(
    ([key, [version, value]]): EntryRecord => ({ type: 'entry', id, key, version, volatile: false, value }),
  )
  return forge(rumours)
}

function inject(world: World, to: string, packet: Uint8Array): void {
  world.inject(to, world.endpoint('p0'), packet)
}
