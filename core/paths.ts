/**
 * How members can be reached just now: which channels are up, which links are open, and which links are wanted.
 *
 * Kinds of channels differ in what reaching somebody costs. On a dense one (`udp`) everybody is an address away. On a sparse
 * one a peer keeps to its neighbours on the rings: links cost a handshake each, and a relayed packet costs the server.
 */

import type { Belief } from './belief.ts'
import type { Config } from './config.ts'
import { type ChannelInfo, type Endpoint, type Host, kindOf } from './host.ts'
import { isPeerId, type PeerId } from './ids.ts'
import { cutOff, islandOf } from './islands.ts'
import type { Member } from './member.ts'
import type { Members } from './members.ts'
import { Overlay } from './overlay.ts'
import { type Random, sample } from './random.ts'
import { Vicinity } from './vicinity.ts'

/** A peer with fewer links than this cannot rely on them, and has its neighbours told by way of the server as well. */
const linksFew = 3
/** Peers that were heard by way of the server are remembered in two generations of this many. */
const relayedMax = 512
/** Whoever was not heard by way of the server for so many periods, up to twice, is not sent to that way. */
const fadingPeriods = 5
/** Without any link, so many of those whom the server reaches are dialled, be they neighbours or not. */
const anchorsMax = 2

/** A link as it stands. */
export interface LinkState {
  readonly kind: string
  readonly peer: PeerId
  readonly open: boolean
  /** The peer is a neighbour on the rings. */
  readonly wanted: boolean
}

/** A link to one member, as far as it has got. `wanted`: it is a neighbour. */
export interface LinkProgress {
  /** `rtc`, or a linked channel of your own. */
  readonly kind: string
  /** `waiting`: for the other one to dial, or until it is tried again. */
  readonly state: 'open' | 'opening' | 'waiting'
  /** The member is a neighbour. */
  readonly wanted: boolean
  /** How many dials in a row have failed. */
  readonly failed: number
  /** By when it is tried again, in milliseconds from now. */
  readonly againInMs?: number
}

export interface Target {
  readonly id: PeerId
  readonly path: Endpoint
}

export class Paths {
  readonly vicinity: Vicinity
  readonly #self: PeerId
  readonly #channels: readonly ChannelInfo[]
  readonly #members: Members
  readonly #host: Pick<Host, 'dial' | 'hangUp'>
  readonly #overlays: ReadonlyMap<string, Overlay>
  readonly #unavailable = new Set<string>()
  /** Peers that talk to this one by way of the server, so the mesh does not connect the two; the older generation fades. */
  #relayed = new Set<PeerId>()
  #olderRelayed = new Set<PeerId>()
  #periods = 0

  constructor(
    self: PeerId,
    channels: readonly ChannelInfo[],
    members: Members,
    config: Config,
    random: Random,
    host: Pick<Host, 'dial' | 'hangUp'>,
  ) {
    this.#self = self
    this.#channels = channels
    this.#members = members
    this.#host = host
    const linked = channels.filter(({ reach }) => reach === 'linked')
    this.#overlays = new Map(linked.map(({ kind }) => [kind, new Overlay(self, config, random)]))
    this.vicinity = new Vicinity(self, this.kinds, members)
  }

  get kinds(): string[] {
    return this.#channels.map(({ kind }) => kind)
  }

  /** A channel that depends on a server can carry packets: the server is there, and so is the network. */
  get served(): boolean {
    return this.kinds.includes('relay') && !this.#unavailable.has('relay')
  }

  isSparse(kind: string): boolean {
    return kind === 'relay' || this.#overlays.has(kind)
  }

  isOwn(endpoint: Endpoint): boolean {
    return this.#channels.some((channel) => channel.endpoint === endpoint)
  }

  overlay(kind: string): Overlay | undefined {
    return this.#overlays.get(kind)
  }

  links(): LinkState[] {
    const states: LinkState[] = []
    for (const [kind, overlay] of this.#overlays) {
      const wanted = this.vicinity.of(kind).all
      for (const peer of overlay.links()) states.push({ kind, peer, open: true, wanted: wanted.has(peer) })
      for (const peer of wanted) if (!overlay.has(peer)) states.push({ kind, peer, open: false, wanted: true })
    }
    return states
  }

  /** The links to one member that are there or on their way. */
  linksTo(id: PeerId, now: number): LinkProgress[] {
    const links: LinkProgress[] = []
    for (const [kind, overlay] of this.#overlays) {
      const wanted = this.vicinity.of(kind).all.has(id)
      const dial = overlay.dialOf(id)
      if (overlay.has(id)) links.push({ kind, state: 'open', wanted, failed: 0 })
      else if (dial?.open) links.push({ kind, state: 'opening', wanted, failed: dial.attempts })
      else if (dial) {
        const againInMs = Math.max(0, Math.round(dial.notBefore - now))
        links.push({ kind, state: 'waiting', wanted, failed: dial.attempts, againInMs })
      } else if (wanted) links.push({ kind, state: 'waiting', wanted, failed: 0 })
    }
    return links
  }

  /**
   * Who stands next to a present member on the rings, whichever channels they share: first who comes behind it on each, then
   * who comes before. On the server's rings only those that have nothing else in common count.
   */
  neighbours(id: PeerId): PeerId[] {
    const belief = this.#members.get(id)
    if (!belief?.present) return []
    const [behind, before] = [new Set<PeerId>(), new Set<PeerId>()]
    const kinds = (belief.record?.endpoints ?? []).map(kindOf)
    const others = kinds.filter((kind) => kind !== 'relay')
    for (const kind of kinds) {
      const neighbours = this.vicinity.among(kind, belief)
      const counts = (id: PeerId) =>
        kind !== 'relay' || !others.some((other) => this.#members.get(id)?.has(other) === true)
      for (const id of neighbours?.successors ?? []) if (counts(id)) behind.add(id)
      for (const id of neighbours?.all ?? []) if (counts(id)) before.add(id)
    }
    return [...new Set([...behind, ...before])]
  }

  /**
   * By the first way there is: a dense channel, an open link, other members' links, the server. Whether links of others
   * lead there is only known when a packet is sent; the server comes first where it was the last to bring something.
   */
  to(belief: Belief): Endpoint | undefined {
    let byOthers: Endpoint | undefined
    for (const { kind, reach } of this.#channels) {
      const endpoint = this.#unavailable.has(kind) ? undefined : belief.endpoint(kind)
      if (endpoint === undefined) continue
      const overlay = this.#overlays.get(kind)
      if (overlay === undefined && (kind !== 'relay' || byOthers === undefined || this.#isRelayed(belief.id)))
        return endpoint
      if (overlay?.has(belief.id)) return endpoint
      if (reach === 'linked' && overlay!.size > 0) byOthers ??= endpoint
    }
    return byOthers
  }

  /** Another way than this one, where there is one. */
  besides(path: Endpoint, belief: Belief): Endpoint {
    if (kindOf(path) === 'relay' || !this.served) return path
    return belief.endpoint('relay') ?? path
  }

  /** By the server, and not by the links of others. */
  byServer(id: PeerId): Endpoint | undefined {
    return this.served ? this.#members.get(id)?.endpoint('relay') : undefined
  }

  /** Notes how one member can be reached, or all; true if that has changed for any. */
  refresh(id?: PeerId): boolean {
    const belief = id === undefined ? undefined : this.#members.get(id)
    const beliefs = id === undefined ? this.#members.present() : belief?.present ? [belief] : []
    let changed = false
    for (const one of beliefs) {
      const via = one.id === this.#self ? 'direct' : this.#via(one)
      if (via === one.via) continue
      one.via = via
      this.#members.update(one)
      changed = true
    }
    return changed
  }

  #via(belief: Belief): Member['via'] {
    const path = this.to(belief)
    if (path === undefined || this.#isByOthers(path, belief.id)) return 'gossip'
    return kindOf(path) === 'relay' ? 'relayed' : 'direct'
  }

  /** True if a packet to this endpoint has to be carried by other members. */
  isByOthers(endpoint: Endpoint): boolean {
    return this.#isByOthers(endpoint, endpoint.slice(endpoint.indexOf(':') + 1))
  }

  /** See `islandOf`. */
  island(belief: Belief): string | undefined {
    return islandOf(this.#channels, belief)
  }

  /** Members this peer deals with itself: all on its dense channels, and those next to it on the others. */
  isNear(belief: Belief): boolean {
    const { id } = belief
    if (id === this.#self) return false
    return this.#channels.some(({ kind }) => {
      if (this.#unavailable.has(kind) || !belief.has(kind)) return false
      if (!this.isSparse(kind)) return true
      if (this.#overlays.get(kind)?.has(id)) return true
      return (this.#overlays.has(kind) || this.island(belief) === kind) && this.vicinity.of(kind).all.has(id)
    })
  }

  /** Up to `count` present members that are near, suit and can be reached, drawn at random, with the way to each. */
  some(count: number, random: Random, suits: (belief: Belief) => boolean): { belief: Belief; path: Endpoint }[] {
    const isFit = (belief: Belief) => this.isNear(belief) && suits(belief) && this.to(belief) !== undefined
    const found = this.#isSparse
      ? sample(this.#near().filter(isFit), count, random)
      : this.#members.pick(count, random, isFit)
    return found.map((belief) => ({ belief, path: this.to(belief)! }))
  }

  /**
   * Who is told rumours on a sparse kind of channel: those at the other ends of links, and by way of the server neighbours
   * that the mesh does not reach. Whoever is frozen reads nothing; it syncs when it is back.
   */
  targets(kind: string): Target[] {
    const overlay = this.#overlays.get(kind)
    const targets: Target[] = []
    for (const id of overlay?.links() ?? []) {
      if (this.#members.get(id)?.record?.mode !== 'frozen') targets.push({ id, path: `${kind}:${id}` })
    }
    if (!this.served) return targets
    for (const id of this.vicinity.of(kind).all) {
      if (overlay?.has(id)) continue
      const belief = this.#members.get(id)
      const path = belief?.present && belief.record?.mode !== 'frozen' ? belief.endpoint('relay') : undefined
      if (path === undefined) continue
      const needsServer = overlay ? overlay.size < linksFew || this.#isRelayed(id) : this.island(belief!) === kind
      if (needsServer) targets.push({ id, path })
    }
    return targets
  }

  /** Present members that no chain of members leads to. */
  cutOff(): Belief[] {
    return cutOff(this.#channels, this.#members.present())
  }

  /** True if more ways than the one to this peer are new. */
  linkUp(kind: string, peer: PeerId): boolean {
    const overlay = this.#overlays.get(kind)
    overlay?.linkUp(peer)
    return overlay?.size === 1
  }

  /** True if more ways than the one to this peer are lost. */
  linkDown(kind: string, peer: PeerId, now: number): boolean {
    const overlay = this.#overlays.get(kind)
    overlay?.linkDown(peer, now)
    return overlay?.size === 0
  }

  setAvailable(kind: string, yes: boolean): void {
    if (yes) this.#unavailable.delete(kind)
    else this.#unavailable.add(kind)
  }

  /** The server has brought something of this peer, or the mesh does not lead to it. True if that changes the way to it. */
  relay(id: PeerId): boolean {
    if (!isPeerId(id) || this.#relayed.has(id)) return false
    if (this.#relayed.size >= relayedMax) this.#fade()
    this.#relayed.add(id)
    return this.refresh(id)
  }

  /** A protocol period is over; true if the server is no longer taken for the way to somebody. */
  turn(): boolean {
    if (++this.#periods % fadingPeriods !== 0) return false
    const forgets = this.#olderRelayed.size > 0
    this.#fade()
    return forgets
  }

  /** Dials and closes what the overlays want. */
  plan(now: number): void {
    for (const [kind, overlay] of this.#overlays) {
      const { dial, hangUp } = overlay.plan(this.#wanted(kind, overlay), now)
      for (const peer of hangUp) this.#host.hangUp(kind, peer)
      for (const peer of dial) this.#host.dial(kind, peer)
    }
  }

  /**
   * Neighbours. Whoever came in by a server that the others are not on reaches none of them: a link to somebody who is
   * there opens the way to all.
   */
  #wanted(kind: string, overlay: Overlay): ReadonlySet<PeerId> {
    const { all } = this.vicinity.of(kind)
    if (overlay.size > 0 || !overlay.struggling) return all
    const heard = [...this.#relayed, ...this.#olderRelayed].filter(
      (id) => this.#members.get(id)?.present && !all.has(id),
    )
    return new Set([...heard.sort().slice(0, anchorsMax), ...all])
  }

  #fade(): void {
    this.#olderRelayed = this.#relayed
    this.#relayed = new Set()
  }

  /** No channel of this peer reaches everybody. */
  get #isSparse(): boolean {
    return this.#channels.every(({ kind }) => this.isSparse(kind))
  }

  #near(): Belief[] {
    const ids = new Set<PeerId>()
    for (const { kind } of this.#channels) {
      for (const id of this.#overlays.get(kind)?.links() ?? []) ids.add(id)
      for (const id of this.vicinity.of(kind).all) ids.add(id)
    }
    return [...ids].flatMap((id) => {
      const belief = this.#members.get(id)
      return belief?.present ? [belief] : []
    })
  }

  #isRelayed(id: PeerId): boolean {
    return this.#relayed.has(id) || this.#olderRelayed.has(id)
  }

  #isByOthers(path: Endpoint, id: PeerId): boolean {
    const overlay = this.#overlays.get(kindOf(path))
    return overlay !== undefined && !overlay.has(id)
  }
}
