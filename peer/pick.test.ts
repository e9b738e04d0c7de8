import { expect, test } from 'vitest'
import { type Health, type Instance, seededRandom } from '../core/index.ts'
import { instance } from './instance.fake.ts'
import { type Choice, Tiers } from './pick.ts'

test('with no instance there is none to pick', () => {
  expect(pick([])).toBeUndefined()
})

/** From the best to the last resort; the third fact says whether it was ejected. */
const tiers: [Health, Instance['status'], boolean, lastKnown?: true][] = [
  ['passing', 'alive', false],
  ['passing', 'suspect', false],
  ['warning', 'alive', false],
  ['passing', 'alive', true],
  ['critical', 'alive', false],
  ['passing', 'draining', false],
  ['critical', 'draining', false],
  ['passing', 'suspect', false, true],
  ['passing', 'suspect', true, true],
]

test.each(['weighted', 'random', 'p2c', 'rendezvous'] as const)(
  'by %s, an instance is picked only while there is none in a better state',
  (policy) => {
    const random = seededRandom(1)
    const all = tiers.map(([health, status, ejected, lastKnown], i): [Instance, boolean] => [
      instance(`${i}`, { health, status, weight: 1 + i * 1000, ...(lastKnown && { lastKnown }) }),
      ejected,
    ])
    for (let best = 0; best < tiers.length; best++) {
      const left = all.slice(best).reverse()
      for (let i = 0; i < 20; i++) expect(pick(left, { policy, random, key: `k${i}` })?.id).toBe(`${best}`)
      // What is left out leaves its tier empty.
      const next = best + 1 < tiers.length ? `${best + 1}` : undefined
      expect(pick(left, { policy, random, suits: ({ id }) => id !== `${best}` })?.id).toBe(next)
    }
  },
)

test('an instance that is ill is ill whether its member is suspected or not', () => {
  const both = [instance('1', { health: 'warning', status: 'suspect' }), instance('2', { health: 'warning' })]
  const random = seededRandom(2)
  const picked = new Set(Array.from({ length: 50 }, () => pick(both, { random })!.id))
  expect(picked.size).toBe(2)
})

test('p2c takes the nearer of two, so that the farthest of equals is never picked while there are others', () => {
  const random = seededRandom(3)
  const far = new Map([
    ['1', 5],
    ['2', 20],
    ['3', 80],
  ])
  const instances = [...far.keys()].map((id) => instance(id))
  const counts = countPicks(3_000, () => pick(instances, { policy: 'p2c', random, rttOf: ({ id }) => far.get(id)! })!)
  expect(counts.get('3')).toBeUndefined()
  // The nearest is one of two drawn of three, two times of three.
  expect(Math.abs(counts.get('1')! - 2_000)).toBeLessThan(110)
  expect(counts.get('2')! + counts.get('1')!).toBe(3_000)
})

test('p2c has no choice among one, and none among none that suit', () => {
  const one = [instance('1')]
  expect(pick(one, { policy: 'p2c' })?.id).toBe('1')
  expect(pick([...one, instance('2')], { policy: 'p2c', suits: ({ id }) => id === '2' })?.id).toBe('2')
  expect(pick(one, { policy: 'p2c', suits: () => false })).toBeUndefined()
})

test('an instance changes its tier when it is taken out and put back', () => {
  const [one, two] = [instance('1'), instance('2')]
  const choices = new Tiers()
  choices.add(one, false)
  choices.add(two, false)
  const byKey = (key: string) => choices.choose(choice({ policy: 'rendezvous', key }))!.id
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`)
  expect(new Set(keys.map(byKey)).size).toBe(2)
  choices.remove(one)
  choices.add(one, true)
  expect(new Set(keys.map(byKey))).toEqual(new Set(['2']))
  choices.remove(two)
  expect(new Set(keys.map(byKey))).toEqual(new Set(['1']))
})

function pick(of: readonly (Instance | [Instance, boolean])[], facts: Partial<Choice> = {}): Instance | undefined {
  const choices = new Tiers()
  for (const one of of) {
    const [added, ejected] = Array.isArray(one) ? one : [one, false]
    choices.add(added, ejected)
  }
  return choices.choose(choice(facts))
}

function choice(facts: Partial<Choice>): Choice {
  return { policy: 'weighted', key: '', suits: undefined, random: seededRandom(9), rttOf: () => 1, ...facts }
}

function countPicks(times: number, draw: () => Instance): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i < times; i++) {
    const { id } = draw()
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}
