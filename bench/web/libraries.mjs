/** The libraries that are measured: where each keeps its page and its version, and how its own signalling server starts. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const listensWithinMs = 10_000
const endsWithinMs = 5_000

/** `server` is a script of Node; all but Shoal's take their port from the environment. */
const libraries = {
  shoal: {
    manifest: '../../package.json',
    server: '../../dist/node/cli.js',
    args: (port) => ['signal', '--no-page', '--port', String(port)],
  },
  'y-webrtc': {
    manifest: './node_modules/y-webrtc/package.json',
    // The one it ships.
    server: './node_modules/y-webrtc/bin/server.js',
    args: () => [],
  },
  trystero: {
    manifest: './node_modules/trystero/package.json',
    server: './nostr-relay.mjs',
    args: () => [],
  },
}

export const libraryNames = Object.keys(libraries)

/** What has to be installed first, if anything has. */
export function missingLibraries(names) {
  return names.filter((name) => !existsSync(pathOf(libraries[name].manifest)))
}

export function versionOf(name) {
  return JSON.parse(readFileSync(pathOf(libraries[name].manifest), 'utf8')).version
}

/** A process of its own, so that no library's server waits for the bench or for another's. */
export async function startSignaling(name) {
  const { server, args } = libraries[name]
  const port = await freePort()
  const child = spawn(process.execPath, [pathOf(server), ...args(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PORT: String(port) },
  })
  const exited = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  // However the bench ends, its servers end with it.
  process.once('exit', kill)
  const close = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(kill, endsWithinMs)
    await exited
    clearTimeout(timer)
    process.off('exit', kill)
  }
  try {
    await listening(name, port, child)
  } catch (error) {
    await close()
    throw error
  }
  return { url: `ws://127.0.0.1:${port}`, close }
}

async function listening(name, port, child) {
  const givenUpAt = performance.now() + listensWithinMs
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`the signalling server of ${name} ended with ${child.exitCode}`)
    if (performance.now() > givenUpAt) throw new Error(`the signalling server of ${name} did not listen`)
    await pause(50)
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function pathOf(file) {
  return fileURLToPath(new URL(file, import.meta.url))
}
