/** What processes and their network have used so far, read from Linux's own counters; asking sends no packet. */

import { readFileSync } from 'node:fs'

/** Linux reports processor time in hundredths of a second, whatever its clock does. */
const ticksPerSecond = 100

/** Headers of one packet on loopback: a link header that is counted though it is never sent, and IPv4. */
const frameBytes = 14 + 20
const udpHeaderBytes = 8
/** With time stamps. The few segments that open a connection carry more, so their payload comes out too large by 8. */
const tcpHeaderBytes = 32

/**
 * Packets and bytes on loopback since the namespace began. A packet is counted once as it is sent and once more as it is
 * received; only what was sent is taken, so each counts once.
 */
export function readTraffic() {
  const loopback = readFileSync('/proc/net/dev', 'utf8')
    .match(/^\s*lo:(.*)$/m)[1]
    .trim()
    .split(/\s+/)
    .map(Number)
  const [rawBytes, packets] = [loopback[8], loopback[9]]
  const udp = protocolCounters('Udp').OutDatagrams
  const { OutSegs, RetransSegs } = protocolCounters('Tcp')
  const tcp = OutSegs + RetransSegs
  return { packets, udpPackets: udp, tcpPackets: tcp, rawBytes, payloadBytes: payload(rawBytes, packets, udp, tcp) }
}

/** What applications sent, TCP included: the counted bytes without headers. */
function payload(rawBytes, packets, udp, tcp) {
  return rawBytes - packets * frameBytes - udp * udpHeaderBytes - tcp * tcpHeaderBytes
}

function protocolCounters(protocol) {
  const [names, values] = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${protocol}:`))
    .map((line) => line.split(' ').slice(1))
  return Object.fromEntries(names.map((name, i) => [name, Number(values[i])]))
}

/** Processor seconds of a process and all its threads, those that have ended included. */
export function readProcessorSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in parentheses and may hold anything; fields are numbered from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Megabytes resident, and of these its share where pages are shared with others (a program's text, mostly). */
export function readMemory(pid) {
  const kilobytes = (file, field) =>
    Number(readFileSync(`/proc/${pid}/${file}`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))[1])
  return { residentMb: kilobytes('status', 'VmRSS') / 1024, shareMb: kilobytes('smaps_rollup', 'Pss') / 1024 }
}
