/** One connection, as simple-peer makes it: what is used of it, and what it is made with. */

import type { IceServerOption, PlatformCandidate } from './platform-types.ts'

/** What is used of simple-peer, so that users of Shoal need none of its types. */
export interface RtcConnection {
  readonly bufferSize: number
  signal(data: ConnectionSignal): void
  send(packet: Uint8Array): void
  destroy(): void
  on(event: string, listener: (value: unknown) => void): unknown
}

/** The candidate is a plain object in truth; simple-peer makes the platform's own out of it. The last two are about media. */
export type ConnectionSignal =
  | { type: 'offer' | 'answer' | 'pranswer' | 'rollback'; sdp?: string }
  | { type: 'candidate'; candidate: PlatformCandidate }
  | { type: 'renegotiate'; renegotiate: true }
  | { type: 'transceiverRequest'; transceiverRequest: { kind: 'audio' | 'video'; init?: object } }

export type SimplePeerConstructor = new (options: object) => RtcConnection

/** How connections are made. */
export interface RtcPlatform {
  /** `simple-peer`, or `simple-peer/simplepeer.min.js` where there is a bundler. */
  simplePeer: SimplePeerConstructor
  /** RTCPeerConnection and its kin where the platform has none. */
  wrtc?: object
  /** STUN and TURN servers. None unless told: peers then meet on the addresses they have. */
  iceServers?: readonly IceServerOption[]
  iceTransportPolicy?: 'all' | 'relay'
}

/** A data channel is reliable and ordered unless `delivery` says otherwise. Throws where the platform refuses to make one. */
export function makeConnection(
  platform: RtcPlatform,
  initiator: boolean,
  delivery: { ordered?: boolean; maxRetransmits?: number } = {},
): RtcConnection {
  const { simplePeer: SimplePeer, wrtc, iceServers = [], iceTransportPolicy } = platform
  const connection = new SimplePeer({
    initiator,
    // Both ends create channel 0 themselves instead of one announcing it to the other. So the delivery options hold at both
    // ends by construction, opening takes one message less, and a peer cannot open more channels to us (simple-peer would
    // take each for the new one and never end the timer of the old one).
    channelConfig: { negotiated: true, id: 0, ...delivery },
    // In object mode messages keep their bounds, and a text can be told from bytes.
    objectMode: true,
    trickle: true,
    // With trickle nothing waits for this, but simple-peer never clears it: its 5 s would keep a process alive.
    iceCompleteTimeout: 1,
    // Without a list of our own simple-peer would ask public STUN servers.
    config: { iceServers, ...(iceTransportPolicy && { iceTransportPolicy }) },
    ...(wrtc && { wrtc }),
  })
  // simple-peer takes its handlers off what it closes, but for this one. Chromium keeps a closed connection in memory now and
  // then, and by that handler it would keep all that listens: a whole peer, with its view.
  const { _pc: platforms } = connection as { _pc?: Pick<RTCPeerConnection, 'onconnectionstatechange'> }
  connection.on('close', () => {
    if (platforms) platforms.onconnectionstatechange = null
  })
  return connection
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
