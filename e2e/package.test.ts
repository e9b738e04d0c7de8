/** The package as its users get it: packed, and unpacked somewhere else. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'vite'
import { expect, test } from './fixtures.ts'
import { root } from './process.ts'
import { statusesAtAll } from './view.ts'

const run = promisify(execFile)

// One after the other, because they share what is packed.
test.describe.configure({ mode: 'default' })

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>
}
/** `shoal`, `shoal/node` and so on, all of them. */
const entries = Object.entries(exports).flatMap(([path, files]) =>
  typeof files === 'string' ? [] : [{ name: posix.join('shoal', path), files }],
)

/** A directory away from this repository with the packed package in its `node_modules`, and nothing beside it. */
let app: string
/** What the package holds, by their paths in it. */
let packed: string[]

test.beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'shoal-app-'))
  const target = join(app, 'node_modules/shoal')
  await mkdir(target, { recursive: true })
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', app]
  const { stdout } = await run('npm', pack, { cwd: root })
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  packed = files.map(({ path }) => path)
  await run('tar', ['-xzf', join(app, filename), '-C', target, '--strip-components=1'])
  await writeFile(join(app, 'package.json'), '{ "type": "module" }')
})

test.afterAll(() => rm(app, { recursive: true, force: true }))

test('an app of three lines, bundled by Vite as it comes, joins the room', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const options = { room: world.room, signaling: world.signaling, name: 'App' }
  await writeFile(
    join(app, 'index.html'),
    '<!doctype html><link rel="icon" href="data:," /><script type="module" src="/main.js"></script>',
  )
  await writeFile(
    join(app, 'main.js'),
    `import { join } from 'shoal/browser'
     const peer = await join(${JSON.stringify(options)})
     globalThis.shoal = { peer }`,
  )
  await build({ root: app, configFile: false, logLevel: 'silent', build: { target: 'es2022' } })
  const server = await serve(join(app, 'dist'))
  try {
    const tab = await world.openTab('App', { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/` })
    const everyone = [tab, gate]
    await expect
      .poll(() => statusesAtAll(everyone))
      .toEqual({ App: 'App alive, gate alive', gate: 'App alive, gate alive' })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('it holds what its entries lead to, and besides only the demo page and what npm shows', async () => {
  const others = packed.filter((path) => !/^dist\/.*(?<!^dist\/page\/.*)\.(js|d\.ts)$/.test(path))
  expect(
    others.filter((path) => !/^dist\/page\/(main\.js(\.map)?|index\.html|\w+\.(css|svg))$/.test(path)).sort(),
  ).toEqual(['LICENSE', 'README.md', 'dist/browser/index.js.map', 'dist/browser/overlay.js.map', 'package.json'])
  const led = new Set(['dist/node/cli'])
  for (const { files } of entries) for (const path of Object.values(files)) led.add(moduleOf(posix.normalize(path)))
  for (const module of led) {
    for (const path of [`${module}.js`, `${module}.d.ts`]) {
      if (!packed.includes(path)) continue
      const source = await readFile(join(app, 'node_modules/shoal', path), 'utf8')
      for (const [, to] of source.matchAll(/\b(?:from|import)\b *\(?["'](\.[^"']+)["']/g)) {
        led.add(moduleOf(posix.join(posix.dirname(path), to!)))
      }
    }
  }
  // Those of `browser` are bundled, and only their declarations are left.
  const modules = packed
    .filter((path) => !others.includes(path) && !/^dist\/browser\/.*\.d\.ts$/.test(path))
    .map(moduleOf)
  expect(modules.filter((module) => !led.has(module))).toEqual([])
  expect([...led].filter((module) => !packed.includes(`${module}.d.ts`))).toEqual([])
})

for (const resolution of ['nodenext', 'bundler']) {
  test(`the types hold for a strict program that checks every declaration, found as ${resolution} does`, async () => {
    await writeFile(join(app, 'typed.ts'), program)
    // As an application of React would have them.
    await symlink(join(root, 'node_modules/@types'), join(app, 'node_modules/@types')).catch(() => {})
    const module = resolution === 'nodenext' ? 'nodenext' : 'esnext'
    const known = ['--types', '', '--lib', 'es2022,dom', '--jsx', 'react-jsx']
    expect(await compile('typed.ts', '--module', module, '--moduleResolution', resolution, ...known)).toBe('')
  })
}

test('a process needs no types of browsers, and a stream is not just anything there', async () => {
  await writeFile(
    join(app, 'process.ts'),
    `import { startPeer } from 'shoal/node'
     import { startSignaling } from 'shoal/signaling'
     const { port } = await startSignaling({ port: 0 })
     const iceServers = [{ urls: 'stun:127.0.0.1:3478' }]
     await using peer = await startPeer({ room: 'lobby', signaling: 'ws://127.0.0.1:' + port, iceServers })
     // @ts-expect-error: nothing is known of a stream
     peer.onConnection((connection) => connection.on('stream', (stream) => stream.getTracks()))`,
  )
  const typeRoots = join(root, 'node_modules/@types')
  const known = ['--lib', 'es2022', '--types', 'node', '--typeRoots', typeRoots]
  expect(await compile('process.ts', '--module', 'nodenext', ...known)).toBe('')
})

/** What the compiler says about a strict program in which every declaration is checked. */
async function compile(file: string, ...known: string[]): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--target', 'es2022', ...known]
  const { stdout } = await run(process.execPath, [tsc, ...flags, file], { cwd: app }).catch((error) => error)
  return stdout
}

const program = `import { type Member, ShoalError } from 'shoal'
     import { type DirectConnection, join } from 'shoal/browser'
     import { startPeer } from 'shoal/node'
     import { type Overlay, showOverlay } from 'shoal/overlay'
     import { createShoal } from 'shoal/react'
     import { startSignaling } from 'shoal/signaling'
     import { peerIn, simulate } from 'shoal/sim'
     import { Awareness } from 'shoal/yjs'
     const tab = await join({ room: 'lobby', signaling: 'ws://localhost:8787', name: 'Ana' })
     const server = await startPeer({ room: 'lobby', udp: { bind: '127.0.0.1:0' } })
     const members: readonly Member[] = [...tab.members(), ...server.members()]
     const connection: DirectConnection = await tab.connect(server.id, { signal: AbortSignal.timeout(1_000) })
     connection.on('data', (piece) => connection.write(typeof piece === 'string' ? piece : piece.subarray(1)))
     server.onConnection((there, { name }) => there.once('drain', () => there.send(name)).pipe(connection))()
     // @ts-expect-error: a signalling server is needed
     await join({ name: 'Ana' })
     export const code = (error: ShoalError) => [error.code, members.length]
     const overlay: Overlay = showOverlay(tab, { corner: 'top-left' })
     overlay.close()
     const { useMyState } = createShoal<{ typing: boolean }>()
     // @ts-expect-error: no key of that state
     export const useOther = () => useMyState()[1]({ typed: true })
     const { port }: { port: number } = await startSignaling({ port: 0 })
     const simulated: readonly Member[] = peerIn(simulate({ peers: 2, seed: 1 }), 'p0').members()
     declare const doc: { clientID: number; on(name: 'destroy', run: () => void): void; off(name: 'destroy', run: () => void): void }
     const awareness = new Awareness(doc, tab)
     awareness.on('change', ({ added }) => console.log(added.length + port + simulated.length))`

for (const { name } of entries) {
  test(`importing ${name} in Node does nothing by itself`, async () => {
    const script = `
      const look = () => JSON.stringify([Object.getOwnPropertyNames(globalThis).sort(), process.eventNames()])
      const before = look()
      const names = Object.keys(await import('${name}'))
      if (look() !== before) throw new Error('it changed the process: ' + look())
      console.log(names.length > 0 ? 'imported' : 'empty')`
    // That it ends at all shows that no socket and no timer was left open.
    const options = { cwd: root, timeout: 60_000 }
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], options)
    expect({ stdout, stderr }).toEqual({ stdout: 'imported\n', stderr: '' })
  })
}

function moduleOf(path: string): string {
  return path.replace(/\.d\.ts$|\.[jt]sx?$/, '')
}

/** A directory over HTTP, as any server of static files would. */
async function serve(directory: string): Promise<Server> {
  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript' }
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : request.url!
    readFile(join(directory, path)).then(
      (body) => response.setHeader('content-type', types[path.split('.').pop()!] ?? 'text/plain').end(body),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
