/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The peer object: what `join()` and `startPeer()` give. The same in tabs and in Node; every read is local and at once.
 */

import {
  type Consistency,
  checkFlag,
  checkKnown,
  type Explanation,
  type Instance,
  type Member,
  type Message,
  type PeerId,
  type PeerStatus,
  type ServiceOptions,
  ShoalError,
  type State,
  type StateOf,
  type StateValue,
  type SwimEvent,
} from '../core/index.ts'
import type { Answer } from './answers.ts'
import { Connections } from './connections.ts'
import type { DirectConnection } from './direct-connection.ts'
import { Directory, type Registration } from './directory.ts'
import { Draft, defaultThrottleMs } from './draft.ts'
import { Grounds, type PeerParts } from './grounds.ts'
import { readServerUrl, signalingService, writeInvite } from './invite.ts'
import { Listeners, type PeerEvents } from './listeners.ts'
import type { PickOptions } from './pick.ts'
import { Post, type QueryHandler, type QueryOptions } from './post.ts'
import type { Link } from './rtc.ts'
import type { LookupOptions } from './selection.ts'
import { type SettledOptions, Settling } from './settling.ts'
import { type User, Users } from './users.ts'
import type { ServiceChange } from './watch.ts'

/**
 * A peer in its room, as `join()` and `startPeer()` give it. Every read is local and at once. Before it has joined, everything
 * works on what is there. Once it has left, reads keep the last view, loops end, and what would change something throws `left`.
 * Listeners may call the peer; one that throws harms nobody and is told to the log.
 *
 * `S` is the type of the state that the members of the application publish.
 */
export class Peer<S extends object = State> {
  readonly #grounds: Grounds
  readonly #listeners: Listeners
  readonly #draft: Draft
  readonly #directory: Directory
  readonly #connections: Connections
  readonly #settling: Settling
  readonly #post: Post
  readonly #users = new Users()
  #leaving: Promise<void> | undefined

  /** @internal */
  constructor(parts: PeerParts) {
    this.#grounds = new Grounds(parts)
    this.#listeners = new Listeners(this.#grounds)
    this.#draft = new Draft(this.#grounds, parts.throttleMs ?? defaultThrottleMs)
    this.#directory = new Directory(this.#grounds)
    this.#connections = new Connections(this.#grounds)
    this.#settling = new Settling(this.#grounds, this.#listeners)
    this.#post = new Post(this.#grounds, this.#listeners)
    // Stores are handed over in pieces: `useSyncExternalStore(peer.subscribe, peer.getSnapshot)`.
    this.subscribe = this.subscribe.bind(this)
    this.getSnapshot = this.getSnapshot.bind(this)
  }

  // Reading

  /** New at every start, and so after a page came back from the back-forward cache. */
  get id(): PeerId {
    return this.#grounds.id
  }

  /** This peer as a member, as others may know it. */
  get self(): Member<S> {
    return this.#grounds.swim.self() as Member<S>
  }

  /** What this peer has set of its state, also what still waits for its turn to be published: `self.state` is what others may know. */
  get state(): StateOf<S> {
    return this.#draft.state() as StateOf<S>
  }

  /**
   * `joining` until a member was found or there is none to find; `isolated` while this peer is probably cut off, keeps its
   * last view and declares nobody dead; `left` is final.
   */
  get status(): PeerStatus {
    return this.#grounds.swim.status
  }

  /** Why the status is what it is, for people. */
  get reason(): string {
    const { swim } = this.#grounds
    return this.#explain(swim.status, swim.reason)
  }

  /**
   * Everybody present (alive or suspect), this peer included; with `gone` also dead and left members that are still
   * remembered. Frozen, and the same array until something in it changes.
   */
  members(options: { gone?: boolean } = {}): readonly Member<S>[] {
    checkKnown('members', options, ['gone'])
    checkFlag('gone', options.gone)
    return this.#grounds.swim.members(options) as readonly Member<S>[]
  }

  /** One member, be it present or gone and still remembered. */
  member(id: PeerId): Member<S> | undefined {
    return this.#grounds.swim.member(id) as Member<S> | undefined
  }

  /**
   * Members grouped by their `user`, in the order in which the first of each stands among the members; those without one
   * are left out. Frozen, and the same array until something in it changes.
   */
  users(): readonly User<S>[] {
    return this.#users.list(this.#grounds.swim.members()) as readonly User<S>[]
  }

  /** How far the last digests seen of other members agreed with this view. */
  consistency(): Consistency {
    return this.#grounds.swim.consistency()
  }

  /**
   * Resolves once this view may be relied on: the peer has joined, for `quietMs` nobody has come, gone or been suspected,
   * and since then another member has shown the same digest, if there is any. Cursors and other volatile state do not
   * count. It may never come in a room that never rests: pass a signal.
   *
   * Rejects with `left`, `bad_option`, `too_many` (64 calls wait already), or the reason of the signal.
   */
  async settled(options: SettledOptions = {}): Promise<Consistency> {
    checkKnown('settled', options, ['quietMs', 'signal'])
    return this.#settling.settled(options)
  }

  /**
   * The WebRTC links of this peer as they stand: open, being opened, or asked for. In a room of up to 12 tabs there is one
   * to each, in a larger one there are about 8 and never more than 16 open for long.
   */
  links(): readonly Link[] {
    return this.#grounds.parts.links?.() ?? []
  }

  /** What was sent, received, dropped and refused, by name. */
  counters(): Readonly<Record<string, number>> {
    const { swim, parts } = this.#grounds
    return { ...swim.counters(), ...parts.counters?.(), ...this.#connections.counters() }
  }

  // Explaining

  /**
   * Why a member is believed to be what it is: `because` in one sentence, and everything that bears on it. Undefined for an
   * id that is not known. A new object each time, as of this moment; asking changes nothing.
   */
  explain(id: PeerId): Explanation | undefined {
    return this.#grounds.swim.explainer.explain(id, this.#grounds.parts.now())
  }

  /**
   * Who stands next to a present member on the rings, as this peer computes it from its view: they watch it, and keep links to
   * it where those cost something. Up to 8 on each kind of channel it has, in small rooms everybody; first those that come
   * behind it on each ring, then those before. Empty for one that is gone or not known.
   */
  neighbours(id: PeerId): readonly PeerId[] {
    return this.#grounds.swim.explainer.neighbours(id)
  }

  // Listening

  /** `members()`, under the name `useSyncExternalStore` has for it. Like `subscribe` it may be handed over without its peer. */
  getSnapshot(): readonly Member<S>[] {
    return this.members()
  }

  /** Calls `listener` behind every change of the view, once per change; returns what ends it. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add('changed', listener)
  }

  /**
   * Calls `listener` for every event of this type (see `PeerEvents`), after the view has changed; returns what ends it. A
   * listener that throws, or whose promise rejects, harms neither the peer nor other listeners: the log is told. It may
   * call the peer. Throws `bad_option` for a type there is none of.
   */
  on<Type extends keyof PeerEvents>(type: Type, listener: (...told: PeerEvents<S>[Type]) => void): () => void {
    // Those who are here already are no news to the first that listens.
    if (!this.#tellsOfUsers) this.#users.changes(this.#grounds.swim.members())
    return this.#listeners.on(type, listener as unknown as (...told: never[]) => void)
  }

  // State

  /**
   * Publishes a patch: keys that are named get new values, an undefined value deletes its key, others stay. All or none:
   * throws `reserved_key`, `bad_value`, `entry_too_large`, `state_too_large` or `left`, and then nothing has changed.
   * Volatile entries (a cursor) spread like any other but need not be agreed on.
   *
   * A key is published at once, and then at most every `throttleMs` (see `PeerOptions`), the newest value last; the keys
   * of one patch go together. `state` has the new values in any case.
   */
  setState(patch: { readonly [K in keyof S]?: S[K] | undefined }, options: { volatile?: boolean } = {}): void {
    checkKnown('setState', options, ['volatile'])
    checkFlag('volatile', options.volatile)
    this.#draft.set(patch as Readonly<Record<string, StateValue | undefined>>, options.volatile === true)
  }

  // Services

  /** Offers a service. Throws `bad_name`, `bad_option`, `already_registered`, `state_too_large` or `left`. */
  register(options: ServiceOptions): Registration {
    checkKnown('register', options, ['service', 'port', 'address', 'tags', 'meta', 'weight', 'health'])
    return this.#directory.register(options)
  }

  /**
   * Instances of a service on members present, in the order of their ids, local and at once. Frozen, and the same array
   * until something in it changes (of 1,024 different questions; a question that was not asked for longer is forgotten).
   *
   * When most instances of a service die within a minute, those are listed as well, `lastKnown`, until enough are back or
   * for 5 minutes: the fault may be in the network in between. Throws `bad_name` or `bad_option` for what is no question.
   */
  lookup(service: string, options: LookupOptions = {}): readonly Instance[] {
    checkKnown('lookup', options, ['passing', 'tag'])
    return this.#directory.lookup(service, options)
  }

  /**
   * One instance, by weight at random unless another `policy` is named; of the best there are. In this order, each only
   * while none of those before is left: passing, suspect, warning, failing this peer (see `report`), critical, draining,
   * last-known. Undefined where none is left. Throws `bad_option` (`policy`, `key`, `tag`, `exclude`) or `bad_name`.
   */
  pick(service: string, options: PickOptions = {}): Instance | undefined {
    checkKnown('pick', options, ['policy', 'key', 'passing', 'tag', 'exclude'])
    return this.#directory.pick(service, options)
  }

  /**
   * How a request to an instance went. After 3 failures in a row `pick` passes it over for 1 s, and then, as one more
   * failure follows, for 2, 4 and so on to 60 s; a success ends that. Never more than half of a service's instances. It is
   * this peer's own opinion: no other peer hears of it, and `lookup` and `watch` do not show it. Throws `bad_option`;
   * nothing happens for an instance that is gone, or once this peer has left.
   */
  report(instance: Instance | string, ok: boolean): void {
    this.#directory.report(instance, ok)
  }

  /**
   * Follows a service. The first item is what is there, even if that is nothing, the others tell what has changed since the
   * item before: one item for all changes within 50 ms, and for all that happened while the reader was busy. The loop ends
   * by `break` and when this peer leaves; it throws the reason of `signal` when that aborts. It may be looped over again.
   */
  watch(service: string, options: LookupOptions & { signal?: AbortSignal } = {}): AsyncIterable<ServiceChange> {
    checkKnown('watch', options, ['passing', 'tag', 'signal'])
    return this.#directory.watch(service, options)
  }

  /**
   * An address for newcomers, to be put into their `signaling` option in place of any other; it names the room too. They
   * are let in by a member that serves signalling itself, so it works while the room's own signalling server is away. The
   * address may be that of another member than at the last call. Throws `no_invite` where nobody serves signalling, or `left`.
   */
  invite(): string {
    const { parts } = this.#grounds
    if (this.status === 'left') throw new ShoalError('left', 'this peer has left its room; it can invite nobody')
    const exclude = ({ meta }: Instance) => readServerUrl(meta.url) === undefined
    const own = this.self.services.find((one) => one.service === signalingService && !exclude(one))
    const server = own ?? this.pick(signalingService, { exclude })
    if (!server) {
      throw new ShoalError(
        'no_invite',
        'invite: nobody in this room serves signalling; expected a gateway started with serveSignaling (shoal agent --serve-signaling)',
      )
    }
    return writeInvite(readServerUrl(server.meta.url)!, parts.room)
  }

  // Connections

  /**
   * Opens a connection of the application's own to one member: for files, video, whatever is too much for messages. Resolves
   * with a connected simple-peer; the member's listeners of `onConnection` are given the other end. Each call opens another
   * one. It is signalled over the mesh, or by a signalling server where the mesh has no path, and uses the STUN and TURN
   * servers of the room's links. It is closed by either side, or when either peer leaves; not when a member is suspected.
   *
   * Rejects with `unknown_member` (nobody present has this id), `not_connectable` (one of the two has no WebRTC),
   * `connection_refused` (nobody listens there, or it has too many connections; known after one round trip),
   * `connection_failed` (no answer in 7 s, no path 15 s after it, or closed by the other side at once; the message says how
   * far it got), `too_many` (64 at a time, about 40 at once and 30 a minute), `left`, or the reason of `signal`.
   */
  async connect(id: PeerId, options: { signal?: AbortSignal } = {}): Promise<DirectConnection> {
    checkKnown('connect', options, ['signal'])
    return this.#connections.connect(id, options)
  }

  /**
   * Calls `listener` with every connection that another member has opened to this peer, once it is open; returns what ends
   * it. While nobody listens, calls are refused. So they are beyond 32 connections, and from one caller beyond 8 at once and
   * one every five seconds. Who does not want a connection destroys it; a listener that throws has it still.
   */
  onConnection(listener: (connection: DirectConnection, member: Member<S>) => void): () => void {
    return this.#connections.onConnection(listener as (connection: DirectConnection, member: Member) => void)
  }

  // Messages

  /**
   * Says something to one member, wherever it is in the room: over a link, over links of others, through the signalling
   * server, or by way of a gateway. Resolves with true once the member's peer has acknowledged it, with false after 3 s of
   * repeating it, or when either of the two is gone; then it may have arrived or not. It never rejects. It is heard at most
   * once, in no certain order. `data` is any value that a state may have, of 1,000 bytes at most.
   *
   * Throws `bad_option` (what is no id), `bad_value`, `message_too_large`, `rate_limited` (50 a second, 250 at once) or `left`.
   */
  send(id: PeerId, data?: unknown): Promise<boolean> {
    return this.#post.send(id, data)
  }

  /**
   * Says something to everybody else who is present, as far as the room carries it: once each, in no certain order, never
   * acknowledged, and not at all to whoever joins later, is frozen or cut off. `data` as for `send`.
   *
   * Throws `bad_option` (a topic has 1 to 64 characters), `bad_value`, `message_too_large`, `rate_limited` (50 a second, 200
   * at once) or `left`.
   */
  publish(topic: string, data?: unknown): void {
    this.#post.publish(topic, data)
  }

  /**
   * Calls `listener` for what is sent to this member and for what is published, or for one topic alone; returns what ends
   * it. What came before there was a listener is gone. Throws `bad_option`.
   */
  onMessage<T = unknown>(listener: (message: Message<T>) => void): () => void
  onMessage<T = unknown>(topic: string, listener: (message: Message<T>) => void): () => void
  onMessage(...given: [(message: Message<never>) => void] | [string, (message: Message<never>) => void]): () => void {
    const [topic, listener] = given.length === 1 ? [undefined, given[0]] : given
    return this.#post.onMessage(topic, listener as (message: Message) => void)
  }

  /**
   * Asks everybody, this peer included, and collects the answers of those who have an `onQuery` handler for the topic: at
   * most one each, in the order in which they come. It ends when the time is up; to end it sooner, `break` or abort, which
   * rejects with the signal's reason. Question and answers are messages: who is not heard may be there all the same.
   *
   * Throws as `publish` does (5 queries a second, 20 at once), and `too_many` beyond 64 that wait for answers.
   */
  query<T = unknown>(topic: string, data?: unknown, options: QueryOptions = {}): AsyncIterableIterator<Answer<T>> {
    checkKnown('query', options, ['timeout', 'signal'])
    return this.#post.query(topic, data, options) as AsyncIterableIterator<Answer<T>>
  }

  /**
   * Answers queries to a topic: with what `handler` returns or resolves to, not at all with undefined, or where it throws
   * or rejects, which is told to the log. Returns what ends it. Throws `bad_option`, or `already_registered`.
   */
  onQuery(topic: string, handler: QueryHandler): () => void {
    return this.#post.onQuery(topic, handler)
  }

  // Leaving

  /**
   * Says farewell and closes everything; resolves when nothing is left open. The first farewell is sent before this
   * returns, so a page that is being closed need not wait. Idempotent; never rejects.
   */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** `leave()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  /** For the start calls: goes on with new parts, under a new id, with the state and the services it left with. @internal */
  resume(parts: PeerParts): void {
    const goesOn = (key: string) => !this.#draft.isVolatile(key) && this.#directory.keeps(key)
    const entries = this.#grounds.swim.lasting().filter(({ key }) => goesOn(key))
    this.#grounds.forgetReminders()
    this.#grounds.parts = parts
    this.#draft.resume()
    this.#leaving = undefined
    this.#connections.attach()
    this.#grounds.change(entries)
  }

  /** For the start calls: publishes what waits for its turn, since there may be no later. @internal */
  hurry(): void {
    this.#draft.flush()
  }

  /** For the start calls: passes on what the core tells. @internal */
  hear(event: SwimEvent): void {
    switch (event.type) {
      case 'reminder':
        return this.#grounds.ring(event.seq)
      case 'changed':
        this.#connections.review()
        this.#directory.hear()
        this.#listeners.tell('changed')
        return this.#tellOfUsers()
      case 'status':
        this.#post.hearStatus(event.status)
        if (event.status === 'left') this.#directory.end()
        return this.#listeners.tell('status', event.status, this.#explain(event.status, event.reason))
      case 'message':
        return this.#listeners.tell('message', event.message)
      case 'query':
      case 'answer':
      case 'receipt':
        return this.#post.hear(event)
      default:
        return this.#listeners.tell(event.type, event.member)
    }
  }

  get #tellsOfUsers(): boolean {
    return this.#listeners.has('userJoin') || this.#listeners.has('userLeave')
  }

  #tellOfUsers(): void {
    if (!this.#tellsOfUsers) return
    const { joined, left } = this.#users.changes(this.#grounds.swim.members())
    for (const user of joined) this.#listeners.tell('userJoin', user)
    for (const user of left) this.#listeners.tell('userLeave', user)
  }

  /** Why nobody is found, or nobody answers, is seldom the core's to know: it is the server or the network. */
  #explain(status: PeerStatus, reason: string): string {
    const trouble = status === 'joining' || status === 'isolated' ? this.#grounds.parts.trouble?.() : undefined
    return trouble === undefined ? reason : `${reason}; ${trouble}`
  }

  async #leave(): Promise<void> {
    const { parts } = this.#grounds
    this.hurry()
    try {
      const closed = this.#connections.close()
      await parts.leave()
      await closed
    } catch (error) {
      parts.warn(`closing failed: ${String(error)}`)
    }
  }
}
