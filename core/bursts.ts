/**
 * When rumours leave: the first a moment after it came up, so that others can come along, and while any wait, one burst
 * follows the other at a fixed distance.
 */

import type { Config } from './config.ts'

export class Bursts {
  readonly #config: Pick<Config, 'coalesceMs' | 'gossipIntervalMs'>
  #nextAt = Number.POSITIVE_INFINITY
  #lastAt = Number.NEGATIVE_INFINITY

  constructor(config: Pick<Config, 'coalesceMs' | 'gossipIntervalMs'>) {
    this.#config = config
  }

  /** A rumour waits: when to come, unless that is known already. */
  ask(now: number): number | undefined {
    const { coalesceMs, gossipIntervalMs } = this.#config
    const at = Math.max(now + coalesceMs, this.#lastAt + gossipIntervalMs)
    if (at >= this.#nextAt) return undefined
    this.#nextAt = at
    return at
  }

  /** True if `at` is the moment that is still valid; then the burst counts as sent. */
  begin(at: number, now: number): boolean {
    if (at !== this.#nextAt) return false
    this.#nextAt = Number.POSITIVE_INFINITY
    this.#lastAt = now
    return true
  }
}
