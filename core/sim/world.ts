/** A room of simulated peers in virtual time: one heap of events, one seed. */

import { type Config, defaultConfig } from '../config.ts'
import { Deadlines } from '../deadlines.ts'
import { ShoalError } from '../errors.ts'
import type { Endpoint, SwimEvent } from '../host.ts'
import { idBytes, idFromBytes, type PeerId } from '../ids.ts'
import type { Member, StateValue } from '../member.ts'
import { type Random, randomBytes, randomInt, seededRandom } from '../random.ts'
import type { Swim } from '../swim.ts'
import { acquaint, beginningOf, linkNeighbours, seedsOf } from './beginnings.ts'
import * as check from './checks.ts'
import { Connection } from './connection.ts'
import { type FalseDeath, History, type WorldEvent } from './history.ts'
import { Invariants } from './invariants.ts'
import { type LinkLoad, Links } from './links.ts'
import { Network } from './network.ts'
import type { JoinOptions, Kind, Lateness, LinkOptions, PeerLoss, WorldOptions } from './options.ts'
import { type Load, Participant, type Traffic } from './participant.ts'
import { Roster } from './roster.ts'
import { Servers, type Surroundings } from './servers.ts'
import { type PacketListener, type Parcel, Transit, type TransitOwner } from './transit.ts'
import { Views } from './views.ts'

/** The room every simulated peer is in; a packet for `receive` must carry its tag. */
export const simulatedRoom = 'simulated'
/** How often `runUntil` asks. */
const stepMs = 20
/** What adding and subtracting clocks may round, in milliseconds. */
const roundingMs = 1e-3

/** Time passes only while one of its calls runs; between them peers are crashed, cut off and asked. All in milliseconds. */
export class World {
  readonly #options: WorldOptions
  readonly #random: Random
  readonly #network: Network
  readonly #servers: Servers
  readonly #links: Links
  readonly #transit: Transit
  readonly #history = new History()
  readonly #views = new Views()
  readonly #invariants: Invariants
  readonly #heap = new Deadlines<(() => void) | Parcel>()
  readonly #roster = new Roster()
  #now = 0
  #busy = false
  /** Set while the world is being furnished: what peers report of that is not part of its story. */
  #furnishing = false

  constructor(options: WorldOptions) {
    check.checkWorld(options)
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#network = new Network(options.link ?? {}, this.#random)
    const surroundings: Surroundings & TransitOwner = {
      now: () => this.#now,
      at: (worldMs, event) => this.#heap.add(worldMs, event),
      call: (peer, run) => this.#call(peer, run),
      participant: (id) => this.#roster.byId(id),
      receive: (peer, from, packet) => this.#receive(peer, from, packet),
    }
    this.#servers = new Servers(this.#network, this.#random, surroundings)
    this.#links = new Links(options, this.#network, this.#servers, surroundings)
    this.#transit = new Transit(this.#network, this.#links, this.#random, surroundings)
    const config: Config = { ...defaultConfig, ...options.config }
    this.#invariants = new Invariants(config, surroundings.participant, () => this.#explain())
    const { peers, acquainted = false, linked = false } = options
    const begin = acquainted || linked ? this.#start.bind(this) : this.join.bind(this)
    for (let i = 0; i < peers; i++) begin(`p${i}`, beginningOf(options, i))
    if (acquainted || linked) this.#furnish(linked)
  }

  // Time

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now
  }

  /** Lets this much time pass. Throws when an invariant breaks. */
  run(ms: number): void {
    check.checkPassing('run', ms)
    check.checkStill('run', this.#busy)
    this.#runTo(this.#now + ms)
    this.#invariants.checkAll(this.#roster.allLive())
  }

  /** Lets time pass until `predicate` holds and returns how much that took; throws if it takes longer than `withinMs`. */
  runUntil(predicate: () => boolean, withinMs: number): number {
    check.checkFunction('runUntil', predicate)
    check.checkLasting('withinMs', withinMs)
    check.checkStill('runUntil', this.#busy)
    const from = this.#now
    while (!predicate()) {
      if (this.#now - from >= withinMs) throw new Error(`not reached within ${withinMs} ms\n${this.#explain()}`)
      this.#runTo(this.#now + stepMs)
    }
    this.run(0)
    return this.#now - from
  }

  /** Runs until every live peer holds exactly the live peers, alive, and all views are equal. */
  settle(withinMs: number): number {
    return this.runUntil(() => this.isTrue() && this.agrees(), withinMs)
  }

  // Peers

  /** Starts a peer under a name that is not in use by a live one. */
  join(name: string, options: JoinOptions = {}): Swim {
    check.checkJoin('join', name, options, this.#roster)
    this.#roster.requireFree(name)
    const peer = this.#start(name, options)
    this.#enter(peer, this.#seedsFor(peer, options.seeds))
    return peer.swim
  }

  /** Says farewell and ends. */
  leave(name: string): void {
    const peer = this.#roster.live(name)
    peer.life = 'left'
    this.#call(peer, (swim, now) => swim.leave(now))
    this.#end(peer)
  }

  /** Ends without a word. */
  crash(name: string): void {
    const peer = this.#roster.live(name)
    peer.life = 'crashed'
    this.#end(peer)
  }

  /** Starts a crashed or departed peer again: same name, user and sockets, new id. A live one is crashed first. */
  restart(name: string, options: Omit<JoinOptions, 'kinds'> = {}): Swim {
    const { kinds, servers, live, user } = this.#roster.known(name)
    check.checkJoin('restart', name, options, this.#roster)
    if (live) this.crash(name)
    return this.join(name, { ...(user === null ? {} : { user }), server: servers, ...options, kinds })
  }

  /** Stops the process (SIGSTOP): its clock runs on, packets wait in its sockets and are handled before the late timer. */
  pause(name: string, ms: number): void {
    check.checkLasting('pause', ms)
    const peer = this.#roster.live(name)
    peer.life = 'paused'
    this.#heap.add(this.#now + ms, () => {
      if (peer.life !== 'paused') return
      peer.life = 'running'
      peer.waiting.release()
      this.#arm(peer)
    })
  }

  /** Closes the laptop's lid: its clock stands still and what is sent to it is lost. */
  sleep(name: string, ms: number): void {
    this.#lull('sleep', name, ms, ms)
  }

  /** The same on a system whose clock runs on while it sleeps: every timer is late, and no packet has waited. */
  suspend(name: string, ms: number): void {
    this.#lull('suspend', name, ms, 0)
  }

  /**
   * Holds back everything a peer sends and everything sent to it, while its timers go on, and then lets it all through in
   * a burst, each way in order: what Lifeguard calls an anomaly. A second stall may make the first longer, not shorter.
   * Open links stay; none is opened meanwhile.
   */
  stall(name: string, ms: number): void {
    check.checkLasting('stall', ms)
    this.#transit.stall(this.#roster.live(name), ms)
  }

  /**
   * From now on a peer reads each packet late, in order, while its timers are on time: a process that gets too little of
   * its processor. Undefined ends it; what waits by then is still read when it would have been.
   */
  starve(name: string, late: Lateness | undefined): void {
    if (late !== undefined) check.checkLateness(late)
    this.#roster.live(name).late = late
  }

  /** Sets a peer's clock, forward or back, while its timers run on. */
  jumpClock(name: string, ms: number): void {
    check.checkOffset('jumpClock', ms)
    this.#roster.live(name).setClock(ms)
  }

  /** Changes what a peer publishes; an undefined value deletes its key. */
  setState(name: string, state: Readonly<Record<string, StateValue | undefined>>, volatile = false): void {
    check.checkObject('setState', state, "an object of values such as { mood: 'fine' }")
    check.checkBoolean('volatile', volatile)
    const changes = Object.entries(state).map(([key, value]) => ({ key, value, volatile }))
    this.#call(this.#roster.live(name), (swim, now) => swim.change(changes, now))
  }

  /** Lets application code live in the newest process of this name: `listener`, one a process, hears its core's events. */
  connect(name: string, listener: (event: SwimEvent) => void): Connection {
    const peer = this.#roster.known(name)
    check.checkFunction('connect', listener)
    const enter = (run: (swim: Swim, now: number) => void) => this.#call(peer, run)
    const now = () => peer.clock(this.#now)
    peer.connection = new Connection(peer, listener, { enter, now, depart: () => this.leave(name) })
    return peer.connection
  }

  // The network

  /** From now on packets and links fare so. */
  setLink(link: Partial<LinkOptions>): void {
    check.checkLink('setLink', link)
    this.#network.change(link)
  }

  /**
   * From now on this share of everything to a peer and from it is lost besides, whatever the channel; `lossIn: 1` makes it
   * deaf, `lossOut: 1` mute. It goes by name and so outlives a restart. What is left out is 0, and zeros end it.
   */
  setLinkOf(name: string, loss: Partial<PeerLoss>): void {
    const { lossIn = 0, lossOut = 0 } = check.checkedLoss(loss)
    this.#network.setLossOf(this.#roster.known(name).name, { lossIn, lossOut })
    if (lossIn >= 1 || lossOut >= 1) this.#links.watch()
  }

  /**
   * Only peers of one group reach each other; those that are named in none form one more, newcomers too. Goes by name, so
   * that a restarted peer comes back on its own side. It takes the place of the partition before.
   */
  partition(...groups: readonly (readonly string[])[]): void {
    check.checkGroups(groups, this.#roster)
    this.#network.partition(groups)
    this.#links.watch()
  }

  /** Nothing gets from one peer to another any more, by name; the other way is left as it is. */
  block(from: string, to: string): void {
    this.#network.block(this.#roster.known(from).name, this.#roster.known(to).name)
    this.#links.watch()
  }

  /** Ends every partition and block. */
  heal(): void {
    this.#network.heal()
  }

  /** Starts or stops a signalling server. Its clients lose it at once, and come back to it within 10 s, one by one. */
  setSignaling(up: boolean, server = 0): void {
    check.checkBoolean('setSignaling', up)
    check.checkWhole('server', server, 0)
    this.#servers.set(server, up, this.#roster.allLive())
  }

  /** Hands a forged packet to a peer, as if it came from an endpoint. */
  inject(to: string, from: Endpoint, packet: Uint8Array): void {
    check.checkPacket(from, packet)
    this.#transit.hand(this.#roster.live(to), from, new Uint8Array(packet))
  }

  /** Sees every packet that is sent from now on. */
  onPacket(listener: PacketListener): () => void {
    check.checkFunction('onPacket', listener)
    return this.#transit.on(listener)
  }

  // Reading

  /** The core of the newest peer of this name; of those that are gone only the last 64 have one. */
  peer(name: string): Swim {
    return this.#roster.known(name).swim
  }

  /** The id of the newest peer of this name, gone or not. */
  idOf(name: string): PeerId {
    return this.#roster.known(name).id
  }

  /** Where the newest peer of this name is reached by a kind of channel. */
  endpoint(name: string, kind: Kind = 'sim'): Endpoint {
    const endpoint = this.#roster.known(name).endpoint(kind)
    if (endpoint === undefined) throw new ShoalError('bad_option', `${name} has no channel of the kind ${kind}`)
    return endpoint
  }

  /** Names of the peers that have neither crashed nor left. */
  names(): string[] {
    return this.#roster.allLive().map(({ name }) => name)
  }

  /** What `of` is to `by`: its status, or undefined where `by` has never heard of it or forgot it. */
  status(by: string, of: string): Member['status'] | undefined {
    return this.peer(by).member(this.#roster.known(of).id)?.status
  }

  /** The present members of each live peer. */
  views(): ReadonlyMap<string, readonly Member[]> {
    return new Map(this.#roster.allLive().map(({ name, swim }) => [name, swim.members()]))
  }

  /** True if the views of all live peers are equal: the same ids, status, state and digest. */
  agrees(): boolean {
    return this.#views.agree(this.#roster.allLive())
  }

  /** True if every live peer holds exactly the live peers, and all of them alive. */
  isTrue(): boolean {
    return this.#views.areTrue(this.#roster.allLive())
  }

  /** Every time somebody declared a live peer dead, those that were paused or asleep included. */
  deaths(): readonly FalseDeath[] {
    return this.#history.deaths
  }

  /** What peers reported, at least the newest 10,000. */
  get events(): readonly WorldEvent[] {
    return this.#history.events
  }

  /** Hears everything that peers report from now on. */
  onEvent(listener: (event: WorldEvent) => void): () => void {
    check.checkFunction('onEvent', listener)
    return this.#history.on(listener)
  }

  /** Packets and bytes of each name's newest peer so far. */
  traffic(): ReadonlyMap<string, Readonly<Traffic>> {
    return new Map(this.#roster.all().map(({ name, traffic }) => [name, { ...traffic }]))
  }

  /** What the newest peer of this name holds: queues, timers, members, tombstones. */
  loadOf(name: string): Load {
    return this.#roster.known(name).load()
  }

  /** How many links the newest peer of this name holds and has opened; one that is gone has none. */
  linksOf(name: string): LinkLoad {
    return this.#links.load(this.#roster.known(name).id)
  }

  // Events

  #runTo(until: number): void {
    this.#busily(() => {
      for (;;) {
        const at = Math.min(this.#heap.next, until)
        this.#now = Math.max(this.#now, at)
        const event = this.#heap.take(until)
        if (event === undefined) return
        if (typeof event === 'function') event()
        else this.#transit.arrive(event)
      }
    })
  }

  /** Listeners are called meanwhile; were they to let time pass, events would find a peer half changed. */
  #busily(run: () => void): void {
    const before = this.#busy
    this.#busy = true
    try {
      run()
    } finally {
      this.#busy = before
    }
  }

  #call(peer: Participant, run: (swim: Swim, now: number) => void): void {
    this.#busily(() => {
      run(peer.swim, peer.clock(this.#now))
      this.#invariants.check(peer, this.#now, false)
      this.#arm(peer)
      peer.connection?.tell()
    })
  }

  /** Sets its one timer as its driver does: by its own clock, and anew only for another deadline. */
  #arm(peer: Participant): void {
    if (peer.life !== 'running') return
    const at = peer.swim.nextTimeout()
    if (at === peer.armedFor || at === Number.POSITIVE_INFINITY) return
    peer.armedFor = at
    peer.armedAt = peer.worldTime(at, this.#now)
    this.#heap.add(peer.armedAt, peer.wake)
  }

  #wake(peer: Participant): void {
    if (peer.armedAt !== this.#now) return
    peer.disarm()
    if (peer.life !== 'running') return
    const { swim } = peer
    const now = peer.clock(this.#now)
    const at = swim.nextTimeout()
    // Its clock was set back while the timer ran.
    if (at - now > roundingMs) return this.#arm(peer)
    // Never a hair before the deadline, whatever adding and subtracting clocks has rounded.
    swim.tick(Math.max(now, at))
    this.#invariants.check(peer, this.#now, true)
    this.#arm(peer)
    peer.connection?.tell()
  }

  #send(from: Participant, to: Endpoint, packet: Uint8Array): void {
    this.#invariants.checkPacket(from, packet)
    this.#transit.send(from, to, packet)
  }

  #receive(peer: Participant, from: Endpoint, packet: Uint8Array): void {
    peer.swim.receive(packet, from, peer.clock(this.#now))
    this.#invariants.check(peer, this.#now, false)
    this.#arm(peer)
    peer.connection?.tell()
  }

  #notify(peer: Participant, event: SwimEvent): void {
    if (this.#furnishing) return
    this.#invariants.checkEvent(peer, event)
    const by = peer.name
    const atMs = this.#now
    if (event.type === 'status') {
      this.#history.add({ atMs, by, type: 'status', of: event.status, member: undefined }, undefined)
    } else if ('member' in event) {
      const { type, member } = event
      this.#history.add({ atMs, by, type, of: member.name, member }, this.#roster.byId(member.id))
    }
  }

  // Smaller decisions

  #start(name: string, options: JoinOptions): Participant {
    const { kinds = ['sim'], server = 0, clockOffsetMs = 0, mode = 'server', user } = options
    const servers = kinds.includes('relay') ? [server].flat() : []
    const id = idFromBytes(randomBytes(this.#random, idBytes))
    // A generator of its own: what one peer draws does not change what the others do.
    const random = seededRandom(randomInt(this.#random, 2 ** 32))
    const core = { id, user: user ?? null, mode, room: simulatedRoom, random, config: this.#options.config ?? {} }
    const peer = new Participant(name, kinds, servers, core, clockOffsetMs, this.#now, {
      send: (from, to, packet) => this.#send(from, to, packet),
      dial: (from, kind, to) => this.#links.dial(from, kind, to),
      hangUp: (from, kind, to) => this.#links.hangUp(from, kind, to),
      signal: (to, kind, from, data) => this.#links.receive(to, kind, from, data),
      signalLost: (from, kind, to, data) => this.#links.lost(from, kind, to, data),
      notify: (from, event) => this.#notify(from, event),
      wake: (from) => this.#wake(from),
    })
    this.#roster.add(peer)
    this.#transit.bind(peer)
    return peer
  }

  #enter(peer: Participant, seeds: readonly Endpoint[]): void {
    this.#call(peer, (swim, now) => swim.join(seeds, now))
    if (peer.servers.length > 0) this.#servers.connect(peer)
  }

  /** Begins with a room that has been there for long. */
  #furnish(linked: boolean): void {
    const peers = this.#roster.allLive()
    this.#furnishing = true
    if (linked) linkNeighbours(peers, this.#links)
    acquaint(peers, this.#now)
    this.#furnishing = false
    for (const peer of peers) this.#enter(peer, this.#seedsFor(peer, undefined))
  }

  #end(peer: Participant): void {
    this.#links.drop(peer)
    this.#servers.drop(peer)
    this.#roster.bury(peer)
  }

  #lull(call: string, name: string, ms: number, lostMs: number): void {
    const peer = this.#roster.live(name)
    check.checkLasting(call, ms)
    peer.life = 'asleep'
    this.#links.watch()
    this.#heap.add(this.#now + ms, () => {
      if (peer.life !== 'asleep') return
      peer.setClock(-lostMs)
      peer.disarm()
      peer.life = 'running'
      peer.waiting.release()
      this.#arm(peer)
    })
  }

  #explain(): string {
    return `seed ${this.#options.seed}, ${this.#now.toFixed(1)} ms\n${this.#history.explain(this.#roster.allLive())}`
  }

  #seedsFor(peer: Participant, names: readonly string[] | undefined): Endpoint[] {
    const others =
      names?.map((name) => this.#roster.known(name)) ?? this.#roster.allLive().filter((other) => other !== peer)
    const seeds = seedsOf(peer, others)
    return names ? seeds : seeds.slice(0, 1)
  }
}

/** Starts a world. Nothing happens in it until time passes. */
export function simulate(options: WorldOptions): World {
  return new World(options)
}
