/**
 * What does one member cost as its room grows? One real protocol core in virtual time, whose n - 1 others are made up: it
 * remembers them, they ack its pings after 1 ms, and they send it what a room of that size would: a ping a period on
 * average, and once a second somebody's new state, as often as the rule of retransmission has each member hear it.
 *
 *     npm run build && node bench/growth/run.mjs [--members 8,64,512,2048,10000] [--seconds 60]
 *
 * CPU is what the core itself took. Packets and bytes are both directions, without headers of UDP. Each new state is sent
 * to it as a packet of its own, where a real room lets most ride on pings and acks; so the packets received are a bound.
 */

import { parseArgs } from 'node:util'
import { closeWith, columns, conditions, rounded, spread, wholeNumber } from '../report.mjs'
import { Lone } from './lone.mjs'

const warmUpMs = 10_000
/** The processor's time is that of the best of these: what disturbs one only ever makes it slower. */
const rounds = 4
/** The heap of a smaller room is lost in what the collector leaves lying. */
const heapSeenFrom = 500

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '8,64,512,2048,10000' },
    seconds: { type: 'string', default: '60' },
  },
})
const sizes = values.members.split(',').map((text) => wholeNumber('members', text, 2, 16_000))
const measuredSeconds = wholeNumber('seconds', values.seconds, 1, 3_600)

// Unreported, so that the first size is not measured while the code is still being compiled.
measure(256)
const results = sizes.map(measure)
const heading = ['members', 'CPU ms', 'packets out, in', 'bytes out, in', 'heap KB', 'members() ms', 'lookup ms']
const rows = results.map((result) => [
  result.members,
  result.processorMsPerSecond,
  `${result.packetsOut}, ${result.packetsIn}`,
  `${result.bytesOut}, ${result.bytesIn}`,
  result.heapKb ?? '-',
  result.membersMs.median,
  result.lookupMs.median,
])
console.log(columns([heading, ...rows]))
console.log('CPU, packets and bytes are those of a second')
closeWith({ bench: 'growth', ...conditions(), seconds: measuredSeconds, results })

function measure(members) {
  const one = new Lone(members)
  one.run(warmUpMs)
  one.forgetCounts()
  let processorMs = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = one.coreMs
    one.run((measuredSeconds * 1000) / rounds)
    processorMs = Math.min(processorMs, one.coreMs - before)
  }
  const { packetsOut, packetsIn, bytesOut, bytesIn } = one
  const perSecond = (count) => rounded(count / measuredSeconds)
  const strayed = one.swim.members().length !== members || one.swim.members().some(({ status }) => status !== 'alive')
  if (strayed) throw new Error(`of ${members} members not all are alive: the made-up room does not answer as it should`)
  return {
    members,
    processorMsPerSecond: perSecond(processorMs * rounds),
    packetsOut: perSecond(packetsOut),
    packetsIn: perSecond(packetsIn),
    bytesOut: perSecond(bytesOut),
    bytesIn: perSecond(bytesIn),
    heapKb: members < heapSeenFrom ? null : rounded(one.heapBytes / 1024),
    membersMs: spread(one.membersMs),
    lookupMs: spread(one.lookupMs),
  }
}
