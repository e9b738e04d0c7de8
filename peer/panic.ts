/**
 * Panic: when most instances of a service die within a minute, the network in between is the likelier fault, and a list
 * without them would turn a bad moment into an outage. So they are kept as they were known last, marked, until enough
 * are back or five minutes have passed. After Envoy's panic threshold and Nacos' protectThreshold; unlike Eureka's
 * self-preservation it always ends. Those who leave or drain go by their own will and count for nothing here.
 */

import type { Instance } from '../core/index.ts'

/** Deaths within this time belong together. */
const lossWindowMs = 60_000
/** A service of fewer may well be gone at once. */
const seenMin = 3
const panicMsMax = 300_000
/** The dead of one service that are remembered: as many as a view has members. Of more, the first to die go. */
const lostMax = 16_384

export class Panic {
  /** In the order of their deaths. */
  readonly #lost = new Map<string, { readonly instance: Instance; readonly at: number }>()
  #since: number | undefined

  get on(): boolean {
    return this.#since !== undefined
  }

  /** Whose place nobody has taken so far. */
  get lost(): ReadonlyMap<string, { readonly instance: Instance }> {
    return this.#lost
  }

  /** When something ends by itself; Infinity where nothing will. */
  get nextAt(): number {
    if (this.#since !== undefined) return this.#since + panicMsMax
    for (const { at } of this.#lost.values()) return at + lossWindowMs
    return Number.POSITIVE_INFINITY
  }

  /** Its member died, at a time by the core's clock. */
  lose(instance: Instance, at: number): void {
    this.#lost.delete(instance.id)
    this.#lost.set(instance.id, { instance, at })
    for (const first of this.#lost.keys()) {
      if (this.#lost.size <= lostMax) break
      this.#lost.delete(first)
    }
  }

  /** It is back, or its member has left after all. */
  forget(id: string): void {
    this.#lost.delete(id)
  }

  /** Who started anew on the address of a lost one has taken its place. */
  replace(arrived: readonly Instance[]): void {
    if (this.#lost.size === 0 || arrived.length === 0) return
    const taken = new Set(arrived.map(placeOf))
    for (const [id, { instance }] of this.#lost) {
      const place = placeOf(instance)
      if (place !== undefined && taken.has(place)) this.#lost.delete(id)
    }
  }

  /** Whether to panic, `present` being those that are there and not draining. Call after every change, and at `nextAt`. */
  judge(present: number, now: number): void {
    if (this.#since === undefined) {
      for (const [id, { at }] of this.#lost) if (now - at >= lossWindowMs) this.#lost.delete(id)
    }
    const lost = this.#lost.size
    if (present >= lost || (this.#since !== undefined && now - this.#since >= panicMsMax)) {
      if (this.#since !== undefined) this.#lost.clear()
      this.#since = undefined
    } else if (present + lost >= seenMin) {
      this.#since ??= now
    }
  }
}

function placeOf({ address, port }: Instance): string | undefined {
  return address === undefined || port === undefined ? undefined : `${address} ${port}`
}
