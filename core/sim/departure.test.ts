/** Leaving, restarting and coming back: what is over stays over, what lives returns. */

import { expect, test } from 'vitest'
import { forge } from './forgery.ts'
import { simulate, type World } from './index.ts'

test('a graceful leave is final within a second, and nobody calls it a death', () => {
  for (const seed of [1, 2, 3]) {
    const world = settled(32, seed)
    const reported: string[] = []
    world.onEvent(({ type }) => reported.push(type))
    world.leave('p5')
    world.settle(1_000)
    world.run(30_000)
    expect(reported.filter((type) => type === 'leave')).toHaveLength(31)
    expect(reported).not.toContain('dead')
    expect(world.names().map((name) => world.status(name, 'p5'))).toEqual(Array(31).fill('left'))
  }
})

test('a leave gets round when packets are lost', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 32, seed, link: { loss: 0.2 } })
    world.settle(60_000)
    world.leave('p5')
    world.settle(30_000)
    expect(world.status('p9', 'p5')).not.toBe('alive')
  }
})

test('no late rumour brings back one that left', () => {
  const world = settled(8, 1)
  const left = world.peer('p5').self()
  const greeting = {
    type: 'alive' as const,
    id: left.id,
    incarnation: left.incarnation,
    name: 'p5',
    user: null,
    mode: 'server' as const,
    endpoints: left.endpoints,
    floor: 0,
  }
  const entry = { type: 'entry' as const, id: left.id, key: 'k', version: 9, volatile: false, value: 1 }
  world.leave('p5')
  world.settle(5_000)
  for (let i = 0; i < 10; i++) {
    for (const name of world.names()) world.inject(name, world.endpoint('p1'), forge([greeting, entry]))
    world.run(1_000)
    expect(world.isTrue()).toBe(true)
  }
})

test('no late rumour brings back one that died, except its own refutation', () => {
  const world = settled(8, 2)
  const { id, incarnation, endpoints } = world.peer('p5').self()
  world.crash('p5')
  world.settle(20_000)
  const record = { type: 'alive' as const, id, name: 'p5', user: null, mode: 'server' as const, endpoints, floor: 0 }
  world.inject('p1', world.endpoint('p2'), forge([{ ...record, incarnation }]))
  const suspicion = { type: 'suspect' as const, id, incarnation, accuser: world.peer('p2').id }
  world.inject('p1', world.endpoint('p2'), forge([suspicion]))
  world.run(10_000)
  expect(world.isTrue()).toBe(true)
})

test('a farewell that overtakes its greeting leaves no ghost', () => {
  const world = settled(8, 3)
  world.join('guest')
  world.run(1)
  world.leave('guest')
  world.run(20_000)
  expect(world.isTrue()).toBe(true)
  expect(world.agrees()).toBe(true)
})

test('a tombstone is forgotten after its time, and with it the member', () => {
  const world = simulate({ peers: 4, seed: 1, config: { tombstoneMs: 120_000 } })
  world.settle(10_000)
  world.leave('p3')
  world.run(100_000)
  expect(world.status('p0', 'p3')).toBe('left')
  world.run(100_000)
  expect(world.status('p0', 'p3')).toBeUndefined()
  expect(world.peer('p0').members({ gone: true })).toHaveLength(3)
})

test('tombstones are bounded: of too many the oldest are forgotten', () => {
  const world = simulate({ peers: 2, seed: 1, config: { tombstonesMax: 8 } })
  for (let i = 0; i < 20; i++) {
    world.join(`guest${i}`)
    world.settle(5_000)
    world.leave(`guest${i}`)
  }
  world.run(61_000)
  expect(world.peer('p0').counters().tombstones).toBeLessThanOrEqual(8)
})

test('a restart under the same name is a new member, and the old id stays dead', () => {
  for (const seed of [1, 2, 3]) {
    const world = settled(16, seed)
    const old = world.peer('p5').id
    world.crash('p5')
    world.run(500)
    world.restart('p5')
    world.settle(30_000)
    const fresh = world.peer('p5').id
    expect(fresh).not.toBe(old)
    for (const name of world.names()) {
      expect(world.peer(name).member(old)?.status ?? 'dead').toBe('dead')
      const named = world
        .peer(name)
        .members()
        .filter((member) => member.name === 'p5')
      expect(named.map(({ id }) => id)).toEqual([fresh])
    }
    world.run(60_000)
    expect(world.isTrue()).toBe(true)
  }
})

test('one that restarts every few seconds is one member in the end, and its old lives are dead', () => {
  const world = settled(12, 4)
  for (let i = 0; i < 10; i++) {
    world.restart('p7')
    world.run(3_000)
  }
  world.settle(30_000)
  expect(world.peer('p0').members()).toHaveLength(12)
  expect(world.deaths()).toEqual([])
})

test('a rolling restart of all is over within half a minute of the last, without a false death', () => {
  const world = settled(16, 5)
  for (const name of world.names()) {
    world.leave(name)
    world.restart(name)
    world.run(2_000)
  }
  world.settle(30_000)
  expect(world.deaths()).toEqual([])
})

test('the last one left is alone, and is found again by who comes back', () => {
  const world = settled(3, 6)
  world.leave('p1')
  world.leave('p2')
  world.settle(5_000)
  expect(world.peer('p0').members()).toHaveLength(1)
  world.restart('p1')
  world.settle(5_000)
})

function settled(peers: number, seed: number): World {
  const world = simulate({ peers, seed })
  world.settle(20_000)
  return world
}
