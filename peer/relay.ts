/**
 * The channel of last resort: packets through the signalling server. Every peer of the room that has its socket there can
 * be reached without opening anything, so a tab is a full member before its first WebRTC connection, or without any.
 */

import {
  addressOf,
  type Channel,
  type ChannelEvents,
  type Endpoint,
  isPeerId,
  kindOf,
  type PeerId,
  packetBytesMax,
} from '../core/index.ts'
import type { SignalingClient } from './signaling.ts'

const kind = 'relay'

/**
 * Its owner also owns the client and passes on what that tells: `receivePacket` for `packet`, `receiveUp` and
 * `receiveDown` for `up` and `down`. The socket is shared with WebRTC's signals, so closing the channel leaves it open.
 */
export class RelayChannel implements Channel {
  readonly kind = kind
  readonly reach = 'any'
  readonly packetSizeMax = packetBytesMax
  readonly endpoint: Endpoint
  readonly #client: SignalingClient
  readonly #events: ChannelEvents
  #available = false
  #closed = false
  #unaddressed = 0

  constructor(id: PeerId, client: SignalingClient, events: ChannelEvents) {
    this.endpoint = `${kind}:${id}`
    this.#client = client
    this.#events = events
  }

  send(to: Endpoint, packet: Uint8Array): void {
    if (this.#closed) return
    // Endpoints come from the records of others: anything may stand in them.
    const id = addressOf(to)
    if (kindOf(to) === kind && isPeerId(id)) this.#client.sendPacket(id, packet)
    else this.#unaddressed++
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  /** Packets for endpoints that are none of this channel; the client counts the rest. */
  counters(): Readonly<Record<string, number>> {
    return { unaddressed: this.#unaddressed }
  }

  receivePacket(from: PeerId, packet: Uint8Array): void {
    if (!this.#closed) this.#events.receive(`${kind}:${from}`, packet)
  }

  receiveUp(): void {
    this.#setAvailable(true)
  }

  receiveDown(): void {
    this.#setAvailable(false)
  }

  #setAvailable(available: boolean): void {
    if (this.#closed || available === this.#available) return
    this.#available = available
    this.#events.available(available)
  }
}
