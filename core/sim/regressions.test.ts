/** Seeds that failed once and were kept by `npm run sim -- ... --keep`: each is run again as it was. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { judge, perform, type Scenario, type Settings, scenarios } from './scenarios/index.ts'

type Kept = Settings & { scenario: string }

const kept: readonly Kept[] = JSON.parse(readFileSync(new URL('./scenarios/regressions.json', import.meta.url), 'utf8'))

test('every kept seed names a scenario that there is, and how to run it', () => {
  const names = scenarios.map(({ name }) => name)
  for (const entry of kept) {
    expect(names).toContain(entry.scenario)
    expect(entry).toEqual({
      scenario: entry.scenario,
      seed: expect.any(Number),
      peers: expect.any(Number),
      quick: expect.any(Boolean),
    })
  }
})

for (const { scenario: name, ...settings } of kept) {
  test(`${name} holds with seed ${settings.seed} and ${settings.peers} peers`, () => {
    const scenario = scenarios.find((one): one is Scenario => one.name === name)!
    expect(judge(scenario, settings.peers, [perform(scenario, settings)])).toEqual([])
  })
}
