import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { memberModes } from './member.ts'
import {
  type Circumstances,
  circumstancesOf,
  confirmationsMax,
  deathIsRipe,
  frozenMs,
  suspicionMs,
} from './suspicion.ts'

const lan = { suspicionMult: 4, suspicionMinMult: 1, probePeriodMs: 1000 }
const sizes = [1, 2, 3, 5, 10, 50, 100, 500, 1000, 10_000]

// memberlist's checked values of suspicionMin per unit of mult and interval.
test.each([
  [0, 1],
  [1, 1],
  [5, 1],
  [10, 1],
  [50, 1.698],
  [100, 2],
  [500, 2.698],
  [1000, 3],
])('in a room of %i a suspicion on one voice lasts %f times the multiple of periods', (size, factor) => {
  const config = { suspicionMult: 1, suspicionMinMult: 1, probePeriodMs: 1000 }
  expect(suspicionMs(config, 0, among({ size })) / 1000).toBeCloseTo(factor, 2)
  expect(suspicionMs(lan, 0, among({ size }))).toBeCloseTo(4000 * factor, -1)
  expect(suspicionMs({ ...lan, suspicionMult: 6, probePeriodMs: 5000 }, 0, among({ size }))).toBeCloseTo(
    30_000 * factor,
    -2,
  )
})

// memberlist's checked values of its timer, what has elapsed added back: k = 3, from 30 s to 2 s and from 2 s to 0.5 s.
test.each([
  [0, 30_000, 2_000],
  [1, 14_000 + 2_000, 1_250],
  [2, 4_810 + 3_000, 810],
  [3, -2_000 + 4_000, 500],
])(
  'with %i confirmations a suspicion is as far down its logarithmic curve as memberlist has it',
  (count, long, short) => {
    const slow = { suspicionMult: 15, suspicionMinMult: 1, probePeriodMs: 2000 }
    const fast = { suspicionMult: 4, suspicionMinMult: 1, probePeriodMs: 500 }
    expect(Math.abs(suspicionMs(slow, count, among({ size: 10 })) - long)).toBeLessThan(10)
    expect(Math.abs(suspicionMs(fast, count, among({ size: 10 })) - short)).toBeLessThan(10)
  },
)

test('a confirmed suspicion lasts one period whatever the size of the room, and more confirmations change nothing', () => {
  for (const size of [5, 100, 10_000]) {
    expect(suspicionMs(lan, 3, among({ size }))).toBeCloseTo(1_000)
    expect(suspicionMs(lan, 30, among({ size }))).toBe(suspicionMs(lan, 3, among({ size })))
  }
})

test('each confirmation shortens, and none makes it shorter than the shortest', () => {
  for (const size of sizes) {
    const most = confirmationsMax(size)
    for (let count = 0; count < most; count++) {
      expect(suspicionMs(lan, count + 1, among({ size }))).toBeLessThan(suspicionMs(lan, count, among({ size })))
    }
    expect(suspicionMs(lan, most, among({ size }))).toBeGreaterThanOrEqual(1_000 - 1e-6)
  }
})

test('as many confirmations are waited for as there are others to give them, and three at most', () => {
  expect([0, 1, 2, 3, 4, 5, 1000].map(confirmationsMax)).toEqual([0, 0, 0, 1, 2, 3, 3])
})

test('where nobody is left to confirm, the suspicion is the longest', () => {
  for (const size of [1, 2]) {
    for (const count of [0, 1, 3]) expect(suspicionMs(lan, count, among({ size }))).toBe(4_000)
  }
})

test('pages are given twice the time of servers, and pages nobody looks at three times', () => {
  for (const count of [0, 1, 3]) {
    const base = suspicionMs(lan, count, among({}))
    const awake = memberModes.filter((mode) => mode !== 'frozen')
    const factors = awake.map((mode) => [mode, suspicionMs(lan, count, among({ mode })) / base] as const)
    expect(Object.fromEntries(factors)).toEqual({
      visible: expect.closeTo(2),
      hidden: expect.closeTo(3),
      server: expect.closeTo(1),
    })
  }
})

test('a page that said it is frozen has ten minutes, however many confirm its silence and however large the room', () => {
  for (const size of sizes) {
    for (const count of [0, 1, 3]) expect(suspicionMs(lan, count, among({ size, mode: 'frozen' }))).toBe(600_000)
  }
  expect(frozenMs).toBe(600_000)
})

test('a frozen page whose link has ended is not given longer than a hidden one', () => {
  const belief = new Belief('a'.repeat(22), 0)
  const record = { id: belief.id, incarnation: 1, name: '', user: null, endpoints: [], floor: 0 }
  belief.record = { type: 'alive', mode: 'frozen', ...record }
  expect(circumstancesOf(belief, 10, 5, 0)).toEqual({ size: 10, rttMs: 5, mode: 'frozen', penalty: 0 })
  belief.severed = true
  expect(circumstancesOf(belief, 10, 5, 0).mode).toBe('hidden')
  belief.record = { type: 'alive', mode: 'visible', ...record }
  expect(circumstancesOf(belief, 10, 5, 0).mode).toBe('visible')
})

test('each point of penalty doubles the time', () => {
  for (const count of [0, 3]) {
    const times = [0, 1, 2, 5].map(
      (penalty) => suspicionMs(lan, count, among({ penalty })) / suspicionMs(lan, count, among({})),
    )
    expect(times.map((factor) => Math.round(factor * 1000) / 1000)).toEqual([1, 2, 4, 32])
  }
})

test('the shortest suspicion leaves time for the way to the suspect and back through the room', () => {
  const shortest = suspicionMs(lan, 3, among({ size: 64, rttMs: 0 }))
  expect(suspicionMs(lan, 3, among({ size: 64, rttMs: 50 })) - shortest).toBeCloseTo(50 * (2 + 6))
  expect(suspicionMs(lan, 0, among({ size: 64, rttMs: 50 }))).toBe(suspicionMs(lan, 0, among({ size: 64 })))
})

test('the longest is never shorter than the shortest, however long the round trips', () => {
  const circumstances = among({ size: 10, rttMs: 2_000 })
  const hasty = { ...lan, suspicionMult: 1 }
  expect(suspicionMs(hasty, 0, circumstances)).toBe(suspicionMs(hasty, 3, circumstances))
  // Two periods at most are waited for round trips: else one whose neighbours are all slow would wait for ever.
  expect(suspicionMs(hasty, 0, circumstances)).toBe(3_000)
})

test('a death told by another is ripe when half of the shortest suspicion is over, whatever makes that longer', () => {
  const ripeAt = (ms: number, circumstances: Circumstances) =>
    [ms - 1, ms, ms + 1, 1e9].map((one) => deathIsRipe(lan, one, circumstances))
  for (const size of sizes) expect(ripeAt(500, among({ size }))).toEqual([false, true, true, true])
  expect(ripeAt(1_500, among({ mode: 'hidden' }))).toEqual([false, true, true, true])
  expect(ripeAt(2_000, among({ penalty: 2 }))).toEqual([false, true, true, true])
  expect(ripeAt(700, among({ size: 4, rttMs: 100 }))).toEqual([false, true, true, true])
})

function among(circumstances: Partial<Circumstances>): Circumstances {
  return { size: 10, rttMs: 0, mode: 'server', penalty: 0, ...circumstances }
}
