/**
 * How much somebody may send, or be sent: a token bucket, refilled by the clock it is told. A message costs one unit, or
 * one for every `bytesPerUnit` of it if that is more, so one number bounds messages and bytes alike.
 */

/** @internal */
export class Allowance {
  readonly #perSecond: number
  readonly #burst: number
  #units: number
  #at: number

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#units = burst
    this.#at = now
  }

  /** Pays `cost` if there is enough; what cannot be paid costs nothing, so a fast sender still gets its share through. */
  take(cost: number, now: number): boolean {
    this.#units = Math.min(this.#burst, this.#units + (Math.max(0, now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    // A message dearer than a whole burst passes a full bucket: frames are bounded, so this is no loophole.
    if (this.#units < Math.min(cost, this.#burst)) return false
    this.#units = Math.max(0, this.#units - cost)
    return true
  }
}

/** @internal */
export function costOf(bytes: number, bytesPerUnit: number): number {
  return Math.max(1, bytes / bytesPerUnit)
}

/** Of those whose use is remembered; of more, all are forgotten. */
const knownMax = 1024

/** An allowance for each of many, such as the sources of what is passed on. */
export class Allowances {
  readonly #perSecond: number
  readonly #burst: number
  readonly #of = new Map<string, Allowance>()

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  take(who: string, cost: number, now: number): boolean {
    let allowance = this.#of.get(who)
    if (allowance === undefined) {
      if (this.#of.size >= knownMax) this.#of.clear()
      allowance = new Allowance(this.#perSecond, this.#burst, now)
      this.#of.set(who, allowance)
    }
    return allowance.take(cost, now)
  }
}
