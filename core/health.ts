/**
 * A peer's own score (Lifeguard's local health multiplier): 0 is healthy. What makes a peer doubt itself raises it, a probe
 * that is answered in time lowers it, and it stretches the peer's own period, timeouts and suspicions. So a peer that is
 * slow itself asks less, waits longer and accuses later.
 */

/** Lifeguard's S = 8: the worst peer is eight times as patient as a healthy one. */
export const healthMax = 7

export class Health {
  #score = 0

  get score(): number {
    return this.#score
  }

  /** By how much this peer's times are stretched. */
  get factor(): number {
    return this.#score + 1
  }

  worsen(by: number): void {
    this.#score = Math.min(healthMax, this.#score + by)
  }

  improve(): void {
    this.#score = Math.max(0, this.#score - 1)
  }
}
