import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Damping, refutedPenalty, returnedPenalty } from './damping.ts'

const minuteMs = 60_000

test('a penalty halves in five minutes', () => {
  const damping = new Damping()
  damping.add(1.5, 1_000)
  expect([0, 5, 10, 15].map((minutes) => damping.penalty(1_000 + minutes * minuteMs))).toEqual([
    1.5, 0.75, 0.375, 0.1875,
  ])
})

test('what is left of the last penalty counts for the next', () => {
  const damping = new Damping()
  damping.add(1, 0)
  damping.add(1, 5 * minuteMs)
  expect(damping.penalty(5 * minuteMs)).toBe(1.5)
  expect(damping.penalty(10 * minuteMs)).toBe(0.75)
})

test('what happens within ten seconds is one episode, and counts for no more than one return', () => {
  const damping = new Damping()
  damping.add(refutedPenalty, 0)
  expect(damping.penalty(0)).toBe(refutedPenalty)
  for (let i = 0; i < 100; i++) damping.add(refutedPenalty, i * 99)
  damping.add(returnedPenalty, 9_950)
  expect(damping.penalty(9_950)).toBeCloseTo(returnedPenalty, 1)
  damping.add(refutedPenalty, 10_000)
  expect(damping.penalty(10_000)).toBeCloseTo(returnedPenalty + refutedPenalty, 1)
})

test('an episode does not go on for as long as something happens: ten seconds after its beginning it is over', () => {
  const damping = new Damping()
  for (let now = 0; now <= 20_000; now += 1_000) damping.add(refutedPenalty, now)
  // Two full episodes and the beginning of a third, less what has worn off.
  expect(damping.penalty(20_000)).toBeGreaterThan(3.3)
  expect(damping.penalty(20_000)).toBeLessThan(3.5)
})

test('a penalty never exceeds five', () => {
  const damping = new Damping()
  for (let i = 0; i < 50; i++) damping.add(returnedPenalty, i * 10_000)
  expect(damping.penalty(490_000)).toBe(5)
})

test('it is unsteady from three on, until less than one and a half is left, and says so once', () => {
  const damping = new Damping()
  for (const now of [0, 1_000, 2_000, 10_000, 11_000, 12_000]) damping.add(refutedPenalty, now)
  expect(damping.penalty(12_000)).toBeLessThan(3)
  expect(damping.unsteady).toBe(false)
  damping.add(refutedPenalty, 20_000)
  expect(damping.penalty(20_000)).toBeGreaterThan(3)
  expect(damping.unsteady).toBe(true)
  // Half of it is left after five minutes: that is not yet enough.
  expect(damping.settle(20_000 + 5 * minuteMs)).toBe(false)
  expect(damping.unsteady).toBe(true)
  expect(damping.settle(20_000 + 6.5 * minuteMs)).toBe(true)
  expect(damping.unsteady).toBe(false)
  expect(damping.settle(20_000 + 7 * minuteMs)).toBe(false)
})

test('one that was never unsteady does not settle', () => {
  const damping = new Damping()
  damping.add(refutedPenalty, 0)
  expect(damping.settle(60 * minuteMs)).toBe(false)
})

test('how often it came back is what makes it unsteady: one return does not, two close to each other do', () => {
  const damping = new Damping()
  const unsteady = [0, 1, 2].map((minute) => {
    damping.add(returnedPenalty, minute * minuteMs)
    return damping.unsteady
  })
  expect(unsteady).toEqual([false, true, true])
})

test('the penalty only ever wears off between events, and a clock that runs backwards adds nothing', () => {
  const events = fc.array(fc.tuple(fc.nat(60_000), fc.constantFrom(refutedPenalty, returnedPenalty)), { maxLength: 30 })
  fc.assert(
    fc.property(events, (all) => {
      const damping = new Damping()
      let now = 0
      for (const [pause, penalty] of all) {
        const before = damping.penalty(now)
        now += pause
        expect(damping.penalty(now)).toBeLessThanOrEqual(before)
        expect(damping.penalty(now - 1_000_000)).toBeLessThanOrEqual(before)
        damping.add(penalty, now)
        expect(damping.penalty(now)).toBeLessThanOrEqual(Math.min(5, before + penalty * (1 + before)) + 1e-9)
      }
    }),
  )
})
