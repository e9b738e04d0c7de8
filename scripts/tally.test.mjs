import { expect, test } from 'vitest'
import { add, nothing, ofPlaywright, ofVitest, summary } from './tally.mjs'

const vitest = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
const playwright = { stats: { expected: 2, unexpected: 0, flaky: 0, skipped: 0 } }

test('both halves are summed into one line', () => {
  expect(summary(add(ofVitest(vitest, 0), ofPlaywright(playwright, 0)))).toBe('5 passed, 0 failed')
})

test('skipped tests are told', () => {
  expect(summary(ofPlaywright({ stats: { ...playwright.stats, skipped: 4 } }, 0))).toBe('2 passed, 0 failed, 4 skipped')
})

test('a run that failed outside of every test counts as a failure', () => {
  expect(ofVitest(vitest, 1).failed).toBe(1)
  expect(ofPlaywright(playwright, 1).failed).toBe(1)
})

test('a runner that wrote no report counts as a failure', () => {
  expect(ofVitest(undefined, 1)).toEqual({ ...nothing, failed: 1 })
  expect(ofPlaywright(undefined, 0)).toEqual({ ...nothing, failed: 1 })
})

test('a file that cannot be loaded counts once, a failed test in a loaded file is not counted twice', () => {
  const unloadable = { status: 'failed', assertionResults: [] }
  const loaded = { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] }
  expect(ofVitest({ ...vitest, numFailedTests: 1, testResults: [unloadable, loaded] }, 1).failed).toBe(2)
})

test('what passed at a second attempt only has failed', () => {
  expect(ofPlaywright({ stats: { ...playwright.stats, flaky: 1 } }, 0)).toEqual({ passed: 2, failed: 1, skipped: 0 })
})
