/**
 * Whom to try again: after a partition somebody has to call across, so seeds that are no member's endpoint and the
 * endpoints of dead members are tried for ever, with pauses that double while nothing changes.
 */

import type { Config } from './config.ts'
import type { Endpoint } from './host.ts'
import type { Members } from './members.ts'
import type { Paths } from './paths.ts'
import { type Random, sample } from './random.ts'

/** Seeds kept; those given later are used once. */
const seedsMax = 32
/** Endpoints tried at a time. */
const triesMax = 2

export class Healing {
  readonly #config: Pick<Config, 'healMinMs' | 'healMaxMs'>
  readonly #members: Members
  readonly #paths: Paths
  readonly #random: Random
  readonly #seeds = new Set<Endpoint>()
  #pauseMs: number

  constructor(config: Pick<Config, 'healMinMs' | 'healMaxMs'>, members: Members, paths: Paths, random: Random) {
    this.#config = config
    this.#members = members
    this.#paths = paths
    this.#random = random
    // The first try comes early: a seed may be starting at the same time.
    this.#pauseMs = config.healMinMs / 5
  }

  get hasSeeds(): boolean {
    return this.#seeds.size > 0
  }

  addSeeds(seeds: readonly Endpoint[]): void {
    for (const seed of seeds) if (this.#seeds.size < seedsMax && !this.#paths.isOwn(seed)) this.#seeds.add(seed)
  }

  /** Somebody is newly lost: short pauses again. */
  hasten(): void {
    this.#pauseMs = this.#config.healMinMs
  }

  /** Endpoints to try now. While joining, pauses stay short: nobody else will come for us. */
  tries(joining: boolean): Endpoint[] {
    const lost = [...this.#seeds].filter((seed) => !this.#members.at(seed))
    for (const belief of this.#members.all()) {
      const path = belief.status === 'dead' ? this.#paths.to(belief) : undefined
      if (path !== undefined) lost.push(path)
    }
    const mostMs = joining ? this.#config.healMinMs : this.#config.healMaxMs
    this.#pauseMs = lost.length === 0 ? this.#config.healMinMs : Math.min(mostMs, this.#pauseMs * 2)
    return sample(lost, triesMax, this.#random)
  }

  /** Until the next try, with jitter. */
  pauseMs(): number {
    return this.#pauseMs * (0.75 + this.#random() / 2)
  }
}
