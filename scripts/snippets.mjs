/**
 * Code in the guides, found and checked: every block of TypeScript or JavaScript is a module of its own to the type
 * checker, as strict as the sources, with the package's public names leading to the sources. What blocks may use without
 * saying where it is from stands in `docs/given.d.ts`.
 */

import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const written = join(root, 'test-results/snippets')
const require = createRequire(import.meta.url)

/** The blocks of a page: the language, the code, and the line of the page on which it begins. */
export function snippetsOf(markdown) {
  const found = markdown.matchAll(/^```(ts|tsx|js)\n([\s\S]*?)^```$/gm)
  return Array.from(found, ({ index, 1: language, 2: code }) => {
    return { language, code, line: markdown.slice(0, index).split('\n').length + 1 }
  })
}

/**
 * What the type checker says of the blocks of some pages, given by their names: `README.md:60:7 TS2322: ...`, in the order
 * of pages and lines.
 */
export async function faultsIn(pages) {
  rmSync(written, { recursive: true, force: true })
  mkdirSync(written, { recursive: true })
  const names = Object.keys(pages)
  for (const [i, name] of names.entries()) {
    for (const { language, code, line } of snippetsOf(pages[name])) {
      // Empty lines before it: so the checker counts as the page does.
      writeFileSync(join(written, `${i}-${line}.${language}`), '\n'.repeat(line - 1) + code)
    }
  }
  writeFileSync(join(written, 'tsconfig.json'), JSON.stringify(settings))
  const faults = []
  for (const line of (await check()).split('\n')) {
    const [, page, at, column, fault] = /(?:^|\/)(\d+)-\d+\.\w+\((\d+),(\d+)\): error (.*)$/.exec(line) ?? []
    if (fault !== undefined) faults.push({ page: Number(page), at: Number(at), text: `:${at}:${column} ${fault}` })
    // Of the sources, or of the settings.
    else if (/error TS\d+/.test(line)) faults.push({ page: -1, at: 0, text: line })
  }
  faults.sort((a, b) => a.page - b.page || a.at - b.at)
  return faults.map(({ page, text }) => `${names[page] ?? ''}${text}`)
}

const settings = {
  extends: '../../tsconfig.json',
  compilerOptions: {
    allowJs: true,
    checkJs: true,
    moduleDetection: 'force',
    // Examples show how a thing is got, not always what then becomes of it.
    noUnusedLocals: false,
    noUnusedParameters: false,
  },
  include: ['*', '../../docs/given.d.ts', '../../browser/*.d.ts'],
}

/** All that the type checker prints. */
async function check() {
  const manifest = require.resolve('typescript/package.json')
  const tsc = join(dirname(manifest), require(manifest).bin.tsc)
  const child = spawn(process.execPath, [tsc, '-p', written, '--pretty', 'false'], { cwd: root, stdio: 'pipe' })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0 && !printed.includes('error TS')) throw new Error(`the type checker failed with ${code}: ${printed}`)
  return printed
}

/** The links of a page that lead to a file, relative to the page, or to a heading: `{ line, file, heading }`. */
export function linksOf(markdown) {
  const links = []
  for (const [i, text] of withoutBlocks(markdown).split('\n').entries()) {
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [file, heading] = target.split('#')
      links.push({ line: i + 1, file, heading })
    }
  }
  return links
}

/** What stands behind `#` in a link to a heading of the page, as GitHub makes it. */
export function headingsOf(markdown) {
  const seen = new Map()
  return Array.from(withoutBlocks(markdown).matchAll(/^#+ (.+)$/gm), ([, heading]) => {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return before === 0 ? slug : `${slug}-${before}`
  })
}

/** Blocks of code blanked out, so that lines keep their numbers. */
function withoutBlocks(markdown) {
  return markdown.replace(/^```[\s\S]*?^```$/gm, (block) => block.replace(/[^\n]/g, ''))
}
