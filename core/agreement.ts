/**
 * How far this view agrees with those of others, told by the digests on their pings and acks.
 */

import { type Digest, sameDigest } from './digest.ts'

/** How far this view agrees with those of others, as their last pings and acks tell. */
export interface Consistency {
  /** Of the last digests seen of other members, how many were ours. */
  readonly agreeing: number
  /** How many digests that is, 8 at most; 0 while nobody was heard. */
  readonly asked: number
  /** When a digest last agreed, in milliseconds since the epoch by this peer's clock; 0 if never. */
  readonly lastAgreedAt: number
  /** 16 hexadecimal digits: equal digests, equal views. */
  readonly digest: string
}

/** How many of the last digests seen are told about. */
const observationsMax = 8

export class Agreement {
  readonly #differencesMax: number
  readonly #observations: boolean[] = []
  #differences = 0
  #lastAgreedAt = 0

  constructor(differencesMax: number) {
    this.#differencesMax = differencesMax
  }

  /** Compares a digest with ours. True where the views have differed so often in a row that they should be synced. */
  observe(theirs: Digest, ours: Digest, now: number): boolean {
    const agrees = sameDigest(theirs, ours)
    this.#observations.push(agrees)
    if (this.#observations.length > observationsMax) this.#observations.shift()
    if (agrees) {
      this.#differences = 0
      this.#lastAgreedAt = now
      return false
    }
    if (++this.#differences < this.#differencesMax) return false
    this.#differences = 0
    return true
  }

  /** This view may be old: the next difference is enough. */
  doubt(): void {
    this.#differences = this.#differencesMax - 1
  }

  consistency({ hi, lo }: Digest): Consistency {
    const hex = (half: number) => half.toString(16).padStart(8, '0')
    const agreeing = this.#observations.filter(Boolean).length
    return { agreeing, asked: this.#observations.length, lastAgreedAt: this.#lastAgreedAt, digest: hex(hi) + hex(lo) }
  }
}
