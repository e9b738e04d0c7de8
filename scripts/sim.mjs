/**
 * `npm run sim`: runs scenarios of the simulated room. One seed is told as a story, many are told in figures; a seed that
 * fails is named with the command that shows it again. Runs what was built into dist/, and builds it where it is missing
 * or older than its sources.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildIfStale } from './built.mjs'
import { parseOptions, usage } from './sim-options.mjs'
import { Pool } from './sim-pool.mjs'
import { commandFor, figureLines, tables, withTables } from './sim-report.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = join(root, 'dist/core/sim/scenarios/index.js')
const keptFile = join(root, 'core/sim/scenarios/regressions.json')
/** Each is replayed by every test run. */
const keptMax = 40
const workersMax = 2

await main()

async function main() {
  // Whoever reads has seen enough: `npm run sim -- ... | head`.
  process.stdout.on('error', () => process.exit())
  buildIfStale()
  const library = await import(pathToFileURL(built).href)
  let options
  try {
    options = parseOptions(process.argv.slice(2), library.scenarios)
  } catch (error) {
    console.error(`npm run sim: ${error.message}`)
    process.exitCode = 2
    return
  }
  const act = { help: () => console.log(usage), list, one, many }[options.action]
  await act(options, library)
}

function list(_options, { scenarios }) {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  for (const { name, about, toReach } of scenarios) {
    console.log(`${name.padEnd(width)}  ${about}\n${' '.repeat(width)}  to reach: ${toReach}`)
  }
}

function one({ scenario, seed, quick, keep, ...options }, { perform, judge, statistic }) {
  const peers = options.peers ?? peersOf(scenario, quick)
  console.log(`${scenario.name}, ${peers} peers, seed ${seed}: ${scenario.about}\nto reach: ${scenario.toReach}\n`)
  const result = perform(scenario, { seed, peers, quick }, (line) => console.log(line))
  console.log(`\n${figureLines(result.figures, statistic).join('\n')}\n`)
  const failed = judge(scenario, peers, [result])
  if (failed.length > 0 && keep) keepSeeds([{ scenario: scenario.name, seed, peers, quick }])
  verdict(failed)
}

async function many({ scenarios, seeds, quick, keep, table, ...options }, library) {
  const pool = new Pool(built, workersMax)
  const runs = scenarios.map((scenario) => {
    const peers = options.peers ?? peersOf(scenario, quick)
    const jobs = Array.from({ length: seeds }, (_, i) => ({ scenario: scenario.name, seed: i + 1, peers, quick }))
    return { scenario, peers, jobs, results: jobs.map((job) => pool.run(job)) }
  })
  const reports = []
  for (const { scenario, peers, jobs, results } of runs) {
    reports.push(report(scenario, peers, jobs, await Promise.all(results), keep, library))
  }
  await pool.close()
  if (table !== undefined) {
    const names = library.scenarios.map(({ name }) => name)
    writeFileSync(table, withTables(readFileSync(table, 'utf8'), tables(reports, library.statistic), names))
  }
  verdict(reports.flatMap(({ scenario, failed }) => (failed.length > 0 ? [scenario.name] : [])))
}

/** Tells what the seeds of one scenario have shown. */
function report(scenario, peers, jobs, results, keep, { judge, pooled, statistic }) {
  const figures = pooled(results)
  const failed = judge(scenario, peers, results)
  console.log(
    `${scenario.name}, ${peers} peers, ${jobs.length} ${jobs.length === 1 ? 'seed' : 'seeds'}: ${failed.length === 0 ? 'held' : 'FAILED'}`,
  )
  console.log(figureLines(figures, statistic).join('\n'))
  if (failed.length > 0) {
    // A share of failures may be allowed over all seeds, so single ones are named only when all together have failed.
    const alone = jobs.filter((_, i) => judge(scenario, peers, [results[i]]).length > 0)
    for (const job of alone) {
      const [first] = judge(scenario, peers, [results[jobs.indexOf(job)]])
      console.log(`  seed ${job.seed}: ${first.split('\n')[0]}\n    ${commandFor(job)}`)
    }
    if (keep) keepSeeds(alone)
  }
  console.log()
  return { scenario, peers, seeds: jobs.length, figures, failed, limits: scenario.limits(peers) }
}

function verdict(failed) {
  console.log(failed.length === 0 ? 'held' : `FAILED: ${failed.join('; ')}`)
  process.exitCode = failed.length === 0 ? 0 : 1
}

function peersOf({ defaults }, quick) {
  return quick ? defaults.quick.peers : defaults.peers
}

/** Adds seeds to those the tests replay. */
function keepSeeds(jobs) {
  const kept = JSON.parse(readFileSync(keptFile, 'utf8'))
  const known = new Set(kept.map(commandFor))
  const fresh = jobs.filter((job) => !known.has(commandFor(job)))
  const room = Math.max(0, keptMax - kept.length)
  kept.push(...fresh.slice(0, room))
  writeFileSync(keptFile, `[\n${kept.map((entry) => `  ${inline(entry)}`).join(',\n')}\n]\n`)
  console.log(`kept ${Math.min(fresh.length, room)} in core/sim/scenarios/regressions.json`)
  if (fresh.length > room) console.log(`${fresh.length - room} more found no room: it takes ${keptMax}`)
}

/** As the formatter writes it. */
function inline({ scenario, seed, peers, quick }) {
  return `{ "scenario": ${JSON.stringify(scenario)}, "seed": ${seed}, "peers": ${peers}, "quick": ${quick} }`
}
