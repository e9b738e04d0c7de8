/**
 * What a packet costs the processor: writing and reading the packets that a member handles most, and what of the reading
 * is the structural scan.
 *
 *     npm run build && node bench/codec.mjs [--rounds 15] [--packets 20000]
 *
 * Each round does every case for the same number of packets, one case after the other, so that what else the machine does
 * falls on all of them. Nanoseconds a packet; the median of the rounds, with the quartiles as spread.
 */

import { parseArgs } from 'node:util'
import { decodePacket, PacketWriter } from '../dist/core/codec.js'
import { packetLimits, scanValue } from '../dist/core/guard.js'
import { idFromBytes } from '../dist/core/ids.js'
import { encodeRumour } from '../dist/core/rumour.js'

const tag = 0x12345678
const prefixBytes = 5
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, packets: { type: 'string', default: '20000' } },
})
const rounds = wholeNumber('rounds', 3, 1000)
const packets = wholeNumber('packets', 100, 10_000_000)

const id = (n) => idFromBytes(new Uint8Array(16).map((_, i) => (n * 37 + i * 101) & 255))
const digest = { hi: 0x9e3779b9, lo: 0x85ebca6b }
/** Two of each kind that rooms are busy with. */
const rumours = [0, 1].flatMap((n) => [
  {
    type: 'alive',
    id: id(n),
    incarnation: 3,
    name: `member-${n}`,
    user: null,
    mode: 'server',
    endpoints: [`udp:10.0.0.${n}:7946`],
    floor: 0,
  },
  { type: 'suspect', id: id(n + 10), incarnation: 1, accuser: id(n + 20) },
  { type: 'dead', id: id(n + 30), incarnation: 1, accuser: id(n + 40) },
  { type: 'entry', id: id(n), key: 'cursor', version: 700, volatile: true, value: { x: 120, y: 48.5 } },
])
const encoded = rumours.map(encodeRumour)
/** Values with lists, maps and dates in them. */
const nested = { anchor: { type: 'text', item: [123456, 9] }, head: { type: 'text', item: [123456, 19] } }
const entries = [nested, nested, new Date(1.7e12 + 1), { since: new Date(1.7e12), tags: ['a', 'b'] }].map((value, n) =>
  encodeRumour({ type: 'entry', id: id(n), key: `key-${n}`, version: 700, volatile: false, value }),
)
const subjects = [
  { name: 'ping', header: { kind: 'ping', seq: 0xdeadbeef, from: id(1), to: 7, ...digest }, some: [] },
  { name: 'ack', header: { kind: 'ack', seq: 0xdeadbeef, ...digest }, some: [] },
  { name: 'gossip of 8', header: { kind: 'gossip' }, some: encoded },
  { name: '4 values', header: { kind: 'gossip' }, some: entries },
]

const writer = new PacketWriter(tag)
/** What the work gave, so that no compiler may leave it out. */
let seen = 0
const cases = [
  ...subjects.flatMap(({ name, header, some }) => {
    const packet = new Uint8Array(write(header, some))
    return [
      { name: `encode ${name}`, bytes: packet.length, run: () => write(header, some).length },
      { name: `decode ${name}`, bytes: packet.length, run: () => decodePacket(packet, tag).rumours.length },
      { name: `scan ${name}`, bytes: packet.length, run: () => scan(packet) },
    ]
  }),
  {
    name: 'encode 8 rumours',
    bytes: encoded.reduce((sum, { length }) => sum + length, 0),
    run: () => rumours.reduce((sum, rumour) => sum + encodeRumour(rumour).length, 0),
  },
]

for (const { run } of cases) measure(run)
const times = cases.map(() => [])
for (let round = 0; round < rounds; round++) {
  for (const [i, { run }] of cases.entries()) times[i].push(measure(run))
}

const results = cases.map(({ name, bytes }, i) => {
  const sorted = times[i].sort((a, b) => a - b)
  const at = (share) => Math.round(sorted[Math.floor(share * (sorted.length - 1))])
  return { name, bytes, median: at(0.5), low: at(0.25), high: at(0.75) }
})
if (seen === 0) throw new Error('nothing was written or read')
const median = (name) => results.find((result) => result.name === name).median
const scanShare = Object.fromEntries(
  subjects.map(({ name }) => [name, Number((median(`scan ${name}`) / median(`decode ${name}`)).toFixed(2))]),
)

console.log(`ns a packet, ${rounds} rounds of ${packets}: median (quartiles)`)
for (const { name, bytes, median, low, high } of results) {
  const spread = `(${low} to ${high})`
  console.log(`${name.padEnd(20)} ${String(bytes).padStart(5)} bytes ${String(median).padStart(7)} ${spread}`)
}
const shares = Object.entries(scanShare).map(([name, share]) => `${name} ${Math.round(share * 100)} %`)
console.log(`scanning, of decoding: ${shares.join(', ')}`)
console.log(JSON.stringify({ bench: 'codec', unit: 'ns', rounds, packets, results, scanShare }))

function write(header, some) {
  writer.begin(header)
  for (const bytes of some) writer.add(bytes)
  return writer.finish()
}

/** The scan that is part of decoding a packet. */
function scan(packet) {
  let at = prefixBytes
  while (at < packet.length) at = scanValue(packet, at, packetLimits)
  return at
}

function measure(run) {
  const before = process.hrtime.bigint()
  for (let i = 0; i < packets; i++) seen = (seen + run()) % 1_000_003
  return Number(process.hrtime.bigint() - before) / packets
}

function wholeNumber(flag, least, most) {
  const value = Number(values[flag])
  if (Number.isInteger(value) && value >= least && value <= most) return value
  console.error(`--${flag}: expected a whole number from ${least} to ${most}, got ${values[flag]}`)
  process.exit(2)
}
