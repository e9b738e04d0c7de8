/**
 * Rings (after Rapid, section 4.1): on each of four, members stand in the order of a hash of ring and id. Whoever stands
 * next to a member, before or behind it, is its neighbour. Everybody with the same view computes the same neighbours, so
 * each member has observers of its own without a word about it; the graph of all neighbours is an expander.
 */

import type { Belief } from './belief.ts'
import type { PeerId } from './ids.ts'

export const ringsCount = 4
/** Up to this many members, everybody is everybody's neighbour. */
export const meshMax = 12

export interface Neighbours {
  /** Who comes next on each ring, one may come next on several; in a small crowd everybody, from the next id on. */
  readonly successors: readonly PeerId[]
  /** Everybody next to it on some ring. */
  readonly all: ReadonlySet<PeerId>
}

/** A crowd on its rings. Coming and going cost a search and a shift, asking for anybody's neighbours a search a ring. */
export class Rings {
  readonly #rings: readonly Belief[][] = Array.from({ length: ringsCount }, () => [])

  get size(): number {
    return this.#rings[0]!.length
  }

  /** Adding a member twice adds it once. */
  add(member: Belief): void {
    this.#rings.forEach((ring, i) => {
      const at = placeOf(member, ring, i)
      if (ring[at]?.id !== member.id) ring.splice(at, 0, member)
    })
  }

  remove(member: Belief): void {
    this.#rings.forEach((ring, i) => {
      const at = placeOf(member, ring, i)
      if (ring[at]?.id === member.id) ring.splice(at, 1)
    })
  }

  /** The neighbours of a member, or of one that might come. */
  of(member: Belief): Neighbours {
    const own = this.#rings[0]![placeOf(member, this.#rings[0]!, 0)]?.id === member.id ? 1 : 0
    if (this.size - own < meshMax) return this.#everybody(member)
    const successors: PeerId[] = []
    const all = new Set<PeerId>()
    this.#rings.forEach((ring, i) => {
      const at = placeOf(member, ring, i)
      const next = ring[(at + own) % ring.length]!.id
      successors.push(next)
      all.add(next).add(ring[(at - 1 + ring.length) % ring.length]!.id)
    })
    return { successors, all }
  }

  /** A ring too: the k-th behind each is another one for each. */
  #everybody(member: Belief): Neighbours {
    const ids = this.#rings[0]!.map(({ id }) => id).filter((id) => id !== member.id)
    ids.sort()
    const behind = ids.findIndex((id) => id > member.id)
    return { successors: behind < 0 ? ids : [...ids.slice(behind), ...ids.slice(0, behind)], all: new Set(ids) }
  }
}

/** Where a member stands or would stand on a ring; those on one place stand in the order of their ids. */
function placeOf(member: Belief, ring: readonly Belief[], i: number): number {
  const place = member.places[i]!
  let low = 0
  let high = ring.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = ring[middle]!
    const theirs = other.places[i]!
    if (theirs < place || (theirs === place && other.id < member.id)) low = middle + 1
    else high = middle
  }
  return low
}
