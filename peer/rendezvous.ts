/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): every instance has a score for a key and the lowest wins. So peers
 * with the same view choose the same; who goes gives up only its own keys, and who comes takes only what becomes its own.
 *
 * Scoring everybody would take as long as there are instances. Here a score is a distance on a circle of 2^31 places,
 * divided by the weight: that from the nearest of some places of the key, forward, to the nearest of some points of the
 * instance (Appleton and O'Reilly, "Multi-probe consistent hashing", 2015). The lowest is then among the next points
 * behind the key's places, however many instances there are. It makes shares less even: they spread by 7 % (standard deviation) around the weights.
 */

import { hashFact, hashText, type Instance } from '../core/index.ts'
import type { Suits } from './bag.ts'

/** Two from each hash. More of either make shares more even, and choosing (places) or keeping up (points) slower. */
const placesOfKey = 6
const pointsOfInstance = 16
/** Keeps the points of an instance apart from the places of a key that is spelt like its id. */
const pointsFrom = 0x10000
/** Points of one stretch of the circle, on the average: beyond it the circle is cut into four times as many. */
const crowdedAt = 8

/** Places on the circle. One bit less than a hash has, so that engines keep them in arrays as they are. */
const circleBits = 31
const circleMask = 2 ** circleBits - 1

interface Winner {
  instance: Instance | undefined
  score: number
}

export class Rendezvous {
  /** By the power of 16 in the weight, so four at most: within a circle, the best is among the nearest few. */
  readonly #circles: (Circle | undefined)[] = []

  add(instance: Instance): void {
    const power = powerOf(instance)
    this.#circles[power] ??= new Circle()
    this.#circles[power].add(instance)
  }

  /** One that was added. */
  remove(instance: Instance): void {
    this.#circles[powerOf(instance)]?.remove(instance)
  }

  choose(key: string, suits?: Suits): Instance | undefined {
    const places = placesOf(key)
    const winner: Winner = { instance: undefined, score: Number.POSITIVE_INFINITY }
    // The heavy ones are the likely winners, and a low score ends the search for a lower one early.
    for (let power = this.#circles.length - 1; power >= 0; power--) this.#circles[power]?.search(places, winner, suits)
    return winner.instance
  }
}

/** What `Rendezvous` searches for, by the book: the reference for its tests. Lower is better. */
export function scoreOf(key: string, instance: Instance): number {
  let nearest = Number.POSITIVE_INFINITY
  for (const place of placesOf(key)) {
    for (const point of pointsOf(instance)) nearest = Math.min(nearest, (point - place) & circleMask)
  }
  return (nearest + 1) / instance.weight
}

class Circle {
  /** The greatest weight there has been in it: no point further away than a score times this can have a lower score. */
  #weightMost = 0
  /**
   * The circle cut into equal stretches, a power of four of them: the points of each in ascending order, and apart from
   * them whose they are. A search reads the numbers only, and how many caches it misses is what it costs.
   */
  #points: number[][] = [[]]
  #owners: Instance[][] = [[]]
  #bits = 0
  #size = 0

  add(instance: Instance): void {
    this.#weightMost = Math.max(this.#weightMost, instance.weight)
    for (const at of pointsOf(instance)) this.#insert(at, instance)
    if (this.#size > crowdedAt * this.#points.length) this.#cut(this.#bits + 2)
  }

  remove(instance: Instance): void {
    for (const at of pointsOf(instance)) {
      const stretch = this.#stretchOf(at)
      const points = this.#points[stretch]!
      const owners = this.#owners[stretch]!
      const i = owners.findIndex(({ id }, i) => id === instance.id && points[i] === at)
      if (i < 0) continue
      points.splice(i, 1)
      owners.splice(i, 1)
      this.#size--
    }
    if (this.#size === 0) this.#weightMost = 0
    if (this.#bits > 0 && crowdedAt * this.#size < this.#points.length) this.#cut(this.#bits - 2)
  }

  search(places: readonly number[], winner: Winner, suits: Suits | undefined): void {
    if (this.#size > 0) for (const place of places) this.#searchFrom(place, winner, suits)
  }

  #searchFrom(place: number, winner: Winner, suits: Suits | undefined): void {
    const count = this.#points.length
    const first = this.#stretchOf(place)
    const length = 2 ** (circleBits - this.#bits)
    const offset = place - first * length
    // Once round, and the part of the first stretch that lies before the place at last.
    for (let turn = 0; turn <= count; turn++) {
      if (turn * length - offset >= winner.score * this.#weightMost) return
      const stretch = (first + turn) & (count - 1)
      const points = this.#points[stretch]!
      for (let i = 0; i < points.length; i++) {
        const at = points[i]!
        if (turn === 0 && at < place) continue
        if (turn === count && at >= place) return
        const distance = ((at - place) & circleMask) + 1
        if (distance > winner.score * this.#weightMost) return
        const instance = this.#owners[stretch]![i]!
        const score = distance / instance.weight
        if (score > winner.score || (suits && !suits(instance))) continue
        if (score === winner.score && winner.instance && winner.instance.id <= instance.id) continue
        winner.instance = instance
        winner.score = score
      }
    }
  }

  #insert(at: number, instance: Instance): void {
    const stretch = this.#stretchOf(at)
    const points = this.#points[stretch]!
    const owners = this.#owners[stretch]!
    let i = points.push(at) - 1
    owners.push(instance)
    for (; i > 0 && points[i - 1]! > at; i--) {
      points[i] = points[i - 1]!
      owners[i] = owners[i - 1]!
    }
    points[i] = at
    owners[i] = instance
    this.#size++
  }

  #cut(bits: number): void {
    const owners = this.#owners.flat()
    const points = this.#points.flat()
    this.#bits = bits
    this.#points = Array.from({ length: 2 ** bits }, () => [])
    this.#owners = Array.from({ length: 2 ** bits }, () => [])
    for (const [i, at] of points.entries()) {
      // In order already.
      const stretch = this.#stretchOf(at)
      this.#points[stretch]!.push(at)
      this.#owners[stretch]!.push(owners[i]!)
    }
  }

  #stretchOf(at: number): number {
    return at >>> (circleBits - this.#bits)
  }
}

function powerOf({ weight }: Instance): number {
  return (31 - Math.clz32(weight)) >> 2
}

function placesOf(key: string): number[] {
  return numbers(key, 0, placesOfKey)
}

function pointsOf({ id }: Instance): number[] {
  return numbers(id, pointsFrom, pointsOfInstance)
}

function numbers(text: string, from: number, count: number): number[] {
  const base = hashText(text)
  const drawn: number[] = []
  for (let i = 0; drawn.length < count; i++) {
    const { hi, lo } = hashFact(base, from + i)
    drawn.push(hi >>> 1, lo >>> 1)
  }
  return drawn
}
