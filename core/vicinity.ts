/**
 * Who lives next to this peer on the rings of each of its channels (see `neighboursOf`). Looking through the room takes
 * long where it is large and members come and go all the time, so it is done only when somebody moved in next door or a
 * neighbour moved out.
 */

import type { Belief } from './belief.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import { comesBetween, meshMax, type Neighbours, neighboursOf } from './rings.ts'

interface Street {
  readonly kind: string
  /** Members that have this kind of channel, this peer included. */
  crowd: number
  neighbours: Neighbours
  /** The same, as beliefs. */
  near: readonly Belief[]
  stale: boolean
}

export class Vicinity {
  readonly #self: PeerId
  readonly #members: Members
  readonly #streets: readonly Street[]
  #known = false

  constructor(self: PeerId, kinds: readonly string[], members: Members) {
    this.#self = self
    this.#members = members
    const nobody: Neighbours = { successors: [], all: new Set() }
    this.#streets = kinds.map((kind) => ({ kind, crowd: 1, neighbours: nobody, near: [], stale: true }))
  }

  /** A member came. */
  add(belief: Belief): void {
    for (const street of this.#streets) {
      if (!belief.has(street.kind)) continue
      street.stale ||= street.crowd <= meshMax || comesBetween(belief, this.#members.get(this.#self)!, street.near)
      street.crowd++
    }
  }

  /** A member died or left. */
  remove(belief: Belief): void {
    for (const street of this.#streets) {
      if (!belief.has(street.kind)) continue
      street.crowd--
      street.stale ||= street.crowd <= meshMax || street.neighbours.all.has(belief.id)
    }
  }

  /** True if this member is next to this peer on some ring; who has moved since the last `streets()` is left out. */
  has(id: PeerId): boolean {
    if (!this.#known) this.#look()
    return this.#streets.some(({ neighbours }) => neighbours.all.has(id))
  }

  /** For each kind of channel, who comes next on its rings. */
  streets(): readonly { readonly kind: string; readonly successors: readonly PeerId[] }[] {
    this.#look()
    return this.#streets.map(({ kind, neighbours }) => ({ kind, successors: neighbours.successors }))
  }

  #look(): void {
    this.#known = true
    const self = this.#members.get(this.#self)!
    for (const street of this.#streets) {
      if (!street.stale) continue
      const crowd = this.#members.present().filter((belief) => belief.has(street.kind))
      street.crowd = crowd.length
      street.neighbours = neighboursOf(self, crowd)
      street.near = [...street.neighbours.all].map((id) => this.#members.get(id)!)
      street.stale = false
    }
  }
}
