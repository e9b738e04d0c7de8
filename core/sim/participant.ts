/**
 * One simulated peer: the protocol core, its clock, and what has happened to the process it stands for. It is also the
 * core's host, and passes on what the core asks for.
 */

import type { Belief } from '../belief.ts'
import { steady } from '../clock.ts'
import { ShoalError } from '../errors.ts'
import type { ChannelInfo, Endpoint, Host, SwimEvent } from '../host.ts'
import type { PeerId } from '../ids.ts'
import type { Member } from '../member.ts'
import type { Random } from '../random.ts'
import { Swim } from '../swim.ts'
import type { SwimOptions } from '../swim-options.ts'
import type { Connection } from './connection.ts'
import type { Kind, Lateness } from './options.ts'

/** A paused process can be resumed, a crashed one cannot; `left` said farewell. */
export type Life = 'running' | 'paused' | 'asleep' | 'crashed' | 'left'

/** What one peer has sent and received so far, forged packets not included. */
export interface Traffic {
  /** Packets sent. */
  packetsOut: number
  /** Bytes of them, without headers of UDP or WebRTC. */
  bytesOut: number
  /** Packets received. */
  packetsIn: number
  /** Bytes of them. */
  bytesIn: number
}

/** How much one peer holds just now. None of it may grow with time alone. */
export interface Load {
  /** Present members in its view, itself included. */
  readonly members: number
  /** Dead and left members that it remembers. */
  readonly tombstones: number
  /** Deadlines of its core, stale ones included. */
  readonly timers: number
  /** Rumours it still has to tell, over all its channels. */
  readonly rumours: number
  /** Packets that have arrived and wait to be read: it is paused, stalled or starved. */
  readonly unread: number
}

export interface ParticipantOwner {
  send(from: Participant, to: Endpoint, packet: Uint8Array): void
  dial(from: Participant, kind: Kind, to: PeerId): void
  hangUp(from: Participant, kind: Kind, to: PeerId): void
  signal(to: Participant, kind: Kind, from: PeerId, data: Uint8Array): void
  signalLost(from: Participant, kind: Kind, to: PeerId, data: Uint8Array): void
  notify(from: Participant, event: SwimEvent): void
  /** Its timer fired; it may be stale. */
  wake(from: Participant): void
}

/** What a paused process finds in its sockets on resuming; the rest was dropped by its system. */
const waitingMax = 2048
/** What a network that holds everything back keeps of one peer, each way. */
const heldMax = 8192
/** What a starved process has not come to read; its sockets take no more. */
const unreadMax = 8192
/** Clocks begin here, because a time of 0 means never. */
const epochMs = 1_000_000

export class Participant implements Host {
  readonly name: string
  readonly id: PeerId
  readonly kinds: readonly Kind[]
  /** The signalling servers it knows; none without a `relay` channel. */
  readonly servers: readonly number[]
  readonly user: string | null
  /** What it holds of itself. */
  readonly own: Belief
  readonly traffic: Traffic = { packetsOut: 0, bytesOut: 0, packetsIn: 0, bytesIn: 0 }
  life: Life = 'running'
  /** For the invariants: events since the whole list was checked, and its members by then if nothing changed since. */
  readonly checked: { events: number; snapshot: readonly Member[] | undefined } = { events: 0, snapshot: undefined }
  /** The deadline its timer is armed for, by its own clock, and when that is in the world. Another moment is stale. */
  armedFor = Number.NaN
  armedAt = Number.NaN
  readonly wake = (): void => this.#owner.wake(this)
  /** Calls that wait until the process runs again. */
  readonly waiting = new Backlog(waitingMax)
  /** When a stall ends; undefined without one. */
  stalledUntil: number | undefined
  /** What waits for the end of a stall: packets it has sent, and packets sent to it. */
  readonly heldOut = new Backlog(heldMax)
  readonly heldIn = new Backlog(heldMax)
  /** How late it reads packets; undefined where it does not. */
  late: Lateness | undefined
  /** Application code that lives in the process. */
  connection: Connection | undefined
  #swim: Swim | undefined
  readonly #owner: ParticipantOwner
  readonly #endpoints: ReadonlyMap<Kind, Endpoint>
  readonly #clock: () => number
  #aheadMs: number
  #worldMs: number
  #unread = 0
  #readAt = 0

  constructor(
    name: string,
    kinds: readonly Kind[],
    servers: readonly number[],
    options: Omit<SwimOptions, 'channels' | 'host' | 'now' | 'name'>,
    clockOffsetMs: number,
    worldMs: number,
    owner: ParticipantOwner,
  ) {
    this.name = name
    this.id = options.id
    this.kinds = kinds
    this.servers = servers
    this.user = options.user
    this.#owner = owner
    this.#aheadMs = epochMs + clockOffsetMs
    this.#worldMs = worldMs
    // As the driver reads it.
    this.#clock = steady(() => this.#worldMs + this.#aheadMs)
    this.#endpoints = new Map(kinds.map((kind) => [kind, endpointOf(kind, name, options.id)]))
    const channels = kinds.map((kind) => this.#channel(kind))
    this.#swim = new Swim({ ...options, name, channels, host: this, now: this.clock(worldMs) })
    this.own = this.#swim.beliefs.get(this.id)!
  }

  /** The core; throws when it was let go. */
  get swim(): Swim {
    if (this.#swim !== undefined) return this.#swim
    throw new ShoalError('unknown_member', `${this.name} is gone for so long that its view is no longer kept`)
  }

  /** Lets the core go, and the whole view with it. Only for one that is gone. */
  forgetView(): void {
    this.#swim = undefined
    this.checked.snapshot = undefined
  }

  /** In the network: it may be silent just now, but it has neither crashed nor left. */
  get live(): boolean {
    return this.life !== 'crashed' && this.life !== 'left'
  }

  /** It runs, and packets get to it and from it. */
  get reachable(): boolean {
    return this.life === 'running' && this.stalledUntil === undefined
  }

  /** Now, or when its process goes on; never, if that has ended by then. */
  whenRunning(run: () => void): void {
    if (this.life === 'running') run()
    else if (this.live) this.waiting.hold(() => this.whenRunning(run))
  }

  /** What its clock shows at a time of the world, which may not be earlier than the last that was asked for. */
  clock(worldMs: number): number {
    this.#worldMs = worldMs
    return this.#clock()
  }

  /** When in the world its clock will show `localMs`, if it is not set: at once if it has shown it already. */
  worldTime(localMs: number, worldMs: number): number {
    return worldMs + Math.max(0, localMs - this.clock(worldMs))
  }

  /** Its clock is set, forward or back. */
  setClock(ms: number): void {
    this.#aheadMs += ms
  }

  /** Its timer has fired, or was lost with the time its clock stood still. */
  disarm(): void {
    this.armedFor = Number.NaN
    this.armedAt = Number.NaN
  }

  /** A packet has arrived. When it will be read: never before one that came earlier; undefined if there is no room for it. */
  readingAt(worldMs: number, random: Random): number | undefined {
    const { late } = this
    if (late === undefined && this.#readAt <= worldMs) return worldMs
    if (this.#unread >= unreadMax) return undefined
    this.#unread++
    const lateMs = late === undefined ? 0 : late.minMs + random() * (late.maxMs - late.minMs)
    this.#readAt = Math.max(this.#readAt, worldMs + lateMs)
    return this.#readAt
  }

  /** A packet that was kept waiting is read. */
  hasRead(): void {
    this.#unread--
  }

  load(): Load {
    const { timers = 0, rumours_waiting: rumours = 0, tombstones = 0 } = this.swim.counters()
    const unread = this.#unread + this.waiting.size + this.heldIn.size
    return Object.freeze({ members: this.swim.beliefs.size, tombstones, timers, rumours, unread })
  }

  endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values()
  }

  endpoint(kind: Kind): Endpoint | undefined {
    return this.#endpoints.get(kind)
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

  signal(kind: string, from: PeerId, data: Uint8Array): void {
    this.#owner.signal(this, kind, from, data)
  }

  signalLost(kind: string, to: PeerId, data: Uint8Array): void {
    this.#owner.signalLost(this, kind, to, data)
  }

  notify(event: SwimEvent): void {
    this.#owner.notify(this, event)
    this.connection?.hear(event)
  }

  #channel(kind: Kind): ChannelInfo {
    return { kind, endpoint: this.#endpoints.get(kind)!, reach: kind === 'rtc' ? 'linked' : 'any' }
  }
}

/** Calls that have to wait, in order. Bounded: what comes when it is full is lost. */
class Backlog {
  readonly #max: number
  #calls: (() => void)[] = []

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#calls.length
  }

  hold(call: () => void): void {
    if (this.#calls.length < this.#max) this.#calls.push(call)
  }

  release(): void {
    const calls = this.#calls
    this.#calls = []
    for (const call of calls) call()
  }
}

/** Sockets are found by the host's name and so survive a restart, links and relayed packets are found by id. */
function endpointOf(kind: Kind, name: string, id: PeerId): Endpoint {
  if (kind === 'rtc' || kind === 'relay') return `${kind}:${id}`
  return kind === 'udp' ? `udp:${name}:7946` : `${kind}:${name}`
}
