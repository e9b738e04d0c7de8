import { expect, test } from 'vitest'
import { Health, healthMax } from './health.ts'

test('a peer begins healthy, and its times as they are', () => {
  const health = new Health()
  expect([health.score, health.factor]).toEqual([0, 1])
})

test('each doubt stretches its times by one more, each answer in time by one less', () => {
  const health = new Health()
  health.worsen(3)
  expect([health.score, health.factor]).toEqual([3, 4])
  health.improve()
  expect([health.score, health.factor]).toEqual([2, 3])
  health.worsen(0)
  expect(health.score).toBe(2)
})

test('the score never leaves 0 to 7, so that the way back is never longer than the way up', () => {
  const health = new Health()
  health.improve()
  health.worsen(1)
  expect(health.score).toBe(1)
  health.worsen(100)
  expect([health.score, health.factor]).toEqual([healthMax, 8])
  for (let i = 0; i < healthMax; i++) health.improve()
  expect(health.score).toBe(0)
})
