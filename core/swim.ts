/**
 * The protocol's state machine: SWIM with rumours on probe traffic, sync by digests, and healing. Synchronous, without
 * I/O: commands, packets, link events and time go in, effects go out through a `Host`; the same inputs with the same
 * random numbers give the same effects. What is decided is decided here; the classes it owns compute.
 */

import { Agreement, type Consistency } from './agreement.ts'
import type { Belief } from './belief.ts'
import { decodePacket, type Header, idPrefix, type Packet } from './codec.ts'
import { type Config, defaultConfig } from './config.ts'
import { Deadlines } from './deadlines.ts'
import { Detector } from './detector.ts'
import { type Digest, roomTag } from './digest.ts'
import { ShoalError } from './errors.ts'
import { Healing } from './healing.ts'
import { addressOf, type ChannelInfo, type Endpoint, type Host, type PeerStatus, packetBytesMax } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Member, MemberEvent, MemberMode } from './member.ts'
import type { Members } from './members.ts'
import { claimBytesMax, Outbox } from './outbox.ts'
import { Paths } from './paths.ts'
import { type Random, randomInt, sample } from './random.ts'
import { type EntryChange, Self, type SelfOptions } from './self.ts'
import { Sync } from './sync.ts'
import { View, type ViewOwner } from './view.ts'

export interface SwimOptions extends Omit<SelfOptions, 'endpoints'> {
  room: string
  /** In order of preference: where two peers share several kinds, the first is used. */
  channels: readonly ChannelInfo[]
  random: Random
  host: Host
  /** The driver's clock, in milliseconds; it never runs backwards. */
  now: number
  config?: Partial<Config>
}

/** A farewell goes to this many members at once; the others hear of it as of any rumour. */
const farewellsMax = 32
/** Gone members are looked through for those that may be forgotten. */
const sweepMs = 60_000

type Due =
  | { type: 'period' }
  | { type: 'ack' | 'relay'; seq: number }
  | { type: 'suspicion'; id: PeerId; until: number }
  | { type: 'gossip'; at: number }
  | { type: 'sync'; seq: number; at: number }
  | { type: 'heal'; at: number }
  | { type: 'sweep' }

export class Swim implements ViewOwner {
  readonly id: PeerId
  /** What `members()` is made from, for tests and simulators to read; nothing outside the core may change it. */
  readonly beliefs: Members
  readonly #config: Config
  readonly #random: Random
  readonly #host: Host
  readonly #tag: number
  readonly #view: View
  readonly #self: Self
  readonly #paths: Paths
  readonly #outbox: Outbox
  readonly #detector: Detector
  readonly #sync: Sync
  readonly #agreement: Agreement
  readonly #deadlines = new Deadlines<Due>()
  readonly #healing: Healing
  readonly #counters = new Map<string, number>()
  /** What happened to members during this call; told when it is over. */
  readonly #events: { type: MemberEvent['type']; belief: Belief }[] = []
  #status: PeerStatus = 'joining'
  #changed = false
  #now: number
  #gossipAt = Number.POSITIVE_INFINITY
  #gossipedAt = Number.NEGATIVE_INFINITY
  #healAt = 0

  constructor(options: SwimOptions) {
    const { id, name, user, mode, room, channels, random, host, now } = options
    const config = { ...defaultConfig, ...options.config }
    this.id = id
    this.#config = config
    this.#random = random
    this.#host = host
    this.#now = now
    this.#tag = roomTag(room)
    this.#agreement = new Agreement(config.differencesMax)
    this.#view = new View(id, config, this)
    const { members } = this.#view
    this.beliefs = members
    const nextSeq = () => randomInt(random, 2 ** 32)
    this.#paths = new Paths(id, channels, members, config, random, host)
    this.#outbox = new Outbox(this.#tag, members, this.#paths, config, host, (what) => this.count(what))
    this.#detector = new Detector(id, members, this.#paths, this.#outbox, config, random, {
      wake: (type, seq, at) => this.#deadlines.add(at, { type, seq }),
      nextSeq,
      count: (what) => this.count(what),
    })
    this.#sync = new Sync(id, members, config, {
      ask: (to, header, retried) => this.#ask(to, header, retried),
      push: (to, ids) => this.#outbox.push(to, ids),
      wake: (seq, at) => this.#deadlines.add(at, { type: 'sync', seq, at }),
      finished: (complete) => this.#synced(complete),
      nextSeq,
    })
    const endpoints = channels.map(({ endpoint }) => endpoint)
    this.#self = new Self({ id, name, user, mode, endpoints }, members, (...rumour) => this.spread(...rumour), now)
    this.#healing = new Healing(config, members, this.#paths, random)
    this.#scheduleHeal()
    // A random start keeps peers that were started together from probing in step.
    this.#deadlines.add(now + random() * config.probePeriodMs, { type: 'period' })
    this.#deadlines.add(now + sweepMs, { type: 'sweep' })
  }

  // Reading

  get status(): PeerStatus {
    return this.#status
  }

  /** Why the status is what it is, for people. */
  get reason(): string {
    if (this.#status === 'left') return 'this peer left'
    if (this.#status === 'joining') return 'looking for members'
    return this.#view.members.size > 1 ? 'in touch with the room' : 'alone in the room so far'
  }

  self(): Member {
    return this.#self.belief.snapshot(this.#now)
  }

  /** Frozen; the same array until something in it changes. With `gone`, dead and left members still remembered too. */
  members(options: { gone?: boolean } = {}): readonly Member[] {
    return this.#view.members.snapshot(this.#now, options.gone === true)
  }

  member(id: PeerId): Member | undefined {
    return this.#view.members.get(id)?.snapshot(this.#now)
  }

  /** This member's own entries, as `Self.lasting` gives them. */
  lasting(): EntryChange[] {
    return this.#self.lasting()
  }

  consistency(): Consistency {
    return this.#agreement.consistency(this.#view.members.digest)
  }

  /** What was sent, received, dropped and refused, by name. */
  counters(): Readonly<Record<string, number>> {
    return {
      ...Object.fromEntries(this.#counters),
      rumours_dropped: this.#outbox.dropped,
      rumours_waiting: this.#outbox.waiting,
      tombstones: this.#view.members.gone,
      timers: this.#deadlines.size,
    }
  }

  // Commands

  /** Joins by way of these endpoints and keeps them as seeds. Without any, a room of one is joined at once. */
  join(seeds: readonly Endpoint[], now: number): void {
    this.#now = now
    this.#healing.addSeeds(seeds)
    this.#contact(seeds)
    this.#settle()
  }

  /** Some peers of the room, learnt from a signalling server; they are contacted unless they are known to be alive. */
  introduce(endpoints: readonly Endpoint[], now: number): void {
    this.#now = now
    this.#contact(endpoints)
    this.#settle()
  }

  /** Changes this member's entries, all or none. Throws `left`, and as `Self.change` does. */
  change(changes: readonly EntryChange[], now: number): void {
    if (this.#status === 'left') throw new ShoalError('left', 'this peer has left its room; nothing was changed')
    this.#now = now
    if (this.#self.change(changes, now)) this.notify('update', this.#self.belief)
    this.#settle()
  }

  setMode(mode: MemberMode, now: number): void {
    if (this.#status === 'left' || mode === this.#self.belief.record?.mode) return
    this.#now = now
    this.#self.publish({ mode })
    this.notify('update', this.#self.belief)
    this.#settle()
  }

  /** Says farewell; final. Repeating it repeats the farewell, which helps where packets are lost. */
  leave(now: number): void {
    this.#now = now
    this.#outbox.tell(this.#self.farewell(), sample(this.#paths.reachable(), farewellsMax, this.#random))
    if (this.#status !== 'left') {
      this.#self.belief.status = 'left'
      this.#self.belief.since = now
      this.#view.members.update(this.#self.belief)
      this.#setStatus('left')
    }
    this.#settle()
  }

  // Packets

  /** Takes one packet; whatever is wrong with it is counted and changes nothing. */
  receive(packet: Uint8Array, from: Endpoint, now: number): void {
    if (this.#status === 'left') return
    this.#now = now
    this.count('packets_received')
    const decoded = this.#decode(packet)
    if (decoded) {
      if (decoded.unknown > 0) this.count('rumours_unknown')
      // A sender whose endpoint is no member's gets no more back than it sent: nobody is hit by answers he never asked for.
      const room = this.#view.members.at(from) ? packetBytesMax : packet.length
      for (const { rumour, bytes } of decoded.rumours) this.#view.receive(rumour, bytes, now)
      this.#receiveHeader(decoded.header, from, room)
    }
    this.#settle()
  }

  #decode(packet: Uint8Array): Packet | undefined {
    try {
      const decoded = decodePacket(packet, this.#tag)
      if (decoded === undefined) this.count('packets_unknown')
      return decoded
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      this.count(error.code === 'packet_foreign' ? 'packets_foreign' : 'packets_malformed')
      return undefined
    }
  }

  #receiveHeader(header: Header, from: Endpoint, room: number): void {
    switch (header.kind) {
      case 'ping':
        return this.#receivePing(header, from, room)
      case 'ack':
        return this.#receiveAck(header, from)
      case 'pingReq':
        return this.#detector.receivePingReq(header, from, this.#now)
      case 'gossip':
        return
      case 'ranges':
        this.#welcome(header.from, from, room)
        return this.#outbox.reply(this.#sync.parts(header.prefix, header.seq), [], from, room, header.from)
      case 'fetch': {
        this.#welcome(header.from, from, room)
        const { header: answer, records } = this.#sync.page(header, room - claimBytesMax)
        return this.#outbox.reply(answer, records, from, room, header.from)
      }
      case 'parts':
        return this.#sync.receiveParts(header, from, this.#now)
      case 'page':
        return this.#sync.receivePage(header, from, this.#now)
    }
  }

  #receivePing(ping: Header & { kind: 'ping' }, from: Endpoint, room: number): void {
    if (ping.to !== idPrefix(this.id)) return this.count('pings_astray')
    const { hi, lo } = this.#view.members.digest
    this.#outbox.reply({ kind: 'ack', seq: ping.seq, hi, lo }, [], from, room, ping.from, true)
    // A stranger's digest counts for nothing: a sync with an endpoint that was only claimed would send it more than it sent.
    if (this.#view.members.at(from)) this.#observe(ping, from)
  }

  #receiveAck(ack: Header & { kind: 'ack' }, from: Endpoint): void {
    const heard = this.#detector.receiveAck(ack, this.#now)
    if (heard === undefined) return
    const { belief, rttMs } = heard
    belief.lastHeard = this.#now
    if (rttMs !== undefined && belief.measure(rttMs)) {
      this.#view.members.update(belief)
      this.#changed = true
    }
    this.#observe(ack, rttMs === undefined ? undefined : from)
  }

  // Links

  linkUp(kind: string, peer: PeerId, now: number): void {
    this.#now = now
    this.#paths.linkUp(kind, peer)
    this.#refreshPaths()
    this.#settle()
  }

  /** A closed link is evidence, no verdict: the member is probed next, by the paths that are left. */
  linkDown(kind: string, peer: PeerId, now: number): void {
    this.#now = now
    this.#paths.linkDown(kind, peer, now)
    this.#refreshPaths()
    if (this.#view.members.get(peer)?.present) this.#detector.hasten(peer)
    this.#settle()
  }

  /** A channel that depends on a server can carry packets, or cannot. */
  channelAvailable(kind: string, yes: boolean, now: number): void {
    this.#now = now
    this.#paths.setAvailable(kind, yes)
    this.#refreshPaths()
    this.#settle()
  }

  // Time

  /** When `tick` wants to be called next; Infinity after leaving. */
  nextTimeout(): number {
    return this.#status === 'left' ? Number.POSITIVE_INFINITY : this.#deadlines.next
  }

  /** Does what is due. Call it at `nextTimeout()`, after the packets that have arrived by then. */
  tick(now: number): void {
    if (this.#status === 'left') return
    this.#now = now
    const late = now - this.#deadlines.next
    if (late > this.#config.probePeriodMs / 2) this.#wasAway(late)
    for (let due = this.#deadlines.take(now); due; due = this.#deadlines.take(now)) this.#do(due)
    this.#settle()
  }

  #do(due: Due): void {
    switch (due.type) {
      case 'period':
        return this.#period()
      case 'ack':
      case 'relay':
        return this.#detector.expire(due.type, due.seq, this.#now)
      case 'suspicion': {
        const belief = this.#view.members.get(due.id)
        if (belief?.status === 'suspect' && belief.suspectUntil === due.until) this.#view.declareDead(belief, this.#now)
        return
      }
      case 'gossip':
        if (due.at === this.#gossipAt) this.#gossip()
        return
      case 'sync':
        return this.#sync.wake(due.seq, due.at, this.#now)
      case 'heal':
        if (due.at !== this.#healAt) return
        for (const to of this.#healing.tries(this.#status === 'joining')) this.#sync.start(to, this.#now)
        return this.#scheduleHeal()
      case 'sweep':
        this.#view.sweep(this.#now)
        return this.#deadlines.add(this.#now + sweepMs, { type: 'sweep' })
    }
  }

  /**
   * This call comes late: the event loop was blocked, the tab throttled or the machine asleep. It was this peer that was
   * away, so nobody is judged by what fell due meanwhile: the probe is void and suspicions get the time that was missed.
   */
  #wasAway(missedMs: number): void {
    this.count('absences')
    this.#detector.forget()
    this.#agreement.doubt()
    for (const belief of this.#view.members.present()) {
      if (belief.status !== 'suspect') continue
      belief.suspectUntil += missedMs
      this.suspected(belief)
    }
  }

  /** One protocol period: judge the last probe, start the next. */
  #period(): void {
    this.count('periods')
    this.#deadlines.add(this.#now + this.#config.probePeriodMs, { type: 'period' })
    const silent = this.#detector.verdict(this.#now)
    if (silent) {
      this.count('probes_failed')
      this.#view.suspect(silent, this.#now)
    }
    for (const belief of this.#paths.cutOff()) this.#view.suspect(belief, this.#now)
    this.#paths.plan(this.#now)
    this.#detector.probe(this.#now)
  }

  #gossip(): void {
    this.#gossipAt = Number.POSITIVE_INFINITY
    this.#gossipedAt = this.#now
    this.#outbox.gossip(this.#random)
    if (this.#outbox.waiting > 0) this.#scheduleGossip(this.#now + this.#config.gossipIntervalMs)
  }

  // What the view asks for (see ViewOwner)

  spread(subject: string, bytes: Uint8Array): void {
    this.#outbox.add(subject, bytes)
    this.#scheduleGossip(Math.max(this.#now + this.#config.coalesceMs, this.#gossipedAt + 3 * this.#config.coalesceMs))
  }

  suspected(belief: Belief): void {
    this.#deadlines.add(belief.suspectUntil, { type: 'suspicion', id: belief.id, until: belief.suspectUntil })
  }

  accused(incarnation: number): void {
    this.count('refutations')
    this.#self.publish({}, incarnation)
    this.#changed = true
  }

  notify(type: MemberEvent['type'], belief: Belief): void {
    this.#changed = true
    if (type === 'update' && this.#events.some((event) => event.belief === belief)) return
    this.#events.push({ type, belief })
    if (type === 'join') {
      this.#detector.add(belief.id)
      this.#refreshPath(belief)
      this.#paths.plan(this.#now)
    } else if (type === 'dead') {
      this.#healing.hasten()
      if (this.#healAt - this.#now > this.#config.healMinMs) this.#scheduleHeal()
    }
  }

  count(what: string): void {
    this.#counters.set(what, (this.#counters.get(what) ?? 0) + 1)
  }

  // Smaller decisions

  /** A sync request carries our own record, and what we hold against the one who is asked, so that it can refute. */
  #ask(to: Endpoint, header: Header, retried: boolean): void {
    const claim = this.#view.members.claimAt(to)
    const padded = retried || this.#status === 'joining' || this.#view.members.at(to) === undefined
    this.#outbox.ask(to, header, [this.#self.belief.recordBytes!, ...(claim ? [claim] : [])], padded)
  }

  /** Somebody found us while we were looking for others. A stranger must have sent as much as our question takes. */
  #welcome(id: PeerId, from: Endpoint, room: number): void {
    if (this.#status !== 'joining' || id === this.id || room < packetBytesMax - 1) return
    this.#sync.start(from, this.#now)
  }

  #contact(endpoints: readonly Endpoint[]): void {
    const strangers = endpoints.filter((endpoint) => !this.#paths.isOwn(endpoint) && !this.#isAliveAt(endpoint))
    for (const endpoint of strangers) this.#sync.start(endpoint, this.#now)
    if (this.#status === 'joining' && strangers.length === 0 && !this.#healing.hasSeeds) this.#setStatus('joined')
  }

  #isAliveAt(endpoint: Endpoint): boolean {
    const belief = this.#view.members.at(endpoint) ?? this.#view.members.get(addressOf(endpoint))
    return belief?.status === 'alive'
  }

  /** Whoever was introduced and does not answer may be gone: without seeds to wait for, the room begins here. */
  #synced(complete: boolean): void {
    this.count(complete ? 'syncs' : 'syncs_failed')
    if (this.#status !== 'joining') return
    if (complete || (!this.#healing.hasSeeds && this.#sync.sessions === 0)) this.#setStatus('joined')
  }

  /** A difference that lasts starts a sync with whoever showed it last. */
  #observe(digest: Digest, from: Endpoint | undefined): void {
    const differs = this.#agreement.observe(digest, this.#view.members.digest, this.#now)
    if (differs && from !== undefined) this.#sync.start(from, this.#now)
  }

  #refreshPaths(): void {
    for (const belief of this.#view.members.present()) this.#refreshPath(belief)
  }

  #refreshPath(belief: Belief): void {
    const via = belief.id === this.id ? 'direct' : this.#paths.via(belief)
    if (via === belief.via) return
    belief.via = via
    this.#view.members.update(belief)
    this.#changed = true
  }

  #scheduleGossip(at: number): void {
    if (at >= this.#gossipAt) return
    this.#gossipAt = at
    this.#deadlines.add(at, { type: 'gossip', at })
  }

  #scheduleHeal(): void {
    this.#healAt = this.#now + this.#healing.pauseMs()
    this.#deadlines.add(this.#healAt, { type: 'heal', at: this.#healAt })
  }

  #setStatus(status: PeerStatus): void {
    this.#status = status
    this.#changed = true
    this.#host.notify({ type: 'status', status, reason: this.reason })
  }

  /** Tells what happened, after everything has: whoever listens sees the view as it is. */
  #settle(): void {
    const events = this.#events.splice(0)
    for (const { type, belief } of events) this.#host.notify({ type, member: belief.snapshot(this.#now) })
    if (!this.#changed) return
    this.#changed = false
    this.#host.notify({ type: 'changed' })
  }
}
