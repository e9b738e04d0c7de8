/**
 * One simulated peer: the protocol core, its clock, and what has happened to the process it stands for. It is also the
 * core's host, and passes on what the core asks for.
 */

import type { ChannelInfo, Endpoint, Host, SwimEvent } from '../host.ts'
import type { PeerId } from '../ids.ts'
import { Swim, type SwimOptions } from '../swim.ts'
import type { Kind } from './options.ts'

/** A paused process can be resumed, a crashed one cannot; `left` said farewell. */
export type Life = 'running' | 'paused' | 'asleep' | 'crashed' | 'left'

/** What one peer has sent and received so far, forged packets not included. */
export interface Traffic {
  packetsOut: number
  bytesOut: number
  packetsIn: number
  bytesIn: number
}

export interface ParticipantOwner {
  send(from: Participant, to: Endpoint, packet: Uint8Array): void
  dial(from: Participant, kind: Kind, to: PeerId): void
  hangUp(from: Participant, kind: Kind, to: PeerId): void
  notify(from: Participant, event: SwimEvent): void
}

/** What a paused process finds in its sockets on resuming; the rest was dropped by its system. */
const waitingMax = 2048
/** Clocks begin here, because a time of 0 means never. */
const epochMs = 1_000_000

export class Participant implements Host {
  readonly name: string
  readonly id: PeerId
  readonly kinds: readonly Kind[]
  readonly swim: Swim
  readonly traffic: Traffic = { packetsOut: 0, bytesOut: 0, packetsIn: 0, bytesIn: 0 }
  life: Life = 'running'
  /** The deadline its timer is armed for, by its own clock; a timer that carries another is stale. */
  armedAt = Number.NaN
  /** Calls that wait until the process runs again. */
  readonly waiting: (() => void)[] = []
  readonly #owner: ParticipantOwner
  readonly #endpoints: ReadonlyMap<Kind, Endpoint>
  #aheadMs: number

  constructor(
    name: string,
    kinds: readonly Kind[],
    options: Omit<SwimOptions, 'channels' | 'host' | 'now' | 'name'>,
    clockOffsetMs: number,
    worldMs: number,
    owner: ParticipantOwner,
  ) {
    this.name = name
    this.id = options.id
    this.kinds = kinds
    this.#owner = owner
    this.#aheadMs = epochMs + clockOffsetMs
    this.#endpoints = new Map(kinds.map((kind) => [kind, endpointOf(kind, name, options.id)]))
    const channels = kinds.map((kind) => this.#channel(kind))
    this.swim = new Swim({ ...options, name, channels, host: this, now: this.clock(worldMs) })
  }

  /** In the network: it may be silent just now, but it has neither crashed nor left. */
  get live(): boolean {
    return this.life !== 'crashed' && this.life !== 'left'
  }

  /** What its clock shows at a time of the world. */
  clock(worldMs: number): number {
    return worldMs + this.#aheadMs
  }

  /** When in the world its clock will show `localMs`. */
  worldTime(localMs: number): number {
    return localMs - this.#aheadMs
  }

  /** Its clock stood still for this long. */
  loseTime(ms: number): void {
    this.#aheadMs -= ms
  }

  endpoint(kind: Kind): Endpoint | undefined {
    return this.#endpoints.get(kind)
  }

  /** Bounded: what comes when the sockets are full is lost. */
  wait(call: () => void): void {
    if (this.waiting.length < waitingMax) this.waiting.push(call)
  }

  // What the core asks for (see Host)

  send(to: Endpoint, packet: Uint8Array): void {
    this.#owner.send(this, to, packet)
  }

  dial(kind: string, to: PeerId): void {
    this.#owner.dial(this, kind, to)
  }

  hangUp(kind: string, to: PeerId): void {
    this.#owner.hangUp(this, kind, to)
  }

  notify(event: SwimEvent): void {
    this.#owner.notify(this, event)
  }

  #channel(kind: Kind): ChannelInfo {
    return { kind, endpoint: this.#endpoints.get(kind)!, reach: kind === 'rtc' ? 'linked' : 'any' }
  }
}

/** Sockets are found by the host's name and so survive a restart, links and relayed packets are found by id. */
function endpointOf(kind: Kind, name: string, id: PeerId): Endpoint {
  if (kind === 'rtc' || kind === 'relay') return `${kind}:${id}`
  return kind === 'udp' ? `udp:${name}:7946` : `${kind}:${name}`
}
