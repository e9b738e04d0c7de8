/** Every scenario, scaled down, at the limits it promises. `npm run sim -- --seeds 20` runs them as they are. */

import { expect, test } from 'vitest'
import { judge, perform, scenarios } from './index.ts'

/** Small rooms are quick, so they are tried twice. */
const seedsFor = (peers: number) => (peers <= 32 ? [1, 2] : [1])

for (const scenario of scenarios) {
  const { peers } = scenario.defaults.quick
  test(`${scenario.name}: ${scenario.toReach}`, () => {
    const results = seedsFor(peers).map((seed) => perform(scenario, { seed, peers, quick: true }))
    expect(judge(scenario, peers, results)).toEqual([])
  })
}

test('a seed tells the same story twice, to the word, and another seed another', () => {
  const [scenario] = scenarios
  const story = (seed: number) => {
    const lines: string[] = []
    const result = perform(scenario!, { seed, peers: 16, quick: true }, (line) => lines.push(line))
    return JSON.stringify([lines, result])
  }
  expect(story(7)).toBe(story(7))
  expect(story(7)).not.toBe(story(8))
})
