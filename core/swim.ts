/** The protocol's state machine. What is decided is decided here; the classes it owns compute. */

import type { Due } from './agenda.ts'
import { Agreement, type Consistency } from './agreement.ts'
import { Answers } from './answers.ts'
import type { Belief } from './belief.ts'
import { Broadcasts } from './broadcasts.ts'
import { Bursts } from './bursts.ts'
import { decodeRumour } from './codec.ts'
import { defaultConfig } from './config.ts'
import { Contacts } from './contacts.ts'
import { Deadlines } from './deadlines.ts'
import { roomTag } from './digest.ts'
import { Explainer } from './explain.ts'
import { addressOf, type Endpoint, type Host, kindOf, type PeerStatus, packetBytesMax, type SwimEvent } from './host.ts'
import type { PeerId } from './ids.ts'
import { Inbox, type Opened } from './inbox.ts'
import { Judge } from './judge.ts'
import { Letters } from './letters.ts'
import type { Member, MemberEvent, MemberMode } from './member.ts'
import type { Members } from './members.ts'
import { Mesh } from './mesh.ts'
import { News } from './news.ts'
import { Outbox } from './outbox.ts'
import { type LinkState, Paths } from './paths.ts'
import { type Random, randomInt } from './random.ts'
import { Reception } from './reception.ts'
import { Routes } from './routes.ts'
import { type EntryChange, Self } from './self.ts'
import { Standing } from './standing.ts'
import type { SwimOptions } from './swim-options.ts'
import { Sync } from './sync.ts'
import { View, type ViewOwner } from './view.ts'

const sweepMs = 60_000
/** In a larger room a newcomer does not pass on what it is taught. */
const taughtMax = 256

/**
 * The protocol of one peer: SWIM with rumours on probe traffic, sync by digests, and healing. Synchronous, without I/O:
 * commands, packets, link events and time go in, effects go out through a `Host`; the same inputs with the same random
 * numbers give the same effects. For drivers and channels of your own; `join` and `startPeer` bring theirs.
 */
export class Swim implements ViewOwner {
  /** This peer. */
  readonly id: PeerId
  /** What `members()` is made from; nothing outside the core may change it. @internal */
  readonly beliefs: Members
  /** Why members are believed to be what they are. @internal */
  readonly explainer: Explainer
  readonly #random: Random
  readonly #host: Host
  readonly #view: View
  readonly #self: Self
  readonly #paths: Paths
  readonly #outbox: Outbox
  readonly #judge: Judge
  readonly #sync: Sync
  readonly #broadcasts: Broadcasts
  readonly #letters: Letters
  readonly #contacts: Contacts
  readonly #agreement: Agreement
  readonly #bursts: Bursts
  readonly #inbox: Inbox
  readonly #reception: Reception
  readonly #deadlines = new Deadlines<Due>()
  readonly #counters = new Map<string, number>()
  readonly #news = new News()
  readonly #standing = new Standing()
  #quiet = false

  constructor(options: SwimOptions) {
    const { id, name, user, mode, room, channels, random, host, now } = options
    const config = { ...defaultConfig, ...options.config }
    this.id = id
    this.#random = random
    this.#host = host
    const tag = roomTag(room)
    this.#agreement = new Agreement(config.differencesMax)
    this.#bursts = new Bursts(config)
    this.#view = new View(id, config, this)
    const { members } = this.#view
    this.beliefs = members
    members.now = now
    const count = (what: string) => this.count(what)
    const nextSeq = () => randomInt(random, 2 ** 32)
    this.#paths = new Paths(id, channels, members, config, random, host)
    this.#outbox = new Outbox(tag, members, this.#paths, config, host, count)
    const linked = channels.find(({ reach }) => reach === 'linked')
    const wake = (seq: number, at: number) => this.#deadlines.add(at, { type: 'signal', seq })
    const routes = linked && new Routes(linked.kind, id, members, this.#paths, random)
    this.#outbox.mesh = routes && new Mesh(id, tag, routes, host, { wake, nextSeq, count })
    this.#inbox = new Inbox(tag, this.#paths, this.#outbox, count)
    const court = { self: id, view: this.#view, paths: this.#paths, outbox: this.#outbox, config, random }
    this.#judge = new Judge(court, { wake: (timer, at) => this.#deadlines.add(at, timer), nextSeq, count })
    this.explainer = new Explainer(this, this.#paths, this.#judge, this.#outbox.mesh)
    this.#sync = new Sync(id, members, config, {
      ask: (to, header, padded) => this.#outbox.ask(to, header, this.#self.belief.recordBytes!, padded),
      isStrange: (to) => this.#standing.status === 'joining' || members.at(to) === undefined,
      helpers: (count) => this.#paths.some(count, random, ({ status }) => status === 'alive').map(({ path }) => path),
      push: (to, ids) => this.#outbox.push(to, ids),
      wake: (seq, at) => this.#deadlines.add(at, { type: 'sync', seq, at }),
      finished: (complete) => this.#synced(complete),
      nextSeq,
    })
    const endpoints = channels.map(({ endpoint }) => endpoint)
    this.#self = new Self({ id, name, user, mode, endpoints }, members, (...rumour) => this.spread(...rumour), now)
    this.#paths.vicinity.add(this.#self.belief)
    this.#contacts = new Contacts(id, members, this.#paths, this.#sync, config, random)
    const tell = (event: SwimEvent) => this.#news.say(event)
    this.#broadcasts = new Broadcasts(id, members, { spread: (...rumour) => this.spread(...rumour), tell, count }, now)
    const wakeLetter = (seq: number, at: number) => this.#deadlines.add(at, { type: 'letter', seq })
    const postman = { wake: wakeLetter, nextSeq, tell, count }
    this.#letters = new Letters(id, members, this.#paths, this.#outbox, random, postman, now)
    this.#reception = new Reception({
      ...court,
      members,
      judge: this.#judge,
      sync: this.#sync,
      letters: this.#letters,
      contacts: this.#contacts,
      answers: new Answers(members),
      agreement: this.#agreement,
      standing: this.#standing,
      news: this.#news,
      deadlines: this.#deadlines,
      probePeriodMs: config.probePeriodMs,
      count,
    })
    this.#wake('heal', this.#contacts.nextHealing(now))
    // A random start keeps peers that were started together from probing in step.
    const beginsAt = now + random() * config.probePeriodMs
    this.#deadlines.add(beginsAt, { type: 'period', at: beginsAt })
    this.#deadlines.add(now + sweepMs, { type: 'sweep' })
  }

  get #now(): number {
    return this.beliefs.now
  }

  set #now(now: number) {
    this.beliefs.now = now
  }

  // Reading

  /** See `Peer.status`. */
  get status(): PeerStatus {
    return this.#standing.status
  }

  /** Why the status is what it is, for people. */
  get reason(): string {
    return this.#standing.reason(this.beliefs.size)
  }

  /** This peer as a member. */
  self(): Member {
    return this.#self.belief.snapshot()
  }

  /** Frozen; the same array until something in it changes. With `gone`, dead and left members still remembered too. */
  members(options: { gone?: boolean } = {}): readonly Member[] {
    return this.#view.members.snapshot(options.gone === true)
  }

  /** One member, present or remembered. */
  member(id: PeerId): Member | undefined {
    return this.#view.members.get(id)?.snapshot()
  }

  /** Links held and wanted, of channels that have any. @internal */
  links(): readonly LinkState[] {
    return this.#paths.links()
  }

  /** This member's own entries, as `Self.lasting` gives them. @internal */
  lasting(): EntryChange[] {
    return this.#self.lasting()
  }

  /** See `Peer.consistency`. */
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
    for (const bytes of rumours) this.#view.receive(decodeRumour(bytes), bytes, now)
    this.#quiet = false
    this.#news.hush()
    if (this.#standing.status === 'joining') this.#setStatus('joined')
    this.#settle()
  }

  /** Some peers of the room, learnt from a signalling server; they are contacted unless they are known to be alive. */
  introduce(endpoints: readonly Endpoint[], now: number): void {
    this.#now = now
    this.#seek(endpoints)
    this.#settle()
  }

  /** Changes this member's entries, all or none. Throws as `Peer.setState`. */
  change(changes: readonly EntryChange[], now: number): void {
    this.#standing.assertPresent('changed')
    this.#now = now
    if (this.#self.change(changes, now)) this.notify('update', this.#self.belief)
    this.#settle()
  }

  /** Throws what `change` would throw if `waiting` were changed as well; see `Self.check`. @internal */
  check(changes: readonly EntryChange[], waiting?: () => readonly EntryChange[]): EntryChange[] {
    return this.#self.check(changes, waiting)
  }

  /** Says something to everybody else here; with `answerMs` it is a query. Returns its number. Throws as `Peer.publish`. */
  publish(topic: string, data: unknown, now: number, answerMs = 0): number {
    this.#standing.assertPresent('sent')
    this.#now = now
    const seq = this.#broadcasts.publish(topic, data, answerMs, now)
    this.#settle()
    return seq
  }

  /**
   * Says something to one member; a `receipt` with this `ref` tells whether its peer acknowledged it. With `re` it answers
   * a query, and is dropped and counted where that would throw. Throws as `Peer.send`.
   */
  send(ref: number, to: PeerId, data: unknown, now: number, re?: number): void {
    this.#standing.assertPresent('sent')
    this.#now = now
    if (re === undefined) this.#letters.send(ref, to, data, now)
    else this.#letters.answer(to, re, data, now)
    this.#settle()
  }

  /** What this peer's page does: it goes into the record that others see. */
  setMode(mode: MemberMode, now: number): void {
    if (this.#standing.status === 'left' || mode === this.#self.belief.record?.mode) return
    this.#now = now
    this.#self.publish({ mode })
    this.notify('update', this.#self.belief)
    this.#settle()
  }

  /** Says farewell; final. Repeating it repeats the farewell, which helps where packets are lost. */
  leave(now: number): void {
    this.#now = now
    this.#outbox.tell(this.#self.farewell(), this.#random)
    if (this.#standing.status !== 'left') {
      this.#self.belief.status = 'left'
      this.#self.belief.since = now
      this.#view.members.update(this.#self.belief)
      this.#setStatus('left')
    }
    this.#settle()
  }

  /** Raises a `reminder` with this number once `at` has come; not behind a farewell. */
  remind(seq: number, at: number): void {
    this.#deadlines.add(at, { type: 'reminder', seq })
  }

  /** Sends what opens a link of a linked channel over the mesh; false where no path leads there or it is too long. */
  sendSignal(kind: string, to: PeerId, data: Uint8Array, now: number): boolean {
    this.#now = now
    return this.#standing.status !== 'left' && this.#outbox.mesh?.signals.send(kind, to, data, now) === true
  }

  // Packets

  /** Takes one packet; whatever is wrong with it is counted and changes nothing. */
  receive(packet: Uint8Array, from: Endpoint, now: number): void {
    if (this.#standing.status === 'left') return
    this.#now = now
    const opened = this.#inbox.open(packet, from, now)
    if (opened) this.#take(opened)
    this.#outbox.source = undefined
    this.#settle()
  }

  #take({ header, rumours, from, length }: Opened): void {
    if (kindOf(from) === 'relay' && this.#paths.relay(addressOf(from))) this.#news.change()
    // A sender whose endpoint is no member's gets no more back than it sent: nobody is hit by answers he never asked for.
    const room = this.#view.members.at(from) ? packetBytesMax : length
    // What a newcomer is taught the others know already, unless they are joining too.
    this.#quiet = this.#standing.status === 'joining' && header.kind === 'page' && this.beliefs.size > taughtMax
    for (const { rumour, bytes } of rumours) {
      if (rumour.type === 'message') this.#broadcasts.receive(rumour, bytes, this.#now)
      else this.#view.receive(rumour, bytes, this.#now)
    }
    this.#quiet = false
    this.#reception.take(header, from, room, length, this.#now)
  }

  // Links

  /** A link of a channel is open: see `ChannelEvents`. */
  linkUp(kind: string, peer: PeerId, now: number): void {
    this.#now = now
    this.#refreshPaths(this.#paths.linkUp(kind, peer) ? undefined : peer)
    this.#paths.plan(now)
    this.#settle()
  }

  /** A closed link is evidence, no verdict: the member is probed at once, by the paths that are left. */
  linkDown(kind: string, peer: PeerId, now: number): void {
    this.#now = now
    const belief = this.#view.members.get(peer)
    if (belief && this.#paths.overlay(kind)?.has(peer)) this.#judge.severed(belief, now)
    this.#refreshPaths(this.#paths.linkDown(kind, peer, now) ? undefined : peer)
    if (belief?.present) this.#judge.check(belief, now)
    this.#paths.plan(now)
    this.#settle()
  }

  /** A channel that depends on a server can carry packets, or cannot. */
  channelAvailable(kind: string, yes: boolean, now: number): void {
    this.#now = now
    this.#paths.setAvailable(kind, yes)
    if (yes) this.#judge.served(now)
    this.#refreshPaths()
    this.#settle()
  }

  // Time

  /** When `tick` wants to be called next; Infinity after leaving. */
  nextTimeout(): number {
    return this.#standing.status === 'left' ? Number.POSITIVE_INFINITY : this.#deadlines.next
  }

  /** Does what is due. Call it at `nextTimeout()`, after the packets that have arrived by then. */
  tick(now: number): void {
    if (this.#standing.status === 'left') return
    this.#now = now
    const late = now - this.#deadlines.next
    if (this.#judge.late(late, now)) this.#agreement.doubt()
    this.#contacts.catchUp(late, now)
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
        return this.#judge.judge(due.id, due.at, this.#now)
      case 'gossip':
        if (!this.#bursts.begin(due.at, this.#now)) return
        this.#outbox.gossip(this.#random)
        if (this.#outbox.waiting > 0) this.#wake('gossip', this.#bursts.ask(this.#now))
        return
      case 'sync':
        return this.#sync.wake(due.seq, due.at, this.#now)
      case 'signal':
        return this.#outbox.mesh?.signals.expire(due.seq, this.#now)
      case 'letter':
        return this.#letters.expire(due.seq, this.#now)
      case 'reminder':
        return this.#host.notify({ type: 'reminder', seq: due.seq })
      case 'heal':
        return this.#wake('heal', this.#contacts.heal(due.at, this.#standing.status === 'joining', this.#now))
      case 'sweep':
        this.#view.sweep(this.#now)
        for (const belief of this.#view.settled(this.#now)) this.notify('refute', belief)
        return this.#deadlines.add(this.#now + sweepMs, { type: 'sweep' })
    }
  }

  #period(plannedAt: number): void {
    this.count('periods')
    this.#outbox.turn()
    if (this.#paths.turn()) this.#refreshPaths()
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

  impersonated(version: number): void {
    this.count('impersonations')
    this.#self.outbid(version)
    this.#news.change()
  }

  notify(type: MemberEvent['type'] | 'changed', belief: Belief): void {
    if (type === 'changed') return this.#news.change()
    this.#news.add(type, belief)
    if (type === 'join') {
      this.#judge.add(belief)
      this.#refreshPaths(belief.id)
    }
    if (type === 'dead' || type === 'leave') this.#judge.gone(belief, this.#now)
    if (type === 'dead') this.#wake('heal', this.#contacts.lost(this.#now))
  }

  count(what: string): void {
    this.#counters.set(what, (this.#counters.get(what) ?? 0) + 1)
  }

  // Smaller decisions

  #seek(endpoints: readonly Endpoint[]): void {
    if (this.#standing.status === 'left') return
    const sought = this.#contacts.seek(endpoints, this.#now)
    if (this.#standing.status === 'joining' && !sought) this.#setStatus('joined')
  }

  #synced(complete: boolean): void {
    this.count(complete ? 'syncs' : 'syncs_failed')
    if (this.#standing.status === 'joining' && this.#contacts.isDone(complete)) this.#setStatus('joined')
  }

  /** To one member, or to all. */
  #refreshPaths(id?: PeerId): void {
    if (this.#paths.refresh(id)) this.#news.change()
  }

  #wake(type: 'gossip' | 'heal', at: number | undefined): void {
    if (at !== undefined) this.#deadlines.add(at, { type, at })
  }

  #setStatus(status: PeerStatus): void {
    this.#standing.status = status
    if (status === 'joined') this.#agreement.doubt()
    this.#news.change()
    this.#host.notify({ type: 'status', status, reason: this.reason })
  }

  /** Tells what happened, after everything has: whoever listens sees the view as it is. */
  #settle(): void {
    const status = this.#standing.look(this.#judge.isolation(this.#now))
    if (status !== undefined) this.#setStatus(status)
    if (this.#news.joined) this.#paths.plan(this.#now)
    this.#news.tell(this.#host)
  }
}
