/**
 * `npm run reference`: writes `docs/api/` from the doc comments of what the package exports. With `--check` it writes
 * nothing, and fails where a page is out of date. In either case it fails where something exported has no doc comment, or
 * names a type that no entry exports.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, Logger, LogLevel, ReflectionKind, TSConfigReader } from 'typedoc'
import {
  anchorOf,
  commentOf,
  headingOf,
  membersOf,
  methodHeading,
  partsOfOthers,
  writeIndex,
  writePage,
} from './page.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const out = join(root, 'docs/api')

/** What several entries export stands on the page of the first of these that has it, then on that of the entry itself. */
const owners = ['core/index.ts', 'peer/public.ts']

const pages = [
  { source: 'browser/index.ts', title: 'shoal/browser', file: 'browser.md' },
  { source: 'node/index.ts', title: 'shoal/node', file: 'node.md' },
  { source: 'peer/public.ts', title: 'The peer', file: 'peer.md' },
  { source: 'react/index.ts', title: 'shoal/react', file: 'react.md' },
  { source: 'yjs/index.ts', title: 'shoal/yjs', file: 'yjs.md' },
  { source: 'browser/overlay.ts', title: 'shoal/overlay', file: 'overlay.md' },
  { source: 'signaling/index.ts', title: 'shoal/signaling', file: 'signaling.md' },
  { source: 'peer/sim.ts', title: 'shoal/sim', file: 'sim.md' },
  {
    source: 'core/index.ts',
    title: 'shoal',
    file: 'shoal.md',
    /** What applications have no use for. */
    forDrivers: new Set(
      `Channel ChannelEvents ChannelInfo Config EntryChange Host MemberEvent Query Random Swim SwimEvent SwimOptions
      addressOf defaultConfig idBytes idFromBytes idTextLength idToBytes kindOf packetBytesMax seededRandom steady`.split(
        /\s+/,
      ),
    ),
  },
]

/** Named where nobody needs to know more. */
const unexported = ['Belief', 'DomType', 'Listener', 'ViewOwner']

const faults = []

class Faults extends Logger {
  log(message, level) {
    if (level >= LogLevel.Warn) faults.push(message)
  }
}

const checks = process.argv.includes('--check')
const files = await generate()
if (faults.length > 0) console.error(faults.join('\n'))
const stale = [...new Set([...files.keys(), ...written()])].filter((file) => files.get(file) !== contentOf(file))
if (faults.length > 0) process.exitCode = 1
else if (!checks) write()
else if (stale.length > 0) {
  console.error(`out of date: ${stale.map((file) => `docs/api/${file}`).join(', ')}; npm run reference writes them`)
  process.exitCode = 1
}

async function generate() {
  const app = await Application.bootstrap(
    {
      name: 'Shoal',
      tsconfig: join(root, 'tsconfig.json'),
      entryPoints: [...new Set([...owners, ...pages.map(({ source }) => source)])].map((source) => join(root, source)),
      sort: ['source-order'],
      disableGit: true,
      sourceLinkTemplate: '{path}',
      readme: 'none',
      // `npm run check` has done that.
      skipErrorChecking: true,
      excludePrivate: true,
      excludeInternal: true,
      excludeExternals: true,
      intentionallyNotExported: unexported,
      validation: { notExported: true, invalidLink: true, notDocumented: false },
    },
    [new TSConfigReader()],
  )
  app.logger = new Faults()
  const project = await app.convert()
  if (!project) throw new Error('typedoc could not read the sources')
  app.validate(project)
  return render(project)
}

function render(project) {
  const places = new Map()
  for (const page of pages) {
    page.module = project.children.find(({ sources }) => join(root, sources[0].fileName).endsWith(`/${page.source}`))
    page.declarations = page.module.children.filter((one) => !one.kindOf(ReflectionKind.Reference))
    for (const one of page.declarations) places.set(one, { file: page.file, anchor: anchorOf(headingOf(one)) })
    checkAnchors(page)
    checkComments(page)
    page.about = firstSentence(page.module.comment)
  }
  const rendered = pages.map((page) => [page.file, writePage(page, page.module.comment, alsoOf(page), places)])
  return new Map([...rendered, ['README.md', writeIndex(pages, places)]])
}

/** What a page exports of other pages: all of a page, or some names of it. */
function alsoOf(page) {
  const references = page.module.children.filter((one) => one.kindOf(ReflectionKind.Reference))
  const targets = new Set(references.map((one) => one.getTargetReflectionDeep()))
  return pages.flatMap((other) => {
    const names = other.declarations.filter((one) => targets.has(one))
    if (names.length === 0) return []
    return names.length === other.declarations.length ? [{ page: other }] : [{ names }]
  })
}

/** Two headings of one name would have GitHub number them, and links would lead astray. */
function checkAnchors({ file, title, declarations }) {
  const headings = declarations.flatMap((one) => [
    headingOf(one),
    ...(one.children ?? []).filter(({ signatures }) => signatures).map((method) => methodHeading(one, method)),
  ])
  const anchors = [title, ...headings].map(anchorOf)
  for (const [i, anchor] of anchors.entries()) {
    if (anchors.indexOf(anchor) !== i) faults.push(`docs/api/${file}: two headings have the anchor ${anchor}`)
  }
}

/** Everything exported has a doc comment, and so has every member of it. Tags are not written, so they would be lost. */
function checkComments({ source, module, declarations }) {
  if (!module.comment) faults.push(`${source} has no doc comment with @module`)
  for (const one of declarations) {
    const members = partsOfOthers.includes(one.name) ? [] : membersOf(one)
    for (const reflection of [one, ...members.filter((member) => !member.kindOf(ReflectionKind.Constructor))]) {
      const name = reflection === one ? one.name : `${one.name}.${reflection.name}`
      const comment = commentOf(reflection)
      if (!comment) faults.push(`${reflection.sources?.[0]?.fileName ?? source}: ${name} has no doc comment`)
      else if (comment.blockTags.length > 0)
        faults.push(`${name}: ${comment.blockTags[0].tag} is not written; say it in a sentence`)
    }
  }
}

function firstSentence(comment) {
  if (!comment) return ''
  const text = comment.summary
    .map((part) => part.text)
    .join('')
    .replace(/\s+/g, ' ')
  const sentence = /^(?:`[^`]+`: )?(.*?\.)(?: |$)/.exec(text)?.[1] ?? text
  return `${sentence[0].toUpperCase()}${sentence.slice(1)}`
}

function write() {
  mkdirSync(out, { recursive: true })
  for (const file of stale) {
    if (files.has(file)) writeFileSync(join(out, file), files.get(file))
    else rmSync(join(out, file))
  }
  console.log(
    stale.length === 0
      ? 'docs/api is up to date'
      : `brought up to date: ${stale.map((file) => `docs/api/${file}`).join(', ')}`,
  )
}

function written() {
  return existsSync(out) ? readdirSync(out) : []
}

function contentOf(file) {
  const path = join(out, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
