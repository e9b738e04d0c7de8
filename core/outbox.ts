/**
 * Writes packets and sends them: what a packet is for goes first, claims that its receiver should know come next, and
 * the rest is filled with rumours.
 */

import { recordsFrom } from './answers.ts'
import type { Belief } from './belief.ts'
import { type Header, PacketWriter, routeBytesMax } from './codec.ts'
import type { Config } from './config.ts'
import { Flood } from './flood.ts'
import { addressOf, type Endpoint, type Host, kindOf, packetBytesMax } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import type { Mesh } from './mesh.ts'
import type { Paths } from './paths.ts'
import type { Random } from './random.ts'
import { Rumours, shareOf, transmitLimit } from './rumours.ts'
import { fingerprintOf, Seen } from './seen.ts'

/** The longest claim against a member: two ids, an incarnation and what frames them. */
export const claimBytesMax = 48
/** Packets with records that a page's `wants` may cost. */
const pushPacketsMax = 16
/** A farewell goes to this many members at once. */
const farewellsMax = 32
/** Packets that one burst sends to each neighbour. */
const floodPacketsMax = 2

const nobody: ReadonlySet<number> = new Set()

interface Target {
  readonly belief: Belief
  readonly path: Endpoint
}

export class Outbox {
  readonly #members: Members
  readonly #paths: Paths
  readonly #config: Config
  readonly #writer: PacketWriter
  readonly #host: Pick<Host, 'send'>
  readonly #count: (what: string) => void
  /** One queue for each kind of channel we have, so that a gateway's rumours are not used up on one island. */
  readonly #rumours: ReadonlyMap<string, Rumours>
  /** On sparse kinds rumours go from neighbour to neighbour instead. */
  readonly #floods: ReadonlyMap<string, Flood>
  readonly #seen = new Seen()
  /** Carries what is for members without a link. */
  mesh: Mesh | undefined
  #source: PeerId | undefined
  /** What it tells in that packet. */
  readonly #told = new Set<number>()
  readonly #successors = new Map<string, readonly PeerId[]>()
  #burst = 0

  constructor(
    tag: number,
    members: Members,
    paths: Paths,
    config: Config,
    host: Pick<Host, 'send'>,
    count: (what: string) => void,
  ) {
    this.#writer = new PacketWriter(tag)
    this.#members = members
    this.#paths = paths
    this.#config = config
    this.#host = host
    this.#count = count
    const [sparse, dense] = [paths.kinds.filter((kind) => paths.isSparse(kind)), paths.kinds]
    this.#floods = new Map(sparse.map((kind) => [kind, new Flood(config.rumoursMax)]))
    const others = dense.filter((kind) => !sparse.includes(kind))
    this.#rumours = new Map(others.map((kind) => [kind, new Rumours(config.rumoursMax)]))
  }

  get waiting(): number {
    return this.#queues().reduce((sum, { size }) => sum + size, 0)
  }

  get dropped(): number {
    return this.#queues().reduce((sum, { dropped }) => sum + dropped, 0)
  }

  #queues(): (Rumours | Flood)[] {
    return [...this.#rumours.values(), ...this.#floods.values()]
  }

  /** Queues a rumour for every island. `bytes` is kept. */
  add(subject: string, bytes: Uint8Array): void {
    const share = shareOf(subject)
    const fingerprint = fingerprintOf(bytes)
    this.#seen.add(fingerprint)
    for (const rumours of this.#rumours.values()) rumours.add(subject, bytes, share)
    // What its packet only gave rise to, as a refutation, is news to it more than to anybody.
    const source = this.#told.has(fingerprint) ? this.#source : undefined
    for (const flood of this.#floods.values()) flood.add(subject, bytes, fingerprint, share, source)
  }

  /** The neighbour whose packet is being read: what it tells, it need not be told. */
  set source(source: PeerId | undefined) {
    this.#source = source
    this.#told.clear()
  }

  /** A rumour is read. True if it was taken over lately; whoever tells it again need not be told. */
  knows(fingerprint: number): boolean {
    this.#told.add(fingerprint)
    if (!this.#seen.has(fingerprint)) return false
    if (this.#source !== undefined) for (const flood of this.#floods.values()) flood.heard(fingerprint, this.#source)
    return true
  }

  /** Once a period: forgets what was taken over in the last but one. */
  turn(): void {
    this.#seen.turn()
    this.mesh?.turn()
  }

  /** Answers a signal, which goes to its channel. */
  acknowledge(signal: Header & { kind: 'signal' }, from: Endpoint): void {
    if (this.mesh) this.forward(this.mesh.signals.receive(signal, addressOf(from)), from)
  }

  /** Takes back what waits under exactly these subjects: claims that a member has refuted or outlived. */
  withdraw(subjects: readonly string[]): void {
    for (const queue of this.#queues()) queue.withdraw(subjects)
  }

  /** A packet to a member, filled up with rumours; with `tell`, what is claimed of the member itself goes with it. */
  send(header: Header, belief: Belief, path: Endpoint, tell = false): void {
    const left = this.#writer.begin(header, this.#bytesMax(path))
    // Lifeguard's buddy rule: the suspect hears of it first, in the ping itself.
    const { claimBytes } = belief
    if (tell && claimBytes && claimBytes.length <= left) this.#writer.add(claimBytes)
    this.#piggyback(belief, path)
    this.#transmit(path)
  }

  /**
   * A packet without anything else. Where others carry it, not by way of those to `avoid` if that can be helped; the first
   * of them is the answer.
   */
  forward(header: Header, to: Endpoint, avoid = nobody): number | undefined {
    this.#writer.begin(header)
    return this.#transmit(to, avoid)?.[0]
  }

  /**
   * An answer to `to`, of at most `space` bytes. What is claimed of the asker goes first, so that it can refute; a
   * member's answer is filled up with rumours where `fill` says so.
   */
  reply(
    header: Header,
    records: readonly Uint8Array[],
    to: Endpoint,
    space: number,
    asker: PeerId,
    fill = false,
  ): void {
    this.#writer.begin(header)
    const room = this.spaceTo(to, space)
    const claim = this.#members.get(asker)?.claimBytes
    for (const bytes of claim ? [claim, ...records] : records) {
      if (this.#writer.length + bytes.length <= room) this.#writer.add(bytes)
    }
    const belief = fill ? this.#members.at(to) : undefined
    if (belief) this.#piggyback(belief, to)
    if (this.#writer.length <= room) this.#transmit(to)
    else this.#count('answers_withheld')
  }

  /** Of this many bytes, how many a packet there may take. */
  spaceTo(to: Endpoint, space: number): number {
    return Math.min(space, this.#bytesMax(to))
  }

  /**
   * A sync request with our own record, and with what we hold against the one who is asked, so that it can refute.
   * Padded, it may be answered in full by a stranger. Returns the bytes of its packet.
   */
  ask(to: Endpoint, header: Header, ownRecord: Uint8Array, padded: boolean): number {
    const claim = this.#members.claimAt(to)
    const records = claim ? [ownRecord, claim] : [ownRecord]
    const bytes = records.reduce((sum, record) => sum + record.length, 0)
    const bytesMax = this.#bytesMax(to)
    let left = this.#writer.begin(header, bytesMax) - bytes
    if (padded && (header.kind === 'fetch' || header.kind === 'ranges')) {
      // A longer pad has a length that takes one byte more.
      left = this.#writer.begin({ ...header, pad: Math.max(0, left - 1) }, bytesMax) - bytes
    }
    if (left >= 0) for (const record of records) this.#writer.add(record)
    this.#transmit(to)
    return this.#writer.length
  }

  /** All records of these members, as far as a few packets take them. */
  push(to: Endpoint, ids: readonly PeerId[]): void {
    const bytesMax = this.#bytesMax(to)
    const empty = this.#writer.begin({ kind: 'gossip' }, bytesMax)
    let left = empty
    let packets = 1
    for (const id of ids) {
      const belief = this.#members.get(id)
      if (!belief?.present) continue
      for (const { bytes } of recordsFrom(belief, 0)) {
        if (bytes.length > left) {
          this.#transmit(to)
          if (++packets > pushPacketsMax) return
          left = this.#writer.begin({ kind: 'gossip' }, bytesMax)
        }
        this.#writer.add(bytes)
        left -= bytes.length
      }
    }
    if (left < empty) this.#transmit(to)
  }

  /** A farewell, at once; those who are not told hear of it as of any rumour. */
  tell(bytes: Uint8Array, random: Random): void {
    for (const { path } of this.#paths.some(farewellsMax, random, () => true)) {
      this.#writer.begin({ kind: 'gossip' })
      this.#writer.add(bytes)
      this.#transmit(path)
    }
  }

  /** Who comes next on the rings of an island: each is then told by members that others do not depend on. */
  follow(kind: string, successors: readonly PeerId[]): void {
    this.#successors.set(kind, successors)
  }

  /**
   * Sends what waits. On dense kinds to a few members of each island: in one burst to members drawn at random, which is
   * fast, in the next to successors on the rings, which leaves nobody out. On sparse kinds to all neighbours.
   */
  gossip(random: Random): void {
    this.#burst++
    for (const [kind, rumours] of this.#rumours) {
      if (rumours.size === 0) continue
      const targets = this.#burst % 2 === 1 ? this.#drawn(kind, random) : this.#next(kind)
      if (targets.length === 0) targets.push(...this.#drawn(kind, random))
      // Alone on this island: whoever comes later gets everything by sync.
      if (targets.length === 0) rumours.clear()
      for (const { belief, path } of targets) {
        if (rumours.size === 0) break
        this.send({ kind: 'gossip' }, belief, path)
      }
    }
    for (const [kind, flood] of this.#floods) if (flood.size > 0) this.#flood(kind, flood)
  }

  #flood(kind: string, flood: Flood): void {
    const targets = this.#paths.targets(kind)
    flood.aim(targets.map(({ id }) => id))
    for (const { id, path } of targets) {
      for (let packets = 0; packets < floodPacketsMax; packets++) {
        const rumours = flood.take(id, this.#writer.begin({ kind: 'gossip' }))
        if (rumours.length === 0) break
        for (const bytes of rumours) this.#writer.add(bytes)
        this.#transmit(path)
      }
    }
    flood.turn()
  }

  #drawn(kind: string, random: Random): Target[] {
    const { gossipFanout } = this.#config
    return this.#paths.some(gossipFanout, random, (belief) => this.#paths.island(belief) === kind)
  }

  /** On the rings they are always the same; in a small room, where everybody is next, they take turns. */
  #next(kind: string): Target[] {
    const successors = this.#successors.get(kind) ?? []
    const { gossipFanout } = this.#config
    const targets: Target[] = []
    const first = (this.#burst >> 1) * gossipFanout
    for (let i = 0; i < Math.min(gossipFanout, successors.length); i++) {
      const belief = this.#members.get(successors[(first + i) % successors.length]!)
      const path = belief?.present && this.#paths.island(belief) === kind ? this.#paths.to(belief) : undefined
      if (path !== undefined && !targets.some((target) => target.belief === belief)) {
        targets.push({ belief: belief!, path })
      }
    }
    return targets
  }

  /** Fills the packet that is being written with rumours for a member. */
  #piggyback(belief: Belief, path: Endpoint): void {
    const left = this.#bytesMax(path) - this.#writer.length
    for (const bytes of this.#rumoursFor(belief, path, left)) this.#writer.add(bytes)
  }

  #rumoursFor(belief: Belief, path: Endpoint, left: number): Uint8Array[] {
    // Others carry what is for one member; what is for everybody comes to it by its own neighbours.
    if (this.#paths.isByOthers(path)) return []
    const island = this.#paths.island(belief)
    const rumours = this.#rumours.get(kindOf(path))
    if (rumours) return rumours.take(left, transmitLimit(this.#config, this.#members.size))
    const flood = this.#floods.get(kindOf(path) === 'relay' && island ? island : kindOf(path))
    return flood?.take(belief.id, left) ?? []
  }

  /** What a packet there may take: whatever others carry is wrapped once more. */
  #bytesMax(path: Endpoint): number {
    return this.#paths.isByOthers(path) ? packetBytesMax - routeBytesMax : packetBytesMax
  }

  #transmit(to: Endpoint, avoid = nobody): readonly number[] | undefined {
    const packet = this.#writer.finish()
    if (this.mesh === undefined || !this.#paths.isByOthers(to)) {
      this.#hand(to, packet)
      return undefined
    }
    const id = addressOf(to)
    if (packet.length <= packetBytesMax - routeBytesMax) {
      const route = this.mesh.send(id, packet, avoid) ?? (avoid.size > 0 ? this.mesh.send(id, packet) : undefined)
      if (route) return route
    }
    const byServer = this.#paths.byServer(id)
    if (byServer === undefined) this.#count('packets_unrouted')
    else this.#hand(byServer, packet)
    return undefined
  }

  #hand(to: Endpoint, packet: Uint8Array): void {
    this.#count('packets_sent')
    this.#host.send(to, packet)
  }
}
