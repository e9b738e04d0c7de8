/**
 * The links between simulated peers, and the signalling server that introduces peers to one another: which links are
 * open, how long they take to open, and how their ends learn that they are closed.
 */

import type { PeerId } from '../ids.ts'
import { type Random, sample } from '../random.ts'
import type { Swim } from '../swim.ts'
import type { Network } from './network.ts'
import type { Kind, WorldOptions } from './options.ts'
import type { Participant } from './participant.ts'

/** How many peers the signalling server introduces at a time, and how often it is asked. */
const introducedMax = 8
const introductionsMs = 30_000

export interface LinksOwner {
  now(): number
  at(worldMs: number, event: () => void): void
  call(peer: Participant, run: (swim: Swim, now: number) => void): void
  participant(id: PeerId): Participant | undefined
  livePeers(): readonly Participant[]
}

export class Links {
  readonly #network: Network
  readonly #random: Random
  readonly #owner: LinksOwner
  readonly #handshakeMs: number
  readonly #timeoutMs: number
  /** Open links, from each end to the other. */
  readonly #links = new Map<PeerId, Map<PeerId, Kind>>()
  #signalingUp = true

  constructor(options: WorldOptions, network: Network, random: Random, owner: LinksOwner) {
    const { handshakeMs = 300, linkTimeoutMs = 5_000 } = options
    this.#handshakeMs = handshakeMs
    this.#timeoutMs = linkTimeoutMs
    this.#network = network
    this.#random = random
    this.#owner = owner
  }

  /** Whether a packet of this kind has a way: over an open link, or while the signalling server runs. */
  carries(kind: Kind, from: Participant, to: Participant): boolean {
    if (kind === 'relay') return this.#signalingUp
    return kind !== 'rtc' || this.#isOpen(from.id, to.id)
  }

  dial(from: Participant, kind: Kind, to: PeerId): void {
    const other = this.#owner.participant(to)
    const opens = other !== undefined && this.#canLink(from, other)
    this.#owner.at(this.#owner.now() + (opens ? this.#handshakeMs : this.#timeoutMs), () => {
      if (!from.live || this.#isOpen(from.id, to)) return
      if (!opens || !this.#canLink(from, other)) return this.#linkDown(from, kind, to)
      this.#open(from.id, to, kind)
      this.#linkUp(from, kind, to)
      this.#linkUp(other, kind, from.id)
    })
  }

  hangUp(from: Participant, kind: Kind, to: PeerId): void {
    const now = this.#owner.now()
    const other = this.#owner.participant(to)
    if (!this.#close(from.id, to) || other === undefined) return
    this.#owner.at(now, () => this.#linkDown(from, kind, to))
    this.#owner.at(now + this.#network.delay(), () => this.#linkDown(other, kind, from.id))
  }

  /** One end has gone: the other notices when the link times out, or at once where it was closed in good order. */
  drop(peer: Participant): void {
    const afterMs = peer.life === 'left' ? this.#network.delay() : this.#timeoutMs
    for (const [id, kind] of this.#linksOf(peer.id)) {
      const other = this.#owner.participant(id)!
      this.#close(peer.id, id)
      this.#owner.at(this.#owner.now() + afterMs, () => this.#linkDown(other, kind, peer.id))
    }
    this.#links.delete(peer.id)
  }

  /** Links across a cut time out at both ends, unless the cut is healed before. */
  watch(): void {
    this.#owner.at(this.#owner.now() + this.#timeoutMs, () => {
      for (const { kind, a, b } of this.#all()) {
        const [one, other] = [this.#owner.participant(a)!, this.#owner.participant(b)!]
        if (!this.#isCut(one, other)) continue
        this.#close(a, b)
        this.#linkDown(one, kind, b)
        this.#linkDown(other, kind, a)
      }
    })
  }

  /** Starts or stops the signalling server. */
  setSignaling(up: boolean): void {
    this.#signalingUp = up
    for (const peer of this.#owner.livePeers()) {
      if (peer.kinds.includes('relay')) this.#owner.call(peer, (swim, now) => swim.channelAvailable('relay', up, now))
    }
  }

  /** A peer connects to the signalling server, which from now on names a few others to it now and then. */
  connect(peer: Participant): void {
    if (!this.#signalingUp) this.#owner.call(peer, (swim, now) => swim.channelAvailable('relay', false, now))
    this.#introduce(peer)
  }

  #introduce(peer: Participant): void {
    if (!peer.live) return
    if (this.#signalingUp && peer.reachable && !this.#network.isDeaf(peer.name)) {
      const others = this.#owner.livePeers().filter((other) => {
        return other !== peer && other.kinds.includes('relay') && !this.#network.isCut(peer.name, other.name)
      })
      const endpoints = sample(others, introducedMax, this.#random).map((other) => other.endpoint('relay')!)
      this.#owner.call(peer, (swim, now) => swim.introduce(endpoints, now))
    }
    const pauseMs = introductionsMs * (0.75 + this.#random() / 2)
    this.#owner.at(this.#owner.now() + pauseMs, () => this.#introduce(peer))
  }

  #canLink(a: Participant, b: Participant): boolean {
    return a.reachable && b.reachable && !this.#isCut(a, b)
  }

  /** A link needs both ways. */
  #isCut(a: Participant, b: Participant): boolean {
    return this.#network.isCut(a.name, b.name) || this.#network.isCut(b.name, a.name)
  }

  #linkUp(peer: Participant, kind: Kind, to: PeerId): void {
    if (peer.life === 'paused') peer.waiting.hold(() => this.#linkUp(peer, kind, to))
    else if (peer.live) this.#owner.call(peer, (swim, now) => swim.linkUp(kind, to, now))
  }

  #linkDown(peer: Participant, kind: Kind, to: PeerId): void {
    if (peer.life === 'paused') peer.waiting.hold(() => this.#linkDown(peer, kind, to))
    else if (peer.live) this.#owner.call(peer, (swim, now) => swim.linkDown(kind, to, now))
  }

  #isOpen(a: PeerId, b: PeerId): boolean {
    return this.#links.get(a)?.has(b) === true
  }

  #open(a: PeerId, b: PeerId, kind: Kind): void {
    this.#linksOf(a).set(b, kind)
    this.#linksOf(b).set(a, kind)
  }

  /** True if there was a link to close. */
  #close(a: PeerId, b: PeerId): boolean {
    this.#links.get(b)?.delete(a)
    return this.#links.get(a)?.delete(b) === true
  }

  #linksOf(id: PeerId): Map<PeerId, Kind> {
    const links = this.#links.get(id) ?? new Map<PeerId, Kind>()
    this.#links.set(id, links)
    return links
  }

  /** Each open link once. */
  #all(): { kind: Kind; a: PeerId; b: PeerId }[] {
    return [...this.#links].flatMap(([a, links]) =>
      [...links].filter(([b]) => a < b).map(([b, kind]) => ({ kind, a, b })),
    )
  }
}
