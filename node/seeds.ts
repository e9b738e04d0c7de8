/**
 * The addresses to join by. Names are looked up again for as long as the peer runs: what a name stood for at the start may
 * be gone when a partition heals.
 */

import type { Endpoint } from '../core/index.ts'
import type { Log } from '../peer/options.ts'
import type { Family } from './address.ts'
import { resolveEndpoint } from './udp.ts'

/** After a failed look-up the first, doubling up to the last, which is also the pause behind a good one. */
const retryMs = 1_000
const refreshMs = 60_000

export class Seeds {
  readonly #texts: readonly string[]
  readonly #family: Family
  readonly #log: Log
  readonly #join: (endpoints: readonly Endpoint[]) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #failures = 0
  #closed = false

  constructor(texts: readonly string[], family: Family, log: Log, join: (endpoints: readonly Endpoint[]) => void) {
    this.#texts = texts
    this.#family = family
    this.#log = log
    this.#join = join
  }

  /** Looks all names up and joins by what was found; without any seeds the room begins here. */
  open(): void {
    if (this.#texts.length === 0) this.#join([])
    else void this.#resolve()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #resolve(): Promise<void> {
    const lookups = await Promise.allSettled(this.#texts.map((text) => resolveEndpoint(text, this.#family)))
    if (this.#closed) return
    const found = lookups.flatMap((lookup) => (lookup.status === 'fulfilled' ? lookup.value : []))
    const failed = lookups.filter((lookup) => lookup.status === 'rejected')
    for (const { reason } of failed) this.#log.warn(reason instanceof Error ? reason.message : String(reason))
    this.#failures = failed.length > 0 ? this.#failures + 1 : 0
    if (found.length > 0) this.#join(found)
    const pauseMs = this.#failures > 0 ? Math.min(refreshMs, retryMs * 2 ** (this.#failures - 1)) : refreshMs
    this.#timer = setTimeout(() => void this.#resolve(), pauseMs)
  }
}
