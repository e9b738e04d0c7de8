// Counts tests: what two runners report, as one sum.

export const nothing = { passed: 0, failed: 0, skipped: 0 }

export function add(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

/** The last line of a test run. */
export function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** Vitest's JSON report. A file that could not be loaded has no tests in it; it counts as one that failed. */
export function ofVitest(report, exitCode) {
  if (!report) return { ...nothing, failed: 1 }
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  )
  return withExitCode(exitCode, {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
  })
}

/** Playwright's JSON report. A test that passed at the second attempt only has failed; no test is given a second one. */
export function ofPlaywright(report, exitCode) {
  if (!report) return { ...nothing, failed: 1 }
  const { expected, unexpected, flaky, skipped } = report.stats
  return withExitCode(exitCode, { passed: expected, failed: unexpected + flaky, skipped })
}

/** A run may fail outside of every test: an error nobody caught, a worker that died, a syntax error. */
function withExitCode(exitCode, sum) {
  return exitCode !== 0 && sum.failed === 0 ? { ...sum, failed: 1 } : sum
}
