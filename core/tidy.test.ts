/** House rules that the linter and the compiler cannot see. */

import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const linesMax = 500

const files = tree('.')
const sources = files.filter((file) => /\.(ts|tsx|mjs|js)$/.test(file))
const isTest = (file: string) => /\.(test|contract|fake)\.(ts|tsx|mjs)$/.test(file)

test('the core asks the world for nothing: no clock, no timer, no chance, no waiting', () => {
  const forbidden = [
    // A date out of a number is a value like any other; these read the clock.
    /\bDate\.(?!prototype\b)|\bDate\[|\bnew Date\b(?!\s*\(\s*[^\s)])|(?<!\bnew )\bDate\s*\(/,
    /\bMath\.random\b/,
    /\bperformance\b/,
    /\bset(Timeout|Interval|Immediate)\b/,
    /\bqueueMicrotask\b/,
    /\basync\b/,
    /\bawait\b/,
    // As a value; `host.ts` has it as a type, for what drivers promise.
    /\bnew Promise\b|\bPromise\./,
    /\bprocess\./,
    /\bglobalThis\b/,
    /\bconsole\./,
  ]
  const core = sources.filter((file) => areaOf(file) === 'core' && !isTest(file))
  expect(core.length).toBeGreaterThan(0)
  const found = core.flatMap((file) => {
    const code = withoutComments(read(file))
    return forbidden.filter((word) => word.test(code)).map((word) => `${file}: ${word.source}`)
  })
  expect(found).toEqual([])
})

test('the simulated world has no clock and no chance of its own either, so that a seed tells all', () => {
  const found = sources
    .filter((file) => areaOf(file) === 'sim' && !isTest(file))
    .filter((file) => /\bDate\b|\bMath\.random\b|\bperformance\b/.test(withoutComments(read(file))))
  expect(found).toEqual([])
})

/** Whom each part may import, itself aside. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  sim: ['core'],
  protocol: ['core'],
  peer: ['core', 'protocol'],
  // Nothing that ships to production may lean on the simulator, so its entry stands beside the rest of `peer`.
  'shoal/sim': ['core', 'sim', 'peer'],
  signaling: ['core', 'protocol', 'peer'],
  browser: ['core', 'protocol', 'peer'],
  // Both work beside `join` and `startPeer` alike, and so lean on neither.
  react: ['core', 'peer'],
  yjs: ['core', 'peer'],
  // `shoal signal` starts the signalling server.
  node: ['core', 'protocol', 'peer', 'signaling'],
  demo: ['core', 'peer', 'browser'],
}

test('imports run one way', () => {
  const found = relativeImports()
    // A test may stand on anything: the relay of `peer` is tried against the server of `signaling`.
    .filter(({ from, to }) => mayImport[areaOf(from)] !== undefined && areaOf(from) !== areaOf(to) && !isTest(from))
    .filter(({ from, to }) => !mayImport[areaOf(from)]!.includes(areaOf(to)))
    .map(({ from, to }) => `${from} imports ${to}`)
  expect(found).toEqual([])
})

test('everybody but the core and its simulator imports the core by its front door', () => {
  const doors = ['core/index.ts', 'core/sim/index.ts']
  const found = relativeImports()
    .filter(({ from, to }) => !from.startsWith('core/') && to.startsWith('core/') && !doors.includes(to))
    .map(({ from, to }) => `${from} imports ${to}`)
  expect(found).toEqual([])
})

test('what tabs run imports nothing of Node, and the core nothing but msgpackr', () => {
  const found = sources
    .filter((file) => !isTest(file))
    .flatMap((file) => packageImports(read(file)).map((name) => ({ file, area: areaOf(file), name })))
    .filter(({ area, name }) =>
      area === 'core' || area === 'sim'
        ? name !== 'msgpackr'
        : ['protocol', 'peer', 'shoal/sim', 'browser', 'demo', 'react', 'yjs'].includes(area) &&
          name.startsWith('node:'),
    )
    .map(({ file, name }) => `${file} imports ${name}`)
  expect(found).toEqual([])
})

test(`no file outgrows ${linesMax} lines`, () => {
  const found = files
    .filter((file) => /\.(ts|tsx|mjs|js|css|html)$/.test(file))
    .map((file) => `${file}: ${read(file).split('\n').length - 1} lines`)
    .filter((line) => Number(/(\d+) lines$/.exec(line)![1]) > linesMax)
  expect(found).toEqual([])
})

test('every link of a page of documentation leads to something in this repository', () => {
  const found = files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...read(file).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
        .map((match) => match[1]!)
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => ({ file, target, path: posix.join(posix.dirname(file), target) }))
        .filter(({ path }) => path.startsWith('..') || !existsSync(join(root, path)))
        .map(({ target }) => `${file} links to ${target}`),
    )
  expect(found).toEqual([])
})

test('nothing in this repository is a symbolic link', () => {
  expect(files.filter((file) => lstatSync(join(root, file)).isSymbolicLink())).toEqual([])
})

/** The part of the map a file belongs to. */
function areaOf(file: string): string {
  if (file.startsWith('core/sim/')) return 'sim'
  if (file === 'peer/sim.ts') return 'shoal/sim'
  if (file.startsWith('browser/demo/')) return 'demo'
  if (/^signaling\/protocol\b/.test(file)) return 'protocol'
  return file.split('/')[0]!
}

function relativeImports(): { from: string; to: string }[] {
  return sources.flatMap((from) =>
    specifiers(read(from))
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => ({ from, to: posix.join(posix.dirname(from), specifier) })),
  )
}

function packageImports(code: string): string[] {
  return specifiers(code).filter((specifier) => !specifier.startsWith('.'))
}

function specifiers(code: string): string[] {
  const found = withoutComments(code).matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)'([^'\n]+)'/g)
  return [...found].map((match) => match[1]!)
}

/** Good enough for code that a formatter has been over. What follows `//` in a string is lost too. */
function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:])\/\/.*$/gm, '$1')
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Every file of the repository by its path from the root, with `/` on every system. */
function tree(directory: string): string[] {
  const aside = ['node_modules', 'dist', '.git', 'test-results', 'playwright-report']
  return readdirSync(join(root, directory), { withFileTypes: true })
    .filter((entry) => !aside.includes(entry.name))
    .flatMap((entry) => {
      const path = posix.join(directory, entry.name)
      return entry.isDirectory() ? tree(path) : [path]
    })
}
