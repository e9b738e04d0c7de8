/** Everything that is listed of one service: who is there, who is kept in a panic, who is passed over, what was asked. */

import type { Instance } from '../core/index.ts'
import { Ejections } from './ejection.ts'
import { Panic } from './panic.ts'
import type { Selection, Stock } from './selection.ts'

export class Shelf implements Stock {
  /** Of members that are present. */
  readonly #present = new Map<string, Instance>()
  /** Of the present, those that are not on their way out. */
  #serving = 0
  /** Last-known ones, listed while there is a panic. */
  readonly #kept = new Map<string, Instance>()
  readonly #panic = new Panic()
  readonly #ejections = new Ejections()
  readonly #arrived: Instance[] = []
  readonly selections = new Set<Selection>()

  get isEmpty(): boolean {
    return this.#present.size === 0 && this.#panic.lost.size === 0
  }

  *instances(): Generator<Instance> {
    yield* this.#present.values()
    yield* this.#kept.values()
  }

  isEjected(id: string): boolean {
    return this.#ejections.has(id)
  }

  /** When something here changes by itself; Infinity where nothing will. */
  get nextAt(): number {
    return Math.min(this.#panic.nextAt, this.#ejections.nextAt)
  }

  /** A member offers it, for the first time or changed. Call `settle` behind all changes of one moment. */
  put(instance: Instance): void {
    const { id } = instance
    if (this.#present.get(id) === instance) return
    const before = this.#present.get(id) ?? this.#kept.get(id)
    if (this.#present.has(id)) this.#serving -= servingOf(before!)
    else this.#arrived.push(instance)
    this.#serving += servingOf(instance)
    this.#present.set(id, instance)
    this.#kept.delete(id)
    this.#panic.forget(id)
    this.#change(before, instance)
  }

  /** It is offered no longer, or its member has left. */
  remove(id: string): void {
    this.#panic.forget(id)
    const before = this.#present.get(id)
    if (before === undefined) return
    this.#present.delete(id)
    this.#serving -= servingOf(before)
    this.#ejections.forget(id)
    this.#change(before, undefined)
  }

  /** Its member died; `lastKnown` is what is known of it from before. */
  lose(lastKnown: Instance, at: number): void {
    const wasServing = this.#present.has(lastKnown.id) && lastKnown.status !== 'draining'
    this.remove(lastKnown.id)
    if (wasServing) this.#panic.lose(lastKnown, at)
  }

  /** How a request went, as the application says. */
  report(id: string, ok: boolean, now: number): void {
    const instance = this.#find(id)
    if (instance && this.#ejections.report(id, ok, this.#size, now)) this.#rank(instance)
  }

  /** Draws the conclusions from what changed, and from the time. */
  settle(now: number): void {
    this.#panic.replace(this.#arrived)
    this.#arrived.length = 0
    this.#panic.judge(this.#serving, now)
    this.#keep(this.#panic.on ? this.#panic.lost : new Map())
    for (const id of this.#ejections.release(this.#size, now)) {
      const instance = this.#find(id)
      if (instance) this.#rank(instance)
    }
  }

  get #size(): number {
    return this.#present.size + this.#kept.size
  }

  #keep(lost: Panic['lost']): void {
    for (const [id, instance] of this.#kept) {
      if (lost.get(id)?.instance === instance) continue
      this.#kept.delete(id)
      if (!lost.has(id)) this.#ejections.forget(id)
      this.#change(instance, undefined)
    }
    for (const [id, { instance }] of lost) {
      if (this.#kept.has(id)) continue
      this.#kept.set(id, instance)
      this.#change(undefined, instance)
    }
  }

  #find(id: string): Instance | undefined {
    return this.#present.get(id) ?? this.#kept.get(id)
  }

  #change(before: Instance | undefined, after: Instance | undefined): void {
    for (const selection of this.selections) selection.change(before, after)
  }

  #rank(instance: Instance): void {
    for (const selection of this.selections) selection.rank(instance)
  }
}

function servingOf({ status }: Instance): number {
  return status === 'draining' ? 0 : 1
}
