/**
 * What the papers say, measured in the simulated room: SWIM (Das, Gupta, Motivala, DSN 2002), and Rapid (Suresh and
 * others, ATC 2018) for the rings.
 */

import { expect, test } from 'vitest'
import { decodePacket } from '../codec.ts'
import { roomTag } from '../digest.ts'
import { type Random, randomInt, seededRandom } from '../random.ts'
import { neighboursOf } from '../rings.plain.ts'
import { ringsCount } from '../rings.ts'
import { simulate, simulatedRoom, type World } from './index.ts'

const periodMs = 1_000
/** Of so many periods one belongs to the round robin. */
const roundRobinEvery = 5
const rooms = new Map<number, World>()

// Section 3.1 of SWIM: the expected time until some process detects a failure is T' * e / (e - 1), that is 1.58 periods
// from the failure to the end of the first period in which somebody happens to ping the failed member. Here observers
// are not drawn at random: on the rings each member is somebody's turn in each period, so it is pinged within one.
test.each([
  ['agree', 1, 8, 60],
  ['agree', 1, 24, 30],
  ['agree', 1, 48, 15],
  ['are set at random', 1.2, 8, 60],
  ['are set at random', 1.2, 24, 40],
  ['are set at random', 1.2, 48, 40],
] as const)(
  'where clocks %s, somebody pings a failed member within %f periods on average, in a room of %i',
  (clocks, most, size, crashes) => {
    const random = seededRandom(size)
    const world = clocks === 'agree' ? settled(size, 1) : withClocksOfTheirOwn(size, random)
    const waits = Array.from({ length: crashes }, (_, i) => firstPingMs(world, `p${i % size}`, random)).sort(
      (a, b) => a - b,
    )
    const mean = waits.reduce((sum, ms) => sum + ms, 0) / crashes
    expect(mean).toBeLessThan(most * periodMs)
    expect(mean).toBeGreaterThan(0.3 * periodMs)
    // An observer comes by every five periods; that all four were here just before is rare.
    expect(waits[Math.ceil(0.99 * crashes) - 1]).toBeLessThan((clocks === 'agree' ? 3.5 : 5) * periodMs)
  },
)

// Section 4.1 of Rapid: on each of K rings a process has one observer, the same by everybody's reckoning.
test('on the rings each member is probed by those behind it there, and by nobody else', () => {
  const world = roomOf(32)
  const seen = pingsDuring(world, 4 * roundRobinEvery * periodMs).filter(({ turn }) => turn < roundRobinEvery - 1)
  for (const name of world.names()) {
    const { id, beliefs } = world.peer(name)
    const crowd = [...beliefs.present()]
    const behind = crowd
      .filter((belief) => neighboursOf(belief, crowd).successors.includes(id))
      .map((one) => one.record!.name)
    const by = seen.filter(({ to }) => to === name).map(({ from }) => from)
    expect(new Set(by)).toEqual(new Set(behind))
    expect(behind.length).toBeLessThanOrEqual(ringsCount)
  }
})

test('where clocks agree, in four periods of five each member is probed exactly once', () => {
  for (const size of [8, 32]) {
    const world = roomOf(size)
    const pings = pingsDuring(world, 40 * periodMs)
    const slots = new Set(pings.map(({ slot }) => slot))
    for (const slot of [...slots].slice(1, -1)) {
      if (slot % roundRobinEvery === roundRobinEvery - 1) continue
      const probed = pings.filter((ping) => ping.slot === slot).map(({ to }) => to)
      expect({ size, slot, probed: probed.sort() }).toEqual({ size, slot, probed: world.names().sort() })
    }
  }
})

// Section 5.1 of SWIM: the message load of a member does not depend on the size of the group; without loss a ping and an
// ack are sent per probe, so each member sends one ping and, on average, one ack per period.
test('the load on each member is the same from 8 to 128 members', () => {
  const loads = [8, 32, 128].map((size) => {
    const world = roomOf(size)
    world.run(10_000)
    const before = sum(world)
    world.run(20_000)
    return (sum(world) - before) / size / 20
  })
  for (const load of loads) {
    expect(load).toBeGreaterThan(1.9)
    expect(load).toBeLessThan(2.1)
  }
})

// Section 4.1 of SWIM: an update reaches all in O(log n) periods where each sends a rumour at most lambda log n times.
test('a rumour reaches everybody in a number of rounds that grows with the logarithm of the size', () => {
  const roundMs = 60
  for (const size of [8, 32, 128]) {
    const world = roomOf(size)
    world.setState('p0', { news: 1 })
    const id = world.peer('p0').id
    const tookMs = world.runUntil(
      () => world.names().every((name) => world.peer(name).member(id)?.state.news === 1),
      5_000,
    )
    // Each informed member tells four others a round.
    expect({ size, tookMs, few: tookMs <= Math.log2(size) * roundMs }).toEqual({ size, tookMs, few: true })
  }
})

// Section 4.3 of SWIM: a member pings every other once in a round of n - 1 periods, so 2n - 1 periods bound the time until
// it pings a given one. Here that is the fifth period's part, and the bound where views differ about the rings.
test('in the fifth periods each member is probed once in a round, and all are within 2n - 1 of them', () => {
  const size = 16
  const world = settled(size, 3)
  const targets = pingsDuring(world, 6 * size * roundRobinEvery * periodMs)
    .filter(({ from, turn }) => from === 'p3' && turn === roundRobinEvery - 1)
    .map(({ to }) => to)
  expect(targets.length).toBeGreaterThan(5 * size)
  for (let at = 0; at + 2 * size - 1 <= targets.length; at++) {
    expect(new Set(targets.slice(at, at + 2 * size - 1)).size).toBe(size - 1)
  }
  const others = world.names().filter((name) => name !== 'p3')
  const times = others.map((name) => targets.filter((to) => to === name).length)
  expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1)
})

/** Crashes a member at a random moment and returns how long it took until somebody pinged it; then starts it again. */
function firstPingMs(world: World, victim: string, random: Random): number {
  world.run(6_000 + random() * roundRobinEvery * periodMs)
  const crashedAt = world.now
  let pingedAt: number | undefined
  const stop = world.onPacket((_from, to, _kind, packet) => {
    if (to === victim && isPing(packet)) pingedAt ??= world.now
  })
  world.crash(victim)
  world.runUntil(() => pingedAt !== undefined, 20_000)
  stop()
  // The others have to have found it dead, or the round trips it takes to do so would count for the next.
  world.runUntil(() => world.isTrue(), 20_000)
  world.restart(victim)
  world.settle(10_000)
  return pingedAt! - crashedAt
}

interface Ping {
  from: string
  to: string
  /** The period by the clock, and which of five it is. Peers' clocks began at a multiple of five periods. */
  slot: number
  turn: number
}

function pingsDuring(world: World, ms: number): Ping[] {
  const pings: Ping[] = []
  const stop = world.onPacket((from, to, _kind, packet) => {
    const slot = Math.floor(world.now / periodMs)
    if (isPing(packet)) pings.push({ from, to, slot, turn: slot % roundRobinEvery })
  })
  world.run(ms)
  stop()
  return pings
}

function isPing(packet: Uint8Array): boolean {
  return decodePacket(packet, roomTag(simulatedRoom))!.header.kind === 'ping'
}

/** Larger rooms take a while to join, so one room of each size serves several measurements. */
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

/** Each clock is ahead by up to an hour. */
function withClocksOfTheirOwn(size: number, random: Random): World {
  const world = simulate({ peers: 1, seed: size })
  for (let i = 1; i < size; i++) world.join(`p${i}`, { clockOffsetMs: randomInt(random, 3_600_000) })
  world.settle(30_000)
  return world
}

function sum(world: World): number {
  return [...world.traffic().values()].reduce((total, { packetsOut }) => total + packetsOut, 0)
}
