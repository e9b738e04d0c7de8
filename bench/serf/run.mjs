/**
 * Serf and Shoal side by side: how soon everybody knows that a member was killed, has left or says something new, and what
 * a member costs that does nothing. Real agents of both, a process each, with their default settings, on loopback.
 *
 *     npm run build && node bench/serf/run.mjs [--members 16] [--trials 5] [--idle 60]
 *
 * Both rooms run all the time, and trials alternate between them. Each system has a namespace of its own, where
 * the loopback's counters are its traffic alone; where none can be made, traffic is left out and the reason is printed.
 * What is idle is measured first, while nobody has died yet and nobody asks. 60 s hold two of the full exchanges of state
 * over TCP that each Serf agent begins every 30 s; they are counted with the rest. How verdicts are read: `fleet.mjs`.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { closeWith, columns, conditions, rounded, spread, wholeNumber } from '../report.mjs'
import { namespaceOfItsOwn } from './namespace.mjs'
import * as serf from './serf.mjs'
import * as shoal from './shoal.mjs'

/** What was said about the start has gone round by then: Serf repeats nothing for longer than a few seconds. */
const settlingMs = 10_000

/** The figures as people read them, in this order. */
const labels = {
  suspectedFirstMs: 'killed: first suspicion, ms',
  deadFirstMs: 'killed: first verdict, ms',
  deadAtAllMs: 'killed: dead at all, ms',
  updateAtAllMs: 'update at all, ms',
  leftFirstMs: 'leave: known to the first, ms',
  leftAtAllMs: 'leave: known to all, ms',
  joinFirstToLastMs: 'join: from the first to the last, ms',
  startOfAllMs: 'start of all, ms',
  idlePackets: 'idle: packets a second',
  idleTcpPackets: 'idle: TCP packets among them',
  idlePayloadBytes: 'idle: payload bytes a second',
  idleCountedBytes: 'idle: bytes a second with headers',
  idleProcessorSeconds: 'idle: CPU seconds a minute',
  residentMb: 'memory, resident, MB',
  shareMb: 'memory, shared pages divided, MB',
}

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '16' },
    trials: { type: 'string', default: '5' },
    idle: { type: 'string', default: '60' },
  },
})
const members = wholeNumber('members', values.members, 3, 64)
const trials = wholeNumber('trials', values.trials, 1, 50)
const idleSeconds = wholeNumber('idle', values.idle, 1, 600)

const fleets = []
process.once('SIGINT', () => stop(130))
process.once('SIGTERM', () => stop(143))
try {
  const versions = { serf: serf.version(), shoal: shoal.version() }
  await compare(versions)
} catch (error) {
  console.error(`bench/serf: ${error.message}`)
  process.exitCode = 1
} finally {
  await closeFleets()
}

async function compare(versions) {
  const { command, reason } = namespaceOfItsOwn()
  if (reason) console.log(`idle traffic is not measured: ${reason}`)
  for (const { name } of [serf, shoal]) fleets.push(openFleet(name, command))
  console.log(`serf ${versions.serf} and shoal ${versions.shoal}: ${members} agents each, ${trials} trials`)
  const formed = await onEach((fleet) => fleet.call('open', members))
  await pause(settlingMs)
  console.log(`idle for ${idleSeconds} s`)
  const idle = await onEach((fleet) => fleet.call('idle', idleSeconds * 1000, !reason))
  const runs = fleets.map(() => ({ kill: [], update: [], leave: [] }))
  for (let trial = 0; trial < trials; trial++) {
    // Neither always goes first.
    const order = trial % 2 === 0 ? [0, 1] : [1, 0]
    for (const kind of ['kill', 'update', 'leave']) {
      for (const i of order) runs[i][kind].push(await fleets[i].call(kind, ...(kind === 'update' ? [`w${trial}`] : [])))
    }
    const last = (kind) => fleets.map(({ name }, i) => `${name} ${seconds(runs[i][kind][trial].lastMs)}`).join(', ')
    console.log(`trial ${trial + 1}: killed ${last('kill')}; update ${last('update')}; leave ${last('leave')}`)
  }
  const mistakes = await onEach((fleet) => fleet.call('mistakes'))
  const [a, b] = fleets.map((_, i) => figures(formed[i], idle[i], runs[i]))
  report({ versions, mistakes, measured: { serf: a, shoal: b } })
}

/** All figures of one system: a spread for what was tried often, a number for what was measured once. */
function figures(formedMs, idle, { kill, update, leave }) {
  const of = (trials, key) => spread(trials.map((trial) => trial[key]))
  const { packets, tcpPackets, payloadBytes, rawBytes } = idle.perSecond
  return {
    suspectedFirstMs: of(kill, 'suspectedMs'),
    deadFirstMs: of(kill, 'firstMs'),
    deadAtAllMs: of(kill, 'lastMs'),
    updateAtAllMs: of(update, 'lastMs'),
    leftFirstMs: of(leave, 'firstMs'),
    leftAtAllMs: of(leave, 'lastMs'),
    joinFirstToLastMs: of([...kill, ...leave], 'joinMs'),
    startOfAllMs: rounded(formedMs),
    idlePackets: maybe(packets),
    idleTcpPackets: maybe(tcpPackets),
    idlePayloadBytes: maybe(payloadBytes),
    idleCountedBytes: maybe(rawBytes),
    idleProcessorSeconds: rounded(idle.processorSecondsPerMinute),
    residentMb: rounded(idle.residentMb),
    shareMb: rounded(idle.shareMb),
  }
}

function report({ versions, mistakes, measured }) {
  const ratios = {}
  const rows = Object.entries(labels).map(([figure, label]) => {
    const [serf, shoal] = [measured.serf[figure], measured.shoal[figure]]
    ratios[figure] = ratio(serf, shoal)
    return [label, text(serf), text(shoal), ratios[figure] ?? '-']
  })
  const heading = ['median (min-max); idle and memory per member', 'serf', 'shoal', 'shoal/serf']
  console.log(`\n${columns([heading, ...rows])}`)
  for (const [i, { name }] of fleets.entries()) {
    const { falseSuspicions, falseDeaths, leavesTakenForDeaths } = mistakes[i]
    const live = `live members suspected ${falseSuspicions} times, declared dead ${falseDeaths} times`
    console.log(`${name}: ${live}; ${leavesTakenForDeaths} times a leave was taken for a death`)
    Object.assign(measured[name], mistakes[i])
  }
  closeWith({ bench: 'serf', ...conditions(), versions, members, trials, idleSeconds, ...measured, ratios })
}

function maybe(number) {
  return number === undefined ? undefined : rounded(number)
}

function text(figure) {
  if (figure === undefined) return '-'
  return typeof figure === 'number' ? String(figure) : `${figure.median} (${figure.min}-${figure.max})`
}

function ratio(serf, shoal) {
  const [a, b] = [serf?.median ?? serf, shoal?.median ?? shoal]
  return a > 0 && b !== undefined ? rounded(b / a) : undefined
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`
}

function onEach(ask) {
  return Promise.all(fleets.map(ask))
}

function openFleet(name, namespace) {
  const [file, ...args] = [
    ...namespace,
    process.execPath,
    fileURLToPath(new URL('fleet-main.mjs', import.meta.url)),
    name,
  ]
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = new Promise((resolve) => {
    child.once('exit', resolve)
    child.once('error', resolve)
  })
  return {
    name,
    /** One call at a time. */
    call: async (call, ...args) => {
      child.send({ call, args })
      const gone = ended.then(() => [{ error: 'its process ended' }])
      const [{ result, error }] = await Promise.race([once(child, 'message'), gone])
      if (error) throw new Error(`${name}: ${error}`)
      return result
    },
    close: async () => {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

function closeFleets() {
  return Promise.all(fleets.splice(0).map((fleet) => fleet.close()))
}

async function stop(code) {
  await closeFleets()
  process.exit(code)
}
