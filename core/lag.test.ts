import { expect, test } from 'vitest'
import { Lag } from './lag.ts'

test('the worst delay counts for ten to twenty seconds, and a worse one at once', () => {
  const lag = new Lag()
  lag.take(40, 1_000)
  lag.take(15, 1_100)
  expect(lag.worstMs(1_100)).toBe(40)
  lag.take(300, 5_000)
  expect(lag.worstMs(10_999)).toBe(300)
  lag.take(2, 11_000)
  expect(lag.worstMs(20_999)).toBe(300)
  expect(lag.worstMs(21_000)).toBe(2)
})

test('behind a silence of twenty seconds nothing older counts, and a timer that is early counts as on time', () => {
  const lag = new Lag()
  lag.take(900, 1_000)
  expect(lag.worstMs(21_000)).toBe(0)
  lag.take(-3, 22_000)
  expect(lag.worstMs(22_000)).toBe(0)
})
