/**
 * Whom to turn to from outside the view: seeds, peers that a signalling server introduced, endpoints of dead members, and
 * strangers who found us. A contact is a sync: it tells each of the other's members, and so of the whole room.
 */

import type { Config } from './config.ts'
import { Healing } from './healing.ts'
import { addressOf, type Endpoint, packetBytesMax } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import type { Paths } from './paths.ts'
import type { Random } from './random.ts'
import type { Sync } from './sync.ts'

/** Members asked at once for what was missed during an absence. */
const askedAfterAbsence = 3

export class Contacts {
  readonly #self: PeerId
  readonly #members: Members
  readonly #paths: Paths
  readonly #sync: Sync
  readonly #healing: Healing
  readonly #config: Config
  readonly #random: Random
  #healAt = 0

  constructor(self: PeerId, members: Members, paths: Paths, sync: Sync, config: Config, random: Random) {
    this.#self = self
    this.#members = members
    this.#paths = paths
    this.#sync = sync
    this.#healing = new Healing(config, members, paths, random)
    this.#config = config
    this.#random = random
  }

  addSeeds(seeds: readonly Endpoint[]): void {
    this.#healing.addSeeds(seeds)
  }

  /** Turns to those that are not known to be alive. False if there was nobody to turn to, and nobody to wait for. */
  seek(endpoints: readonly Endpoint[], now: number): boolean {
    const strangers = endpoints.filter((endpoint) => !this.#paths.isOwn(endpoint) && !this.#isAliveAt(endpoint))
    for (const endpoint of strangers) this.#sync.start(endpoint, now)
    return strangers.length > 0 || this.#healing.hasSeeds
  }

  /** Somebody found us while we were looking for others. A stranger must have sent as much as our question takes. */
  welcome(id: PeerId, from: Endpoint, room: number, now: number): void {
    if (id !== this.#self && room >= packetBytesMax - 1) this.#sync.start(from, now)
  }

  /** After a sync: whoever was introduced and does not answer may be gone; without seeds to wait for, the room begins here. */
  isDone(complete: boolean): boolean {
    return complete || (!this.#healing.hasSeeds && this.#sync.sessions === 0)
  }

  /** After a long absence a few members are asked what has become of the room, and hear that this peer is back. */
  catchUp(missedMs: number, now: number): void {
    if (missedMs < 2 * this.#config.probePeriodMs) return
    for (const { path } of this.#paths.some(askedAfterAbsence, this.#random, () => true)) this.#sync.start(path, now)
  }

  /** Tries those that were lost; `at` recognises the timer that is still valid. Returns when to come back. */
  heal(at: number, joining: boolean, now: number): number | undefined {
    if (at !== this.#healAt) return undefined
    for (const to of this.#healing.tries(joining)) this.#sync.start(to, now)
    return this.nextHealing(now)
  }

  nextHealing(now: number): number {
    this.#healAt = now + this.#healing.pauseMs()
    return this.#healAt
  }

  /** Somebody is newly lost: when to come back, if that is sooner than planned. */
  lost(now: number): number | undefined {
    this.#healing.hasten()
    return this.#healAt - now > this.#config.healMinMs ? this.nextHealing(now) : undefined
  }

  #isAliveAt(endpoint: Endpoint): boolean {
    const belief = this.#members.at(endpoint) ?? this.#members.get(addressOf(endpoint))
    return belief?.status === 'alive'
  }
}
