import { expect, test } from 'vitest'
import { Glide } from './glide.ts'

test('it gets to where it aims, and rests there', () => {
  const glide = new Glide({ x: 0, y: 5 })
  glide.aim({ x: 100, y: 5 }, 0)
  expect(glide.at(0)).toEqual({ x: 0, y: 5 })
  expect(glide.rests(500)).toBe(false)
  expect(glide.at(500).x).toBeCloseTo(100, 0)
  expect(glide.rests(601)).toBe(true)
  expect(glide.at(601)).toEqual({ x: 100, y: 5 })
})

test('it never overshoots', () => {
  const glide = new Glide({ x: 0, y: 0 })
  glide.aim({ x: 100, y: 0 }, 0)
  for (let now = 0, before = 0; now <= 700; now += 5) {
    const { x } = glide.at(now)
    expect(x).toBeGreaterThanOrEqual(before)
    expect(x).toBeLessThanOrEqual(100)
    before = x
  }
})

test('it goes on at its speed when the aim changes, and follows a pointer that is told ten times a second evenly', () => {
  const glide = new Glide({ x: 0, y: 0 })
  const steps: number[] = []
  for (let now = 0, before = 0; now < 3_000; now += 10) {
    if (now % 100 === 0) glide.aim({ x: now, y: 0 }, now)
    const { x } = glide.at(now + 10)
    if (now > 1_000) steps.push(x - before)
    before = x
  }
  // The pointer makes 10 in each step. Jumping from place to place would make 0 or 100.
  expect(Math.min(...steps)).toBeGreaterThan(4)
  expect(Math.max(...steps)).toBeLessThan(16)
  const jerks = steps.slice(1).map((step, i) => Math.abs(step - steps[i]!))
  expect(Math.max(...jerks)).toBeLessThan(5)
})
