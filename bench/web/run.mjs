/**
 * Shoal beside y-webrtc (awareness) and Trystero, in the same real tabs: how soon a tab sees the others, how soon they see
 * it go, how soon they see its cursor, and what a tab costs that does nothing.
 *
 *     npm run bench:web
 *     node bench/web/run.mjs [--sizes 5,20,40] [--libraries shoal,y-webrtc,trystero] [--newcomers 5] [--idle 30]
 *
 * Each room is a browser of its own with a process per tab, so that tabs have no other way to each other than WebRTC. At
 * each size the libraries take turns, and no two run at once. Each has its own signalling server on this machine, in a
 * process of its own, and its defaults, but for STUN servers, of which nobody has any. A library may fail at a size; it is
 * told how far it came. The whole ends after `wholeMs` at the latest; rooms that found no time are left out.
 */

import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { findOrInstallChromium } from '../../scripts/chromium.mjs'
import { closeWith, conditions, wholeNumber } from '../report.mjs'
import { figuresOf, promises, table } from './figures.mjs'
import { libraryNames, missingLibraries, startSignaling, versionOf } from './libraries.mjs'
import { Room } from './room.mjs'
import { openSite } from './site.mjs'
import { measure } from './trial.mjs'

const wholeMs = 14 * 60_000
/** One room, from its first tab to its last crash. */
const roomMs = 240_000
const sizeMax = 100

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '5,20,40' },
    libraries: { type: 'string', default: libraryNames.join() },
    newcomers: { type: 'string', default: '5' },
    idle: { type: 'string', default: '30' },
  },
})
/** The largest first, should there not be time for all. */
const sizes = values.sizes
  .split(',')
  .map((size) => wholeNumber('sizes', size, 3, sizeMax))
  .sort((a, b) => b - a)
const libraries = values.libraries.split(',').map(library)
const newcomers = wholeNumber('newcomers', values.newcomers, 1, 50)
const idleSeconds = wholeNumber('idle', values.idle, 1, 300)

/** What is open, to be closed in the opposite order; also when a signal ends the bench. */
const open = []
let stopped = false
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, async () => {
    stopped = true
    await closeFrom(0)
    process.exit(code)
  })
}

const missing = missingLibraries(libraries)
if (missing.length > 0) {
  console.error(`bench/web: ${missing.join(', ')} not installed: npm ci --prefix bench/web`)
  process.exit(1)
}
try {
  await compare()
} catch (error) {
  console.error(`bench/web: ${error.message}`)
  process.exitCode = 1
} finally {
  await closeFrom(0)
}

async function compare() {
  const executablePath = findOrInstallChromium()
  const versions = Object.fromEntries(libraries.map((name) => [name, versionOf(name)]))
  console.log(libraries.map((name) => `${name} ${versions[name]}`).join(', '))
  const [load] = loadavg()
  if (load > 1) console.log(`the machine is busy with something else (load ${load.toFixed(1)}): times will be too long`)
  const site = await openSite(libraries)
  open.push(site)
  const endsAt = performance.now() + wholeMs
  const measured = {}
  for (const [i, size] of sizes.entries()) {
    measured[size] = {}
    // Nobody always goes first.
    const order = libraries.map((_, j) => libraries[(i + j) % libraries.length])
    for (const name of order) measured[size][name] = await figuresOfRoom(name, size, site, executablePath, endsAt)
  }
  // A browser that does not start is no measurement to be kept.
  const rooms = Object.values(measured).flatMap(Object.values)
  if (rooms.every(({ fillViews }) => fillViews === undefined)) throw new Error(`no room came about: ${rooms[0].failed}`)
  report(versions, measured)
}

/** The figures of one room; with the reason in `failed` those it came to. */
async function figuresOfRoom(name, size, site, executablePath, endsAt) {
  if (stopped) return { failed: 'the bench was stopped' }
  const leftMs = Math.min(roomMs, endsAt - performance.now())
  if (leftMs < roomMs / 4) return { failed: 'there was no time left' }
  const startedAt = performance.now()
  const level = open.length
  const found = {}
  let timer
  try {
    const signaling = await startSignaling(name)
    open.push(signaling)
    const urlOf = (tab) => site.urlOf(name, { room: `bench-${size}`, name: tab, signaling: signaling.url })
    const room = await Room.open({ executablePath, urlOf })
    open.push({ close: () => room.end() })
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${Math.round(leftMs / 1000)} s`)), leftMs)
    })
    const options = { size, newcomers: newcomersIn(size), crashes: size < 10 ? 1 : 2, idleSeconds }
    const running = measure(room, options, found)
    // Given up, it fails a moment later with its browser gone.
    running.catch(() => {})
    await Promise.race([running, late])
    console.log(`${size} tabs of ${name}: ${Math.round((performance.now() - startedAt) / 1000)} s`)
    return figuresOf(found)
  } catch (error) {
    const failed = error.message.split('\n')[0]
    console.log(`${size} tabs of ${name}: ${failed}`)
    return { failed, ...figuresOf(found) }
  } finally {
    clearTimeout(timer)
    await closeFrom(level)
  }
}

/** What is promised is promised of the largest room, so that one gets the most trials. */
function newcomersIn(size) {
  return size === sizes[0] ? newcomers : Math.ceil(newcomers / 2)
}

function report(versions, measured) {
  console.log(`\n${table(sizes, libraries, measured)}\n`)
  for (const [size, rooms] of Object.entries(measured)) {
    for (const [name, { failed, pageErrors }] of Object.entries(rooms)) {
      const room = `${size} tabs of ${name}`
      if (failed) console.log(`${room} failed: ${failed}`)
      if (pageErrors?.count > 0)
        console.log(`${room}: ${pageErrors.count} errors on their pages, the first: ${pageErrors.first[0]}`)
    }
  }
  const promised = promises(measured[sizes[0]], sizes[0])
  for (const { what, limit, reached, held } of promised) {
    const verdict = held === undefined ? 'not measured' : held ? 'held' : 'NOT HELD'
    console.log(`shoal: ${what}: ${reached ?? '-'}, to reach ${limit ?? '-'}: ${verdict}`)
  }
  closeWith({ bench: 'web', ...conditions(), versions, newcomers, idleSeconds, tabs: measured, promised })
}

async function closeFrom(level) {
  for (const thing of open.splice(level).reverse()) await thing.close().catch(() => {})
}

function library(name) {
  if (libraryNames.includes(name)) return name
  console.error(`--libraries: expected some of ${libraryNames.join(', ')}, got ${JSON.stringify(name)}`)
  process.exit(2)
}
