/**
 * Who lives next to this peer, and next to anybody else, on the rings of each of its channels.
 */

import type { Belief } from './belief.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import { type Neighbours, Rings } from './rings.ts'

/** Kinds of channel that are none of this peer's, of which rings are kept: strangers may make up any number. */
const foreignMax = 8

interface Street {
  readonly kind: string
  readonly rings: Rings
  /** Of this peer; undefined where somebody has come or gone since they were looked up. */
  neighbours: Neighbours | undefined
}

export class Vicinity {
  readonly #self: PeerId
  readonly #members: Members
  readonly #streets: readonly Street[]
  /** Of kinds that this peer has no channel of; made when somebody asks. */
  readonly #foreign: Street[] = []

  constructor(self: PeerId, kinds: readonly string[], members: Members) {
    this.#self = self
    this.#members = members
    this.#streets = kinds.map((kind) => ({ kind, rings: new Rings(), neighbours: undefined }))
  }

  /** A member came, or this peer itself. */
  add(belief: Belief): void {
    for (const street of this.#all()) {
      if (!belief.has(street.kind)) continue
      street.rings.add(belief)
      street.neighbours = undefined
    }
  }

  /** A member died or left. */
  remove(belief: Belief): void {
    // From all: its record may name other channels by now than when it came.
    for (const street of this.#all()) {
      street.rings.remove(belief)
      street.neighbours = undefined
    }
  }

  /** Who is next to this peer on the rings of a kind of channel. */
  of(kind: string): Neighbours {
    const street = this.#streets.find((one) => one.kind === kind)!
    street.neighbours ??= street.rings.of(this.#members.get(this.#self)!)
    return street.neighbours
  }

  /** Who is next to another member, as far as this view goes. */
  ofOther(kind: string, belief: Belief): Neighbours {
    return this.#streets.find((one) => one.kind === kind)!.rings.of(belief)
  }

  /** The same on the rings of any kind, also of one that this peer has no channel of: what others make of it. */
  among(kind: string, belief: Belief): Neighbours | undefined {
    return (this.#all().find((street) => street.kind === kind) ?? this.#lookInto(kind))?.rings.of(belief)
  }

  /** True if this member is next to this peer on some ring. */
  has(id: PeerId): boolean {
    return this.#streets.some(({ kind }) => this.of(kind).all.has(id))
  }

  #all(): readonly Street[] {
    return this.#foreign.length === 0 ? this.#streets : [...this.#streets, ...this.#foreign]
  }

  #lookInto(kind: string): Street | undefined {
    if (this.#foreign.length >= foreignMax) return undefined
    const street = { kind, rings: new Rings(), neighbours: undefined }
    for (const belief of this.#members.present()) if (belief.has(kind)) street.rings.add(belief)
    this.#foreign.push(street)
    return street
  }
}
