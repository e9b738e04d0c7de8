import { expect, test } from 'vitest'
import { type Health, type Instance, seededRandom } from '../core/index.ts'
import { chooseInstance } from './pick.ts'

test('with no instance there is none to pick', () => {
  expect(chooseInstance([], Math.random)).toBeUndefined()
})

/** From the best to the last resort. */
const tiers: [Health, Instance['status']][] = [
  ['passing', 'alive'],
  ['passing', 'suspect'],
  ['warning', 'alive'],
  ['critical', 'alive'],
  ['passing', 'draining'],
  ['critical', 'draining'],
]

test('an instance is picked only while there is none in a better state', () => {
  const random = seededRandom(1)
  const instances = tiers.map(([health, status], i) => instance(`${i}`, { health, status, weight: 1 + i * 1000 }))
  for (let best = 0; best < tiers.length; best++) {
    const left = instances.slice(best).reverse()
    for (let i = 0; i < 50; i++) expect(chooseInstance(left, random)?.id).toBe(`${best}`)
  }
})

test('an instance that is ill is ill whether its member is suspected or not', () => {
  const [one, two] = [instance('1', { health: 'warning', status: 'suspect' }), instance('2', { health: 'warning' })]
  const random = seededRandom(2)
  const picked = new Set(Array.from({ length: 50 }, () => chooseInstance([one, two], random)!.id))
  expect(picked.size).toBe(2)
})

test('within one tier the shares are as the weights', () => {
  const random = seededRandom(3)
  const instances = [instance('1', { weight: 1 }), instance('2', { weight: 2 }), instance('7', { weight: 7 })]
  const counts = new Map<string, number>()
  for (let i = 0; i < 10_000; i++) {
    const { id } = chooseInstance(instances, random)!
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  // About four standard deviations; the seed makes it the same at every run.
  expect(Math.abs(counts.get('1')! - 1000)).toBeLessThan(120)
  expect(Math.abs(counts.get('2')! - 2000)).toBeLessThan(160)
})

test.each([0, 0.999_999_999_9])('the edge %d of chance picks an instance like any other', (edge) => {
  const instances = [instance('1', { weight: 3 }), instance('2', { weight: 65_535 })]
  expect(chooseInstance(instances, () => edge)?.id).toBe(edge === 0 ? '1' : '2')
})

function instance(id: string, facts: Partial<Instance> = {}): Instance {
  return {
    service: 'web',
    id,
    member: 'm',
    name: 'n',
    tags: [],
    meta: {},
    weight: 1,
    health: 'passing',
    status: 'alive',
    ageMs: 0,
    ...facts,
  }
}
