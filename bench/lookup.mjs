/**
 * What finding a service costs among 10,000 instances, while other members of the room change and while the service itself
 * does; and what a new snapshot of the members costs after one has changed.
 *
 *     npm run build && node bench/lookup.mjs [--rounds 15] [--calls 2000]
 *
 * Each case is done in turn, so that what else the machine does falls on all of them. Microseconds a call: the median call
 * of each round, and of the rounds the median and the range. What changes the room between two calls is not counted, but
 * it leaves the processor's caches cold.
 */

import { parseArgs } from 'node:util'
import { idFromBytes } from '../dist/core/ids.js'
import { seededRandom } from '../dist/core/random.js'
import { encodeRumour } from '../dist/core/rumour.js'
import { serviceKey, serviceRecord, serviceToValue } from '../dist/core/services.js'
import { Swim } from '../dist/core/swim.js'
import { Peer } from '../dist/peer/peer.js'
import { closeWith, columns, conditions, spread, wholeNumber } from './report.mjs'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, calls: { type: 'string', default: '2000' } },
})
const rounds = wholeNumber('rounds', values.rounds, 3, 1000)
const calls = wholeNumber('calls', values.calls, 10, 1_000_000)
const instancesCount = 10_000
const policies = ['weighted', 'random', 'p2c', 'rendezvous']
/** What the work gave, so that no compiler may leave it out. */
let seen = 0

const cases = [
  ...[10_000, 1_000].flatMap((members) => {
    const { peer, change, flap } = roomOf(members, instancesCount)
    let n = 0
    const pick = (policy) => () => peer.pick('web', { policy, key: `customer ${n++}` })
    const of = (what) => `${what}, ${instancesCount} on ${members} members`
    return [
      { name: of('lookup'), run: () => peer.lookup('web'), before: () => change() },
      ...policies.map((policy) => ({ name: of(`pick ${policy}`), run: pick(policy), before: () => change() })),
      { name: of('lookup when one of them changed'), run: () => peer.lookup('web'), before: () => flap() },
      ...policies.map((policy) => ({
        name: of(`pick ${policy} when one of them changed`),
        run: pick(policy),
        before: () => flap(),
      })),
    ]
  }),
  ...[1_000, 10_000].map((members) => {
    const { peer, change } = roomOf(members, 0)
    return { name: `members() after a change, ${members} members`, run: () => peer.members(), before: () => change() }
  }),
]

for (const one of cases) measure(one)
const times = cases.map(() => [])
for (let round = 0; round < rounds; round++) for (const [i, one] of cases.entries()) times[i].push(measure(one))
const results = cases.map(({ name }, i) => ({ name, ...spread(times[i]) }))
if (seen === 0) throw new Error('nothing was found')
console.log(`microseconds a call, ${rounds} rounds of ${calls}`)
const rows = results.map(({ name, median, min, max }) => [name, median, min, max])
console.log(columns([['', 'median', 'min', 'max'], ...rows]))
closeWith({ bench: 'lookup', unit: 'us', ...conditions(), rounds, calls, results })

/** Microseconds of one call, `before` each of which something happens that is not counted. */
function measure({ run, before }) {
  const took = []
  for (let i = 0; i < calls; i++) {
    before()
    const from = process.hrtime.bigint()
    const found = run()
    took.push(Number(process.hrtime.bigint() - from))
    seen += found.length ?? found.weight
  }
  return took.sort((a, b) => a - b)[calls >> 1] / 1000
}

/** A room with a peer that knows everybody, `change` for somebody's cursor, and `flap` for the health of an instance. */
function roomOf(members, instances) {
  const random = seededRandom(1)
  const host = {
    send() {},
    dial() {},
    hangUp() {},
    signal() {},
    signalLost() {},
    notify: (event) => events.push(event),
  }
  const events = []
  const channels = [{ kind: 'sim', endpoint: 'sim:0', reach: 'any' }]
  const swim = new Swim({
    id: idOf(0),
    room: 'r',
    name: 'me',
    user: null,
    mode: 'server',
    channels,
    random,
    host,
    now: 0,
  })
  const call = (run) => {
    run(swim, 0)
    for (const event of events.splice(0)) peer.hear(event)
  }
  const peer = new Peer({ room: 'r', swim, call, leave: async () => {}, random, warn: console.error })
  const versions = new Map()
  const entry = (n, key, value) => {
    const version = (versions.get(n) ?? 0) + 1
    versions.set(n, version)
    return encodeRumour({ type: 'entry', id: idOf(n), key, version, volatile: false, value })
  }
  const offer = (n, port, health = 'passing') => {
    const record = serviceRecord({ service: 'web', port, tags: ['eu'], weight: 1 + (port % 3), health })
    return entry(n, serviceKey(record), serviceToValue(record))
  }
  const each = instances / members
  const rumours = []
  for (let n = 1; n <= members; n++) {
    const facts = { name: `m${n}`, user: null, mode: 'server', endpoints: [`sim:${n}`], floor: 0 }
    rumours.push(encodeRumour({ type: 'alive', id: idOf(n), incarnation: 0, ...facts }))
    for (let i = 0; i < each; i++) rumours.push(offer(n, 8_000 + i))
  }
  call((swim) => swim.remember(rumours, 0))
  const next = cycle(members)
  const sick = new Set()
  return {
    peer,
    change: () => {
      const n = next()
      call((swim) => swim.remember([entry(n, 'cursor', { x: n })], 0))
    },
    flap: () => {
      const n = next()
      const health = sick.delete(n) ? 'passing' : 'warning'
      if (health === 'warning') sick.add(n)
      call((swim) => swim.remember([offer(n, 8_000, health)], 0))
    },
  }
}

/** 1 to `last`, over and over, far apart. */
function cycle(last) {
  let n = 0
  return () => {
    n = (n + 7919) % last
    return n + 1
  }
}

function idOf(n) {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(0, Math.imul(n, 0x9e3779b1))
  new DataView(bytes.buffer).setUint32(4, n)
  return idFromBytes(bytes)
}
