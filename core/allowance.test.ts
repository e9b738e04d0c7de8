import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Allowance, costOf } from './allowance.ts'

test('no sender gets more through than a burst and what time gives', () => {
  const step = fc.record({ waitMs: fc.nat(50), cost: fc.integer({ min: 1, max: 40 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const allowance = new Allowance(200, 100, 0)
      let now = 0
      let spent = 0
      for (const { waitMs, cost } of steps) {
        now += waitMs
        if (allowance.take(cost, now)) spent += cost
        expect(spent).toBeLessThanOrEqual(100 + now * 0.2 + 1e-6)
      }
    }),
  )
})

test('a sender at three times the rate gets a third through, not nothing', () => {
  const allowance = new Allowance(100, 10, 0)
  let passed = 0
  for (let n = 1; n <= 3_000; n++) if (allowance.take(1, (n * 1000) / 300)) passed++
  expect(passed).toBeGreaterThan(990)
  expect(passed).toBeLessThan(1_020)
})

test('a message dearer than a burst passes when nothing was spent', () => {
  const allowance = new Allowance(10, 10, 0)
  expect(allowance.take(50, 0)).toBe(true)
  expect(allowance.take(1, 0)).toBe(false)
  expect(allowance.take(50, 900)).toBe(false)
  expect(allowance.take(50, 1_900)).toBe(true)
})

test('a clock that stands still or goes back gives nothing', () => {
  const allowance = new Allowance(1_000, 1, 100)
  expect(allowance.take(1, 100)).toBe(true)
  expect(allowance.take(1, 50)).toBe(false)
})

test('a long message costs as many units as it has', () => {
  expect(costOf(0, 640)).toBe(1)
  expect(costOf(640, 640)).toBe(1)
  expect(costOf(1_280, 640)).toBe(2)
})
