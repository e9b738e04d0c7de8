/** The package as its users get it: packed, and unpacked somewhere else. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'vite'
import { expect, test } from './fixtures.ts'
import { root } from './process.ts'
import { statusesAtAll } from './view.ts'

const run = promisify(execFile)

// One after the other, because they share what is packed.
test.describe.configure({ mode: 'default' })

/** A directory away from this repository with the packed package in its `node_modules`, and nothing beside it. */
let app: string

test.beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'shoal-app-'))
  const target = join(app, 'node_modules/shoal')
  await mkdir(target, { recursive: true })
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', app]
  const { stdout } = await run('npm', pack, { cwd: root })
  const [{ filename }] = JSON.parse(stdout)
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

test('the types hold for a strict program that checks every declaration', async () => {
  await writeFile(
    join(app, 'typed.ts'),
    `import { type Member, ShoalError } from 'shoal'
     import { join } from 'shoal/browser'
     import { startPeer } from 'shoal/node'
     const tab = await join({ room: 'lobby', signaling: 'ws://localhost:8787', name: 'Ana' })
     const server = await startPeer({ room: 'lobby', udp: { bind: '127.0.0.1:0' } })
     const members: readonly Member[] = [...tab.members(), ...server.members()]
     // @ts-expect-error: a signalling server is needed
     await join({ name: 'Ana' })
     export const code = (error: ShoalError) => [error.code, members.length]`,
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags = [
    '--noEmit',
    '--strict',
    '--target',
    'es2022',
    '--module',
    'nodenext',
    '--types',
    '',
    '--lib',
    'es2022,dom',
  ]
  const { stdout } = await run(process.execPath, [tsc, ...flags, 'typed.ts'], { cwd: app }).catch((error) => error)
  expect(stdout).toBe('')
})

for (const entry of ['shoal', 'shoal/node', 'shoal/browser', 'shoal/signaling', 'shoal/sim']) {
  test(`importing ${entry} in Node does nothing by itself`, async () => {
    const script = `
      const look = () => JSON.stringify([Object.getOwnPropertyNames(globalThis).sort(), process.eventNames()])
      const before = look()
      const names = Object.keys(await import('${entry}'))
      if (look() !== before) throw new Error('it changed the process: ' + look())
      console.log(names.length > 0 ? 'imported' : 'empty')`
    // That it ends at all shows that no socket and no timer was left open.
    const options = { cwd: root, timeout: 20_000 }
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], options)
    expect({ stdout, stderr }).toEqual({ stdout: 'imported\n', stderr: '' })
  })
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
