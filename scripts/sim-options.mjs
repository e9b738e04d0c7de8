// What `npm run sim` was asked to do, from its command line.

import { parseArgs } from 'node:util'

export const usage = `npm run sim -- --scenario <name> [--seed 7] [--peers 128]    tell the story of one run
npm run sim -- [--scenario <name>] --seeds 20                run seeds 1 to 20, of one scenario or of all
npm run sim -- --table docs/scenarios.md [--seeds 20]        run all, or one, and rewrite its rows in the tables of that page
npm run sim -- --list

  --quick   the scaled-down settings of the tests: fewer peers and shorter runs, the same limits
  --keep    adds each seed that fails to core/sim/scenarios/regressions.json, which the tests replay

Exit code 0: everything held. 1: something did not. 2: wrong usage.`

const flags = {
  scenario: { type: 'string' },
  seed: { type: 'string' },
  seeds: { type: 'string' },
  peers: { type: 'string' },
  table: { type: 'string' },
  quick: { type: 'boolean' },
  keep: { type: 'boolean' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
}

/** Some scenarios take a few peers of each half of the room; the largest rooms take minutes. */
const peersMin = 8
const peersMax = 10_000
const seedsMax = 10_000

/** Throws an error with one clear line where the command line asks for nothing that there is. */
export function parseOptions(args, scenarios) {
  const values = parse(args)
  const { quick = false, keep = false, table } = values
  if (values.help) return { action: 'help' }
  if (values.list) return { action: 'list' }
  const peers = wholeNumber(values.peers, '--peers', peersMin, peersMax)
  const seeds = wholeNumber(values.seeds, '--seeds', 1, seedsMax)
  const seed = wholeNumber(values.seed, '--seed', 0, 2 ** 32 - 1)
  if (seed !== undefined && (seeds ?? table) !== undefined)
    throw new Error('--seed names one run: leave out --seeds and --table, or leave out --seed')
  const chosen = values.scenario === undefined ? scenarios : scenarios.filter(({ name }) => name === values.scenario)
  if (chosen.length === 0) {
    const known = scenarios.map(({ name }) => name).join(', ')
    throw new Error(`--scenario: there is no ${JSON.stringify(values.scenario)}; expected one of ${known}`)
  }
  if (table !== undefined) {
    if (peers !== undefined || quick)
      throw new Error('--table runs scenarios as they are: leave out --peers and --quick')
    return { action: 'many', scenarios: chosen, seeds: seeds ?? 20, quick, keep, table }
  }
  if (seeds !== undefined) return { action: 'many', scenarios: chosen, seeds, peers, quick, keep }
  if (values.scenario === undefined)
    throw new Error('expected --scenario <name>, --seeds, --table or --list (see --help)')
  return { action: 'one', scenario: chosen[0], seed: seed ?? 1, peers, quick, keep }
}

function parse(args) {
  try {
    return parseArgs({ args, options: flags, allowPositionals: false }).values
  } catch (error) {
    // The first sentence says what is wrong; the others advise on positional arguments, of which there are none.
    throw new Error(error.message.split('. ')[0])
  }
}

function wholeNumber(text, flag, least, most) {
  if (text === undefined) return undefined
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new Error(`${flag}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`)
}
