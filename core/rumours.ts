/**
 * Rumours on their way round: which to put into the next packet (SWIM, section 4.1). Those sent least often go first,
 * among them the oldest; each is sent a limited number of times. One queue per island, so that a gateway's rumours are
 * not used up on one side. A newer rumour about the same subject takes the older one's place.
 */

import type { Config } from './config.ts'

/** How often one member sends one rumour: SWIM's lambda log n with memberlist's constants. */
export function transmitLimit(config: Pick<Config, 'transmitMult'>, size: number): number {
  return config.transmitMult * Math.ceil(Math.log10(size + 1))
}

/** Rumours shorter than this do not exist, so less room than this ends a search. */
const rumourBytesMin = 20
/** How many waiting rumours are looked at for one packet. */
const looksMax = 128

export class Rumours {
  /** `tiers[k]` holds what was sent k times, in the order it came; keyed by subject. */
  readonly #tiers: Map<string, Uint8Array>[] = [new Map()]
  readonly #tierOf = new Map<string, number>()
  readonly #sizeMax: number
  dropped = 0

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#tierOf.size
  }

  /** `subject` names what the rumour is about: a later one with the same subject replaces it. `bytes` is kept. */
  add(subject: string, bytes: Uint8Array): void {
    this.remove(subject)
    if (this.size >= this.#sizeMax) this.#dropMostSent()
    this.#tiers[0]!.set(subject, bytes)
    this.#tierOf.set(subject, 0)
  }

  remove(subject: string): void {
    const tier = this.#tierOf.get(subject)
    if (tier === undefined) return
    this.#tiers[tier]!.delete(subject)
    this.#tierOf.delete(subject)
  }

  clear(): void {
    for (const tier of this.#tiers) tier.clear()
    this.#tierOf.clear()
  }

  /** Rumours for one packet with `room` bytes left; each counts as sent once more and is dropped at `limit`. */
  take(room: number, limit: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    if (this.#tierOf.size === 0) return taken
    let left = room
    let looks = 0
    const moved: [string, Uint8Array, number][] = []
    for (let tier = 0; tier < this.#tiers.length && left >= rumourBytesMin; tier++) {
      for (const [subject, bytes] of this.#tiers[tier]!) {
        if (left < rumourBytesMin || ++looks > looksMax) break
        if (bytes.length > left) continue
        left -= bytes.length
        taken.push(bytes)
        moved.push([subject, bytes, tier])
      }
    }
    for (const [subject, bytes, tier] of moved) {
      this.#tiers[tier]!.delete(subject)
      if (tier + 1 >= limit) {
        this.#tierOf.delete(subject)
        continue
      }
      if (this.#tiers.length === tier + 1) this.#tiers.push(new Map())
      this.#tiers[tier + 1]!.set(subject, bytes)
      this.#tierOf.set(subject, tier + 1)
    }
    return taken
  }

  #dropMostSent(): void {
    for (let tier = this.#tiers.length - 1; tier >= 0; tier--) {
      const first = this.#tiers[tier]!.keys().next()
      if (first.done) continue
      this.remove(first.value)
      this.dropped++
      return
    }
  }
}
