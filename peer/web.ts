/**
 * The web side of a peer, in a tab or in a gateway: a signalling client, WebRTC links introduced through it, and the
 * relay that carries packets where there is no link (yet).
 */

import type { Channel, PeerId, Random } from '../core/index.ts'
import type { Driver } from './driver.ts'
import type { Log, PeerOptions } from './options.ts'
import { RelayChannel } from './relay.ts'
import { RtcChannel, type SimplePeerConstructor } from './rtc.ts'
import { SignalingClient, type WebSocketConstructor } from './signaling.ts'

/** What the platform provides; without `simplePeer` everything goes over the relay. */
export interface WebPlatform {
  webSocket: WebSocketConstructor
  simplePeer?: SimplePeerConstructor
  wrtc?: object
}

export interface Web {
  readonly channels: readonly Channel[]
  /** Connects to the server; needs a driver that has been started. */
  open(): void
  /** Leaves the server's room at once, for a page that is being closed. */
  bye(): void
  close(): Promise<void>
}

/** How often a few random peers are asked for: two halves of a room that lost sight of each other meet this way. */
const introductionsMs = 30_000

export function openWeb(
  id: PeerId,
  options: PeerOptions & { signaling: string },
  platform: WebPlatform,
  driver: Driver,
  random: Random,
  log: Log,
): Web {
  let timer: ReturnType<typeof setTimeout> | undefined
  const introduce = (ids: readonly PeerId[]) => {
    const endpoints = ids.map((peer) => `relay:${peer}`)
    driver.call((swim, now) => swim.introduce(endpoints, now))
  }
  const client = new SignalingClient(
    { url: options.signaling, room: options.room, id, webSocket: platform.webSocket, random, log },
    {
      welcome: introduce,
      introduced: introduce,
      signal: (from, data) => rtc?.receiveSignal(from, data),
      packet: (from, packet) => relay.receivePacket(from, packet),
      up: () => relay.receiveUp(),
      down: () => relay.receiveDown(),
    },
  )
  const relay = new RelayChannel(id, client, driver.eventsOf('relay'))
  const rtc = openRtc(id, options, platform, client, driver, random, log)
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
    channels: rtc ? [rtc, relay] : [relay],
    open() {
      driver.call((swim, now) => swim.channelAvailable('relay', false, now))
      client.open()
      askLater()
    },
    bye() {
      clearTimeout(timer)
      client.bye()
    },
    close() {
      clearTimeout(timer)
      return client.close()
    },
  }
}

function openRtc(
  id: PeerId,
  options: PeerOptions,
  platform: WebPlatform,
  client: SignalingClient,
  driver: Driver,
  random: Random,
  log: Log,
): RtcChannel | undefined {
  const { simplePeer, wrtc } = platform
  if (simplePeer === undefined) return undefined
  const { iceServers, iceTransportPolicy } = options
  return new RtcChannel(
    {
      id,
      simplePeer,
      random,
      log,
      signal: (to, data) => client.sendSignal(to, data),
      ...(wrtc && { wrtc }),
      ...(iceServers && { iceServers }),
      ...(iceTransportPolicy && { iceTransportPolicy }),
    },
    driver.eventsOf('rtc'),
  )
}
