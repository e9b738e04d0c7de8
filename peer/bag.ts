/**
 * Instances to draw from, each as often as its weight says. Drawing, adding and removing cost a few steps among thousands:
 * the sums of weights are kept in a binary indexed tree (Fenwick, 1994).
 */

import { type Instance, type Random, randomInt } from '../core/index.ts'

/** Which instances will do. */
export type Suits = (instance: Instance) => boolean

/** Draws that may hit an unsuitable instance before all are looked at. */
const drawsMax = 8

export class Bag {
  readonly #items: Instance[] = []
  readonly #placeOf = new Map<string, number>()
  /** At i, the weight of the items up to i, as many of them as the lowest set bit of i says; counted from 1. */
  readonly #sums: number[] = [0]
  #weight = 0

  get size(): number {
    return this.#items.length
  }

  get items(): readonly Instance[] {
    return this.#items
  }

  has(id: string): boolean {
    return this.#placeOf.has(id)
  }

  /** One whose id is not in it. */
  add(instance: Instance): void {
    const { weight } = instance
    this.#items.push(instance)
    const place = this.#items.length
    this.#placeOf.set(instance.id, place)
    let sum = weight
    for (let width = 1; width < (place & -place); width <<= 1) sum += this.#sums[place - width]!
    this.#sums.push(sum)
    this.#weight += weight
  }

  /** True if it was in it. */
  remove(id: string): boolean {
    const place = this.#placeOf.get(id)
    if (place === undefined) return false
    const removed = this.#items[place - 1]!
    const last = this.#items.pop()!
    this.#sums.pop()
    this.#placeOf.delete(id)
    this.#weight -= removed.weight
    if (last !== removed) {
      this.#items[place - 1] = last
      this.#placeOf.set(last.id, place)
      const more = last.weight - removed.weight
      for (let i = place; i < this.#sums.length; i += i & -i) this.#sums[i]! += more
    }
    return true
  }

  /** One by weight at random, among those that suit if that is asked; undefined where none does. */
  draw(random: Random, suits?: Suits): Instance | undefined {
    return this.#find(
      suits,
      () => this.#items[this.#placeAt(random() * this.#weight)],
      () => this.#drawOf(random, suits!),
    )
  }

  /** The same with equal chances for all. */
  drawEvenly(random: Random, suits?: Suits): Instance | undefined {
    const all = this.#items
    return this.#find(
      suits,
      () => all[randomInt(random, all.length)],
      () => {
        const suitable = all.filter(suits!)
        return suitable[randomInt(random, suitable.length)]
      },
    )
  }

  /** Throwing back what does not suit leaves the shares of the others as they are. */
  #find(suits: Suits | undefined, one: () => Instance | undefined, among: () => Instance | undefined) {
    if (suits === undefined || this.size === 0) return one()
    for (let draws = 0; draws < drawsMax; draws++) {
      const drawn = one()!
      if (suits(drawn)) return drawn
    }
    return among()
  }

  #drawOf(random: Random, suits: Suits): Instance | undefined {
    const suitable = this.#items.filter(suits)
    let share = random() * suitable.reduce((sum, { weight }) => sum + weight, 0)
    for (const instance of suitable) {
      share -= instance.weight
      if (share < 0) return instance
    }
    return suitable.at(-1)
  }

  /** Where the sum of the weights up to a place first exceeds `share`. */
  #placeAt(share: number): number {
    let place = 0
    let rest = share
    for (let width = 1 << (31 - Math.clz32(this.size)); width > 0; width >>= 1) {
      const next = place + width
      if (next > this.size || this.#sums[next]! > rest) continue
      rest -= this.#sums[next]!
      place = next
    }
    // Rounding may make the greatest share the whole.
    return Math.min(place, this.size - 1)
  }
}
