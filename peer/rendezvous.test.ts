import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Instance, seededRandom } from '../core/index.ts'
import { instance } from './instance.fake.ts'
import { Rendezvous, scoreOf } from './rendezvous.ts'

const weight = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 65_535 }))
const crowd = fc.uniqueArray(fc.record({ id: fc.string({ maxLength: 6 }), weight }), {
  selector: ({ id }) => id,
  minLength: 1,
  maxLength: 60,
})
const keys = fc.array(fc.string({ maxLength: 8 }), { minLength: 1, maxLength: 20 })

test('the one chosen is the one whose score is the lowest, whatever is left out', () => {
  fc.assert(
    fc.property(crowd, keys, fc.nat(60), (some, keys, out) => {
      const instances = some.map(({ id, weight }) => instance(id, { weight }))
      const suits = ({ id }: Instance) => id !== instances[out]?.id
      const rendezvous = of(instances)
      for (const key of keys) {
        expect(rendezvous.choose(key)).toBe(chosenPlainly(key, instances))
        expect(rendezvous.choose(key, suits)).toBe(chosenPlainly(key, instances.filter(suits)))
      }
    }),
    { numRuns: 300 },
  )
})

test('peers that came to the same instances on different ways choose the same', () => {
  fc.assert(
    fc.property(crowd, crowd, keys, fc.nat(), (some, others, keys, seed) => {
      const instances = some.map(({ id, weight }) => instance(id, { weight }))
      const known = new Set(some.map(({ id }) => id))
      const passing = others.filter(({ id }) => !known.has(id)).map(({ id, weight }) => instance(id, { weight }))
      const straight = of(instances)
      const random = seededRandom(seed)
      const round = of([...instances].reverse().concat(passing))
      for (const one of passing) round.remove(one)
      for (const one of instances) {
        if (random() < 0.5) continue
        round.remove(one)
        round.add(one)
      }
      for (const key of keys) expect(round.choose(key)).toBe(straight.choose(key))
    }),
    { numRuns: 200 },
  )
})

test('who goes gives up only its own keys, and who comes takes only what becomes its own', () => {
  fc.assert(
    fc.property(crowd, keys, fc.nat(59), (some, keys, which) => {
      const instances = some.map(({ id, weight }) => instance(id, { weight }))
      const moving = instances[which % instances.length]!
      const rendezvous = of(instances)
      const before = keys.map((key) => rendezvous.choose(key))
      rendezvous.remove(moving)
      const without = keys.map((key) => rendezvous.choose(key))
      for (const [i, was] of before.entries()) if (was !== moving) expect(without[i]).toBe(was)
      rendezvous.add(moving)
      expect(keys.map((key) => rendezvous.choose(key))).toEqual(before)
    }),
    { numRuns: 200 },
  )
})

test('who gets more weight only gains keys, and who gets less only loses some', () => {
  const instances = Array.from({ length: 20 }, (_, i) => instance(`i${i}`, { weight: 10 }))
  const rendezvous = of(instances)
  const keys = Array.from({ length: 500 }, (_, i) => `k${i}`)
  const before = keys.map((key) => rendezvous.choose(key)!.id)
  const heavier = instance('i7', { weight: 40 })
  rendezvous.remove(instances[7]!)
  rendezvous.add(heavier)
  const after = keys.map((key) => rendezvous.choose(key)!.id)
  const moved = keys.filter((_, i) => before[i] !== after[i])
  expect(moved.length).toBeGreaterThan(20)
  expect(keys.every((_, i) => before[i] === after[i] || after[i] === 'i7')).toBe(true)
})

test('shares follow the weights: of 100 instances none has a third more or less than it should', () => {
  const instances = Array.from({ length: 100 }, (_, i) => instance(`i${i}`, { weight: i % 2 === 0 ? 1 : 40 }))
  const rendezvous = of(instances)
  const counts = new Map<Instance, number>()
  const keysCount = 60_000
  for (let i = 0; i < keysCount; i++) {
    const chosen = rendezvous.choose(`customer ${i}`)!
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
  }
  const whole = instances.reduce((sum, { weight }) => sum + weight, 0)
  const heavy = instances.filter(({ weight }) => weight > 1)
  for (const one of heavy) {
    const share = ((counts.get(one) ?? 0) / keysCount) * (whole / one.weight)
    expect(share).toBeGreaterThan(2 / 3)
    expect(share).toBeLessThan(4 / 3)
  }
  const light = instances.filter(({ weight }) => weight === 1)
  const lightShare = light.reduce((sum, one) => sum + (counts.get(one) ?? 0), 0) / keysCount
  expect(lightShare).toBeGreaterThan((2 / 3) * (50 / whole))
  expect(lightShare).toBeLessThan((4 / 3) * (50 / whole))
})

test('thousands may come and go, and what is left is chosen from as ever', () => {
  const instances = Array.from({ length: 1_000 }, (_, i) => instance(`i${i}`, { weight: 1 + (i % 5) }))
  const rendezvous = of(instances)
  for (const one of instances.slice(20)) rendezvous.remove(one)
  const left = instances.slice(0, 20)
  for (let i = 0; i < 50; i++) expect(rendezvous.choose(`k${i}`)).toBe(chosenPlainly(`k${i}`, left))
  for (const one of left) rendezvous.remove(one)
  expect(rendezvous.choose('k')).toBeUndefined()
})

function of(instances: readonly Instance[]): Rendezvous {
  const rendezvous = new Rendezvous()
  for (const one of instances) rendezvous.add(one)
  return rendezvous
}

/** By looking at all. */
function chosenPlainly(key: string, instances: readonly Instance[]): Instance | undefined {
  const scored = instances.map((one) => ({ one, score: scoreOf(key, one) }))
  return scored.sort((a, b) => a.score - b.score || (a.one.id < b.one.id ? -1 : 1))[0]?.one
}
