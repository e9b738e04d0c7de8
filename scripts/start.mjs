/**
 * `npm start`: a small room on this machine. A signalling server with the demo page, a gateway that carries rumours
 * between tabs and servers, and two servers that offer services - each a process of its own, so that you can kill any
 * of them and watch the others notice. Nothing is restarted; Ctrl-C ends all of them.
 */

import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { buildIfStale } from './built.mjs'

const cli = fileURLToPath(new URL('../dist/node/cli.js', import.meta.url))
const room = 'lobby'
/** Longer than the five seconds after which an agent gives up its own farewell. */
const graceMs = 7_000

/** @type {Map<string, import('node:child_process').ChildProcess>} the processes that are running, by name */
const running = new Map()
let stopping = false

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(0))

try {
  await start()
} catch (error) {
  // Ctrl-C while starting is no failure.
  if (!stopping) fail(error.message)
}

async function start() {
  const port = process.env.PORT || '8787'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535)
    throw new Error(`PORT: expected a port, got ${JSON.stringify(port)}`)
  // The signalling server would say so too, but knows nothing of PORT.
  if (await isTaken(port)) throw new Error(`port ${port} is in use: choose another with PORT, e.g. PORT=9000 npm start`)
  buildIfStale()
  const [gateway, payments, search] = [await freeUdp(7946), await freeUdp(7947), await freeUdp(7948)]
  const hub = `127.0.0.1:${gateway}`
  const signaling = `ws://127.0.0.1:${port}`

  await launch('signal', ['signal', '--port', port])
  // The gateway has the one HTTP API, so that `shoal members` has somebody to ask.
  await launch('gateway', ['agent', '--name', 'gateway', '--room', room, '--bind', hub, '--signaling', signaling])
  await Promise.all([
    launch('payments-1', server('payments-1', payments, hub, 'payments:8080')),
    launch('search-1', server('search-1', search, hub, 'search:9200')),
  ])
  if (stopping) return

  const lines = [...running].map(([name, child]) => `  ${name.padEnd(11)} pid ${child.pid}`)
  console.log(`Open http://localhost:${port}/ in a few tabs.\n`)
  console.log(
    `${lines.join('\n')}\n\nkill one and watch it go, e.g. kill -9 ${running.get('payments-1')?.pid}. Ctrl-C ends all.`,
  )
}

function server(name, port, hub, service) {
  const bind = `127.0.0.1:${port}`
  return ['agent', '--name', name, '--room', room, '--bind', bind, '--join', hub, '--register', service, '--no-http']
}

/** Starts a process and waits for its banner. Its own complaints go to our stderr as they are. */
async function launch(name, args) {
  if (stopping) throw new Error('interrupted')
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  running.set(name, child)
  let ready = false
  child.once('exit', (code, signal) => {
    running.delete(name)
    if (ready && !stopping) console.log(`${name} (pid ${child.pid}) ended: ${signal ?? `exit code ${code}`}`)
    if (running.size === 0 && ready && !stopping) stop(1)
  })
  const started = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
  ])
  // Its exit code says no more than the line it has written.
  if (!started) throw new Error('')
  ready = true
  child.stdout.resume()
}

/** `wanted` if nobody has it on this machine, else any free port. */
async function freeUdp(wanted) {
  for (const port of [wanted, 0]) {
    const socket = createSocket('udp4')
    try {
      socket.bind({ port, address: '127.0.0.1', exclusive: true })
      await once(socket, 'listening')
      return socket.address().port
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error
    } finally {
      socket.close()
    }
  }
  throw new Error('no free UDP port on 127.0.0.1')
}

async function isTaken(port) {
  const server = createServer()
  try {
    await once(server.listen(Number(port), '127.0.0.1'), 'listening')
    return false
  } catch (error) {
    // What else is wrong with it, the server tells itself.
    return error.code === 'EADDRINUSE'
  } finally {
    server.close()
  }
}

function fail(message) {
  if (message) console.error(`npm start: ${message}`)
  stop(1)
}

/**
 * Asks every process to end, and ends with them. At Ctrl-C the terminal has asked them already, and npm asks us twice;
 * each of them knows two signals at once for one, and here all but the first are of no consequence.
 */
function stop(code) {
  if (stopping) return
  stopping = true
  process.exitCode = code
  for (const child of running.values()) child.kill('SIGTERM')
  setTimeout(() => {
    for (const child of running.values()) child.kill('SIGKILL')
  }, graceMs).unref()
}
