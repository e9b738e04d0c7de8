/**
 * How many WebRTC connections may still be made. Chromium allows a page 500, and counts a closed one until its memory is
 * collected, which may take seconds or many minutes. So new ones are paced, and none is made while too many that were made
 * before are still in memory. All peers of a page share one budget.
 */

/** Made at once by a page that has made none for a while: a room that fills up changes neighbours about 40 times. */
export const connectionsBurst = 64
/** And from then on: several times what a room needs in which one member in twenty is replaced every minute. */
export const connectionsPerSecond = 0.5
/** Half of what Chromium allows; the other half is for the application. */
export const uncollectedMax = 250

/** Calls `collected` once the memory of the connection was given back. */
export type Watch = (connection: object, collected: () => void) => void

export class RtcBudget {
  readonly #now: () => number
  readonly #watch: Watch
  #left = connectionsBurst
  #at: number
  #uncollected = 0

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now(), watch: Watch = watchMemory()) {
    this.#now = now
    this.#watch = watch
    this.#at = now()
  }

  /** Connections that were made, and whose memory was not given back. */
  get uncollected(): number {
    return this.#uncollected
  }

  /** True if one more may be made, and so many at once after it; it then counts as made. */
  take(reserve = 0): boolean {
    const now = this.#now()
    this.#left = Math.min(connectionsBurst, this.#left + ((now - this.#at) / 1000) * connectionsPerSecond)
    this.#at = now
    if (this.#left < 1 + reserve || this.#uncollected >= uncollectedMax) return false
    this.#left--
    return true
  }

  /** A connection was made. */
  made(connection: object): void {
    this.#uncollected++
    this.#watch(connection, () => this.#uncollected--)
  }
}

function watchMemory(): Watch {
  const registry = new FinalizationRegistry<() => void>((collected) => collected())
  return (connection, collected) => registry.register(connection, collected)
}
