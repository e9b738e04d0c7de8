/**
 * How members can be reached just now: which channels are up, which links are open, and which links are wanted.
 */

import type { Belief } from './belief.ts'
import type { Config } from './config.ts'
import { type ChannelInfo, type Endpoint, type Host, kindOf } from './host.ts'
import type { PeerId } from './ids.ts'
import { cutOff, islandOf } from './islands.ts'
import type { Member } from './member.ts'
import type { Members } from './members.ts'
import { Overlay } from './overlay.ts'
import type { Random } from './random.ts'

export class Paths {
  readonly #self: PeerId
  readonly #channels: readonly ChannelInfo[]
  readonly #members: Members
  readonly #host: Pick<Host, 'dial' | 'hangUp'>
  readonly #overlays: ReadonlyMap<string, Overlay>
  readonly #unavailable = new Set<string>()

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
  }

  get kinds(): string[] {
    return this.#channels.map(({ kind }) => kind)
  }

  /** A channel that depends on a server can carry packets: the server is there, and so is the network. */
  get served(): boolean {
    return this.kinds.includes('relay') && !this.#unavailable.has('relay')
  }

  isOwn(endpoint: Endpoint): boolean {
    return this.#channels.some((channel) => channel.endpoint === endpoint)
  }

  /** By the first of our channels that the member has too, that is up, and on which a link is open where one is needed. */
  to(belief: Belief): Endpoint | undefined {
    for (const { kind, reach } of this.#channels) {
      const endpoint = belief.endpoint(kind)
      if (endpoint === undefined || this.#unavailable.has(kind)) continue
      if (reach === 'any' || this.#overlays.get(kind)!.links.has(belief.id)) return endpoint
    }
    return undefined
  }

  via(belief: Belief): Member['via'] {
    const path = this.to(belief)
    return path === undefined ? 'gossip' : kindOf(path) === 'relay' ? 'relayed' : 'direct'
  }

  /** The kind of channel whose rumours a member gets. */
  island(belief: Belief): string | undefined {
    return islandOf(this.#channels, belief)
  }

  /** Up to `count` other present members that suit and can be reached now, drawn at random, with the ways to them. */
  some(count: number, random: Random, suits: (belief: Belief) => boolean): { belief: Belief; path: Endpoint }[] {
    const found = this.#members.pick(
      count,
      random,
      (belief) => belief.id !== this.#self && suits(belief) && this.to(belief) !== undefined,
    )
    return found.map((belief) => ({ belief, path: this.to(belief)! }))
  }

  /** Present members that no chain of members leads to. */
  cutOff(): Belief[] {
    return cutOff(this.#channels, this.#members.present())
  }

  linkUp(kind: string, peer: PeerId): void {
    this.#overlays.get(kind)?.linkUp(peer)
  }

  linkDown(kind: string, peer: PeerId, now: number): void {
    this.#overlays.get(kind)?.linkDown(peer, now)
  }

  setAvailable(kind: string, yes: boolean): void {
    if (yes) this.#unavailable.delete(kind)
    else this.#unavailable.add(kind)
  }

  /** Dials and closes what the overlays want. */
  plan(now: number): void {
    for (const [kind, overlay] of this.#overlays) {
      const neighbours = new Set<PeerId>()
      for (const belief of this.#members.present()) {
        if (belief.id !== this.#self && this.island(belief) === kind) neighbours.add(belief.id)
      }
      const { dial, hangUp } = overlay.plan(neighbours, now)
      for (const peer of hangUp) this.#host.hangUp(kind, peer)
      for (const peer of dial) this.#host.dial(kind, peer)
    }
  }
}
