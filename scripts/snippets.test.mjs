/** The guides are true as far as a type checker can tell: what they show compiles, and what they link to is there. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { faultsIn, headingsOf, linksOf, snippetsOf } from './snippets.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const read = (page) => readFileSync(join(root, page), 'utf8')
const guides = readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []))
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...guides]

/** In the same run as the guides, and the one page that has to fail. */
const mistaken = `
# A page with mistakes

\`\`\`ts
peer.setState({ colour: 'teal' })
\`\`\`

\`\`\`js
import { join } from 'shoal/browser'
import { startPeer } from 'shoal/nodes'

await join({ room: 'lobby' })
\`\`\`
`

test('every block of code in README.md and the guides compiles, and a mistake in one is told by its page and line', async () => {
  // The blocks of docs/simulator.md are run: peer/sim-guide.test.ts.
  const checked = ['README.md', ...guides.filter((page) => page !== 'docs/simulator.md')]
  const faults = await faultsIn({ ...Object.fromEntries(checked.map((page) => [page, read(page)])), mistaken })
  expect(faults).toEqual([
    expect.stringMatching(/^mistaken:5:17 TS\d+: .*'colour'/),
    expect.stringMatching(/^mistaken:10:27 TS\d+: .*'shoal\/nodes'/),
    expect.stringMatching(/^mistaken:12:12 TS\d+: .*'signaling'/),
  ])
})

test('each guide has code to check', () => {
  const withCode = guides.filter((page) => snippetsOf(read(page)).length > 0)
  expect(guides.filter((page) => !withCode.includes(page))).toEqual(['docs/comparison.md', 'docs/scenarios.md'])
})

test.each(pages)('every link of %s leads to a file and a heading that are there', (page) => {
  const lost = linksOf(read(page)).filter(({ file, heading }) => {
    const path = file === '' ? page : join(dirname(page), file)
    if (!existsSync(join(root, path))) return true
    return heading !== undefined && !headingsOf(read(path)).includes(heading)
  })
  expect(lost).toEqual([])
})

test('a heading is linked to as on GitHub', () => {
  const page = '# Rooms of tabs\n\n## `suspect`, and why?\n\n```sh\n# no heading\n```\n\n## Rooms of tabs\n'
  expect(headingsOf(page)).toEqual(['rooms-of-tabs', 'suspect-and-why', 'rooms-of-tabs-1'])
})
