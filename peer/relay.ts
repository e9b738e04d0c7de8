/**
 * The channel of last resort: packets through the signalling server. Every peer of the room that has its socket there can
 * be reached without opening anything, so a tab is a full member before its first WebRTC connection, or without any.
 */

import {
  Allowance,
  addressOf,
  type Channel,
  type ChannelEvents,
  type Endpoint,
  isGossip,
  isPeerId,
  kindOf,
  type PeerId,
  packetBytesMax,
} from '../core/index.ts'
import type { SignalingClient } from './signaling.ts'

const kind = 'relay'

/**
 * What this peer asks of the server at most: packets a second, and at once after a pause. The server carries the packets
 * of all who have no better way, so each of them keeps a budget; it is within the limits that servers set by themselves
 * (`signaling/options.ts`). What is above it is dropped and counted. Gossip repeats what matters.
 */
export const relayedPerSecond = 50
export const relayedBurst = 200
/**
 * The part of it that rumours may take. The rest is for probes and their answers: were those dropped when a room is busy,
 * members would be suspected for nothing.
 */
export const rumoursPerSecond = 35
export const rumoursBurst = 150

/**
 * Its owner also owns the client and passes on what that tells: `receivePacket` for `packet`, `receiveUp` and
 * `receiveDown` for `up` and `down`. The socket is shared with WebRTC's signals, so closing the channel leaves it open.
 */
export class RelayChannel implements Channel {
  readonly kind = kind
  readonly reach = 'any'
  readonly packetSizeMax = packetBytesMax
  readonly endpoint: Endpoint
  readonly #client: Pick<SignalingClient, 'sendPacket'>
  readonly #events: ChannelEvents
  #available = false
  #closed = false
  readonly #budget: Allowance
  readonly #rumours: Allowance
  readonly #now: () => number
  #unaddressed = 0
  #overBudget = 0

  /** `now`: milliseconds on a clock that never goes back. */
  constructor(
    id: PeerId,
    client: Pick<SignalingClient, 'sendPacket'>,
    events: ChannelEvents,
    now = () => performance.now(),
  ) {
    this.endpoint = `${kind}:${id}`
    this.#client = client
    this.#events = events
    this.#now = now
    this.#budget = new Allowance(relayedPerSecond, relayedBurst, now())
    this.#rumours = new Allowance(rumoursPerSecond, rumoursBurst, now())
  }

  send(to: Endpoint, packet: Uint8Array): void {
    if (this.#closed) return
    // Endpoints come from the records of others: anything may stand in them.
    const id = addressOf(to)
    if (kindOf(to) !== kind || !isPeerId(id)) this.#unaddressed++
    else if (this.#isWithinBudget(packet)) this.#client.sendPacket(id, packet)
    else this.#overBudget++
  }

  #isWithinBudget(packet: Uint8Array): boolean {
    const now = this.#now()
    return (!isGossip(packet) || this.#rumours.take(1, now)) && this.#budget.take(1, now)
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  /** Packets for endpoints that are none of this channel, and those beyond the budget; the client counts the rest. */
  counters(): Readonly<Record<string, number>> {
    return { unaddressed: this.#unaddressed, overBudget: this.#overBudget }
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
