import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Instance, seededRandom } from '../core/index.ts'
import { Bag } from './bag.ts'
import { instance } from './instance.fake.ts'

test('what is drawn is what weighs, added up in the order of the items, would give', () => {
  const step = fc.record({ id: fc.nat(12), weight: fc.integer({ min: 1, max: 65_535 }), add: fc.boolean() })
  const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), at, (steps, share) => {
      const bag = new Bag()
      const held = new Map<string, Instance>()
      for (const { id, weight, add } of steps) {
        const one = instance(`${id}`, { weight })
        expect(bag.has(one.id)).toBe(held.has(one.id))
        if (!add) expect(bag.remove(one.id)).toBe(held.delete(one.id))
        else if (!held.has(one.id)) {
          bag.add(one)
          held.set(one.id, one)
        }
      }
      expect(new Set(bag.items)).toEqual(new Set(held.values()))
      expect(bag.draw(() => share)).toBe(drawnPlainly(bag.items, share))
    }),
  )
})

test('shares are as the weights, also of what is left when some do not suit', () => {
  const random = seededRandom(3)
  const bag = bagOf([1, 2, 7, 90])
  const all = counts(10_000, () => bag.draw(random))
  // About four standard deviations; the seed makes it the same at every run.
  expect(Math.abs(all.get('2')! - 200)).toBeLessThan(56)
  expect(Math.abs(all.get('7')! - 700)).toBeLessThan(102)
  const some = counts(10_000, () => bag.draw(random, ({ weight }) => weight < 90))
  expect(some.get('90')).toBeUndefined()
  expect(Math.abs(some.get('1')! - 1_000)).toBeLessThan(120)
  expect(Math.abs(some.get('2')! - 2_000)).toBeLessThan(160)
})

test('drawn evenly, weights count for nothing', () => {
  const random = seededRandom(4)
  const bag = bagOf([1, 65_535, 3])
  const all = counts(6_000, () => bag.drawEvenly(random))
  for (const count of all.values()) expect(Math.abs(count - 2_000)).toBeLessThan(150)
  const some = counts(100, () => bag.drawEvenly(random, ({ weight }) => weight < 3))
  expect([...some]).toEqual([['1', 100]])
})

test('one that suits is found among thousands that do not, and none where there is none', () => {
  const bag = bagOf(Array.from({ length: 1_000 }, (_, i) => i + 1))
  const random = seededRandom(5)
  for (const draw of [bag.draw.bind(bag), bag.drawEvenly.bind(bag)]) {
    expect(draw(random, ({ id }) => id === '17')?.id).toBe('17')
    expect(draw(random, () => false)).toBeUndefined()
  }
})

test('from nothing nothing is drawn', () => {
  const bag = new Bag()
  expect(bag.draw(Math.random)).toBeUndefined()
  expect(bag.drawEvenly(Math.random, () => true)).toBeUndefined()
})

test.each([0, 0.999_999_999_999_999_9])('the edge %d of chance draws an instance like any other', (edge) => {
  for (let count = 1; count < 20; count++) {
    const bag = bagOf(Array.from({ length: count }, (_, i) => 65_535 - i))
    expect(bag.draw(() => edge)).toBe(bag.items[edge === 0 ? 0 : count - 1])
  }
})

function drawnPlainly(items: readonly Instance[], share: number): Instance | undefined {
  let rest = share * items.reduce((sum, { weight }) => sum + weight, 0)
  for (const item of items) {
    rest -= item.weight
    if (rest < 0) return item
  }
  return items.at(-1)
}

function bagOf(weights: readonly number[]): Bag {
  const bag = new Bag()
  for (const weight of weights) bag.add(instance(`${weight}`, { weight }))
  return bag
}

function counts(times: number, draw: () => Instance | undefined): Map<string, number> {
  const drawn = new Map<string, number>()
  for (let i = 0; i < times; i++) {
    const { id } = draw()!
    drawn.set(id, (drawn.get(id) ?? 0) + 1)
  }
  return drawn
}
