/**
 * Writes packets and sends them: what a packet is for goes first, claims that its receiver should know come next, and
 * the rest is filled with rumours.
 */

import type { Belief } from './belief.ts'
import { type Header, PacketWriter } from './codec.ts'
import type { Config } from './config.ts'
import { type Endpoint, type Host, packetBytesMax } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import type { Paths } from './paths.ts'
import { type Random, sample } from './random.ts'
import { Rumours, transmitLimit } from './rumours.ts'
import { recordsFrom } from './sync.ts'

/** The longest claim against a member: two ids, an incarnation and what frames them. */
export const claimBytesMax = 48
/** Packets with records that a page's `wants` may cost. */
const pushPacketsMax = 16

export class Outbox {
  readonly #members: Members
  readonly #paths: Paths
  readonly #config: Config
  readonly #writer: PacketWriter
  readonly #host: Pick<Host, 'send'>
  readonly #count: (what: string) => void
  /** One queue for each kind of channel we have, so that a gateway's rumours are not used up on one island. */
  readonly #rumours: ReadonlyMap<string, Rumours>

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
    for (const rumours of this.#rumours.values()) rumours.add(subject, bytes)
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

  /** A sync request with records that the answerer should have; padded, it may be answered in full by a stranger. */
  ask(to: Endpoint, header: Header, records: readonly Uint8Array[], padded: boolean): void {
    const bytes = records.reduce((sum, record) => sum + record.length, 0)
    let left = this.#writer.begin(header) - bytes
    if (padded && (header.kind === 'fetch' || header.kind === 'ranges')) {
      // A longer pad has a length that takes one byte more.
      left = this.#writer.begin({ ...header, pad: Math.max(0, left - 1) }) - bytes
    }
    if (left >= 0) for (const record of records) this.#writer.add(record)
    this.#transmit(to)
  }

  /** All records of these members, as far as a few packets take them. */
  push(to: Endpoint, ids: readonly PeerId[]): void {
    let left = this.#writer.begin({ kind: 'gossip' })
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
    this.#transmit(to)
  }

  /** One rumour at once, to a few members. */
  tell(bytes: Uint8Array, beliefs: readonly Belief[]): void {
    for (const belief of beliefs) {
      const path = this.#paths.to(belief)
      if (path === undefined) continue
      this.#writer.begin({ kind: 'gossip' })
      this.#writer.add(bytes)
      this.#transmit(path)
    }
  }

  /** Sends what waits to a few random members of each island. */
  gossip(random: Random): void {
    const reachable = this.#paths.reachable()
    for (const [kind, rumours] of this.#rumours) {
      if (rumours.size === 0) continue
      const targets = reachable.filter((belief) => this.#paths.island(belief) === kind)
      // Alone on this island: whoever comes later gets everything by sync.
      if (targets.length === 0) rumours.clear()
      for (const belief of sample(targets, this.#config.gossipFanout, random)) {
        if (rumours.size === 0) break
        this.send({ kind: 'gossip' }, belief, this.#paths.to(belief)!)
      }
    }
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
