/**
 * The web side of a peer, in a tab or in a gateway: its signalling servers, WebRTC links, and the relay that carries packets
 * where there is no link (yet). What two peers have to say to each other to open a link goes over the mesh, and by a
 * signalling server only where the mesh has no path.
 */

import type { Channel, PeerId, Random } from '../core/index.ts'
import type { IceServer } from '../signaling/protocol-ice.ts'
import { type CallParts, type CallPartsEvents, isCallSignal, parseCallSignal } from './call-signal.ts'
import type { Driver } from './driver.ts'
import type { Log, PeerOptions } from './options.ts'
import type { IceServerOption } from './platform-types.ts'
import { RelayChannel } from './relay.ts'
import { type Link, RtcBudget, RtcChannel, type SimplePeerConstructor } from './rtc.ts'
import { decodeRtcSignal, encodeRtcSignal, parseRtcSignal } from './rtc-signal.ts'
import { type Server, SignalingServers } from './servers.ts'
import type { WebSocketConstructor } from './signaling.ts'

/** What the platform provides; without `simplePeer` everything goes over the relay. */
export interface WebPlatform {
  webSocket: WebSocketConstructor
  simplePeer?: SimplePeerConstructor
  wrtc?: object
  /** Where connections are limited by page, all peers of the page share this. */
  budget?: RtcBudget
}

export interface Web {
  readonly channels: readonly Channel[]
  links(): readonly Link[]
  /** For connections of the application; absent without WebRTC. */
  readonly calls?: CallParts
  /** `rtc_`, `relay_` and `signaling_`, each with the names of those three; ways that signals took are in the first. */
  counters(): Readonly<Record<string, number>>
  /** Connects to the servers; needs a driver that has been started. */
  open(): void
  /** Where the next attempt to connect is waited for, it is made now. */
  wake(): void
  /** Leaves the servers' rooms at once, for a page that is being closed. */
  bye(): void
  close(): Promise<void>
  /** What keeps this peer from others as far as it is known here, for people; undefined while the server is in reach. */
  trouble(): string | undefined
}

/** How often a few random peers are asked for: two halves of a room that lost sight of each other meet this way. */
const introductionsMs = 30_000

export function openWeb(
  id: PeerId,
  options: PeerOptions & { room: string; servers: readonly Server[] },
  platform: WebPlatform,
  driver: Driver,
  random: Random,
  log: Log,
): Web {
  let timer: ReturnType<typeof setTimeout> | undefined
  let outage: string | undefined
  let issued: readonly IceServer[] = []
  const introduce = (ids: readonly PeerId[]) => {
    const endpoints = ids.map((peer) => `relay:${peer}`)
    driver.call((swim, now) => swim.introduce(endpoints, now))
  }
  const client = new SignalingServers(
    options.servers,
    { room: options.room, id, webSocket: platform.webSocket, random, log },
    {
      welcome: introduce,
      introduced: introduce,
      signal: (from, data) => rtc?.receiveSignal(from, data),
      packet: (from, packet) => relay.receivePacket(from, packet),
      absent: (id) => rtc?.unreachable(id),
      iceServers(servers) {
        issued = servers
      },
      up() {
        outage = undefined
        relay.receiveUp()
      },
      down(reason) {
        outage = reason
        relay.receiveDown()
      },
    },
  )
  const relay = new RelayChannel(id, client, driver.eventsOf('relay'))
  const iceServers = () => [...(options.iceServers ?? []), ...issued]
  const rtc = openRtc(id, options, platform, iceServers, client, driver, random, log)
  const askLater = () => {
    timer = setTimeout(
      () => {
        client.introduce()
        askLater()
      },
      introductionsMs * (0.75 + random() / 2),
    )
  }
  return {
    channels: rtc ? [rtc.channel, relay] : [relay],
    links: () => rtc?.channel.links() ?? [],
    ...(rtc && { calls: rtc.calls }),
    counters: () => ({
      ...named('rtc_', { ...rtc?.channel.counters(), ...rtc?.signals }),
      ...named('relay_', relay.counters()),
      ...named('signaling_', client.counters()),
    }),
    open() {
      driver.call((swim, now) => swim.channelAvailable('relay', false, now))
      client.open()
      askLater()
    },
    wake: () => client.open(),
    bye() {
      clearTimeout(timer)
      client.bye()
    },
    close() {
      clearTimeout(timer)
      return client.close()
    },
    trouble() {
      if (outage === undefined) return undefined
      const links = rtc ? linkTrouble(rtc.channel.counters(), iceServers()) : 'there is no WebRTC here'
      const places = options.servers.flatMap(({ url, own }) => (own ? [] : [url].flat().map(placeOf)))
      const servers =
        places.length > 1 ? `signalling servers ${places.join(', ')} are` : `signalling server ${places[0]} is`
      return `the ${servers} out of reach (${outage})${links && `, and ${links}`}`
    },
  }
}

/** Empty while a link is open. */
function linkTrouble(counters: Readonly<Record<string, number>>, servers: readonly IceServerOption[]): string {
  const { opened = 0, ended = 0, failed = 0 } = counters
  if (opened > ended) return ''
  const hasTurn = servers.some(({ urls }) => [urls].flat().some((url) => /^turns?:/i.test(url)))
  const attempts = failed === 0 ? '' : ` (${failed} failed to open${hasTurn ? '' : ', with no TURN server to go by'})`
  return `no WebRTC connection is open${attempts}`
}

/** An address as people may see it: a query or a user's name in it may be a secret. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

interface Rtc {
  channel: RtcChannel
  calls: CallParts
  /** Signals sent each way. */
  signals: { signalsByMesh: number; signalsByServer: number }
  receiveSignal(from: PeerId, data: unknown): void
  unreachable(to: PeerId): void
}

/** Links and calls share how connections are made and the ways of their signals. */
function openRtc(
  id: PeerId,
  options: PeerOptions,
  platform: WebPlatform,
  iceServers: () => IceServerOption[],
  client: SignalingServers,
  driver: Driver,
  random: Random,
  log: Log,
): Rtc | undefined {
  const { simplePeer, wrtc, budget = new RtcBudget() } = platform
  if (simplePeer === undefined) return undefined
  const { iceTransportPolicy } = options
  const making = { simplePeer, ...(wrtc && { wrtc }), ...(iceTransportPolicy && { iceTransportPolicy }) }
  const signals = { signalsByMesh: 0, signalsByServer: 0 }
  let calls: CallPartsEvents | undefined
  const unreachable = (to: PeerId) => {
    channel.unreachable(to)
    calls?.unreachable(to)
  }
  const sendByServer = (to: PeerId, data: object) => {
    signals.signalsByServer++
    if (!client.sendSignal(to, data)) unreachable(to)
  }
  const signal = (to: PeerId, data: object) => {
    const called = driver.call((swim, now) => {
      if (swim.sendSignal('rtc', to, encodeRtcSignal(data), now)) signals.signalsByMesh++
      else sendByServer(to, data)
    })
    // While a peer closes, only the server is left to tell others that an attempt is given up.
    if (!called) sendByServer(to, data)
  }
  const receiveSignal = (from: PeerId, data: unknown) => {
    if (isCallSignal(data)) calls?.receive(from, data)
    else channel.receiveSignal(from, data)
  }
  const channel = new RtcChannel(
    {
      id,
      random,
      log,
      signal,
      budget,
      ...making,
      // Asked for each link anew, since credentials are renewed.
      get iceServers() {
        return iceServers()
      },
    },
    driver.eventsOf('rtc'),
  )
  driver.carrySignals('rtc', {
    receive: (from, data) => receiveSignal(from, decodeRtcSignal(data)),
    lost: (to, data) => {
      const decoded = decodeRtcSignal(data)
      const lost = isCallSignal(decoded) ? parseCallSignal(decoded) : parseRtcSignal(decoded)
      if (lost) sendByServer(to, lost)
    },
  })
  return {
    channel,
    signals,
    receiveSignal,
    unreachable,
    calls: {
      signal,
      budget,
      get platform() {
        return { ...making, iceServers: iceServers() }
      },
      now: () => performance.now(),
      listen(events) {
        calls = events
      },
    },
  }
}

/** Counters under names that say whose they are, written as the core writes its own. */
function named(prefix: string, counters: Readonly<Record<string, number>>): Record<string, number> {
  const written = (name: string) => prefix + name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return Object.fromEntries(Object.entries(counters).map(([name, count]) => [written(name), count]))
}
