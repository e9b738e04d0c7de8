/**
 * Carries packets over the mesh between members without a link: our own, and those of others on their way. What cannot get
 * on tries another way from where it is, around everybody it has passed; where there is none, its sender is told.
 *
 *     sender            hop              hop            target
 *       | -- route ----> | -- route ----> |              |
 *       |                |                | -- route --> |    the packet inside is handled as if it had come by a link
 *       | <- astray, by the same way ---- |                   no link to the next hop, and no way around
 */

import { Allowance, Allowances } from './allowance.ts'
import { type Header, hopsMax, isNotice, PacketWriter, prefixBytes } from './codec.ts'
import type { Endpoint, Host } from './host.ts'
import { idPrefix, type PeerId } from './ids.ts'
import { seededRandom } from './random.ts'
import type { Routes } from './routes.ts'
import { Signals } from './signals.ts'

/** What one source may have carried by one member, in packets; more is for somebody who is no signaller but a flood. */
const sourcePerSecond = 20
const sourceBurst = 60
/** What it may have carried that comes by one link: whoever makes up sources has only its own links to send them by. */
const linkPerSecond = 80
const linkBurst = 240
/** What one member carries for all. */
const allPerSecond = 200
const allBurst = 600

type MeshHost = Pick<Host, 'send' | 'signal' | 'signalLost'>

interface MeshOwner {
  wake(seq: number, at: number): void
  nextSeq(): number
  count(what: string): void
}

const nobody: ReadonlySet<number> = new Set()

export class Mesh {
  readonly kind: string
  readonly signals: Signals
  readonly #self: PeerId
  readonly #prefix: number
  readonly #writer: PacketWriter
  readonly #routes: Routes
  readonly #host: Pick<Host, 'send'>
  readonly #owner: MeshOwner
  readonly #sources = new Allowances(sourcePerSecond, sourceBurst)
  readonly #links = new Allowances(linkPerSecond, linkBurst)
  readonly #all = new Allowance(allPerSecond, allBurst, 0)

  constructor(self: PeerId, tag: number, routes: Routes, host: MeshHost, owner: MeshOwner) {
    this.kind = routes.kind
    this.#self = self
    this.#prefix = idPrefix(self)
    this.#writer = new PacketWriter(tag)
    this.#routes = routes
    this.#host = host
    this.#owner = owner
    this.signals = new Signals(tag, this, host, owner)
  }

  /** Sends a packet to a member; the way it takes, or undefined if there is none. Not by way of those to `avoid`. */
  send(to: PeerId, packet: Uint8Array, avoid = nobody): readonly number[] | undefined {
    const path = this.#routes.find(to, avoid)
    if (path) this.#pass({ kind: 'route', from: this.#self, to, path, at: 0 }, packet.subarray(prefixBytes))
    return path
  }

  /** A way to a member as one would be taken now, for people to look at: it draws on no chance that packets depend on. */
  wayTo(to: PeerId): readonly number[] | undefined {
    return this.#routes.find(to, nobody, hopsMax, seededRandom(1))
  }

  /** Takes a routed packet: the whole packet in it if it was for us, undefined if it went on or got lost. */
  receive(
    route: Header & { kind: 'route' },
    packet: Uint8Array,
    wrapped: Uint8Array,
    link: Endpoint,
    now: number,
  ): Uint8Array | undefined {
    const { from, to, path, at } = route
    if (path[at] !== this.#prefix || from === this.#self) {
      this.#owner.count('routes_foreign')
      return undefined
    }
    const back = [...path.slice(0, at).reverse(), idPrefix(from)]
    if (at === path.length - 1) {
      if (to !== this.#self) return undefined
      this.#routes.remember(from, back)
      const whole = new Uint8Array(prefixBytes + wrapped.length)
      whole.set(packet.subarray(0, prefixBytes))
      whole.set(wrapped, prefixBytes)
      return whole
    }
    if (this.#mayCarry(from, link, now)) this.#carry(route, back, wrapped)
    else this.#owner.count('routes_refused')
    return undefined
  }

  /** A protocol period is over. */
  turn(): void {
    this.#routes.turn()
  }

  #carry(route: Header & { kind: 'route' }, back: readonly number[], wrapped: Uint8Array): void {
    const { from, to, path, at } = route
    if (this.#routes.linked(path[at + 1]!)) {
      this.#owner.count('routes_carried')
      return this.#pass({ ...route, at: at + 1 }, wrapped)
    }
    const passed = path.slice(0, at + 1)
    const avoid = new Set([...passed, idPrefix(from), path[at + 1]!])
    // The last hop is never avoided: it may be linked to others.
    avoid.delete(idPrefix(to))
    const around = this.#routes.find(to, avoid, hopsMax - passed.length)
    if (around) {
      this.#owner.count('routes_mended')
      return this.#pass({ ...route, path: [...passed, ...around], at: at + 1 }, wrapped)
    }
    this.#owner.count('routes_ended')
    if (isNotice(wrapped)) return
    this.#writer.begin({ kind: 'astray', to })
    const notice = new Uint8Array(this.#writer.finish()).subarray(prefixBytes)
    this.#pass({ kind: 'route', from: this.#self, to: from, path: back, at: 0 }, notice)
  }

  /** To the member whose turn it is. */
  #pass(route: Header & { kind: 'route' }, wrapped: Uint8Array): void {
    const next = this.#routes.linked(route.path[route.at]!)
    if (next === undefined) return
    const left = this.#writer.begin(route)
    if (wrapped.length > left) return this.#owner.count('routes_too_long')
    this.#writer.add(wrapped)
    this.#owner.count('packets_sent')
    this.#host.send(`${this.#routes.kind}:${next}`, this.#writer.finish())
  }

  /** Fair between sources: whoever sends much is refused before those who send little. */
  #mayCarry(from: PeerId, link: Endpoint, now: number): boolean {
    return this.#sources.take(from, 1, now) && this.#links.take(link, 1, now) && this.#all.take(1, now)
  }
}
