/**
 * A room of simulated peers in virtual time: one heap of events, one seed. Time passes only while `run` or `runUntil`
 * is called; between calls, peers are paused, cut off, crashed, restarted and asked what they believe.
 */

import { type Config, defaultConfig } from '../config.ts'
import { Deadlines } from '../deadlines.ts'
import { type Endpoint, kindOf, type SwimEvent } from '../host.ts'
import { idBytes, idFromBytes, type PeerId } from '../ids.ts'
import type { Member, StateValue } from '../member.ts'
import { type Random, randomBytes, randomInt, sample, seededRandom } from '../random.ts'
import type { Swim } from '../swim.ts'
import { type FalseDeath, History, type WorldEvent } from './history.ts'
import { Invariants } from './invariants.ts'
import { Network } from './network.ts'
import type { JoinOptions, Kind, LinkOptions, WorldOptions } from './options.ts'
import { Participant, type Traffic } from './participant.ts'
import { viewsAgree, viewsAreTrue } from './views.ts'

/** The room every simulated peer is in; a packet for `receive` must carry its tag. */
export const simulatedRoom = 'simulated'
/** How often `runUntil` asks. */
const stepMs = 20
/** How many peers the signalling server introduces at a time, and how often it is asked. */
const introducedMax = 8
const introductionsMs = 30_000

/** A packet as it is sent, before the network decides on it. `packet` is borrowed. */
export type PacketListener = (from: string, to: string, kind: Kind, packet: Uint8Array) => void

export class World {
  readonly #options: WorldOptions
  readonly #random: Random
  readonly #network: Network
  readonly #history = new History()
  readonly #invariants: Invariants
  readonly #heap = new Deadlines<() => void>()
  /** The newest peer of each name. */
  readonly #peers = new Map<string, Participant>()
  readonly #byId = new Map<PeerId, Participant>()
  readonly #byEndpoint = new Map<Endpoint, Participant>()
  readonly #packetListeners = new Set<PacketListener>()
  #signalingUp = true
  #now = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#network = new Network(options.link ?? {}, this.#random)
    const config: Config = { ...defaultConfig, ...options.config }
    this.#invariants = new Invariants(
      config,
      (id) => this.#byId.get(id),
      () => this.#explain(),
    )
    for (let i = 0; i < options.peers; i++) {
      const { kinds = ['sim'] } = options
      this.join(`p${i}`, { kinds: typeof kinds === 'function' ? kinds(i) : kinds })
    }
  }

  // Time

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now
  }

  /** Lets this much time pass. Throws when an invariant breaks. */
  run(ms: number): void {
    this.#runTo(this.#now + ms)
    for (const peer of this.#peers.values()) this.#invariants.checkAll(peer)
  }

  /** Lets time pass until `predicate` holds and returns how much that took; throws if it takes longer than `withinMs`. */
  runUntil(predicate: () => boolean, withinMs: number): number {
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
    if (this.#peers.get(name)?.live) throw new Error(`a peer named ${name} is live already`)
    const { kinds = ['sim'], clockOffsetMs = 0, mode = 'server' } = options
    const id = idFromBytes(randomBytes(this.#random, idBytes))
    const { config = {} } = this.#options
    // A generator of its own: what one peer draws does not change what the others do.
    const random = seededRandom(randomInt(this.#random, 2 ** 32))
    const core = { id, user: null, mode, room: simulatedRoom, random, config }
    const seeds = this.#seedsFor(kinds, options.seeds)
    const peer = new Participant(name, kinds, core, clockOffsetMs, this.#now, {
      send: (from, to, packet) => this.#send(from, to, packet),
      dial: (from, kind, to) => this.#dial(from, kind, to),
      hangUp: (from, kind, to) => this.#hangUp(from, kind, to),
      notify: (from, event) => this.#notify(from, event),
    })
    this.#peers.set(name, peer)
    this.#byId.set(id, peer)
    for (const kind of kinds) this.#byEndpoint.set(peer.endpoint(kind)!, peer)
    this.#call(peer, (swim, now) => swim.join(seeds, now))
    if (kinds.includes('relay')) {
      if (!this.#signalingUp) this.#call(peer, (swim, now) => swim.channelAvailable('relay', false, now))
      this.#introduce(peer)
    }
    return peer.swim
  }

  /** Says farewell and ends. */
  leave(name: string): void {
    const peer = this.#live(name)
    peer.life = 'left'
    this.#call(peer, (swim, now) => swim.leave(now))
    this.#dropLinks(peer)
  }

  /** Ends without a word. */
  crash(name: string): void {
    const peer = this.#live(name)
    peer.life = 'crashed'
    this.#dropLinks(peer)
  }

  /** Starts a crashed or departed peer again: same name, same sockets, new id. A live one is crashed first. */
  restart(name: string, options: Omit<JoinOptions, 'kinds'> = {}): Swim {
    const { kinds, life } = this.#known(name)
    if (life !== 'crashed' && life !== 'left') this.crash(name)
    return this.join(name, { ...options, kinds })
  }

  /** Stops the process (SIGSTOP): its clock runs on, packets wait in its sockets and are handled before the late timer. */
  pause(name: string, ms: number): void {
    const peer = this.#live(name)
    peer.life = 'paused'
    this.#at(this.#now + ms, () => {
      if (peer.life !== 'paused') return
      peer.life = 'running'
      for (const call of peer.waiting.splice(0)) call()
      this.#arm(peer)
    })
  }

  /** Closes the laptop's lid: its clock stands still and what is sent to it is lost. */
  sleep(name: string, ms: number): void {
    this.#lull(name, ms, ms)
  }

  /** The same on a system whose clock runs on while it sleeps: every timer is late, and no packet has waited. */
  suspend(name: string, ms: number): void {
    this.#lull(name, ms, 0)
  }

  /** Changes what a peer publishes; an undefined value deletes its key. */
  setState(name: string, state: Readonly<Record<string, StateValue | undefined>>, volatile = false): void {
    const changes = Object.entries(state).map(([key, value]) => ({ key, value, volatile }))
    this.#call(this.#live(name), (swim, now) => swim.change(changes, now))
  }

  // The network

  /** From now on packets and links fare so. */
  setLink(link: Partial<LinkOptions>): void {
    this.#network.change(link)
  }

  /** Only peers of one group reach each other; those that are named in none form one more. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#network.partition(groups)
    this.#watchLinks()
  }

  /** Nothing gets from one peer to another any more; the other way is left as it is. */
  block(from: string, to: string): void {
    this.#network.block(from, to)
    this.#watchLinks()
  }

  /** Ends every partition and block. */
  heal(): void {
    this.#network.heal()
  }

  /** Starts or stops the signalling server, and with it every `relay` channel. */
  setSignaling(up: boolean): void {
    this.#signalingUp = up
    for (const peer of this.#peers.values()) {
      if (!peer.live || !peer.kinds.includes('relay')) continue
      this.#call(peer, (swim, now) => swim.channelAvailable('relay', up, now))
    }
  }

  /** Hands a forged packet to a peer, as if it came from an endpoint. */
  inject(to: string, from: Endpoint, packet: Uint8Array): void {
    this.#receive(this.#live(to), from, new Uint8Array(packet))
  }

  /** Sees every packet that is sent from now on. */
  onPacket(listener: PacketListener): () => void {
    this.#packetListeners.add(listener)
    return () => this.#packetListeners.delete(listener)
  }

  // Reading

  /** The core of the newest peer of this name, also when it is gone. */
  peer(name: string): Swim {
    return this.#known(name).swim
  }

  endpoint(name: string, kind: Kind = 'sim'): Endpoint {
    const endpoint = this.#known(name).endpoint(kind)
    if (endpoint === undefined) throw new Error(`${name} has no channel of the kind ${kind}`)
    return endpoint
  }

  /** Names of the peers that have neither crashed nor left. */
  names(): string[] {
    return this.#livePeers().map(({ name }) => name)
  }

  /** What `of` is to `by`: its status, or undefined where `by` has never heard of it or forgot it. */
  status(by: string, of: string): Member['status'] | undefined {
    return this.peer(by).member(this.#known(of).id)?.status
  }

  /** The present members of each live peer. */
  views(): ReadonlyMap<string, readonly Member[]> {
    return new Map(this.#livePeers().map(({ name, swim }) => [name, swim.members()]))
  }

  /** True if the views of all live peers are equal: the same ids, status, state and digest. */
  agrees(): boolean {
    return viewsAgree(this.#livePeers())
  }

  /** True if every live peer holds exactly the live peers, and all of them alive. */
  isTrue(): boolean {
    return viewsAreTrue(this.#livePeers())
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
    return this.#history.on(listener)
  }

  /** Packets and bytes of each name's newest peer so far. */
  traffic(): ReadonlyMap<string, Readonly<Traffic>> {
    return new Map([...this.#peers.values()].map(({ name, traffic }) => [name, { ...traffic }]))
  }

  // Events

  #runTo(until: number): void {
    for (;;) {
      const at = Math.min(this.#heap.next, until)
      this.#now = Math.max(this.#now, at)
      const event = this.#heap.take(until)
      if (event === undefined) return
      event()
    }
  }

  #at(worldMs: number, event: () => void): void {
    this.#heap.add(worldMs, event)
  }

  #call(peer: Participant, run: (swim: Swim, now: number) => void): void {
    run(peer.swim, peer.clock(this.#now))
    this.#invariants.check(peer, this.#now, false)
    this.#arm(peer)
  }

  #arm(peer: Participant): void {
    const { swim } = peer
    const at = swim.nextTimeout()
    if (peer.life !== 'running' || at === Number.POSITIVE_INFINITY) return
    // While it was away its timer came and went, or its clock was set: what is overdue is due now.
    const worldAt = Math.max(this.#now, peer.worldTime(at))
    if (worldAt === peer.armedAt) return
    peer.armedAt = worldAt
    this.#at(worldAt, () => {
      if (peer.armedAt !== worldAt) return
      peer.armedAt = Number.NaN
      if (peer.life !== 'running') return
      // Never a hair before the deadline, whatever adding and subtracting clocks has rounded.
      const now = Math.max(peer.clock(this.#now), Math.min(at, swim.nextTimeout()))
      swim.tick(now)
      this.#invariants.check(peer, this.#now, true)
      this.#arm(peer)
    })
  }

  #send(from: Participant, to: Endpoint, packet: Uint8Array): void {
    this.#invariants.checkPacket(from, packet)
    from.traffic.packetsOut++
    from.traffic.bytesOut += packet.length
    const kind = kindOf(to)
    const sender = from.endpoint(kind)
    const receiver = this.#byEndpoint.get(to)
    if (sender === undefined || receiver === undefined) return
    for (const listener of this.#packetListeners) listener(from.name, receiver.name, kind, packet)
    if (kind === 'relay' && !this.#signalingUp) return
    if (kind === 'rtc' && this.#network.link(kind, from.id, receiver.id) === undefined) return
    const copies = this.#network.copies(from.name, receiver.name, kind)
    if (copies === 0) return
    const kept = new Uint8Array(packet)
    for (let i = 0; i < copies; i++) {
      this.#at(this.#now + this.#network.delay(), () => {
        // By now the endpoint may be another's: a peer that was restarted has the same sockets.
        const owner = this.#byEndpoint.get(to)
        if (owner) this.#receive(owner, sender, kept)
      })
    }
  }

  #receive(peer: Participant, from: Endpoint, packet: Uint8Array): void {
    if (peer.life === 'paused') return peer.wait(() => this.#receive(peer, from, packet))
    if (peer.life !== 'running') return
    peer.traffic.packetsIn++
    peer.traffic.bytesIn += packet.length
    this.#call(peer, (swim, now) => swim.receive(packet, from, now))
  }

  #notify(peer: Participant, event: SwimEvent): void {
    this.#invariants.checkEvent(peer, event)
    if (event.type === 'changed') return
    const by = peer.name
    const atMs = this.#now
    if (event.type === 'status') {
      this.#history.add({ atMs, by, type: 'status', of: event.status, member: undefined }, undefined)
    } else {
      const { type, member } = event
      this.#history.add({ atMs, by, type, of: member.name, member }, this.#byId.get(member.id))
    }
  }

  // Links and introductions

  #dial(from: Participant, kind: Kind, to: PeerId): void {
    const { handshakeMs = 300, linkTimeoutMs = 5_000 } = this.#options
    const other = this.#byId.get(to)
    const opens = other !== undefined && this.#canLink(from, other)
    this.#at(this.#now + (opens ? handshakeMs : linkTimeoutMs), () => {
      if (!from.live || this.#network.link(kind, from.id, to) !== undefined) return
      if (!opens || !this.#canLink(from, other)) return this.#linkDown(from, kind, to)
      this.#network.open(kind, from.id, to)
      this.#linkUp(from, kind, to)
      this.#linkUp(other, kind, from.id)
    })
  }

  #canLink(a: Participant, b: Participant): boolean {
    const isCut = this.#network.isCut(a.name, b.name) || this.#network.isCut(b.name, a.name)
    return a.life === 'running' && b.life === 'running' && !isCut
  }

  #hangUp(from: Participant, kind: Kind, to: PeerId): void {
    const other = this.#byId.get(to)
    if (!this.#network.close(kind, from.id, to) || other === undefined) return
    this.#at(this.#now, () => this.#linkDown(from, kind, to))
    this.#at(this.#now + this.#network.delay(), () => this.#linkDown(other, kind, from.id))
  }

  #linkUp(peer: Participant, kind: Kind, to: PeerId): void {
    if (peer.life === 'paused') peer.wait(() => this.#linkUp(peer, kind, to))
    else if (peer.live) this.#call(peer, (swim, now) => swim.linkUp(kind, to, now))
  }

  #linkDown(peer: Participant, kind: Kind, to: PeerId): void {
    if (peer.life === 'paused') peer.wait(() => this.#linkDown(peer, kind, to))
    else if (peer.live) this.#call(peer, (swim, now) => swim.linkDown(kind, to, now))
  }

  /** One end has gone: the other notices when the link times out, or at once where it was closed in good order. */
  #dropLinks(peer: Participant): void {
    const { linkTimeoutMs = 5_000 } = this.#options
    const afterMs = peer.life === 'left' ? this.#network.delay() : linkTimeoutMs
    for (const { kind, a, b } of [...this.#network.links(peer.id)]) {
      const other = this.#byId.get(a === peer.id ? b : a)!
      this.#network.close(kind, a, b)
      this.#at(this.#now + afterMs, () => this.#linkDown(other, kind, peer.id))
    }
  }

  /** Links across a cut time out at both ends, unless the cut is healed before. */
  #watchLinks(): void {
    const { linkTimeoutMs = 5_000 } = this.#options
    this.#at(this.#now + linkTimeoutMs, () => {
      for (const { kind, a, b } of [...this.#network.links()]) {
        const [one, other] = [this.#byId.get(a)!, this.#byId.get(b)!]
        if (!this.#network.isCut(one.name, other.name) && !this.#network.isCut(other.name, one.name)) continue
        this.#network.close(kind, a, b)
        this.#linkDown(one, kind, b)
        this.#linkDown(other, kind, a)
      }
    })
  }

  /** The signalling server names a few peers of the room, now and then. */
  #introduce(peer: Participant): void {
    if (!peer.live) return
    if (this.#signalingUp && peer.life === 'running') {
      const others = this.#livePeers().filter((other) => {
        return other !== peer && other.kinds.includes('relay') && !this.#network.isCut(peer.name, other.name)
      })
      const endpoints = sample(others, introducedMax, this.#random).map((other) => other.endpoint('relay')!)
      this.#call(peer, (swim, now) => swim.introduce(endpoints, now))
    }
    this.#at(this.#now + introductionsMs * (0.75 + this.#random() / 2), () => this.#introduce(peer))
  }

  // Smaller decisions

  #lull(name: string, ms: number, lostMs: number): void {
    const peer = this.#live(name)
    peer.life = 'asleep'
    this.#at(this.#now + ms, () => {
      if (peer.life !== 'asleep') return
      peer.loseTime(lostMs)
      peer.life = 'running'
      this.#arm(peer)
    })
  }

  #seedsFor(kinds: readonly Kind[], names: readonly string[] | undefined): Endpoint[] {
    const open = kinds.filter((kind) => kind !== 'rtc' && kind !== 'relay')
    const reached = (peer: Participant) => {
      const kind = open.find((kind) => peer.kinds.includes(kind))
      return kind === undefined ? [] : [peer.endpoint(kind)!]
    }
    if (names) return names.flatMap((name) => reached(this.#known(name)))
    return this.#livePeers().flatMap(reached).slice(0, 1)
  }

  #livePeers(): Participant[] {
    return [...this.#peers.values()].filter(({ live }) => live)
  }

  #live(name: string): Participant {
    const peer = this.#known(name)
    if (!peer.live) throw new Error(`${name} is ${peer.life}`)
    return peer
  }

  #known(name: string): Participant {
    const peer = this.#peers.get(name)
    if (peer === undefined) throw new Error(`there is no peer named ${name}`)
    return peer
  }

  #explain(): string {
    const views = this.#livePeers().map(({ name, life, swim }) => {
      return `${name} ${life} holds ${swim.members().length} ${swim.consistency().digest}`
    })
    return [
      `seed ${this.#options.seed}, ${this.#now.toFixed(1)} ms`,
      ...views.slice(0, 16),
      `last of ${this.#history.events.length} events:`,
      this.#history.tail(30),
    ].join('\n')
  }
}

/** Starts a world. Nothing happens in it until time passes. */
export function simulate(options: WorldOptions): World {
  return new World(options)
}
