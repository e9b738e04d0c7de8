/** For tests: the neighbours of one member, found by looking at everybody. Slow and simple, to hold `Rings` against. */

import type { Belief } from './belief.ts'
import type { PeerId } from './ids.ts'
import { meshMax, type Neighbours, ringsCount } from './rings.ts'

/** The neighbours of one member in a crowd that it may be part of, in the order of ids. Nothing is kept. */
export function neighboursOf(member: Belief, crowd: readonly Belief[]): Neighbours {
  const others = crowd.length <= meshMax ? crowd.filter(({ id }) => id !== member.id) : crowd
  if (others.length < meshMax) {
    // A ring too: the k-th behind each is another one for each.
    const ids = others.map(({ id }) => id)
    const behind = ids.findIndex((id) => id > member.id)
    return { successors: behind < 0 ? ids : [...ids.slice(behind), ...ids.slice(0, behind)], all: new Set(ids) }
  }
  return adjacent(member, crowd)
}

/** The neighbours in a crowd that is no mesh. */
function adjacent(member: Belief, crowd: readonly Belief[]): Neighbours {
  const successors: PeerId[] = []
  const all = new Set<PeerId>()
  const own = member.places
  const next: Belief[] = []
  const before: Belief[] = []
  const ahead = new Array<number>(ringsCount).fill(Number.POSITIVE_INFINITY)
  const behind = new Array<number>(ringsCount).fill(Number.POSITIVE_INFINITY)
  for (const other of crowd) {
    if (other === member) continue
    const { id, places } = other
    // Those on one place stand in the order of their ids.
    const isAhead = id > member.id
    for (let ring = 0; ring < ringsCount; ring++) {
      const forward = distance(own[ring]!, places[ring]!, isAhead)
      const backward = distance(places[ring]!, own[ring]!, !isAhead)
      if (forward < ahead[ring]! || (forward === ahead[ring]! && id < next[ring]!.id)) {
        ahead[ring] = forward
        next[ring] = other
      }
      if (backward < behind[ring]! || (backward === behind[ring]! && id > before[ring]!.id)) {
        behind[ring] = backward
        before[ring] = other
      }
    }
  }
  for (let ring = 0; ring < ringsCount; ring++) {
    successors.push(next[ring]!.id)
    all.add(next[ring]!.id).add(before[ring]!.id)
  }
  return { successors, all }
}

/** How far it is round the ring; to one on the same place nothing, or a whole round. */
function distance(from: number, to: number, isAhead: boolean): number {
  return (to - from) >>> 0 || (isAhead ? 0 : 2 ** 32)
}
