/**
 * `shoal/node`: peers that are processes. They meet over UDP, and with `signaling` they meet tabs as well.
 *
 * @module
 */

import SimplePeer from 'simple-peer'
import { WebSocket } from 'ws'
import { type Channel, checkFlag, checkKnown, ShoalError, type State } from '../core/index.ts'
import { startOptions } from '../peer/known-options.ts'
import { type PeerOptions, type Settled, settleOptions } from '../peer/options.ts'
import type { Peer } from '../peer/peer.ts'
import type { Server } from '../peer/servers.ts'
import type { WebSocketConstructor } from '../peer/signaling.ts'
import { type Opened, type Opening, start } from '../peer/start.ts'
import { openWeb, type Web } from '../peer/web.ts'
import { parseHostPortOption } from './address.ts'
import { type OwnSignaling, openOwnSignaling, type ServeSignaling } from './own-signaling.ts'
import { Seeds } from './seeds.ts'
import { openUdp, type UdpChannel } from './udp.ts'
import { loadWrtc } from './wrtc.ts'

export * from '../peer/public.ts'
export type { ServeSignaling } from './own-signaling.ts'

/** What `startPeer` takes: `udp`, `signaling` or `serveSignaling`, at least one of them. */
export interface NodePeerOptions<S extends object = State> extends PeerOptions<S> {
  /** Meets processes, by sockets of UDP. Tabs have none. */
  udp?: {
    /** `host:port` or `[v6]:port`; port 0 takes a free one. */
    bind: string
    /** What others are told to send to, where that is not the address bound. */
    advertise?: string
    /** Members to join by, as `host:port`; names are looked up again and again. */
    join?: readonly string[]
  }
  /** Makes this peer a signalling server as well, whose address any member can give to newcomers: `Peer.invite`. */
  serveSignaling?: ServeSignaling
  /** `false` keeps a gateway on the relay alone, without WebRTC; `true` unless told. */
  webrtc?: boolean
}

/**
 * Starts a peer in this process. With `udp`, and with `signaling` or `serveSignaling`, it is a gateway between tabs and
 * processes. It is on all its signalling servers at once, so those who met on different ones are one room.
 *
 * Rejects with `bad_option` or `bad_name` (naming the option), `bind_failed`, `webrtc_missing`, or the reason of
 * `options.signal`; nothing is left open then.
 */
export async function startPeer<S extends object = State>(options: NodePeerOptions<S>): Promise<Peer<S>> {
  checkKnown('startPeer', options, [...startOptions, 'udp', 'serveSignaling', 'webrtc'])
  const settled = settleOptions(options as NodePeerOptions)
  const peer = await start(settled, 'server', (opening) => open(settled, opening))
  return peer as unknown as Peer<S>
}

/** A server we did not write ourselves is no less hostile than a peer: no frame of the protocol is larger than this. */
class SignalingSocket extends WebSocket {
  constructor(url: string) {
    super(url, { maxPayload: 32 * 1024, perMessageDeflate: false })
  }
}

async function open(options: Settled<NodePeerOptions>, opening: Opening): Promise<Opened> {
  const { serveSignaling, servers, udp, webrtc } = options
  if (udp === undefined && serveSignaling === undefined && servers.length === 0) {
    throw new ShoalError('bad_option', 'udp or signaling: expected at least one of them, or serveSignaling')
  }
  if (udp !== undefined) checkKnown('udp', udp, ['bind', 'join', 'advertise'])
  checkFlag('webrtc', webrtc)
  const join = udp?.join ?? []
  if (!Array.isArray(join)) throw new ShoalError('bad_option', 'udp.join: expected a list of host:port')
  for (const seed of join) parseHostPortOption('udp.join', seed)
  const { id, driver, random, log } = opening
  const own = serveSignaling === undefined ? undefined : await openOwnSignaling(serveSignaling, log)
  try {
    let web: Web | undefined
    if (own || servers.length > 0) {
      const rtc = webrtc === false ? {} : { simplePeer: SimplePeer, wrtc: await loadWrtc() }
      const platform = { webSocket: SignalingSocket as WebSocketConstructor, ...rtc }
      web = openWeb(id, { ...options, servers: serversOf(servers, own) }, platform, driver, random, log)
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
      ...(web && { web }),
      ...(own && { services: [own.service] }),
      begin() {
        // With signalling and no seeds it is the server that says whether anybody is there.
        if (seeds && (join.length > 0 || !web)) seeds.open()
        web?.open()
      },
      async close() {
        seeds?.close()
        await web?.close()
        await own?.close()
      },
    }
  } catch (error) {
    await own?.close()
    throw error
  }
}

/** The own one comes last: a peer that is also on others has more to learn from them. */
function serversOf(urls: readonly string[], own: OwnSignaling | undefined): Server[] {
  const servers: Server[] = urls.map((url) => ({ url }))
  if (own) servers.push({ url: own.url, own: true })
  return servers
}
