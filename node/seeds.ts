/**
 * The addresses to join by. Names are looked up again for as long as the peer runs: what a name stood for at the start may
 * be gone when a partition heals.
 */

import { type Endpoint, ShoalError } from '../core/index.ts'
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
  /** The seeds that led nowhere the last time: what is wrong with one is told once, until it is right again. */
  #astray = new Set<string>()
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
    const astray = new Set<string>()
    for (const [i, lookup] of lookups.entries()) {
      if (lookup.status === 'fulfilled') continue
      const text = this.#texts[i]!
      this.#log[this.#astray.has(text) ? 'debug' : 'warn'](complaint(text, lookup.reason))
      astray.add(text)
    }
    this.#astray = astray
    this.#failures = astray.size > 0 ? this.#failures + 1 : 0
    if (found.length > 0) this.#join(found)
    const pauseMs = this.#failures > 0 ? Math.min(refreshMs, retryMs * 2 ** (this.#failures - 1)) : refreshMs
    this.#timer = setTimeout(() => void this.#resolve(), pauseMs)
  }
}

function complaint(text: string, reason: unknown): string {
  // Ours names the option by itself; the resolver's own error names no more than the host.
  if (reason instanceof ShoalError) return reason.message
  return `udp.join: cannot resolve ${text}: ${(reason as Error).message}; it is looked up again until it is found`
}
