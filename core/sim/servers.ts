/**
 * The simulated signalling servers: who has a socket at which, whom they introduce to whom, and the packets and signals
 * they pass on. Two peers that share no server are strangers to each other there, as in life.
 */

import type { PeerId } from '../ids.ts'
import { type Random, sample } from '../random.ts'
import type { Swim } from '../swim.ts'
import type { Network } from './network.ts'
import type { Participant } from './participant.ts'

/** How many peers a server introduces at a time, and how often it is asked. */
const introducedMax = 8
const introductionsMs = 30_000
/** When a server is back, its peers are too within this long, evenly: as long as their clients wait at most. */
const reconnectMs = 10_000

/** What servers and links ask of their world. */
export interface Surroundings {
  now(): number
  at(worldMs: number, event: () => void): void
  call(peer: Participant, run: (swim: Swim, now: number) => void): void
  participant(id: PeerId): Participant | undefined
}

export class Servers {
  readonly #network: Network
  readonly #random: Random
  readonly #world: Surroundings
  readonly #down = new Set<number>()
  /** Peers with an open socket, in the order they came. */
  readonly #sockets = new Map<number, Set<Participant>>()

  constructor(network: Network, random: Random, world: Surroundings) {
    this.#network = network
    this.#random = random
    this.#world = world
  }

  /** True if both have a socket at the same server. */
  carries(from: Participant, to: Participant): boolean {
    return from.servers.some((server) => this.#has(server, from) && this.#has(server, to))
  }

  /** A peer opens its sockets, and asks for introductions now and then for as long as it lives. */
  connect(peer: Participant): void {
    const up = peer.servers.filter((server) => !this.#down.has(server))
    for (const server of up) this.#at(server).add(peer)
    if (up.length === 0) this.#tell(peer, false)
    this.#introduce(peer)
    this.#introduceLater(peer)
  }

  /** Its process has ended. */
  drop(peer: Participant): void {
    for (const server of peer.servers) this.#at(server).delete(peer)
  }

  /** Starts or stops a server; when it stops all sockets close, when it starts clients come back one by one. */
  set(server: number, up: boolean, peers: readonly Participant[]): void {
    if (this.#down.has(server) !== up) return
    if (up) {
      this.#down.delete(server)
      const clients = peers.filter(({ kinds, servers }) => kinds.includes('relay') && servers.includes(server))
      for (const peer of clients) this.#later(this.#random() * reconnectMs, () => this.#return(peer, server))
    } else {
      this.#down.add(server)
      const clients = [...this.#at(server)]
      this.#at(server).clear()
      for (const peer of clients) if (!this.#isConnected(peer)) this.#tell(peer, false)
    }
  }

  /** Carries a signal; what has no way is lost, as it is in life. False where its sender is told so. */
  signal(from: Participant, to: PeerId, hand: (to: Participant) => void): boolean {
    if (from.stalledUntil !== undefined) {
      from.heldOut.hold(() => this.signal(from, to, hand))
      return true
    }
    const other = this.#world.participant(to)
    if (other === undefined || !from.live || !this.carries(from, other)) return false
    if (!this.#network.isCut(from.name, other.name)) this.#later(this.#network.delay(), () => hand(other))
    return true
  }

  #return(peer: Participant, server: number): void {
    if (!peer.live || this.#down.has(server) || this.#has(server, peer)) return
    const before = this.#isConnected(peer)
    this.#at(server).add(peer)
    if (!before) this.#tell(peer, true)
    this.#introduce(peer)
  }

  #introduceLater(peer: Participant): void {
    this.#later(introductionsMs * (0.75 + this.#random() / 2), () => {
      if (!peer.live) return
      this.#introduce(peer)
      this.#introduceLater(peer)
    })
  }

  /** Each server of a peer names some of the others that are there. */
  #introduce(peer: Participant): void {
    if (!peer.reachable || this.#network.isDeaf(peer.name)) return
    for (const server of peer.servers) {
      if (!this.#has(server, peer)) continue
      const others = [...this.#at(server)].filter((other) => {
        return other !== peer && !this.#network.isCut(peer.name, other.name)
      })
      const endpoints = sample(others, introducedMax, this.#random).map((other) => other.endpoint('relay')!)
      this.#world.call(peer, (swim, now) => swim.introduce(endpoints, now))
    }
  }

  #tell(peer: Participant, up: boolean): void {
    peer.whenRunning(() => this.#world.call(peer, (swim, now) => swim.channelAvailable('relay', up, now)))
  }

  #isConnected(peer: Participant): boolean {
    return peer.servers.some((server) => this.#has(server, peer))
  }

  #has(server: number, peer: Participant): boolean {
    return this.#sockets.get(server)?.has(peer) === true
  }

  #at(server: number): Set<Participant> {
    const sockets = this.#sockets.get(server) ?? new Set<Participant>()
    this.#sockets.set(server, sockets)
    return sockets
  }

  #later(afterMs: number, event: () => void): void {
    this.#world.at(this.#world.now() + afterMs, event)
  }
}
