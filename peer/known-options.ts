/** What the start calls take. */

/** Of every start call; see `PeerOptions`. */
export const startOptions: readonly string[] = [
  'room',
  'name',
  'user',
  'state',
  'signaling',
  'iceServers',
  'iceTransportPolicy',
  'throttleMs',
  'signal',
  'joinTimeoutMs',
  'log',
  'config',
]
