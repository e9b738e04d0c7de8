/**
 * `npm run example -- <name>`: runs one of the examples, until Ctrl-C. One with a page gets a signalling server that also
 * serves the page, at http://localhost:8787/ unless `--port` says otherwise (0 takes any free port); one of Node brings its
 * own `start.mjs`, which is given what stands behind the name. All of them use the package as it was built.
 */

import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { buildIfStale } from './built.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const examples = join(root, 'examples')
/** Longer than the seven seconds that `npm start` gives its processes. */
const graceMs = 8_000

try {
  const [name, ...rest] = process.argv.slice(2)
  const directory = directoryOf(name)
  const isPage = !existsSync(join(directory, 'start.mjs'))
  const port = isPage ? portIn(rest) : undefined
  buildIfStale()
  if (isPage) await servePage(name, directory, port)
  else await runScript(join(directory, 'start.mjs'), rest)
} catch (error) {
  console.error(`npm run example: ${error.message}`)
  process.exitCode = 1
}

function directoryOf(name) {
  const names = readdirSync(examples, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
  if (names.includes(name)) return join(examples, name)
  throw new Error(`expected one of ${names.join(', ')}, got ${name === undefined ? 'no name' : JSON.stringify(name)}`)
}

function portIn(args) {
  if (args.length === 0) return 8787
  const [flag, port] = args
  if (args.length === 2 && flag === '--port' && /^\d{1,5}$/.test(port) && Number(port) <= 65535) return Number(port)
  throw new Error(`expected nothing behind the name, or --port with 0 to 65535, got ${args.join(' ')}`)
}

async function servePage(name, directory, port) {
  const page = mkdtempSync(join(tmpdir(), 'shoal-example-'))
  let server
  try {
    await bundle(directory, page)
    const { startSignaling } = await import('../dist/signaling/index.js')
    // It reads the page once, here.
    server = await startSignaling({ port, page })
  } catch (error) {
    if (error.cause?.code === 'EADDRINUSE')
      error.message += `; choose another, e.g. npm run example -- ${name} --port 0 for any that is free`
    throw error
  } finally {
    rmSync(page, { recursive: true, force: true })
  }
  console.log(`Open http://localhost:${server.port}/ in two tabs. Ctrl-C ends it.`)
  let asked = false
  for (const signal of ['SIGINT', 'SIGTERM']) {
    // npm passes Ctrl-C on, which the terminal has told us already: twice is once.
    process.on(signal, () => {
      if (!asked) void server.close()
      asked = true
    })
  }
}

/** As an application's own bundler would: the example imports the package by its public names, which lead to `dist/`. */
async function bundle(directory, page) {
  const entry = ['main.ts', 'main.tsx'].map((name) => join(directory, name)).find(existsSync)
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: join(page, 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    sourcemap: true,
    logLevel: 'warning',
    define: { 'process.env.NODE_ENV': '"production"' },
    // Ours, which has the public names lead to the sources, is for the type check alone.
    tsconfigRaw: { compilerOptions: { jsx: 'react-jsx' } },
  })
  copyFileSync(join(root, 'browser/demo/icon.svg'), join(page, 'icon.svg'))
  for (const file of readdirSync(directory)) {
    if (['.html', '.css', '.svg', '.png'].includes(extname(file))) copyFileSync(join(directory, file), join(page, file))
  }
}

/** Ends as the script ends; with code 0 where it was asked to. */
function runScript(script, args) {
  const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), graceMs).unref()
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      process.exitCode = code ?? (stopping ? 0 : 1)
      resolve()
    })
  })
}
