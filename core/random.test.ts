import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomBytes, randomInt, sample, seededRandom, shuffle } from './random.ts'

test('the same seed gives the same numbers, another seed others, all of them in [0, 1)', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed)
    return Array.from({ length: 1000 }, random)
  }
  expect(draw(42)).toEqual(draw(42))
  expect(draw(42)).not.toEqual(draw(43))
  expect(draw(7).every((number) => number >= 0 && number < 1)).toBe(true)
})

test('whole numbers below a limit come up about equally often', () => {
  const random = seededRandom(1)
  const counts = Array(10).fill(0)
  for (let i = 0; i < 10_000; i++) counts[randomInt(random, 10)]++
  // Six standard deviations (of 30) about the mean: this seed is well within them.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(180)
})

test('a shuffle keeps every item, and each comes to stand in each place', () => {
  const random = seededRandom(2)
  const places = new Set<string>()
  for (let i = 0; i < 200; i++) {
    const shuffled = shuffle([0, 1, 2, 3], random)
    expect([...shuffled].sort()).toEqual([0, 1, 2, 3])
    shuffled.forEach((item, place) => {
      places.add(`${item}@${place}`)
    })
  }
  expect(places.size).toBe(16)
})

test('a sample has different items, as many as there are and are wanted, and leaves the list alone', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat()), fc.nat(30), fc.nat(), (items, count, seed) => {
      const before = [...items]
      const taken = sample(items, count, seededRandom(seed))
      expect(items).toEqual(before)
      expect(new Set(taken).size).toBe(Math.min(count, items.length))
      expect(taken.every((item) => items.includes(item))).toBe(true)
    }),
  )
})

test('every item has its turn in a sample of one', () => {
  const random = seededRandom(3)
  const seen = new Set(Array.from({ length: 100 }, () => sample(['a', 'b', 'c'], 1, random)[0]))
  expect([...seen].sort()).toEqual(['a', 'b', 'c'])
})

test('random bytes use all of their range', () => {
  const bytes = randomBytes(seededRandom(4), 4096)
  expect(new Set(bytes).size).toBe(256)
})
