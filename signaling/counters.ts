/** What a signalling server counts, from its start on; `rooms`, `members` and `sockets` are as they are now. */

export interface SignalingCounters {
  sockets: number
  rooms: number
  members: number
  accepted: number
  /** Turned away before the upgrade: foreign origin, too many sockets in all, too many from one address. */
  refusedOrigin: number
  refusedFull: number
  refusedAddress: number
  /** Hellos that were not followed by a welcome: wrong version, id taken, room or rooms full. */
  helloRefused: number
  helloTimeouts: number
  welcomes: number
  /** Sockets ended because the same id came again with its token. */
  replaced: number
  signalsRelayed: number
  packetsRelayed: number
  packetBytesRelayed: number
  /** Signals and packets for an id that is not in the room. */
  absent: number
  /** Packets for readers too slow to take them, and readers so slow that they were disconnected. */
  packetsDroppedSlow: number
  slowDisconnected: number
  /** Messages beyond a socket's allowance, and sockets closed for sending far beyond it. */
  rateDropped: number
  floodClosed: number
  malformed: number
  malformedClosed: number
  /** Frames of a type this version does not know. */
  ignored: number
  /** Sockets ended because they showed no sign of life for a whole ping interval. */
  halfOpen: number
}

/** The part of the counters that only ever grows. */
export type Tally = Omit<SignalingCounters, 'sockets' | 'rooms' | 'members'>

export function newTally(): Tally {
  return {
    accepted: 0,
    refusedOrigin: 0,
    refusedFull: 0,
    refusedAddress: 0,
    helloRefused: 0,
    helloTimeouts: 0,
    welcomes: 0,
    replaced: 0,
    signalsRelayed: 0,
    packetsRelayed: 0,
    packetBytesRelayed: 0,
    absent: 0,
    packetsDroppedSlow: 0,
    slowDisconnected: 0,
    rateDropped: 0,
    floodClosed: 0,
    malformed: 0,
    malformedClosed: 0,
    ignored: 0,
    halfOpen: 0,
  }
}
