/**
 * `npm run bench [name ...]`: runs benches one after the other, shows what they print for people, and keeps the line of
 * JSON each ends with in `bench/results/<name>.json`. One that fails does not stop the others; the exit code tells.
 */

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { buildIfStale } from '../scripts/built.mjs'

const here = new URL('./', import.meta.url)

/** `asked`: runs only when it is named, because it answers a question about a dependency or needs packages of its own. */
const benches = {
  codec: { file: 'codec.mjs', about: 'what packing and parsing a packet costs' },
  sim: { file: 'sim.mjs', about: 'how fast the simulator is' },
  lookup: { file: 'lookup.mjs', about: 'what finding a service costs' },
  growth: { file: 'growth/run.mjs', about: 'what a member costs as the room grows' },
  detection: { file: 'detection.mjs', about: 'real agents: killed to dead at all' },
  room: { file: 'room.mjs', about: 'a room of forty real tabs' },
  serf: { file: 'serf/run.mjs', about: 'real agents beside real Serf agents' },
  web: { file: 'web/run.mjs', about: 'real tabs beside y-webrtc and Trystero', asked: true },
  wrtc: { file: 'wrtc.mjs', about: 'WebRTC implementations for Node', asked: true },
}

const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  console.error(`unknown bench ${unknown.join(', ')}: expected ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}
buildIfStale()

const chosen = named.length > 0 ? named : Object.keys(benches).filter((name) => !benches[name].asked)
const failed = []
let running
let stopped
// The bench hears a Ctrl-C itself; a signal to this process alone is passed on. It clears up, and no other follows it.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopped = signal
    running?.kill(signal)
  })
}
for (const name of chosen) {
  if (stopped) break
  console.log(`\n== ${name}: ${benches[name].about}`)
  const { code, result } = await run(benches[name].file)
  if (code === 0 && result !== undefined) keep(name, result)
  else failed.push(name)
}
if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`)
if (failed.length > 0 || stopped) process.exitCode = 1

/** The exit code, and the last line if it is JSON; everything before it is shown as it comes. */
async function run(file) {
  running = spawn(process.execPath, [fileURLToPath(new URL(file, here))], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = new Promise((resolve) => running.once('close', (code) => resolve(code)))
  let result
  for await (const line of createInterface({ input: running.stdout })) {
    const value = /^[[{]/.test(line) ? parseOrUndefined(line) : undefined
    if (value === undefined) console.log(line)
    else result = value
  }
  return { code: await closed, result }
}

function parseOrUndefined(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function keep(name, result) {
  const directory = new URL('results/', here)
  mkdirSync(directory, { recursive: true })
  writeFileSync(new URL(`${name}.json`, directory), `${JSON.stringify(result, null, 2)}\n`)
}
