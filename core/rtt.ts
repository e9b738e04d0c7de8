/** Round trips, smoothed as RFC 6298 does for TCP's retransmission timer. All times are milliseconds. */

export class RoundTrip {
  #smoothedMs: number | undefined
  #variationMs = 0

  /** Undefined until something was measured. */
  get smoothedMs(): number | undefined {
    return this.#smoothedMs
  }

  /** By how much round trips differ from that, smoothed too. */
  get variationMs(): number {
    return this.#variationMs
  }

  /** How long an answer may take before it counts as late; undefined until something was measured. */
  get timeoutMs(): number | undefined {
    return this.#smoothedMs === undefined ? undefined : this.#smoothedMs + 4 * this.#variationMs
  }

  take(ms: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = ms
      this.#variationMs = ms / 2
      return
    }
    this.#variationMs += (Math.abs(this.#smoothedMs - ms) - this.#variationMs) / 4
    this.#smoothedMs += (ms - this.#smoothedMs) / 8
  }
}

/** The median of the last round trips to anybody: a few members that are slow do not make the room slow. */
export class UsualRoundTrip {
  readonly #last: number[] = []
  #at = 0
  #medianMs: number | undefined

  /** Undefined until something was measured. */
  get medianMs(): number | undefined {
    if (this.#medianMs === undefined && this.#last.length > 0) {
      const sorted = [...this.#last].sort((a, b) => a - b)
      this.#medianMs = sorted[sorted.length >> 1]
    }
    return this.#medianMs
  }

  /** For a member that was never measured: RFC 6298 begins at three times its first round trip. */
  get timeoutMs(): number | undefined {
    return this.medianMs === undefined ? undefined : 3 * this.medianMs
  }

  take(ms: number): void {
    this.#last[this.#at] = ms
    this.#at = (this.#at + 1) % rememberedMax
    this.#medianMs = undefined
  }
}

const rememberedMax = 15
