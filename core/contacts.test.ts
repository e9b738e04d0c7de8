import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { type Config, defaultConfig } from './config.ts'
import { Contacts } from './contacts.ts'
import { type Endpoint, packetBytesMax } from './host.ts'
import { idFromBytes, type PeerId } from './ids.ts'
import type { MemberStatus } from './member.ts'
import { Members } from './members.ts'
import { Paths } from './paths.ts'
import { seededRandom } from './random.ts'
import { Sync } from './sync.ts'

const self = idOf(1)

// Whom it turns to

test('strangers, suspects and members that are gone are asked; oneself and those known to be alive are not', () => {
  const bench = benchOf({ 2: 'alive', 3: 'suspect', 4: 'dead' })
  expect(bench.contacts.seek(['udp:1', 'udp:2', 'udp:3', 'udp:4', 'udp:99'], 0)).toBe(true)
  expect(bench.asked).toEqual(['udp:3', 'udp:4', 'udp:99'])
})

test('a member is known by its id too, at an endpoint that is not in its record', () => {
  const bench = benchOf({ 2: 'alive' })
  expect(bench.contacts.seek([`relay:${idOf(2)}`, `relay:${idOf(3)}`], 0)).toBe(true)
  expect(bench.asked).toEqual([`relay:${idOf(3)}`])
})

test('with nobody to turn to there is nobody to wait for, unless a seed may yet come up', () => {
  const bench = benchOf({ 2: 'alive' })
  expect(bench.contacts.seek([], 0)).toBe(false)
  expect(bench.contacts.seek(['udp:1', 'udp:2'], 0)).toBe(false)
  bench.contacts.addSeeds(['udp:1'])
  expect(bench.contacts.seek([], 0)).toBe(false)
  bench.contacts.addSeeds(['udp:99'])
  expect(bench.contacts.seek([], 0)).toBe(true)
})

test('one who finds this peer is asked back, if it sent as much as the question takes', () => {
  const bench = benchOf({})
  bench.contacts.welcome(idOf(9), 'udp:9', packetBytesMax - 2, 0)
  bench.contacts.welcome(self, 'udp:8', packetBytesMax, 0)
  expect(bench.asked).toEqual([])
  bench.contacts.welcome(idOf(9), 'udp:9', packetBytesMax - 1, 0)
  expect(bench.asked).toEqual(['udp:9'])
})

test('after two periods of absence three members that can be reached are asked at once, after less nobody', () => {
  const bench = benchOf({ 2: 'alive', 3: 'alive', 4: 'alive', 5: 'alive', 6: 'suspect', 7: 'dead' })
  bench.contacts.catchUp(2 * defaultConfig.probePeriodMs - 1, 0)
  expect(bench.asked).toEqual([])
  bench.contacts.catchUp(2 * defaultConfig.probePeriodMs, 0)
  expect(bench.asked).toHaveLength(3)
  expect(bench.asked).not.toContain('udp:7')
  const few = benchOf({ 2: 'alive' })
  few.contacts.catchUp(60_000, 0)
  expect(few.asked).toEqual(['udp:2'])
})

// When joining is over

test('a sync that is complete ends the joining; one that failed does where there is no seed and no other sync', () => {
  const bench = benchOf({})
  expect([bench.contacts.isDone(true), bench.contacts.isDone(false)]).toEqual([true, true])
  bench.contacts.seek(['udp:9'], 0)
  expect([bench.contacts.isDone(true), bench.contacts.isDone(false)]).toEqual([true, false])
  const seeded = benchOf({})
  seeded.contacts.addSeeds(['udp:9'])
  expect([seeded.contacts.isDone(true), seeded.contacts.isDone(false)]).toEqual([true, false])
})

// Healing

test('seeds that are no member and the endpoints of dead members are tried, with pauses that double for ever', () => {
  const bench = benchOf({ 2: 'alive', 3: 'dead' })
  bench.contacts.addSeeds(['udp:9', 'udp:2'])
  let [at, before] = [bench.contacts.nextHealing(0), 0]
  const pauses: number[] = []
  for (let i = 0; i < 12; i++) {
    pauses.push(at - before)
    before = at
    bench.asked.length = 0
    bench.end()
    at = bench.contacts.heal(at, false, at)!
    expect(bench.asked.sort()).toEqual(['udp:3', 'udp:9'])
  }
  const { healMinMs, healMaxMs } = defaultConfig
  pauses.forEach((pause, i) => {
    // The first comes early, and all have a quarter of jitter either way.
    const expected = Math.min(healMaxMs, (healMinMs / 5) * 2 ** i)
    expect(pause / expected).toBeGreaterThanOrEqual(0.75)
    expect(pause / expected).toBeLessThanOrEqual(1.25)
  })
})

test('while joining, pauses stay short: nobody else will come', () => {
  const bench = benchOf({})
  bench.contacts.addSeeds(['udp:9'])
  let at = bench.contacts.nextHealing(0)
  for (let i = 0; i < 10; i++) {
    const next = bench.contacts.heal(at, true, at)!
    expect(next - at).toBeLessThanOrEqual(1.25 * defaultConfig.healMinMs)
    at = next
  }
})

test('a timer of healing that is no longer valid tries nobody', () => {
  const bench = benchOf({ 3: 'dead' })
  const old = bench.contacts.nextHealing(0)
  const at = bench.contacts.nextHealing(100)
  expect(bench.contacts.heal(old, false, old)).toBeUndefined()
  expect(bench.asked).toEqual([])
  expect(bench.contacts.heal(at, false, at)).toBeGreaterThan(at)
  expect(bench.asked).toEqual(['udp:3'])
})

test('a new loss brings the next try near, where it was far', () => {
  const bench = benchOf({ 3: 'dead' })
  let at = bench.contacts.nextHealing(0)
  let now = 0
  while (at - now < 100_000) {
    now = at
    at = bench.contacts.heal(at, false, now)!
  }
  const sooner = bench.contacts.lost(now)!
  expect(sooner - now).toBeLessThanOrEqual(1.25 * defaultConfig.healMinMs)
  expect(bench.contacts.heal(at, false, at)).toBeUndefined()
  // And no nearer by the next one.
  expect(bench.contacts.lost(now + 2_000)).toBeUndefined()
})

interface Bench {
  readonly contacts: Contacts
  readonly asked: Endpoint[]
  /** Every sync that was begun is answered by nobody. */
  end(): void
}

/** Members by number, each on `udp:<number>`, besides this peer. */
function benchOf(others: Readonly<Record<number, MemberStatus>>, settings: Partial<Config> = {}): Bench {
  const config = { ...defaultConfig, ...settings }
  const members = new Members()
  for (const [n, status] of Object.entries({ 1: 'alive' as const, ...others }))
    members.update(beliefOf(Number(n), status))
  const random = seededRandom(5)
  const links = { dial() {}, hangUp() {} }
  const paths = new Paths(self, [{ kind: 'udp', endpoint: 'udp:1', reach: 'any' }], members, config, random, links)
  const asked: Endpoint[] = []
  const timers: { seq: number; at: number }[] = []
  let seq = 0
  const sync = new Sync(self, members, config, {
    ask: (to: Endpoint) => {
      if (!asked.includes(to)) asked.push(to)
      return 100
    },
    isStrange: () => false,
    helpers: () => [],
    push() {},
    wake: (number, at) => timers.push({ seq: number, at }),
    finished() {},
    nextSeq: () => ++seq,
  })
  const end = () => {
    for (let timer = timers.shift(); timer; timer = timers.shift()) sync.wake(timer.seq, timer.at, timer.at)
  }
  return { contacts: new Contacts(self, members, paths, sync, config, random), asked, end }
}

function beliefOf(n: number, status: MemberStatus): Belief {
  const id = idOf(n)
  const belief = new Belief(id, 0)
  belief.status = status
  const endpoints = [`udp:${n}`]
  belief.record = { type: 'alive', id, incarnation: 1, name: '', user: null, mode: 'server', endpoints, floor: 0 }
  return belief
}

function idOf(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
