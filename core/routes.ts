/**
 * Ways over the mesh. Since the view tells everybody's neighbours, a peer can compute a path to any member. Paths are
 * written into the packet by whoever sends it (source routes), so nobody on the way keeps anything, and no packet runs in
 * circles. A path that was come by is good for the way back.
 */

import type { Belief } from './belief.ts'
import { hopsMax } from './codec.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import type { Overlay } from './overlay.ts'
import type { Paths } from './paths.ts'
import { type Random, shuffle } from './random.ts'
import type { Vicinity } from './vicinity.ts'

/** Ways back that are remembered, in each of two generations. */
const waysBackMax = 256
/** ... each of so many periods. */
const fadingPeriods = 5

export class Routes {
  readonly kind: string
  readonly #self: PeerId
  readonly #members: Members
  readonly #vicinity: Vicinity
  readonly #overlay: Overlay
  readonly #random: Random
  #waysBack = new Map<PeerId, readonly number[]>()
  #olderWaysBack = new Map<PeerId, readonly number[]>()
  #periods = 0

  constructor(kind: string, self: PeerId, members: Members, paths: Paths, random: Random) {
    this.kind = kind
    this.#self = self
    this.#members = members
    this.#vicinity = paths.vicinity
    this.#overlay = paths.overlay(kind)!
    this.#random = random
  }

  /** The peer at the other end of a link of ours whose id begins with these bits. */
  linked(prefix: number): PeerId | undefined {
    return this.#overlay.byPrefix(prefix)
  }

  /** Remembers how a packet came: `path` from here back to `from`. */
  remember(from: PeerId, path: readonly number[]): void {
    if (this.#waysBack.size >= waysBackMax) this.#fade()
    this.#waysBack.set(from, path)
  }

  /** A protocol period is over. */
  turn(): void {
    if (++this.#periods % fadingPeriods === 0) this.#fade()
  }

  #fade(): void {
    this.#olderWaysBack = this.#waysBack
    this.#waysBack = new Map()
  }

  /** Everybody on the way to a member, itself included, by prefix; not by way of those to `avoid`. Undefined without one. */
  find(
    to: PeerId,
    avoid: ReadonlySet<number>,
    lengthMax = hopsMax,
    random = this.#random,
  ): readonly number[] | undefined {
    const back = this.#waysBack.get(to) ?? this.#olderWaysBack.get(to)
    if (back && back.length <= lengthMax && !back.some((prefix) => avoid.has(prefix)) && this.linked(back[0]!))
      return back
    const target = this.#members.get(to)
    if (!target?.present || !target.has(this.kind)) return undefined
    if (this.#overlay.has(to)) return [target.prefix]
    return this.#search(target, avoid, lengthMax, random)
  }

  /** From both ends at once, a step at a time: where 1,000 members are five hops apart, this looks at some dozens. */
  #search(
    target: Belief,
    avoid: ReadonlySet<number>,
    lengthMax: number,
    random: Random,
  ): readonly number[] | undefined {
    const ahead = new Map<Belief, Belief | undefined>()
    const behind = new Map<Belief, Belief | undefined>([[target, undefined]])
    for (const id of shuffle([...this.#overlay.links()], random)) {
      const first = this.#members.get(id)
      if (first && this.#isFit(first, avoid)) ahead.set(first, undefined)
    }
    let near = [...ahead.keys()]
    let far: Belief[] = [target]
    for (let hops = 1; hops < lengthMax && near.length > 0 && far.length > 0; hops++) {
      const fromHere = near.length < far.length
      const [reached, opposite, edge] = fromHere ? [ahead, behind, near] : [behind, ahead, far]
      const next: Belief[] = []
      for (const member of edge) {
        for (const id of shuffle([...this.#vicinity.ofOther(this.kind, member).all], random)) {
          const other = this.#members.get(id)
          if (other === undefined || id === this.#self || reached.has(other)) continue
          if (opposite.has(other))
            return fromHere ? path(ahead, member, behind, other) : path(ahead, other, behind, member)
          if (!this.#isFit(other, avoid)) continue
          reached.set(other, member)
          next.push(other)
        }
      }
      if (fromHere) near = next
      else far = next
    }
    return undefined
  }

  /** Fit to carry a packet: nothing speaks against it, and it is not asleep. */
  #isFit(belief: Belief, avoid: ReadonlySet<number>): boolean {
    return belief.status === 'alive' && belief.record?.mode !== 'frozen' && !avoid.has(belief.prefix)
  }
}

/** `one` was reached from here, `other` from the target, and they are neighbours. */
function path(
  ahead: ReadonlyMap<Belief, Belief | undefined>,
  one: Belief,
  behind: ReadonlyMap<Belief, Belief | undefined>,
  other: Belief,
): number[] {
  const prefixes: number[] = []
  for (let at: Belief | undefined = one; at; at = ahead.get(at)) prefixes.unshift(at.prefix)
  for (let at: Belief | undefined = other; at; at = behind.get(at)) prefixes.push(at.prefix)
  return prefixes
}
