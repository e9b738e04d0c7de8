import { expect, test } from 'vitest'
import { commandFor, digits, figureLines, tables, withTables } from './sim-report.mjs'

/** Stands for the simulator's, which is TypeScript: the first sample, whatever is asked. */
const statistic = (samples) => samples[0]

test('numbers keep the digits that mean something', () => {
  expect([3, 2.0481, 0.01337, 214.28, 1234.5].map(digits)).toEqual(['3', '2.05', '0.0134', '214.3', '1235'])
})

test('a run is named by the command that shows it again', () => {
  const job = { scenario: 'kill', seed: 7, peers: 128, quick: false }
  expect(commandFor(job)).toBe('npm run sim -- --scenario kill --seed 7 --peers 128')
  expect(commandFor({ ...job, quick: true })).toMatch(/ --quick$/)
})

test('one sample is told as it is, several by how they are spread', () => {
  expect(figureLines({ 'a, s': [1.5], 'longer, s': [2, 3] }, statistic)).toEqual([
    '  a, s       1.5',
    '  longer, s  2 / 2 / 2 / 2  (min / median / p99 / max of 2)',
  ])
})

test('the tables tell what was promised, what was reached and what was not measured', () => {
  const limits = [
    { figure: 'a, s', statistic: 'p99' },
    { figure: 'b, s', statistic: 'max' },
  ]
  const scenario = { name: 'kill', toReach: 'soon' }
  const text = tables([{ scenario, peers: 8, seeds: 20, figures: { 'a, s': [1] }, failed: ['b'], limits }], statistic)
  expect(text).toContain('| kill | 8 | 20 | soon | a, s: p99 1; b, s: nothing measured | **no** |')
  expect(text).toContain('| kill | a, s | 1 | 1 | 1 | 1 | 1 |')
})

test('a page keeps all but what stands between its marks, and one without marks is refused', () => {
  const page = 'before\n<!-- begin: written by npm run sim -- --table -->\nold\n<!-- end -->\nafter\n'
  const renewed = withTables(page, 'new')
  expect(renewed).toMatch(/^before\n<!-- begin[^>]*-->\n\nnew\n\n<!-- end -->\nafter\n$/)
  expect(withTables(renewed, 'new')).toBe(renewed)
  expect(() => withTables('before', 'new')).toThrow('no place for tables')
})

test('a table of one scenario leaves the rows of the others as they are, in the order of all', () => {
  const report = (name, value) => ({
    scenario: { name, toReach: '' },
    peers: 8,
    seeds: 1,
    figures: { a: [value] },
    failed: [],
    limits: [{ figure: 'a', statistic: 'max' }],
  })
  const names = ['kill', 'churn', 'restart']
  const empty = '<!-- begin: written by npm run sim -- --table -->\n<!-- end -->'
  const both = withTables(empty, tables([report('restart', 1), report('kill', 2)], statistic), names)
  const page = withTables(both, tables([report('churn', 3), report('kill', 4)], statistic), names)
  const rows = page.split('\n').filter((line) => /^\| (kill|churn|restart|gone) \|/.test(line))
  expect(rows.map((row) => row.split('|')[1].trim())).toEqual(['kill', 'churn', 'restart', 'kill', 'churn', 'restart'])
  expect(rows[0]).toContain('max 4')
  expect(rows[2]).toContain('max 1')
  expect(withTables(page, tables([report('churn', 5)], statistic), ['churn'])).not.toContain('| kill |')
})
