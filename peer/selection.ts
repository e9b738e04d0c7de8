/** The instances of one service that answer one question, kept up with every change: a list to read, tiers to choose from. */

import type { Instance } from '../core/index.ts'
import { type Choice, Tiers } from './pick.ts'

/** Which instances are meant. */
export interface LookupOptions {
  /** Leaves out those that are warning, critical, draining or last-known. */
  passing?: boolean
  /** Only those with this tag. */
  tag?: string
}

/** What a selection is made from. */
export interface Stock {
  /** Every instance that is listed, in no order. */
  instances(): Iterable<Instance>
  isEjected(id: string): boolean
}

export class Selection {
  readonly #question: LookupOptions
  readonly #stock: Stock
  /** Each made when it is first asked for. In the order of ids, so that peers with the same view list them alike. */
  #list: Instance[] | undefined
  #frozen: readonly Instance[] | undefined
  #tiers: Tiers | undefined

  constructor(question: LookupOptions, stock: Stock) {
    this.#question = question
    this.#stock = stock
  }

  /** Frozen; the same array until something in it changes. */
  list(): readonly Instance[] {
    this.#list ??= this.#suitable().sort((a, b) => (a.id < b.id ? -1 : 1))
    this.#frozen ??= Object.freeze(this.#list.slice())
    return this.#frozen
  }

  choose(choice: Choice): Instance | undefined {
    if (this.#tiers === undefined) {
      this.#tiers = new Tiers()
      for (const instance of this.#suitable()) this.#tiers.add(instance, this.#stock.isEjected(instance.id))
    }
    return this.#tiers.choose(choice)
  }

  /** In the stock `after` has taken the place of `before`, either of which may be none. */
  change(before: Instance | undefined, after: Instance | undefined): void {
    const was = before && this.#suits(before) ? before : undefined
    const is = after && this.#suits(after) ? after : undefined
    if (was === undefined && is === undefined) return
    this.#frozen = undefined
    if (this.#list) replace(this.#list, was, is)
    if (was) this.#tiers?.remove(was)
    if (is) this.#tiers?.add(is, this.#stock.isEjected(is.id))
  }

  /** It was ejected, or has come back. */
  rank(instance: Instance): void {
    if (this.#tiers === undefined || !this.#suits(instance)) return
    this.#tiers.remove(instance)
    this.#tiers.add(instance, this.#stock.isEjected(instance.id))
  }

  #suitable(): Instance[] {
    return [...this.#stock.instances()].filter((instance) => this.#suits(instance))
  }

  #suits({ health, status, lastKnown, tags }: Instance): boolean {
    const { passing, tag } = this.#question
    if (passing && (health !== 'passing' || status === 'draining' || lastKnown)) return false
    return tag === undefined || tags.includes(tag)
  }
}

/** In a list ordered by ids; both, where there are two, have the same. */
function replace(list: Instance[], was: Instance | undefined, is: Instance | undefined): void {
  const { id } = (was ?? is)!
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]!.id < id) low = middle + 1
    else high = middle
  }
  if (was && is) list[low] = is
  else if (is) list.splice(low, 0, is)
  else list.splice(low, 1)
}
