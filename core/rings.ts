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

/** The neighbours of one member in a crowd that it may be part of, in the order of ids. Nothing is kept. */
export function neighboursOf(member: Belief, crowd: readonly Belief[]): Neighbours {
  const successors: PeerId[] = []
  const all = new Set<PeerId>()
  const others = crowd.length <= meshMax ? crowd.filter(({ id }) => id !== member.id) : crowd
  if (others.length < meshMax) {
    for (const { id } of others) all.add(id)
    // A ring too: the k-th behind each is another one for each.
    const ids = [...all]
    const behind = ids.findIndex((id) => id > member.id)
    return { successors: behind < 0 ? ids : [...ids.slice(behind), ...ids.slice(0, behind)], all }
  }
  for (let ring = 0; ring < ringsCount; ring++) {
    const own = member.placeOn(ring)
    let next: Belief | undefined
    let before: Belief | undefined
    let [ahead, behind] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (const other of crowd) {
      if (other === member) continue
      const place = other.placeOn(ring)
      // Those on one place stand in the order of their ids.
      const forward = distance(own, place, other.id > member.id)
      const backward = distance(place, own, other.id < member.id)
      if (forward < ahead || (forward === ahead && other.id < next!.id)) {
        ahead = forward
        next = other
      }
      if (backward < behind || (backward === behind && other.id > before!.id)) {
        behind = backward
        before = other
      }
    }
    successors.push(next!.id)
    all.add(next!.id).add(before!.id)
  }
  return { successors, all }
}

/** How far it is round the ring; to one on the same place nothing, or a whole round. */
function distance(from: number, to: number, isAhead: boolean): number {
  return (to - from) >>> 0 || (isAhead ? 0 : 2 ** 32)
}
