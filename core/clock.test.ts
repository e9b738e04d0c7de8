import { expect, test } from 'vitest'
import { steady } from './clock.ts'

test('a clock that is not set is read as it is', () => {
  const shown = [5, 5, 7.5, 100]
  const clock = steady(() => shown.shift()!)
  expect([clock(), clock(), clock(), clock()]).toEqual([5, 5, 7.5, 100])
})

test('set back, it goes on from where it was and runs at the same pace', () => {
  let wall = 10_000
  const clock = steady(() => wall)
  expect(clock()).toBe(10_000)
  wall -= 3_600_000
  expect(clock()).toBe(10_000)
  wall += 250
  expect(clock()).toBe(10_250)
  // Once more, and further than before.
  wall -= 7_200_000
  expect(clock()).toBe(10_250)
  wall += 1
  expect(clock()).toBe(10_251)
})

test('a jump ahead passes, also after one back', () => {
  let wall = 1_000
  const clock = steady(() => wall)
  clock()
  wall = 400
  clock()
  wall += 3_600_000
  expect(clock()).toBe(3_601_000)
})
