/** A peer that was away judges nobody by what it missed: stopped processes, sleeping laptops, throttled tabs. */

import { expect, test } from 'vitest'
import { decodePacket } from '../codec.ts'
import { roomTag } from '../digest.ts'
import { forge } from './forgery.ts'
import { simulate, simulatedRoom, type World } from './index.ts'

test('a process stopped for little more than a second accuses nobody, and nobody gives it up', () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const world = settled(16, seed)
    const accusations = accusationsBy(world, 'p7')
    world.run(seed * 125)
    world.pause('p7', 1_200)
    world.run(20_000)
    expect({ seed, accusations, deaths: world.deaths() }).toEqual({ seed, accusations: [], deaths: [] })
    expect(world.isTrue()).toBe(true)
  }
})

test.each([3_000, 30_000, 600_000])(
  'a process stopped for %i ms is given up, accuses nobody and is back within three seconds',
  (ms) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const world = settled(16, seed)
      const accusations = accusationsBy(world, 'p7')
      world.pause('p7', ms)
      world.run(ms)
      expect(new Set(world.deaths().map(({ name }) => name))).toEqual(new Set(['p7']))
      world.settle(3_000)
      world.run(30_000)
      expect({ seed, accusations }).toEqual({ seed, accusations: [] })
      expect(world.isTrue()).toBe(true)
    }
  },
)

test('a laptop that slept, its clock too, accuses nobody and comes back by itself', () => {
  for (const ms of [3_000, 30_000, 600_000]) {
    for (const seed of [1, 2, 3]) {
      const world = settled(16, seed)
      const deaths: string[] = []
      world.onEvent(({ type, by, of }) => {
        if (type === 'dead' && by === 'p7') deaths.push(of)
      })
      world.sleep('p7', ms)
      world.run(ms)
      world.settle(60_000)
      world.run(30_000)
      expect({ ms, seed, deaths }).toEqual({ ms, seed, deaths: [] })
      expect(world.isTrue()).toBe(true)
    }
  }
})

test('a probe that was under way when the machine was suspended accuses nobody when it wakes', () => {
  for (const ms of [900, 3_000, 60_000]) {
    const world = simulate({ peers: 8, seed: 1, link: { delayMs: 60 } })
    world.settle(20_000)
    const accusations = accusationsBy(world, 'p7')
    for (let i = 0; i < 10; i++) {
      let pinged = false
      const stop = world.onPacket((from, _to, _kind, packet) => {
        pinged ||= from === 'p7' && decodePacket(packet, roomTag(simulatedRoom))!.header.kind === 'ping'
      })
      // It was late again and again, so it doubts itself, and its periods last longer.
      world.runUntil(() => pinged, 10_000)
      stop()
      world.suspend('p7', ms)
      world.run(ms)
      // Applications are shown a suspect by now: it comes and goes.
      world.runUntil(() => isBack(world, 'p7'), 20_000)
    }
    expect({ ms, accusations }).toEqual({ ms, accusations: [] })
  }
})

test('a suspicion that ran out while the machine was suspended kills nobody: the refutation was missed', () => {
  for (const seed of [1, 2, 3]) {
    const world = settled(16, seed)
    const { id, incarnation } = world.peer('p3').self()
    const suspicion = { type: 'suspect' as const, id, incarnation, accuser: world.peer('p1').id }
    world.inject('p7', world.endpoint('p1'), forge([suspicion]))
    expect(world.status('p7', 'p3')).toBe('suspect')
    world.suspend('p7', 8_000)
    world.run(8_000)
    world.settle(20_000)
    expect(world.deaths().filter(({ by }) => by === 'p7')).toEqual([])
  }
})

test('half of a room that is stopped at once comes back without giving up the other half', () => {
  for (const seed of [1, 2, 3]) {
    const world = settled(16, seed)
    for (let i = 0; i < 8; i++) world.pause(`p${i}`, 4_000)
    world.run(4_000)
    world.settle(60_000)
    const stopped = new Set(Array.from({ length: 8 }, (_, i) => `p${i}`))
    expect(world.deaths().filter(({ by }) => stopped.has(by))).toEqual([])
  }
})

test('one that is stopped again and again, a second each time, is never given up', () => {
  const world = settled(16, 3)
  for (let i = 0; i < 30; i++) {
    world.pause('p7', 1_000)
    world.run(2_000)
  }
  expect(world.deaths()).toEqual([])
  world.settle(10_000)
})

test('everybody stopped at the same time is as if nothing had been', () => {
  const world = settled(16, 2)
  for (const name of world.names()) world.pause(name, 20_000)
  world.run(60_000)
  expect(world.deaths()).toEqual([])
  expect(world.isTrue()).toBe(true)
})

function settled(peers: number, seed: number): World {
  const world = simulate({ peers, seed })
  world.settle(20_000)
  return world
}

function accusationsBy(world: World, name: string): string[] {
  const accusations: string[] = []
  world.onEvent(({ type, by, of }) => {
    if (by === name && (type === 'suspect' || type === 'dead')) accusations.push(`${type} ${of}`)
  })
  return accusations
}

/** True if everybody holds it to be alive, steady or not. */
function isBack(world: World, name: string): boolean {
  const { id } = world.peer(name)
  return world.names().every((by) => world.peer(by).beliefs.get(id)?.status === 'alive')
}
