/**
 * Writes packets and sends them: what a packet is for goes first, claims that its receiver should know come next, and
 * the rest is filled with rumours.
 */

import { recordsFrom } from './answers.ts'
import type { Belief } from './belief.ts'
import { type Header, PacketWriter } from './codec.ts'
import type { Config } from './config.ts'
import { type Endpoint, type Host, packetBytesMax } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import type { Paths } from './paths.ts'
import type { Random } from './random.ts'
import { Rumours, shareOf, transmitLimit } from './rumours.ts'

/** The longest claim against a member: two ids, an incarnation and what frames them. */
export const claimBytesMax = 48
/** Packets with records that a page's `wants` may cost. */
const pushPacketsMax = 16

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
    this.#rumours = new Map(paths.kinds.map((kind) => [kind, new Rumours(config.rumoursMax)]))
  }

  get waiting(): number {
    let waiting = 0
    for (const rumours of this.#rumours.values()) waiting += rumours.size
    return waiting
  }

  get dropped(): number {
    let dropped = 0
    for (const rumours of this.#rumours.values()) dropped += rumours.dropped
    return dropped
  }

  /** Queues a rumour for every island. `bytes` is kept. */
  add(subject: string, bytes: Uint8Array): void {
    const share = shareOf(subject)
    for (const rumours of this.#rumours.values()) rumours.add(subject, bytes, share)
  }

  /** Takes back what waits under exactly these subjects: claims that a member has refuted or outlived. */
  withdraw(subjects: readonly string[]): void {
    for (const rumours of this.#rumours.values()) rumours.withdraw(subjects)
  }

  /** A packet to a member, filled up with rumours; with `tell`, what is claimed of the member itself goes with it. */
  send(header: Header, belief: Belief, path: Endpoint, tell = false): void {
    const left = this.#writer.begin(header)
    // Lifeguard's buddy rule: the suspect hears of it first, in the ping itself.
    const { claimBytes } = belief
    if (tell && claimBytes && claimBytes.length <= left) this.#writer.add(claimBytes)
    this.#piggyback(belief)
    this.#transmit(path)
  }

  /** A packet without anything else, passed on for somebody. */
  forward(header: Header, to: Endpoint): void {
    this.#writer.begin(header)
    this.#transmit(to)
  }

  /**
   * An answer to `to`, of at most `room` bytes. What is claimed of the asker goes first, so that it can refute; a
   * member's answer is filled up with rumours where `fill` says so.
   */
  reply(header: Header, records: readonly Uint8Array[], to: Endpoint, room: number, asker: PeerId, fill = false): void {
    this.#writer.begin(header)
    const claim = this.#members.get(asker)?.claimBytes
    for (const bytes of claim ? [claim, ...records] : records) {
      if (this.#writer.length + bytes.length <= room) this.#writer.add(bytes)
    }
    const belief = fill ? this.#members.at(to) : undefined
    if (belief) this.#piggyback(belief)
    if (this.#writer.length <= room) this.#transmit(to)
    else this.#count('answers_withheld')
  }

  /**
   * A sync request with our own record, and with what we hold against the one who is asked, so that it can refute.
   * Padded, it may be answered in full by a stranger. Returns the bytes of its packet.
   */
  ask(to: Endpoint, header: Header, ownRecord: Uint8Array, padded: boolean): number {
    const claim = this.#members.claimAt(to)
    const records = claim ? [ownRecord, claim] : [ownRecord]
    const bytes = records.reduce((sum, record) => sum + record.length, 0)
    let left = this.#writer.begin(header) - bytes
    if (padded && (header.kind === 'fetch' || header.kind === 'ranges')) {
      // A longer pad has a length that takes one byte more.
      left = this.#writer.begin({ ...header, pad: Math.max(0, left - 1) }) - bytes
    }
    if (left >= 0) for (const record of records) this.#writer.add(record)
    this.#transmit(to)
    return this.#writer.length
  }

  /** All records of these members, as far as a few packets take them. */
  push(to: Endpoint, ids: readonly PeerId[]): void {
    const empty = this.#writer.begin({ kind: 'gossip' })
    let left = empty
    let packets = 1
    for (const id of ids) {
      const belief = this.#members.get(id)
      if (!belief?.present) continue
      for (const { bytes } of recordsFrom(belief, 0)) {
        if (bytes.length > left) {
          this.#transmit(to)
          if (++packets > pushPacketsMax) return
          left = this.#writer.begin({ kind: 'gossip' })
        }
        this.#writer.add(bytes)
        left -= bytes.length
      }
    }
    if (left < empty) this.#transmit(to)
  }

  /** One rumour at once, to a few members. */
  tell(bytes: Uint8Array, targets: readonly Target[]): void {
    for (const { path } of targets) {
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
   * Sends what waits to a few members of each island: in one burst to members drawn at random, which is fast, in the next
   * to successors on the rings, which leaves nobody out.
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
  #piggyback(belief: Belief): void {
    const island = this.#paths.island(belief)
    const rumours = island === undefined ? undefined : this.#rumours.get(island)
    if (rumours === undefined) return
    const limit = transmitLimit(this.#config, this.#members.size)
    for (const bytes of rumours.take(packetBytesMax - this.#writer.length, limit)) this.#writer.add(bytes)
  }

  #transmit(to: Endpoint): void {
    this.#count('packets_sent')
    this.#host.send(to, this.#writer.finish())
  }
}
