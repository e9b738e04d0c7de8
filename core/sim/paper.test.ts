/** What the SWIM paper (Das, Gupta, Motivala, DSN 2002) says of itself, measured in the simulated room. */

import { expect, test } from 'vitest'
import { decodePacket } from '../codec.ts'
import { roomTag } from '../digest.ts'
import { simulate, simulatedRoom, type World } from './index.ts'

const periodMs = 1_000
const rooms = new Map<number, World>()

// Section 3.1: the expected time until some process detects a failure is T' * e / (e - 1), that is 1.58 periods,
// whatever the size of the group. The paper's periods are in step, so it counts whole ones until somebody first pings
// the failed member. Ours are not: the same chance, told by the clock, is one period until the ping and one to judge it.
test('a failure is first detected after e / (e - 1) periods on average, whatever the size', () => {
  for (const [size, seeds] of [
    [8, 120],
    [32, 60],
    [64, 30],
  ] as const) {
    const periods: number[] = []
    for (let seed = 1; seed <= seeds; seed++) {
      const world = settled(size, seed)
      // At a random moment of the period, after the rounds have lost their common start.
      world.run(5_000 + ((seed * 137) % periodMs))
      const victim = `p${seed % size}`
      let firstAt: number | undefined
      world.onEvent(({ type, of, atMs }) => {
        if (type === 'suspect' && of === victim) firstAt ??= atMs
      })
      const crashedAt = world.now
      world.crash(victim)
      world.runUntil(() => firstAt !== undefined, 20_000)
      periods.push(Math.ceil((firstAt! - crashedAt) / periodMs - 1))
    }
    const mean = periods.reduce((sum, value) => sum + value, 0) / periods.length
    expect({ size, mean, near: Math.abs(mean - Math.E / (Math.E - 1)) < 0.25 }).toEqual({ size, mean, near: true })
  }
})

// Section 5.1: "the message load per member" stays constant; without loss a ping and an ack are sent per probe, and each
// member sends one ping and, on average, one ack per period.
test('the load on each member is the same from 8 to 512 members', () => {
  const loads = [8, 64, 512].map((size) => {
    const world = roomOf(size)
    world.run(20_000)
    const before = sum(world)
    world.run(20_000)
    return (sum(world) - before) / size / 20
  })
  for (const load of loads) {
    expect(load).toBeGreaterThan(1.9)
    expect(load).toBeLessThan(2.1)
  }
})

// Section 4.1: "an update reaches all in O(log n) periods" with each rumour sent at most lambda log n times by each.
test('a rumour reaches everybody in a number of rounds that grows with the logarithm of the size', () => {
  const roundMs = 150
  const took = [8, 64, 512].map((size) => {
    const world = roomOf(size)
    world.setState('p0', { news: 1 })
    const id = world.peer('p0').id
    return world.runUntil(() => world.names().every((name) => world.peer(name).member(id)?.state.news === 1), 5_000)
  })
  // Each informed member tells four others a round.
  took.forEach((ms, i) => {
    const size = [8, 64, 512][i]!
    expect({ size, ms, few: ms <= 2 * Math.log2(size) * roundMs }).toEqual({ size, ms, few: true })
  })
  expect(took[2]! / took[0]!).toBeLessThan(10)
})

// Section 4.3: "each member is probed exactly once in a round of n - 1 periods", so that detection is bounded by
// 2n - 1 periods.
test('each member is probed once in a round, and twice in no 2n - 1 periods without the others once', () => {
  const size = 16
  const world = settled(size, 3)
  world.run(2 * size * periodMs)
  const targets: string[] = []
  world.onPacket((from, to, _kind, packet) => {
    if (from !== 'p3') return
    if (decodePacket(packet, roomTag(simulatedRoom))!.header.kind === 'ping') targets.push(to)
  })
  world.run(6 * size * periodMs)
  for (let at = 0; at + 2 * size - 1 <= targets.length; at++) {
    expect(new Set(targets.slice(at, at + 2 * size - 1)).size).toBe(size - 1)
  }
  const times = world
    .names()
    .filter((name) => name !== 'p3')
    .map((name) => targets.filter((to) => to === name).length)
  expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1)
})

/** Half a thousand peers take seconds to join, so one room of each size serves both measurements. */
function roomOf(size: number): World {
  const room = rooms.get(size) ?? settled(size, 1)
  rooms.set(size, room)
  return room
}

function settled(peers: number, seed: number): World {
  const world = simulate({ peers, seed })
  world.settle(30_000)
  return world
}

function sum(world: World): number {
  return [...world.traffic().values()].reduce((total, { packetsOut }) => total + packetsOut, 0)
}
