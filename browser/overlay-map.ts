/** What the overlay draws: who stands where on the circle, and which lines run between them. Knows nothing of pixels. */

import type { Explanation, Member, PeerId } from '../core/index.ts'
import type { Link } from '../peer/rtc.ts'

/** What the overlay asks of a peer; every `Peer` has it, whatever its state is. */
export interface OverlayPeer {
  readonly id: PeerId
  readonly status: string
  readonly reason: string
  members(options?: { gone?: boolean }): readonly OverlayMember[]
  neighbours(id: PeerId): readonly PeerId[]
  links(): readonly Link[]
  explain(id: PeerId): Explanation | undefined
  consistency(): { readonly agreeing: number; readonly asked: number }
  counters(): Readonly<Record<string, number>>
  subscribe(listener: () => void): () => void
  on(type: 'status', listener: () => void): () => void
}

/** What the overlay shows of a member. */
export type OverlayMember = Pick<Member<object>, 'id' | 'name' | 'status' | 'mode' | 'via' | 'since'>

export interface Spot {
  readonly member: OverlayMember
  readonly self: boolean
  /** From the top, clockwise, in radians; the own peer is at the top. */
  readonly angle: number
}

/** Between two spots, by their places in `RoomMap.spots`. */
export type Line = readonly [from: number, to: number]

/** `expected`: neighbours on the rings. The others are this peer's own: open, on their way, or by the server. */
export interface RoomMap {
  readonly spots: readonly Spot[]
  readonly expected: readonly Line[]
  readonly open: readonly Line[]
  readonly opening: readonly Line[]
  readonly relayed: readonly Line[]
}

/** How long those who are gone stay on the circle, to be asked about. */
const deadMs = 120_000
const leftMs = 15_000
/** Of those who are gone, the newest are looked at. */
const goneMax = 32

export class Cartographer {
  readonly #peer: OverlayPeer
  /** The order of the last map: whoever goes stays next to those it stood next to. */
  #order: readonly PeerId[] = []
  #present: readonly PeerId[] = []
  #walked: readonly PeerId[] = []
  #pairs: readonly (readonly [PeerId, PeerId])[] = []

  constructor(peer: OverlayPeer) {
    this.#peer = peer
  }

  /** As things stand now. Who stands next to whom is computed anew only when somebody came or went. */
  draw(): RoomMap {
    const { id: self } = this.#peer
    const present = this.#peer.members()
    const gone = this.#goneLately()
    this.#follow(present)
    this.#order = withGone(this.#walked, gone, this.#order)
    const byId = new Map([...present, ...gone].map((member) => [member.id, member]))
    const spots = this.#order.map((id, i) => {
      return { member: byId.get(id)!, self: id === self, angle: (2 * Math.PI * i) / this.#order.length }
    })
    const at = new Map(this.#order.map((id, i) => [id, i]))
    const own = at.get(self) ?? 0
    const linked = (wanted: (link: Link) => boolean) =>
      this.#peer.links().flatMap((link) => (wanted(link) && at.has(link.id) ? [[own, at.get(link.id)!] as const] : []))
    return {
      spots,
      expected: this.#pairs.map(([a, b]) => [at.get(a)!, at.get(b)!] as const),
      open: linked(({ state }) => state === 'open'),
      opening: linked(({ state }) => state !== 'open'),
      relayed: spots.flatMap(({ member }, i) => (member.via === 'relayed' && isPresent(member) ? [[own, i]] : [])),
    }
  }

  #goneLately(): OverlayMember[] {
    return this.#peer
      .members({ gone: true })
      .filter((member) => !isPresent(member))
      .sort((a, b) => b.since - a.since)
      .slice(0, goneMax)
      .filter(({ id, status }) => {
        const { sinceMs = Number.POSITIVE_INFINITY } = this.#peer.explain(id) ?? {}
        return sinceMs < (status === 'dead' ? deadMs : leftMs)
      })
  }

  #follow(present: readonly OverlayMember[]): void {
    const { id: self } = this.#peer
    const same =
      this.#walked[0] === self &&
      present.length === this.#present.length &&
      present.every(({ id }, i) => id === this.#present[i])
    if (same) return
    this.#present = present.map(({ id }) => id)
    const neighbours = new Map(this.#present.map((id) => [id, this.#peer.neighbours(id)]))
    this.#walked = walk([self, ...this.#present], neighbours)
    this.#pairs = this.#present.flatMap((id) =>
      neighbours.get(id)!.flatMap((other) => (id < other && neighbours.has(other) ? [[id, other] as const] : [])),
    )
  }
}

export function isPresent({ status }: Pick<OverlayMember, 'status'>): boolean {
  return status === 'alive' || status === 'suspect'
}

/** Round the first ring, from each to the one behind it; whoever is on another ring follows where that one begins. */
function walk(ids: readonly PeerId[], neighbours: ReadonlyMap<PeerId, readonly PeerId[]>): PeerId[] {
  const order = new Set<PeerId>()
  for (const id of ids) {
    for (let at: PeerId | undefined = id; at !== undefined && neighbours.has(at) && !order.has(at); ) {
      order.add(at)
      at = neighbours.get(at)![0]
    }
  }
  return [...order]
}

/** Puts those who are gone behind those they stood behind before, or at the end. */
function withGone(walked: readonly PeerId[], gone: readonly OverlayMember[], before: readonly PeerId[]): PeerId[] {
  const order = [...walked]
  for (const { id } of gone) {
    let at = before.indexOf(id) - 1
    while (at >= 0 && !order.includes(before[at]!)) at--
    order.splice(at < 0 ? order.length : order.indexOf(before[at]!) + 1, 0, id)
  }
  return order
}
