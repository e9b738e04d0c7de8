import { expect, test } from 'vitest'
import { Findings, statistic } from './findings.ts'
import { exceeded, judge, perform, pooled, type Scenario } from './scenario.ts'

const settings = { seed: 1, peers: 8, quick: true }

test('every statistic but the mean is a value that was measured', () => {
  const samples = [5, 1, 4, 2, 3]
  expect((['min', 'median', 'mean', 'p99', 'max'] as const).map((kind) => statistic(samples, kind))).toEqual([
    1, 3, 3, 5, 5,
  ])
  const hundreds = Array.from({ length: 200 }, (_, i) => i + 1)
  expect([statistic(hundreds, 'median'), statistic(hundreds, 'p99')]).toEqual([100, 198])
})

test('a figure beyond its limit fails, one at its limit does not', () => {
  expect(exceeded(measuring(2.5), 8, { 'time, s': [2.5] })).toEqual([])
  expect(exceeded(measuring(2.5), 8, { 'time, s': [2.6] })).toEqual(['time, s: max 2.6, at most 2.5 allowed'])
})

test('a figure that was never measured fails its limit', () => {
  expect(judge(measuring(2.5), 8, [{ figures: {}, failed: [] }])).toEqual(['time, s: nothing was measured'])
})

test('limits hold for the samples of all runs together', () => {
  const limits = [{ figure: 'deaths', statistic: 'mean' as const, atMost: 0.5 }]
  const scenario = { ...measuring(0), limits: () => limits }
  const runs = [0, 1].map((deaths) => ({ figures: { deaths: [deaths] }, failed: [] }))
  expect(pooled(runs)).toEqual({ deaths: [0, 1] })
  expect(judge(scenario, 8, runs)).toEqual([])
  expect(judge(scenario, 8, [runs[1]!])).toHaveLength(1)
})

test('a run may have more samples than a call takes arguments', () => {
  const deaths = Array<number>(500_000).fill(1)
  expect(pooled([{ figures: { deaths }, failed: [] }])).toEqual({ deaths })
})

test('what a scenario throws is a finding, and the figures until then are kept', () => {
  const scenario: Scenario = {
    ...measuring(1),
    run: (_settings, _say, findings) => {
      findings.note('time, s', 1)
      throw new Error('invariant broken at p1')
    },
  }
  expect(perform(scenario, settings)).toEqual({ figures: { 'time, s': [1] }, failed: ['invariant broken at p1'] })
})

test('a run that goes wrong everywhere keeps its first twenty failures', () => {
  const findings = new Findings()
  for (let i = 0; i < 50; i++) expect(findings.expect(false, `wrong ${i}`)).toBe(false)
  expect(findings.expect(true, 'right')).toBe(true)
  expect(findings.result().failed).toHaveLength(20)
  expect(findings.result().failed[19]).toBe('wrong 19')
})

function measuring(atMost: number): Scenario {
  return {
    name: 'measuring',
    about: '',
    toReach: '',
    defaults: { peers: 8, quick: { peers: 8 } },
    limits: () => [{ figure: 'time, s', statistic: 'max', atMost }],
    run: () => {},
  }
}
