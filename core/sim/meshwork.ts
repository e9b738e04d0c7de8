/**
 * Members on a mesh, for tests: each has its own view, links and `Mesh`, and none of the rest of the protocol. What one
 * sends over an open link waits until `run` hands it on, in order and without delay; time passes when a test says so.
 */

import { decodePacket, type Header, PacketWriter } from '../codec.ts'
import { Deadlines } from '../deadlines.ts'
import { addressOf } from '../host.ts'
import { idPrefix, type PeerId } from '../ids.ts'
import { Mesh } from '../mesh.ts'
import { randomInt, seededRandom } from '../random.ts'
import { Routes } from '../routes.ts'
import { idsOf, Standpoint } from './standpoint.ts'

export const meshTag = 0x4d657368

/** A packet on one hop. */
export interface Hop {
  readonly from: PeerId
  readonly to: PeerId
  readonly header: Header
  readonly packet: Uint8Array
}

export interface Resident {
  readonly id: PeerId
  readonly stand: Standpoint
  readonly mesh: Mesh
  /** What came to it by the links of others, but for signals, their acks and notices. */
  readonly taken: { from: PeerId; header: Header }[]
  readonly signals: { from: PeerId; data: readonly number[] }[]
  readonly lost: { to: PeerId; data: readonly number[] }[]
  readonly counts: Map<string, number>
  readonly timers: Deadlines<number>
}

export class Meshwork {
  readonly residents: readonly Resident[]
  /** Every packet on every hop, lost or not. */
  readonly hops: Hop[] = []
  now = 0
  /** What is lost on its way over a link. */
  loses: (hop: Hop) => boolean = () => false
  readonly #byId: ReadonlyMap<PeerId, Resident>
  readonly #waiting: Hop[] = []

  /** Neighbours on the rings have links. */
  constructor(size: number, seed: number) {
    const ids = idsOf(size, seed)
    this.residents = ids.map((id, i) => this.#settle(id, ids, seed + i))
    this.#byId = new Map(this.residents.map((resident) => [resident.id, resident]))
    for (const { stand } of this.residents) stand.link(...stand.neighbours())
  }

  of(id: PeerId): Resident {
    return this.#byId.get(id)!
  }

  isLinked(a: PeerId, b: PeerId): boolean {
    return this.of(a).stand.paths.overlay('rtc')!.has(b)
  }

  /** Two that are so many hops apart. */
  apart(hops: number): [Resident, Resident] {
    for (const one of this.residents) {
      let reached = new Set([one.id])
      for (let step = 1; step < hops; step++) reached = new Set([...reached, ...this.#linkedTo(reached)])
      const next = [...this.#linkedTo(reached)].find((id) => !reached.has(id))
      if (next !== undefined) return [one, this.of(next)]
    }
    throw new Error(`nobody is ${hops} hops apart`)
  }

  cut(a: PeerId, b: PeerId): void {
    this.of(a).stand.cut(b)
    this.of(b).stand.cut(a)
  }

  /** A bare packet, as one resident sends it to another. */
  send(from: Resident, to: PeerId, header: Header = { kind: 'nack', seq: 7 }): readonly PeerId[] | undefined {
    return from.mesh.send(to, packetOf(header))?.map((prefix) => this.idOf(prefix))
  }

  idOf(prefix: number): PeerId {
    return this.residents.find(({ id }) => idPrefix(id) === prefix)!.id
  }

  /** A packet of anybody's making arrives at a resident. */
  hand(to: Resident, from: PeerId, packet: Uint8Array): void {
    this.#receive(to, from, packet)
  }

  /** Hands on what waits, and what follows from it. */
  run(): void {
    for (let hop = this.#waiting.shift(); hop; hop = this.#waiting.shift()) {
      if (!this.loses(hop)) this.#receive(this.of(hop.to), hop.from, hop.packet)
    }
  }

  /** Lets time pass: what waits is handed on first, then whatever falls due wakes its owner. */
  pass(ms: number): void {
    const until = this.now + ms
    for (;;) {
      this.run()
      const next = this.residents.reduce((a, b) => (b.timers.next < a.timers.next ? b : a))
      if (next.timers.next > until) break
      this.now = Math.max(this.now, next.timers.next)
      next.mesh.signals.expire(next.timers.take(this.now)!, this.now)
    }
    this.now = until
  }

  #linkedTo(ids: ReadonlySet<PeerId>): Set<PeerId> {
    return new Set([...ids].flatMap((id) => [...this.of(id).stand.paths.overlay('rtc')!.links()]))
  }

  #settle(id: PeerId, ids: readonly PeerId[], seed: number): Resident {
    const stand = new Standpoint(id, ['rtc'])
    stand.meet(
      ids.filter((other) => other !== id),
      ['rtc'],
    )
    const random = seededRandom(seed)
    const routes = new Routes('rtc', id, stand.members, stand.paths, random)
    const counts = new Map<string, number>()
    const timers = new Deadlines<number>()
    const signals: Resident['signals'] = []
    const lost: Resident['lost'] = []
    const host = {
      send: (to: string, packet: Uint8Array) => this.#send(id, addressOf(to), packet),
      signal: (_kind: string, from: PeerId, data: Uint8Array) => signals.push({ from, data: [...data] }),
      signalLost: (_kind: string, to: PeerId, data: Uint8Array) => lost.push({ to, data: [...data] }),
    }
    const owner = {
      wake: (seq: number, at: number) => timers.add(at, seq),
      nextSeq: () => randomInt(random, 2 ** 32),
      count: (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1),
    }
    const mesh = new Mesh(id, meshTag, routes, host, owner)
    return { id, stand, mesh, taken: [], signals, lost, counts, timers }
  }

  #send(from: PeerId, to: PeerId, borrowed: Uint8Array): void {
    if (!this.isLinked(from, to)) throw new Error('sent over a link that is not there')
    const packet = new Uint8Array(borrowed)
    const hop = { from, to, header: decodePacket(packet, meshTag)!.header, packet }
    this.hops.push(hop)
    this.#waiting.push(hop)
  }

  /** What `Inbox` and `Swim` do with it. */
  #receive(resident: Resident, from: PeerId, packet: Uint8Array): void {
    const { header, wrapped } = decodePacket(packet, meshTag)!
    if (header.kind !== 'route') return this.#take(resident, from, header)
    const whole = resident.mesh.receive(header, packet, wrapped, `rtc:${from}`, this.now)
    if (whole) this.#take(resident, header.from, decodePacket(whole, meshTag)!.header)
  }

  #take({ mesh, taken }: Resident, from: PeerId, header: Header): void {
    switch (header.kind) {
      case 'signal': {
        const ack = packetOf(mesh.signals.receive(header, from))
        mesh.send(from, ack)
        return
      }
      case 'signalAck':
        return mesh.signals.receiveAck(header.seq)
      case 'astray':
        mesh.signals.astray(header.to)
    }
    taken.push({ from, header })
  }
}

export function packetOf(header: Header, behind: Uint8Array = new Uint8Array()): Uint8Array {
  const writer = new PacketWriter(meshTag)
  writer.begin(header)
  writer.add(behind)
  return new Uint8Array(writer.finish())
}
