/** docs/simulator.md is true: every block of JavaScript in it runs, its tests among the tests here. So does README.md. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as vitest from 'vitest'
import * as sim from './sim.ts'

const { describe, expect, test } = vitest

interface Block {
  /** The heading it stands under. */
  readonly heading: string
  /** Named by a comment on its first line, and imported by that name from later blocks. */
  readonly file: string | undefined
  readonly code: string
}

type Module = Record<string, unknown>

const guide = read('docs/simulator.md')
const modules = new Map<string, Module>([
  ['vitest', vitest],
  ['shoal/sim', sim],
])

for (const { heading, file, code } of blocksOf(guide)) {
  // A block's hooks are for its own tests.
  if (hasTests(code)) describe(`docs/simulator.md, ${heading}`, () => void run(code))
  else modules.set(`./${file}`, run(code))
}

test('the guide has blocks to run, and each is a test or is imported by one', () => {
  const blocks = blocksOf(guide)
  expect(blocks.length).toBeGreaterThan(10)
  const idle = blocks.filter(({ file, code }) => {
    return !hasTests(code) && !blocks.some((other) => other.code.includes(`from './${file}'`))
  })
  expect(idle.map(({ file }) => file)).toEqual(['costs.js'])
})

test('the example of the README prints what it says', () => {
  const { code } = blocksOf(read('README.md')).find(({ heading }) => heading === 'Testing your application')!
  const said = /\/\/ prints `(.+)`, and nothing else$/m.exec(code)![1]
  const printed: string[] = []
  run(code, { console: { log: (line: string) => printed.push(line) } })
  expect(printed).toEqual([said])
})

test('the measure of costs gives a row of the table', () => {
  const { costs } = modules.get('./costs.js') as { costs: (peers: number) => unknown }
  const figure = expect.any(Number)
  expect(costs(8)).toEqual({ peers: 8, start: figure, minute: figure, megabytes: figure })
})

function hasTests(code: string): boolean {
  return /^test\b/m.test(code)
}

function read(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8')
}

function blocksOf(markdown: string): Block[] {
  const found = markdown.matchAll(/^#+ (.+)$|^```js\n([\s\S]*?)^```$/gm)
  const blocks: Block[] = []
  let heading = ''
  for (const [, title, code] of found) {
    if (title !== undefined) heading = title
    else if (code !== undefined) blocks.push({ heading, file: /^\/\/ (\S+\.js)\n/.exec(code)?.[1], code })
  }
  return blocks
}

/** Runs a module: what it imports, and the globals it is given, come in as arguments, what it exports is returned. */
function run(code: string, globals: Record<string, unknown> = {}): Module {
  const names = Object.keys(globals)
  const values = Object.values(globals)
  const exported: string[] = []
  const body = code
    .replace(/^import \{ (.+) \} from '(.+)'$/gm, (_line, list: string, from: string) => {
      const module = modules.get(from)
      if (module === undefined) throw new Error(`a block imports ${from}, which no block before it is`)
      for (const name of list.split(', ')) {
        if (module[name] === undefined) throw new Error(`a block imports ${name}, which ${from} does not export`)
        names.push(name)
        values.push(module[name])
      }
      return ''
    })
    .replace(/^export ((?:function|class|const) (\w+))/gm, (_line, declaration: string, name: string) => {
      exported.push(name)
      return declaration
    })
  const call = new Function(...names, `'use strict'\n${body}\nreturn { ${exported.join(', ')} }`)
  return call(...values) as Module
}
