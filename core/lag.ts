/** How late this peer's timers come: the worst of the last ten to twenty seconds, kept in two generations. */

const generationMs = 10_000

export class Lag {
  #worstMs = 0
  #olderMs = 0
  #turnedAt = Number.NEGATIVE_INFINITY

  take(ms: number, now: number): void {
    this.#turn(now)
    if (ms > this.#worstMs) this.#worstMs = ms
  }

  worstMs(now: number): number {
    this.#turn(now)
    return Math.max(this.#worstMs, this.#olderMs)
  }

  #turn(now: number): void {
    const passedMs = now - this.#turnedAt
    if (passedMs < generationMs) return
    this.#olderMs = passedMs < 2 * generationMs ? this.#worstMs : 0
    this.#worstMs = 0
    this.#turnedAt = now
  }
}
