/**
 * How fast is the simulator? Peer-seconds of virtual time for each second of a processor: at 1,000, a room of 100 peers
 * lives 10 s of its life in one of ours. Rooms that are quiet, with all invariants checked as always.
 *
 *     npm run build && node bench/sim.mjs [--peers 16,64,256]
 */

import { parseArgs } from 'node:util'
import { simulate } from '../dist/core/sim/index.js'
import { closeWith, columns, conditions, rounded, wholeNumber } from './report.mjs'

/** A world is run so many times, so long by our clock, in steps of virtual time. */
const roundsMax = 4
const measuredMs = 1_000
const stepMs = 1_000
const settlingMs = 120_000
/** By then the last syncs of the start are over too. */
const afterglowMs = 10_000

const { values } = parseArgs({ options: { peers: { type: 'string', default: '16,64,256' } } })
const sizes = values.peers.split(',').map((text) => wholeNumber('peers', text, 2, 5_000))

const results = sizes.map(measure)
const rows = results.map((result) => Object.values(result))
const heading = ['peers', 'joined within, virtual s', 'which took, s', 'peer-seconds a second', 'packets a second']
console.log(columns([heading, ...rows]))
closeWith({ bench: 'sim', ...conditions(), results })

function measure(peers) {
  const joining = process.cpuUsage()
  const world = simulate({ peers, seed: 1, link: { delayMs: 1, jitterMs: 1 } })
  const joinedWithin = world.settle(settlingMs) / 1000
  const joinSeconds = seconds(joining)
  world.run(afterglowMs)
  const rounds = Array.from({ length: roundsMax }, () => runFor(world, measuredMs))
  // The best: what disturbs a round only ever makes it slower.
  const { virtualSeconds, packets } = rounds.reduce((a, b) => (a.virtualSeconds > b.virtualSeconds ? a : b))
  return {
    peers,
    joinedWithin: rounded(joinedWithin),
    joinSeconds: rounded(joinSeconds),
    peerSecondsPerSecond: rounded(peers * virtualSeconds),
    packetsPerSecond: rounded(packets),
  }
}

/** What one second of a processor was good for. */
function runFor(world, ms) {
  const packetsBefore = packetsOf(world)
  const from = world.now
  const startedAt = performance.now()
  const running = process.cpuUsage()
  do world.run(stepMs)
  while (performance.now() - startedAt < ms)
  const took = seconds(running)
  return { virtualSeconds: (world.now - from) / 1000 / took, packets: (packetsOf(world) - packetsBefore) / took }
}

/** Of a processor, not of the clock: other programs of the machine do not count. */
function seconds(since) {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

function packetsOf(world) {
  let sum = 0
  for (const { packetsOut } of world.traffic().values()) sum += packetsOut
  return sum
}
