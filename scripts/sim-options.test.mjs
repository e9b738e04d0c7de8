import { expect, test } from 'vitest'
import { parseOptions } from './sim-options.mjs'

const scenarios = [{ name: 'kill' }, { name: 'update' }]
const parse = (...args) => parseOptions(args, scenarios)

test('a scenario alone is told as the story of seed 1, in its own size', () => {
  expect(parse('--scenario', 'kill')).toEqual({
    action: 'one',
    scenario: scenarios[0],
    seed: 1,
    peers: undefined,
    quick: false,
    keep: false,
  })
})

test('many seeds are of one scenario or of all; a table is of one or of all, over 20 seeds', () => {
  expect(parse('--scenario', 'kill', '--seeds', '5')).toMatchObject({
    action: 'many',
    scenarios: [scenarios[0]],
    seeds: 5,
  })
  expect(parse('--seeds', '5', '--quick')).toMatchObject({ action: 'many', scenarios, quick: true })
  expect(parse('--table', 'docs/scenarios.md')).toMatchObject({ scenarios, seeds: 20, table: 'docs/scenarios.md' })
  const { name } = scenarios[0]
  expect(parse('--table', 'x.md', '--scenario', name, '--seeds', '2')).toMatchObject({
    scenarios: [scenarios[0]],
    seeds: 2,
  })
})

test.each([
  [['--scenario', 'kil'], '--scenario: there is no "kil"; expected one of kill, update'],
  [['--scneario', 'kill'], "Unknown option '--scneario'"],
  [['kill'], 'kill'],
  [['--scenario'], '--scenario'],
  [['--scenario', 'kill', '--seed', 'x'], '--seed: expected a whole number from 0 to 4294967295, got "x"'],
  [['--scenario', 'kill', '--peers', '3'], '--peers: expected a whole number from 8 to 10000, got "3"'],
  [['--seeds', '0'], '--seeds: expected a whole number'],
  [['--seeds', '2', '--seed', '1'], '--seed names one run'],
  [['--table', 'x.md', '--quick'], '--table runs scenarios as they are'],
  [[], 'expected --scenario <name>'],
])('%j is refused in one line', (args, line) => {
  const refusal = (() => {
    try {
      return JSON.stringify(parse(...args))
    } catch (error) {
      return error.message
    }
  })()
  expect(refusal).toContain(line)
  expect(refusal).not.toContain('\n')
})
