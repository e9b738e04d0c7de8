import { expect, test } from 'vitest'
import { platformClock, sleepless } from './clock.ts'

/** Two clocks to be set, and the one made of them. */
function clocks(): { running: number; wall: number; read: () => number } {
  const at = { running: 5_000, wall: 1_000_000 }
  const read = sleepless(
    () => at.running,
    () => at.wall,
  )
  return Object.assign(at, { read })
}

test('time goes on as the running clock says', () => {
  const at = clocks()
  expect(at.read()).toBe(5_000)
  at.running += 250
  at.wall += 250
  expect(at.read()).toBe(5_250)
})

test('a sleep that the running clock does not count is added, once', () => {
  const at = clocks()
  at.wall += 600_000
  expect(at.read()).toBe(605_000)
  at.running += 10
  at.wall += 10
  expect(at.read()).toBe(605_010)
})

test('a wall clock that is set back, or put right by a little, changes nothing', () => {
  const at = clocks()
  at.wall -= 3_600_000
  expect(at.read()).toBe(5_000)
  for (let i = 0; i < 100; i++) {
    at.wall += 900
    expect(at.read()).toBe(5_000)
  }
  at.wall += 600_000
  expect(at.read()).toBe(605_000)
})

test('the clock of the platform counts from the epoch', () => {
  const read = platformClock()
  const before = Date.now()
  expect(Math.abs(read() - before)).toBeLessThan(86_400_000)
})
