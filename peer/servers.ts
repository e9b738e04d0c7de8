/**
 * The signalling servers a peer is on. A tab is on the first of its list that answers. A process is on each, its own
 * included, and so brings together what met on different servers: a room is cut in two by its servers only while nobody
 * is on both.
 *
 * Peers are addressed by their ids alone, so it is remembered by which server each of them was heard last.
 */

import type { PeerId } from '../core/index.ts'
import { FailbackClient, sum } from './failback.ts'
import type { SignalingClient, SignalingClientEvents, SignalingClientOptions } from './signaling.ts'

export interface Server extends Pick<SignalingClientOptions, 'url'> {
  /** This very process serves it. It can always be reached, so it says nothing about the network this peer is in. */
  readonly own?: boolean
}

/** Peers whose server is remembered, those heard longest ago forgotten first. */
const routesMax = 4_096
/** Peers that were looked for on several servers at once, those longest ago forgotten first. */
const soughtMax = 256
/** A route by which nothing has come for so long may lead nowhere: its peer may have moved to another server. */
const routeMs = 30_000
/** The own server carries something while somebody else is on it: as long as others were heard by it within this time. */
const ownQuietMs = 60_000

/**
 * Introduced at a time: as many as the core turns to at once. The servers share them, or the members of one would leave no
 * room for those of another, who may be the other half of the room.
 */
const introducedMax = 4

interface Route {
  readonly client: SignalingClient
  readonly heardAt: number
}

export class SignalingServers {
  readonly #clients: readonly FailbackClient[]
  readonly #own: SignalingClient | undefined
  readonly #events: SignalingClientEvents
  readonly #now: () => number
  readonly #up = new Set<SignalingClient>()
  readonly #routes = new Map<PeerId, Route>()
  /** Servers that were asked for a peer and have not said that it is absent. */
  readonly #sought = new Map<PeerId, Set<SignalingClient>>()
  /** Those that have neither welcomed this peer nor failed to. */
  readonly #unheard: Set<SignalingClient>
  #met = false
  #available = false
  #ownHeardAt = Number.NEGATIVE_INFINITY

  /**
   * `events` are those of one client: `up` and `down` tell whether any server carries something. Throws `bad_option` where
   * an address is none. Nothing is opened before `open()`.
   */
  constructor(servers: readonly Server[], options: Omit<SignalingClientOptions, 'url'>, events: SignalingClientEvents) {
    this.#events = events
    this.#now = options.now ?? (() => performance.now())
    const eventsOf = (client: () => SignalingClient) => this.#eventsOf(client)
    this.#clients = servers.map(({ url }) => new FailbackClient({ ...options, url }, eventsOf))
    // One of its own has no other, so it stays the main one.
    this.#own = this.#clients[servers.findIndex(({ own }) => own)]?.main
    this.#unheard = new Set(this.#clients.map(({ main }) => main))
  }

  open(): void {
    for (const client of this.#clients) client.open()
  }

  /** False where no server takes it. */
  sendSignal(to: PeerId, data: object): boolean {
    const asked = new Set([...this.#towards(to)].filter((client) => client.sendSignal(to, data)))
    if (asked.size > 1) {
      this.#sought.delete(to)
      this.#sought.set(to, asked)
      if (this.#sought.size > soughtMax) this.#sought.delete(this.#sought.keys().next().value!)
    }
    return asked.size > 0
  }

  sendPacket(to: PeerId, packet: Uint8Array): void {
    for (const client of this.#towards(to)) client.sendPacket(to, packet)
  }

  /** Asks each server for a few random peers of the room. */
  introduce(): void {
    for (const client of this.#clients) client.introduce()
    this.#review('nobody is left on the server of this peer')
  }

  /** As `SignalingClient.close`. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
  }

  bye(): void {
    for (const client of this.#clients) client.bye()
  }

  /** The sums of all clients. */
  counters(): Readonly<Record<string, number>> {
    return sum(this.#clients.map((client) => client.counters()))
  }

  #eventsOf(client: () => SignalingClient): SignalingClientEvents {
    return {
      ...this.#events,
      welcome: (introducers) => this.#welcome(client(), this.#share(introducers)),
      introduced: (ids) => this.#events.introduced(this.#share(ids)),
      signal: (from, data) => {
        this.#hear(client(), from)
        this.#events.signal(from, data)
      },
      packet: (from, packet) => {
        this.#hear(client(), from)
        this.#events.packet(from, packet)
      },
      absent: (id) => this.#absent(client(), id),
      up: () => {
        this.#up.add(client())
        this.#review('')
      },
      down: (reason) => this.#down(client(), reason),
    }
  }

  /**
   * That nobody is there yet is news only once all servers have been heard: else a peer would begin a room by itself on
   * the one and find the room on the other.
   */
  #welcome(client: SignalingClient, introducers: PeerId[]): void {
    this.#unheard.delete(client)
    if (introducers.length > 0) this.#met = true
    else if (this.#met || this.#unheard.size > 0) return
    this.#events.welcome(introducers)
  }

  /** It may be on another server, where that was asked too. */
  #absent(client: SignalingClient, id: PeerId): void {
    const wasThere = this.#routes.get(id)?.client === client
    if (wasThere) this.#routes.delete(id)
    const asked = this.#sought.get(id)
    const wasLast = asked?.delete(client) === true && asked.size === 0
    if (wasLast) this.#sought.delete(id)
    if (wasThere || wasLast || this.#up.size <= 1) this.#events.absent?.(id)
  }

  #share(ids: PeerId[]): PeerId[] {
    const { length } = this.#clients
    return length > 1 ? ids.slice(0, Math.max(1, Math.floor(introducedMax / length))) : ids
  }

  #down(client: SignalingClient, reason: string): void {
    this.#up.delete(client)
    for (const [id, route] of this.#routes) if (route.client === client) this.#routes.delete(id)
    this.#sought.clear()
    if (this.#unheard.delete(client) && this.#unheard.size === 0 && this.#up.size > 0 && !this.#met) {
      this.#events.welcome([])
    }
    if (!this.#review(reason) && this.#up.size === 0) this.#events.down(reason)
  }

  #hear(client: SignalingClient, from: PeerId): void {
    const heardAt = this.#now()
    this.#sought.delete(from)
    // What comes by a server that was left is no way back.
    if (this.#up.size > 1 && this.#up.has(client)) {
      this.#routes.delete(from)
      this.#routes.set(from, { client, heardAt })
      if (this.#routes.size > routesMax) this.#routes.delete(this.#routes.keys().next().value!)
    }
    if (client !== this.#own) return
    this.#ownHeardAt = heardAt
    this.#review('')
  }

  /** The server a peer was heard by, else all there are; with none, one client that counts what it drops. */
  #towards(to: PeerId): Iterable<SignalingClient> {
    const route = this.#routes.get(to)
    if (route && this.#now() - route.heardAt < routeMs) return [route.client]
    return this.#up.size > 0 ? this.#up : [this.#clients[0]!.main]
  }

  /** True if this changed whether anything can be carried, and it was told. */
  #review(reason: string): boolean {
    const { size } = this.#up
    const others = this.#own && this.#up.has(this.#own) ? size - 1 : size
    const available = others > 0 || (size > 0 && this.#now() - this.#ownHeardAt < ownQuietMs)
    if (available === this.#available) return false
    this.#available = available
    if (available) this.#events.up()
    else this.#events.down(reason)
    return true
  }
}
