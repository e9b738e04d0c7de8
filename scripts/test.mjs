// `npm test`: builds, runs the unit tests and the browser tests, and ends with one line that counts both.
//
//     npm test                            everything
//     npm test -- --unit codec            unit tests of files whose path contains `codec`
//     npm test -- --e2e room -g 'killed'  browser tests of one file, by title; what is not ours goes to the runner

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findOrInstallChromium } from './chromium.mjs'
import { add, nothing, ofPlaywright, ofVitest, summary } from './tally.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const results = join(root, 'test-results')
const require = createRequire(import.meta.url)

const halves = process.argv.slice(2).filter((arg) => arg === '--unit' || arg === '--e2e')
const filters = process.argv.slice(2).filter((arg) => arg !== '--unit' && arg !== '--e2e')
const wants = (half) => halves.length === 0 || halves.includes(half)

mkdirSync(results, { recursive: true })
const total = await everything()
console.log(summary(total))
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1

async function everything() {
  if ((await node([join(root, 'scripts/build.mjs')])) !== 0) {
    console.error('the build failed; no test was run')
    return { ...nothing, failed: 1 }
  }
  let sum = nothing
  if (wants('--unit')) sum = add(sum, await unitTests())
  if (wants('--e2e')) sum = add(sum, await browserTests())
  return sum
}

async function unitTests() {
  const report = fresh('unit.json')
  const cli = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
  const status = await node([
    cli,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    // A filter may be meant for the other half; that nothing ran at all is noticed in the sum.
    '--passWithNoTests',
    ...filters,
  ])
  return ofVitest(read(report), status)
}

async function browserTests() {
  let chromium
  try {
    chromium = findOrInstallChromium()
  } catch (error) {
    console.error(error.message)
    return { ...nothing, failed: 1 }
  }
  const report = fresh('e2e.json')
  const cli = join(dirname(require.resolve('playwright/package.json')), 'cli.js')
  const status = await node(
    [cli, 'test', '-c', 'e2e/playwright.config.ts', '--reporter=list,json', '--pass-with-no-tests', ...filters],
    { CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  )
  return ofPlaywright(read(report), status)
}

/** Runs a script of Node to its end, its output going straight through; answers its exit code. */
function node(args, env = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** The path of a report, where none of an earlier run is left to be read by mistake. */
function fresh(name) {
  const path = join(results, name)
  rmSync(path, { force: true })
  return path
}

/** A report, or undefined if the runner broke down before it wrote one. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
