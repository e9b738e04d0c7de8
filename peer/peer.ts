/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The peer object: what `join()` and `startPeer()` give. The same in tabs and in Node; every read is local and at once.
 */

import {
  type Consistency,
  type EntryChange,
  type Health,
  type Instance,
  type Member,
  type MemberEvent,
  type PeerId,
  type PeerStatus,
  type Random,
  type ServiceOptions,
  type ServiceRecord,
  ShoalError,
  type State,
  type StateValue,
  type Swim,
  type SwimEvent,
  serviceKey,
  servicePrefix,
  serviceRecord,
  serviceToValue,
} from '../core/index.ts'
import { readServerUrl, signalingService, writeInvite } from './invite.ts'
import { chooseInstance } from './pick.ts'
import type { Link } from './rtc.ts'

export type MemberListener = (member: Member) => void
export type StatusListener = (status: PeerStatus, reason: string) => void

/** A user and the connections (tabs, processes) it is here with. */
export interface User {
  readonly user: string
  readonly members: readonly Member[]
}

/** What `register` gives: the instance's health can be told, and it can be taken out of service. */
export interface Registration {
  setHealth(health: Health): void
  /** Still listed, but no new work should go to it. */
  drain(): void
  /** Takes it off the list; final. */
  deregister(): void
}

/** What a peer stands on. It has no clock, no timer and no chance of its own, so it lives in a simulated world as well. */
export interface PeerParts {
  room: string
  swim: Swim
  /** Calls into the core and does what follows. */
  call: (run: (swim: Swim, now: number) => void) => void
  /** Says farewell before it returns; resolves when all that the peer was opened with is closed. Called once. */
  leave: () => Promise<void>
  random: Random
  warn: (message: string) => void
  /** What is known to be wrong with the ways to others; it is told beside the core's own reason for a status. */
  trouble?: () => string | undefined
  links?: () => readonly Link[]
  /** What its channels count, under names of their own. */
  counters?: () => Readonly<Record<string, number>>
}

export class Peer {
  #parts: PeerParts
  readonly #listeners = new Map<string, Set<MemberListener | StatusListener>>()
  readonly #subscribers = new Set<() => void>()
  readonly #registered = new Map<string, ServiceRecord>()
  #leaving: Promise<void> | undefined

  constructor(parts: PeerParts) {
    this.#parts = parts
  }

  /** New at every start, and so after a page came back from the back-forward cache. */
  get id(): PeerId {
    return this.#parts.swim.id
  }

  get self(): Member {
    return this.#parts.swim.self()
  }

  /** What this peer publishes of itself, services left out. */
  get state(): State {
    return this.#parts.swim.self().state
  }

  /**
   * `joining` until a member was found or there is none to find; `isolated` while this peer is probably cut off, keeps its
   * last view and declares nobody dead; `left` is final.
   */
  get status(): PeerStatus {
    return this.#parts.swim.status
  }

  /** Why the status is what it is, for people. */
  get reason(): string {
    return this.#explain(this.#parts.swim.status, this.#parts.swim.reason)
  }

  /**
   * Everybody present (alive or suspect), this peer included; with `gone` also dead and left members that are still
   * remembered. Frozen, and the same array until something in it changes.
   */
  members(options: { gone?: boolean } = {}): readonly Member[] {
    return this.#parts.swim.members(options)
  }

  /** `members()`, under the name `useSyncExternalStore` has for it. */
  getSnapshot(): readonly Member[] {
    return this.#parts.swim.members()
  }

  /** Calls `listener` behind every change of the view, once per change; returns what ends it. */
  subscribe(listener: () => void): () => void {
    this.#subscribers.add(listener)
    return () => this.#subscribers.delete(listener)
  }

  /**
   * `join`, `update`, `suspect`, `refute`, `leave` and `dead` tell of a member, `status` of this peer. Returns what ends
   * it. A listener that throws harms neither the peer nor other listeners.
   */
  on(type: MemberEvent['type'], listener: MemberListener): () => void
  on(type: 'status', listener: StatusListener): () => void
  on(type: string, listener: MemberListener | StatusListener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Members grouped by their `user`; those without one are left out. */
  users(): readonly User[] {
    const users = new Map<string, Member[]>()
    for (const member of this.#parts.swim.members()) {
      if (member.user === undefined) continue
      const members = users.get(member.user)
      if (members) members.push(member)
      else users.set(member.user, [member])
    }
    return [...users].map(([user, members]) => ({ user, members }))
  }

  /**
   * Publishes a patch: keys that are named get new values, an undefined value deletes its key, others stay. All or none:
   * throws `reserved_key`, `bad_value`, `entry_too_large`, `state_too_large` or `left`, and then nothing has changed.
   * Volatile entries (a cursor) spread like any other but need not be agreed on.
   */
  setState(patch: Readonly<Record<string, StateValue | undefined>>, options: { volatile?: boolean } = {}): void {
    const changes: EntryChange[] = []
    for (const [key, value] of Object.entries(patch)) {
      if (key.startsWith(servicePrefix)) {
        throw new ShoalError('reserved_key', `state key ${JSON.stringify(key)}: ${servicePrefix} is kept for services`)
      }
      changes.push({ key, value, volatile: options.volatile === true })
    }
    this.#change(changes)
  }

  /** Offers a service. Throws `bad_name`, `bad_option`, `already_registered`, `state_too_large` or `left`. */
  register(options: ServiceOptions): Registration {
    const record = serviceRecord(options)
    const key = serviceKey(record)
    if (this.#registered.has(key)) {
      throw new ShoalError('already_registered', `service: ${key.slice(servicePrefix.length)} is registered already`)
    }
    this.#publishService(key, record)
    let ended = false
    const change = (part: Partial<ServiceRecord>) => {
      const current = this.#registered.get(key)
      // The key may be in use again, by a later registration that this one has no say in.
      if (ended || current === undefined)
        throw new ShoalError('not_registered', `service: ${record.service} was deregistered`)
      this.#publishService(key, { ...current, ...part })
    }
    return {
      setHealth: (health) => {
        if (!['passing', 'warning', 'critical'].includes(health)) {
          throw new ShoalError('bad_option', `health: expected passing, warning or critical, got ${String(health)}`)
        }
        change({ health })
      },
      drain: () => change({ draining: true }),
      deregister: () => {
        if (ended) return
        ended = true
        this.#registered.delete(key)
        if (this.status !== 'left') this.#change([{ key, value: undefined, volatile: false }])
      },
    }
  }

  /** Instances of a service on members present, local and at once; `passing` leaves out warning, critical and draining. */
  lookup(service: string, options: { passing?: boolean; tag?: string } = {}): Instance[] {
    const name = service.toLowerCase()
    const found: Instance[] = []
    for (const member of this.#parts.swim.members()) {
      for (const instance of member.services) {
        if (instance.service !== name) continue
        if (options.passing && (instance.health !== 'passing' || instance.status === 'draining')) continue
        if (options.tag !== undefined && !instance.tags.includes(options.tag)) continue
        found.push(instance)
      }
    }
    return found
  }

  /** One instance by weight at random, the best there are: suspect, ailing and draining ones only while none is better. */
  pick(service: string): Instance | undefined {
    return chooseInstance(this.lookup(service), this.#parts.random)
  }

  /**
   * An address for newcomers, to be put into their `signaling` option in place of any other; it names the room too. They
   * are let in by a member that serves signalling itself, so it works while the room's own signalling server is away. The
   * address may be that of another member than at the last call. Throws `no_invite` where nobody serves signalling, or `left`.
   */
  invite(): string {
    const { swim, random, room } = this.#parts
    if (this.status === 'left') throw new ShoalError('left', 'this peer has left its room; it can invite nobody')
    const servers = this.lookup(signalingService).filter(({ meta }) => readServerUrl(meta.url) !== undefined)
    const own = servers.find(({ member }) => member === swim.id)
    const server = own ?? chooseInstance(servers, random)
    if (!server) {
      throw new ShoalError(
        'no_invite',
        'invite: nobody in this room serves signalling; expected a gateway started with serveSignaling (shoal agent --serve-signaling)',
      )
    }
    return writeInvite(readServerUrl(server.meta.url)!, room)
  }

  /** How far the last digests seen of other members agreed with this view. */
  consistency(): Consistency {
    return this.#parts.swim.consistency()
  }

  /**
   * The WebRTC links of this peer as they stand: open, being opened, or asked for. In a room of up to 12 tabs there is one
   * to each, in a larger one there are about 8 and never more than 16 open for long.
   */
  links(): readonly Link[] {
    return this.#parts.links?.() ?? []
  }

  /** What was sent, received, dropped and refused, by name. */
  counters(): Readonly<Record<string, number>> {
    return { ...this.#parts.swim.counters(), ...this.#parts.counters?.() }
  }

  /**
   * Says farewell and closes everything; resolves when nothing is left open. The first farewell is sent before this
   * returns, so a page that is being closed need not wait. Idempotent; never rejects.
   */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  /** For the start calls: goes on with new parts, under a new id, with the state and the services it left with. */
  resume(parts: PeerParts): void {
    const entries = this.#parts.swim.lasting()
    this.#parts = parts
    this.#leaving = undefined
    this.#change(entries)
  }

  /** For the start calls: passes on what the core tells. */
  hear(event: SwimEvent): void {
    if (event.type === 'changed') {
      for (const listener of this.#subscribers) this.#guard(listener)
    } else if (event.type === 'status') {
      const reason = this.#explain(event.status, event.reason)
      this.#each('status', (listener) => (listener as StatusListener)(event.status, reason))
    } else {
      this.#each(event.type, (listener) => (listener as MemberListener)(event.member))
    }
  }

  /** Why nobody is found, or nobody answers, is seldom the core's to know: it is the server or the network. */
  #explain(status: PeerStatus, reason: string): string {
    const trouble = status === 'joining' || status === 'isolated' ? this.#parts.trouble?.() : undefined
    return trouble === undefined ? reason : `${reason}; ${trouble}`
  }

  async #leave(): Promise<void> {
    try {
      await this.#parts.leave()
    } catch (error) {
      this.#parts.warn(`closing failed: ${String(error)}`)
    }
  }

  #publishService(key: string, record: ServiceRecord): void {
    this.#change([{ key, value: serviceToValue(record), volatile: false }])
    this.#registered.set(key, record)
  }

  #change(changes: readonly EntryChange[]): void {
    if (this.status === 'left') throw new ShoalError('left', 'this peer has left its room; nothing was changed')
    let thrown: unknown
    this.#parts.call((swim, now) => {
      try {
        swim.change(changes, now)
      } catch (error) {
        thrown = error
      }
    })
    if (thrown !== undefined) throw thrown
  }

  #each(type: string, call: (listener: MemberListener | StatusListener) => void): void {
    for (const listener of this.#listeners.get(type) ?? []) this.#guard(() => call(listener))
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#parts.warn(`a listener threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
}
