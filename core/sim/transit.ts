/**
 * Packets between simulated peers: from the call that sends one, through stalls and the network, to the moment its
 * receiver reads it.
 */

import { type Endpoint, kindOf } from '../host.ts'
import type { Random } from '../random.ts'
import type { Links } from './links.ts'
import type { Network } from './network.ts'
import type { Kind } from './options.ts'
import type { Participant } from './participant.ts'

/** A packet as it is sent, before the network decides on it. `packet` is borrowed. */
export type PacketListener = (from: string, to: string, kind: Kind, packet: Uint8Array) => void

/** Where packets to one endpoint arrive. A peer that is restarted under its name takes over the sockets of the last. */
export interface Socket {
  owner: Participant
}

/** A packet on its way; data instead of a closure, because there are more of them than of anything else. */
export interface Parcel {
  readonly to: Socket
  readonly from: Endpoint
  readonly packet: Uint8Array
}

export interface TransitOwner {
  now(): number
  at(worldMs: number, event: (() => void) | Parcel): void
  receive(peer: Participant, from: Endpoint, packet: Uint8Array): void
}

/** Copies of packets are cut from pieces of this size: an allocation for each costs ten times as much. */
const slabBytes = 65_536

export class Transit {
  readonly #network: Network
  readonly #links: Links
  readonly #random: Random
  readonly #owner: TransitOwner
  readonly #sockets = new Map<Endpoint, Socket>()
  readonly #listeners = new Set<PacketListener>()
  #slab = new Uint8Array(slabBytes)
  #used = 0

  constructor(network: Network, links: Links, random: Random, owner: TransitOwner) {
    this.#network = network
    this.#links = links
    this.#random = random
    this.#owner = owner
  }

  /** From now on this peer gets what is sent to its endpoints, also what is on its way. */
  bind(peer: Participant): void {
    for (const endpoint of peer.endpoints()) {
      const socket = this.#sockets.get(endpoint)
      if (socket) socket.owner = peer
      else this.#sockets.set(endpoint, { owner: peer })
    }
  }

  on(listener: PacketListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** `packet` is borrowed. */
  send(from: Participant, to: Endpoint, packet: Uint8Array): void {
    if (from.stalledUntil === undefined) return this.#carry(from, to, packet)
    const kept = this.#copy(packet)
    from.heldOut.hold(() => {
      if (from.life !== 'crashed') this.#carry(from, to, kept)
    })
  }

  /** A parcel is there. */
  arrive({ to, from, packet }: Parcel): void {
    this.hand(to.owner, from, packet)
  }

  /** Puts a packet into a peer's socket. `packet` is kept. */
  hand(peer: Participant, from: Endpoint, packet: Uint8Array): void {
    if (peer.life !== 'running' && peer.life !== 'paused') return
    if (peer.stalledUntil !== undefined) return peer.heldIn.hold(() => this.hand(peer, from, packet))
    const now = this.#owner.now()
    const at = peer.readingAt(now, this.#random)
    if (at === undefined) return
    if (at <= now) return this.#read(peer, from, packet)
    this.#owner.at(at, () => {
      peer.hasRead()
      this.#read(peer, from, packet)
    })
  }

  stall(peer: Participant, ms: number): void {
    const until = this.#owner.now() + ms
    peer.stalledUntil = Math.max(peer.stalledUntil ?? 0, until)
    this.#owner.at(until, () => {
      if (peer.stalledUntil === undefined || this.#owner.now() < peer.stalledUntil) return
      peer.stalledUntil = undefined
      peer.heldOut.release()
      peer.heldIn.release()
    })
  }

  #carry(from: Participant, to: Endpoint, packet: Uint8Array): void {
    from.traffic.packetsOut++
    from.traffic.bytesOut += packet.length
    const kind = kindOf(to)
    const sender = from.endpoint(kind)
    const socket = this.#sockets.get(to)
    if (sender === undefined || socket === undefined) return
    const receiver = socket.owner
    for (const listener of this.#listeners) listener(from.name, receiver.name, kind, packet)
    if (!this.#links.carries(kind, from, receiver)) return
    const copies = this.#network.copies(from.name, receiver.name, kind)
    if (copies === 0) return
    const now = this.#owner.now()
    const parcel = { to: socket, from: sender, packet: this.#copy(packet) }
    for (let i = 0; i < copies; i++) this.#owner.at(now + this.#network.delay(), parcel)
  }

  #read(peer: Participant, from: Endpoint, packet: Uint8Array): void {
    if (peer.life === 'paused') return peer.waiting.hold(() => this.#read(peer, from, packet))
    if (peer.life !== 'running') return
    peer.traffic.packetsIn++
    peer.traffic.bytesIn += packet.length
    this.#owner.receive(peer, from, packet)
  }

  #copy(packet: Uint8Array): Uint8Array {
    const { length } = packet
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(slabBytes, length))
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + length)
    copy.set(packet)
    this.#used += length
    return copy
  }
}
