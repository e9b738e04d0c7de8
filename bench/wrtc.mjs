/**
 * Which WebRTC implementation should Node peers use? Every run is a process of its own, because the question that
 * decides is how a process ends: native teardown is where these libraries crash or keep the event loop alive.
 *
 *     node bench/wrtc.mjs [--runs 20] [--negotiated] [candidate ...]
 *
 * A candidate is a module name or the path of a module that exports RTCPeerConnection, RTCSessionDescription and
 * RTCIceCandidate. Without any, `@roamhq/wrtc` is measured. One that is not installed is reported and skipped:
 *
 *     npm install --prefix /tmp/other node-datachannel
 *     node bench/wrtc.mjs @roamhq/wrtc /tmp/other/node_modules/node-datachannel/polyfill/index.js
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const pairsPerRun = 3
const runDeadlineMs = 20_000

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '20' },
    negotiated: { type: 'boolean', default: false },
    child: { type: 'string' },
  },
})

if (flags.child) await runChild(flags.child, positionals[0])
else await runAll(positionals.length > 0 ? positionals : ['@roamhq/wrtc'])

/** The parent: `runs` processes per candidate and way of ending, a table for people and one line of JSON. */
async function runAll(candidates) {
  const results = []
  for (const candidate of candidates) {
    if (!(await loadCandidate(candidate).catch(() => undefined))) {
      console.log(`${candidate}: not installed, skipped`)
      continue
    }
    for (const ending of ['destroy', 'close', 'exit']) {
      const runs = []
      for (let i = 0; i < Number(flags.runs); i++) runs.push(await runOnce(candidate, ending))
      results.push(summarise(candidate, ending, runs))
    }
  }
  console.table(results)
  console.log(JSON.stringify(results))
}

/** `ending`: `destroy` destroys every peer and leaves the process to end, `close` does so at one end only, `exit` calls process.exit. */
async function runOnce(candidate, ending) {
  const args = [fileURLToPath(import.meta.url), '--child', ending, candidate]
  if (flags.negotiated) args.push('--negotiated')
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  const deadline = setTimeout(() => child.kill('SIGKILL'), runDeadlineMs)
  const [code, signal] = await once(child, 'close')
  clearTimeout(deadline)
  const endedAt = Date.now()
  const report = text ? JSON.parse(text) : { connectMs: [], channels: [], endingAt: endedAt }
  return { ...report, outcome: signal ?? code, toExitMs: endedAt - report.endingAt }
}

function summarise(candidate, ending, runs) {
  const connect = runs.flatMap((run) => run.connectMs)
  const exit = runs.map((run) => run.toExitMs)
  return {
    candidate: candidate.replace(/^.*node_modules\//, ''),
    ending,
    runs: runs.length,
    outcomes: tally(runs.map((run) => run.outcome)),
    'to exit ms (median, worst)': `${quantile(exit, 0.5)}, ${quantile(exit, 1)}`,
    'connect ms (median, worst)': `${quantile(connect, 0.5)}, ${quantile(connect, 1)}`,
    channels: tally(runs.flatMap((run) => run.channels)),
  }
}

/** The child: opens pairs in one process, passes a packet over each, and ends in the way asked for. */
async function runChild(ending, candidate) {
  const { default: SimplePeer } = await import('simple-peer')
  const wrtc = await loadCandidate(candidate)
  const report = { connectMs: [], channels: [] }
  const peers = []
  for (let i = 0; i < pairsPerRun; i++) {
    const startedAt = performance.now()
    const pair = await openPair(SimplePeer, wrtc)
    report.connectMs.push(Math.round(performance.now() - startedAt))
    // The private field is read because the question is what is in force, not what was asked for.
    for (const [role, { _channel: channel }] of Object.entries(pair))
      report.channels.push(`${role} ordered=${channel.ordered} maxRetransmits=${channel.maxRetransmits}`)
    const echoed = once(pair.answers, 'data')
    pair.dials.send(new Uint8Array(1200))
    await Promise.race([echoed, once(pair.dials, 'close')])
    peers.push(...(ending === 'close' ? [pair.dials] : [pair.dials, pair.answers]))
  }
  process.stdout.write(JSON.stringify({ ...report, endingAt: Date.now() }))
  if (ending === 'exit') process.exit(0)
  for (const peer of peers) peer.destroy()
}

async function openPair(SimplePeer, wrtc) {
  const options = {
    wrtc,
    objectMode: true,
    config: { iceServers: [] },
    // simple-peer never clears this timer: at its default of 5 s it alone keeps a process from ending.
    iceCompleteTimeout: 1,
    channelConfig: { ordered: false, maxRetransmits: 0, ...(flags.negotiated ? { negotiated: true, id: 0 } : {}) },
  }
  const dials = new SimplePeer({ ...options, initiator: true })
  const answers = new SimplePeer(options)
  // A closed end tells the other one through an error; that is part of the ending, not a failure.
  for (const [from, to] of [
    [dials, answers],
    [answers, dials],
  ]) {
    // Never in the same turn, as over any real path: node-datachannel fails an answer that comes back at once.
    from.on('signal', (signal) => setImmediate(() => to.destroyed || to.signal(signal)))
    from.on('error', () => {})
  }
  await Promise.all([once(dials, 'connect'), once(answers, 'connect')])
  return { dials, answers }
}

async function loadCandidate(candidate) {
  const module = await import(isAbsolute(candidate) ? pathToFileURL(candidate).href : candidate)
  const wrtc = module.default ?? module
  return candidate.includes('node-datachannel') ? adaptToSimplePeer(wrtc) : wrtc
}

/** simple-peer assigns to `offer.sdp` and may give no label, neither of which node-datachannel allows. */
function adaptToSimplePeer(wrtc) {
  const plain = ({ type, sdp }) => ({ type, sdp })
  class RTCPeerConnection extends wrtc.RTCPeerConnection {
    async createOffer(options) {
      return plain(await super.createOffer(options))
    }
    async createAnswer(options) {
      return plain(await super.createAnswer(options))
    }
    createDataChannel(label, options) {
      return super.createDataChannel(label ?? '', options)
    }
  }
  return { ...wrtc, RTCPeerConnection }
}

function tally(items) {
  const counts = {}
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1
  return Object.entries(counts)
    .map(([item, count]) => `${item} x${count}`)
    .join('; ')
}

function quantile(numbers, q) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}
