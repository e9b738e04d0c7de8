/**
 * The protocol's state machine: SWIM with rumours on probe traffic, sync by digests, and healing. Synchronous, without
 * I/O: commands, packets, link events and time go in, effects go out through a `Host`; the same inputs with the same
 * random numbers give the same effects. What is decided is decided here; the classes it owns compute.
 */

import { Agreement, type Consistency } from './agreement.ts'
import { Answers } from './answers.ts'
import type { Belief } from './belief.ts'
import { Bursts } from './bursts.ts'
import { decodePacket, decodeRumour, type Header, idPrefix, type Packet } from './codec.ts'
import { type Config, defaultConfig } from './config.ts'
import { Contacts } from './contacts.ts'
import { Deadlines } from './deadlines.ts'
import { type Digest, roomTag } from './digest.ts'
import { ShoalError } from './errors.ts'
import { type ChannelInfo, type Endpoint, type Host, type PeerStatus, packetBytesMax } from './host.ts'
import type { PeerId } from './ids.ts'
import { Judge, type JudgeTimer } from './judge.ts'
import type { Member, MemberEvent, MemberMode } from './member.ts'
import type { Members } from './members.ts'
import { News } from './news.ts'
import { claimBytesMax, Outbox } from './outbox.ts'
import { Paths } from './paths.ts'
import { type Random, randomInt } from './random.ts'
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
const sweepMs = 60_000
/** In a larger room a newcomer does not pass on what it is taught. */
const taughtMax = 256

type Due =
  | { type: 'period'; at: number }
  | JudgeTimer
  | { type: 'sync'; seq: number; at: number }
  | { type: 'gossip' | 'heal'; at: number }
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
  readonly #judge: Judge
  readonly #sync: Sync
  readonly #contacts: Contacts
  readonly #answers: Answers
  readonly #agreement: Agreement
  readonly #bursts: Bursts
  readonly #deadlines = new Deadlines<Due>()
  readonly #counters = new Map<string, number>()
  readonly #news = new News()
  #status: PeerStatus = 'joining'
  #quiet = false
  #now: number

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
    this.#bursts = new Bursts(config)
    this.#view = new View(id, config, this)
    const { members } = this.#view
    this.beliefs = members
    const nextSeq = () => randomInt(random, 2 ** 32)
    this.#paths = new Paths(id, channels, members, config, random, host)
    this.#outbox = new Outbox(this.#tag, members, this.#paths, config, host, (what) => this.count(what))
    const court = { self: id, view: this.#view, paths: this.#paths, outbox: this.#outbox, config, random }
    this.#judge = new Judge(court, {
      wake: (timer, at) => this.#deadlines.add(at, timer),
      nextSeq,
      count: (what) => this.count(what),
    })
    this.#sync = new Sync(id, members, config, {
      ask: (to, header, padded) => this.#outbox.ask(to, header, this.#self.belief.recordBytes!, padded),
      isStrange: (to) => this.#status === 'joining' || members.at(to) === undefined,
      helpers: (count) => this.#paths.some(count, random, ({ status }) => status === 'alive').map(({ path }) => path),
      push: (to, ids) => this.#outbox.push(to, ids),
      wake: (seq, at) => this.#deadlines.add(at, { type: 'sync', seq, at }),
      finished: (complete) => this.#synced(complete),
      nextSeq,
    })
    this.#answers = new Answers(members)
    const endpoints = channels.map(({ endpoint }) => endpoint)
    this.#self = new Self({ id, name, user, mode, endpoints }, members, (...rumour) => this.spread(...rumour), now)
    this.#contacts = new Contacts(id, members, this.#paths, this.#sync, config, random)
    this.#wake('heal', this.#contacts.nextHealing(now))
    // A random start keeps peers that were started together from probing in step.
    const beginsAt = now + random() * config.probePeriodMs
    this.#deadlines.add(beginsAt, { type: 'period', at: beginsAt })
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
    if (this.#status === 'isolated') return this.#judge.isolation(this.#now) ?? ''
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
      health: this.#judge.health.score,
    }
  }

  // Commands

  /** Joins by way of these endpoints and keeps them as seeds. Without any, a room of one is joined at once. */
  join(seeds: readonly Endpoint[], now: number): void {
    this.#now = now
    this.#contacts.addSeeds(seeds)
    this.#seek(seeds)
    this.#settle()
  }

  /** Takes encoded rumours as known from before: they are believed, and spread to nobody. */
  remember(rumours: Iterable<Uint8Array>, now: number): void {
    this.#now = now
    this.#quiet = true
    for (const bytes of rumours) {
      const rumour = decodeRumour(bytes)
      if (rumour) this.#view.receive(rumour, bytes, now)
    }
    this.#quiet = false
    this.#news.hush()
    if (this.#status === 'joining') this.#setStatus('joined')
    this.#settle()
  }

  /** Some peers of the room, learnt from a signalling server; they are contacted unless they are known to be alive. */
  introduce(endpoints: readonly Endpoint[], now: number): void {
    this.#now = now
    this.#seek(endpoints)
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
    const told = this.#paths.some(farewellsMax, this.#random, () => true)
    this.#outbox.tell(this.#self.farewell(), told)
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
      // A sender whose endpoint is no member's gets no more back than it sent: nobody is hit by answers he never asked for.
      const room = this.#view.members.at(from) ? packetBytesMax : packet.length
      // What a newcomer is taught the others know already, unless they are joining too.
      this.#quiet = this.#status === 'joining' && decoded.header.kind === 'page' && this.beliefs.size > taughtMax
      for (const { rumour, bytes } of decoded.rumours) this.#view.receive(rumour, bytes, now)
      this.#quiet = false
      this.#receiveHeader(decoded.header, from, room, packet.length)
    }
    this.#settle()
  }

  #decode(packet: Uint8Array): Packet | undefined {
    try {
      const decoded = decodePacket(packet, this.#tag)
      if (decoded === undefined) this.count('packets_unknown')
      else if (decoded.unknown > 0) this.count('rumours_unknown')
      return decoded
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      this.count(error.code === 'packet_foreign' ? 'packets_foreign' : 'packets_malformed')
      return undefined
    }
  }

  #receiveHeader(header: Header, from: Endpoint, room: number, bytes: number): void {
    switch (header.kind) {
      case 'ping':
        return this.#receivePing(header, from, room)
      case 'ack':
        return this.#receiveAck(header, from)
      case 'pingReq':
        return this.#judge.receivePingReq(header, from, this.#now)
      case 'nack':
        return this.#judge.receiveNack(header, from, this.#now)
      case 'gossip':
        return
      case 'ranges':
        if (this.#status === 'joining') this.#contacts.welcome(header.from, from, room, this.#now)
        return this.#outbox.reply(this.#answers.parts(header.prefix, header.seq), [], from, room, header.from)
      case 'fetch': {
        if (this.#status === 'joining') this.#contacts.welcome(header.from, from, room, this.#now)
        const { header: answer, records } = this.#answers.page(header, room - claimBytesMax)
        return this.#outbox.reply(answer, records, from, room, header.from)
      }
      case 'parts':
        return this.#sync.receiveParts(header, from, this.#now)
      case 'page':
        return this.#sync.receivePage(header, from, bytes, this.#now)
    }
  }

  #receivePing(ping: Header & { kind: 'ping' }, from: Endpoint, room: number): void {
    if (ping.to !== idPrefix(this.id)) {
      // Meant for one who lived here before: who asks should know at once, as a closed port would tell.
      this.count('pings_astray')
      return this.#outbox.forward({ kind: 'nack', seq: ping.seq }, from)
    }
    const { hi, lo } = this.#view.members.digest
    this.#outbox.reply({ kind: 'ack', seq: ping.seq, hi, lo }, [], from, room, ping.from, true)
    // A stranger's digest counts for nothing: a sync with an endpoint that was only claimed would send it more than it sent.
    if (this.#view.members.at(from)) this.#observe(ping, from)
  }

  #receiveAck(ack: Header & { kind: 'ack' }, from: Endpoint): void {
    // Where this peer was away itself, the time that passed says nothing about the way.
    const overdueMs = this.#now - this.#deadlines.next
    const heard = this.#judge.receiveAck(ack, overdueMs < this.#config.probePeriodMs / 4, this.#now)
    if (heard === undefined) return
    const { belief, rttMs } = heard
    // Whoever answers there lives there, whatever others say that they do.
    if (belief.present && belief.record?.endpoints.includes(from)) this.#view.members.moveIn(belief)
    if (rttMs !== undefined && belief.measure(rttMs)) {
      this.#view.members.update(belief)
      this.#news.change()
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
    if (this.#view.members.get(peer)?.present) this.#judge.hasten(peer)
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
    if (this.#judge.late(late, now)) this.#doubt(late)
    for (let due = this.#deadlines.take(now); due; due = this.#deadlines.take(now)) this.#do(due)
    this.#settle()
  }

  #do(due: Due): void {
    switch (due.type) {
      case 'period':
        return this.#period(due.at)
      case 'probe':
      case 'relay':
        return this.#judge.expire(due.type, due.seq, this.#now)
      case 'suspicion':
        return this.#judge.judge(due.id, due.until, this.#now)
      case 'gossip':
        if (!this.#bursts.begin(due.at, this.#now)) return
        this.#outbox.gossip(this.#random)
        if (this.#outbox.waiting > 0) this.#wake('gossip', this.#bursts.ask(this.#now))
        return
      case 'sync':
        return this.#sync.wake(due.seq, due.at, this.#now)
      case 'heal':
        return this.#wake('heal', this.#contacts.heal(due.at, this.#status === 'joining', this.#now))
      case 'sweep':
        this.#view.sweep(this.#now)
        for (const belief of this.#view.settled(this.#now)) this.notify('refute', belief)
        return this.#deadlines.add(this.#now + sweepMs, { type: 'sweep' })
    }
  }

  /** What is known may be old: the next difference is enough, and after a long absence a few members are asked at once. */
  #doubt(missedMs: number): void {
    this.#agreement.doubt()
    if (missedMs >= 2 * this.#config.probePeriodMs) this.#contacts.catchUp(this.#now)
  }

  #period(plannedAt: number): void {
    this.count('periods')
    const lastsMs = this.#judge.period(this.#now)
    // From when it should have begun, so that small delays do not add up.
    const at = Math.max(plannedAt + lastsMs, this.#now + lastsMs / 2)
    this.#deadlines.add(at, { type: 'period', at })
    this.#paths.plan(this.#now)
  }

  // What the view asks for (see ViewOwner)

  spread(subject: string, bytes: Uint8Array): void {
    if (this.#quiet && subject !== this.id) return
    this.#outbox.add(subject, bytes)
    this.#wake('gossip', this.#bursts.ask(this.#now))
  }

  withdraw(subjects: readonly string[]): void {
    this.#outbox.withdraw(subjects)
  }

  suspected(belief: Belief): void {
    this.#judge.suspected(belief, this.#now)
  }

  displaced(belief: Belief): void {
    if (belief.present) this.#judge.check(belief, this.#now)
  }

  get usualRttMs(): number {
    return this.#judge.usualRttMs
  }

  accused(incarnation: number): void {
    this.count('refutations')
    this.#judge.refuted()
    this.#self.publish({}, incarnation)
    this.#news.change()
  }

  notify(type: MemberEvent['type'], belief: Belief): void {
    this.#news.add(type, belief)
    if (type === 'join') {
      this.#judge.add(belief)
      this.#refreshPath(belief)
    }
    if (type === 'dead' || type === 'leave') this.#judge.gone(belief)
    if (type === 'dead') this.#wake('heal', this.#contacts.lost(this.#now))
  }

  count(what: string): void {
    this.#counters.set(what, (this.#counters.get(what) ?? 0) + 1)
  }

  // Smaller decisions

  #seek(endpoints: readonly Endpoint[]): void {
    const sought = this.#contacts.seek(endpoints, this.#now)
    if (this.#status === 'joining' && !sought) this.#setStatus('joined')
  }

  #synced(complete: boolean): void {
    this.count(complete ? 'syncs' : 'syncs_failed')
    if (this.#status === 'joining' && this.#contacts.isDone(complete)) this.#setStatus('joined')
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
    this.#news.change()
  }

  #wake(type: 'gossip' | 'heal', at: number | undefined): void {
    if (at !== undefined) this.#deadlines.add(at, { type, at })
  }

  #judgeOneself(): void {
    const isolated = this.#judge.isolation(this.#now) !== undefined
    if (isolated && this.#status === 'joined') this.#setStatus('isolated')
    else if (!isolated && this.#status === 'isolated') this.#setStatus('joined')
  }

  #setStatus(status: PeerStatus): void {
    this.#status = status
    if (status === 'joined') this.#agreement.doubt()
    this.#news.change()
    this.#host.notify({ type: 'status', status, reason: this.reason })
  }

  /** Tells what happened, after everything has: whoever listens sees the view as it is. */
  #settle(): void {
    this.#judgeOneself()
    if (this.#news.joined) this.#paths.plan(this.#now)
    this.#news.tell(this.#host, this.#now)
  }
}
