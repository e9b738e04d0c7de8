/** `shoal/node`: peers that are processes. They meet over UDP, and with `signaling` they meet tabs as well. */

import SimplePeer from 'simple-peer'
import { WebSocket } from 'ws'
import { type Channel, ShoalError } from '../core/index.ts'
import type { PeerOptions } from '../peer/options.ts'
import type { Peer } from '../peer/peer.ts'
import type { WebSocketConstructor } from '../peer/signaling.ts'
import { type Opened, type Opening, start } from '../peer/start.ts'
import { openWeb, type Web } from '../peer/web.ts'
import { parseHostPortOption } from './address.ts'
import { Seeds } from './seeds.ts'
import { openUdp, type UdpChannel } from './udp.ts'
import { loadWrtc } from './wrtc.ts'

export * from '../core/index.ts'
export type { Log, PeerOptions } from '../peer/options.ts'
export { Peer, type Registration, type User } from '../peer/peer.ts'

export interface NodePeerOptions extends PeerOptions {
  udp?: {
    /** `host:port` or `[v6]:port`; port 0 takes a free one. */
    bind: string
    /** What others are told to send to, where that is not the address bound. */
    advertise?: string
    /** Members to join by, as `host:port`; names are looked up again and again. */
    join?: readonly string[]
  }
  /** `false` keeps a gateway on the relay alone, without WebRTC; `true` unless told. */
  webrtc?: boolean
}

/**
 * Starts a peer in this process. With `udp` and `signaling` it is a gateway between tabs and processes.
 *
 * Rejects with `bad_option` or `bad_name` (naming the option), `bind_failed`, `webrtc_missing`, or the reason of
 * `options.signal`; nothing is left open then.
 */
export function startPeer(options: NodePeerOptions): Promise<Peer> {
  return start(options, 'server', (opening) => open(options, opening))
}

/** A server we did not write ourselves is no less hostile than a peer: no frame of the protocol is larger than this. */
class SignalingSocket extends WebSocket {
  constructor(url: string) {
    super(url, { maxPayload: 32 * 1024, perMessageDeflate: false })
  }
}

async function open(options: NodePeerOptions, opening: Opening): Promise<Opened> {
  const { signaling, udp } = options
  if (udp === undefined && signaling === undefined) {
    throw new ShoalError('bad_option', 'udp or signaling: expected at least one of them')
  }
  const join = udp?.join ?? []
  if (!Array.isArray(join)) throw new ShoalError('bad_option', 'udp.join: expected a list of host:port')
  for (const seed of join) parseHostPortOption('udp.join', seed)
  const { id, driver, random, log } = opening
  let web: Web | undefined
  if (signaling !== undefined) {
    const rtc = options.webrtc === false ? {} : { simplePeer: SimplePeer, wrtc: await loadWrtc() }
    const platform = { webSocket: SignalingSocket as WebSocketConstructor, ...rtc }
    web = openWeb(id, { ...options, signaling }, platform, driver, random, log)
  }
  const channels: Channel[] = []
  let seeds: Seeds | undefined
  if (udp !== undefined) {
    const channel: UdpChannel = await openUdp({ ...udp, log }, driver.eventsOf('udp'))
    channels.push(channel)
    seeds = new Seeds(join, channel.family, log, (found) => driver.call((swim, now) => swim.join(found, now)))
  }
  if (web) channels.push(...web.channels)
  return {
    channels,
    begin() {
      // With signalling and no seeds it is the server that says whether anybody is there.
      if (seeds && (join.length > 0 || !web)) seeds.open()
      web?.open()
    },
    async close() {
      seeds?.close()
      await web?.close()
    },
  }
}
