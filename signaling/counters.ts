/** What a signalling server counts, from its start on; `rooms`, `members` and `sockets` are as they are now. */

export interface SignalingCounters {
  /** Open now. */
  sockets: number
  /** With somebody in them now. */
  rooms: number
  /** In all rooms now. */
  members: number
  /** Sockets that were let in. */
  accepted: number
  /** Turned away before the upgrade: foreign origin, too many sockets in all, too many from one address. */
  refusedOrigin: number
  /** Turned away: too many sockets in all. */
  refusedFull: number
  /** Turned away: too many sockets from one address. */
  refusedAddress: number
  /** Hellos that were not followed by a welcome: wrong version, id taken, room or rooms full. */
  helloRefused: number
  /** Sockets closed since they said no hello in time. */
  helloTimeouts: number
  /** Peers let into a room. */
  welcomes: number
  /** Sockets ended because the same id came again with its token. */
  replaced: number
  /** Offers, answers and the like that were passed on. */
  signalsRelayed: number
  /** Packets of the protocol that were passed on. */
  packetsRelayed: number
  /** Their bytes. */
  packetBytesRelayed: number
  /** Signals and packets for an id that is not in the room. */
  absent: number
  /** Packets for readers too slow to take them, and readers so slow that they were disconnected. */
  packetsDroppedSlow: number
  /** Readers so slow that they were disconnected. */
  slowDisconnected: number
  /** Messages beyond a socket's allowance, and sockets closed for sending far beyond it. */
  rateDropped: number
  /** Sockets closed for sending far beyond their allowance. */
  floodClosed: number
  /** Frames that are none of the protocol. */
  malformed: number
  /** Sockets closed for too many of those. */
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
