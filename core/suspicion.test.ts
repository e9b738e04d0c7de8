import { expect, test } from 'vitest'
import { deathIsRipe, suspicionMs } from './suspicion.ts'

// memberlist's checked values of suspicionMin per unit of mult and interval, and what they make of its LAN profile.
test.each([
  [0, 1],
  [1, 1],
  [5, 1],
  [10, 1],
  [50, 1.698],
  [100, 2],
  [500, 2.698],
  [1000, 3],
])('in a room of %i a suspicion lasts %f times the multiple of periods', (size, factor) => {
  expect(suspicionMs({ suspicionMult: 1, probePeriodMs: 1000 }, size) / 1000).toBeCloseTo(factor, 2)
  expect(suspicionMs({ suspicionMult: 4, probePeriodMs: 1000 }, size)).toBeCloseTo(4000 * factor, -1)
  expect(suspicionMs({ suspicionMult: 6, probePeriodMs: 5000 }, size)).toBeCloseTo(30_000 * factor, -2)
})

test('a death told by another is ripe from half of the suspicion on', () => {
  const config = { suspicionMult: 4, probePeriodMs: 1000 }
  expect([0, 1999, 2000, 1e9].map((ms) => deathIsRipe(config, 5, ms))).toEqual([false, false, true, true])
  expect([3999, 4000].map((ms) => deathIsRipe(config, 100, ms))).toEqual([false, true])
})
