/**
 * Ejection: instances of one service that keep failing this peer are passed over for a while. It is the peer's own opinion,
 * formed by what it is told of its requests, and goes round to nobody: another way to the same instance may be fine, and
 * hearsay would let one confused client take a service away from all. After Envoy's outlier detection.
 */

/** Failures in a row until an instance is passed over. Back from that it is on probation, and one is enough. */
const failuresMax = 3
/** The first time, doubling with each until a success. */
const ejectedMsMin = 1_000
const ejectedMsMax = 60_000

interface Repute {
  failures: number
  /** How often it was ejected since its last success. */
  ejections: number
  /** Passed over until then; 0 where it is not. */
  until: number
}

export class Ejections {
  /** Of instances that are listed and have failed since their last success. */
  readonly #reputes = new Map<string, Repute>()
  readonly #ejected = new Set<string>()

  has(id: string): boolean {
    return this.#ejected.has(id)
  }

  /** When the first of them comes back; Infinity without any. */
  get nextAt(): number {
    let at = Number.POSITIVE_INFINITY
    for (const id of this.#ejected) at = Math.min(at, this.#reputes.get(id)!.until)
    return at
  }

  /** How a request to an instance went; `listed` counts those of the service. True where it is ejected or comes back by this. */
  report(id: string, ok: boolean, listed: number, now: number): boolean {
    if (ok) {
      this.#reputes.delete(id)
      return this.#ejected.delete(id)
    }
    const repute = this.#reputes.get(id) ?? { failures: 0, ejections: 0, until: 0 }
    this.#reputes.set(id, repute)
    if (repute.until > 0) return false
    repute.failures++
    const patience = repute.ejections > 0 ? 1 : failuresMax
    // When most fail, passing over them all would leave the load to a few, which then fail as well.
    if (repute.failures < patience || 2 * (this.#ejected.size + 1) > listed) return false
    repute.until = now + Math.min(ejectedMsMax, ejectedMsMin * 2 ** repute.ejections)
    repute.ejections = Math.min(repute.ejections + 1, 30)
    repute.failures = 0
    this.#ejected.add(id)
    return true
  }

  /** Those whose time is over, and of the others those that are too many, the first to come back before the rest. */
  release(listed: number, now: number): string[] {
    if (this.#ejected.size === 0) return []
    const untilOf = (id: string) => this.#reputes.get(id)!.until
    const waiting = [...this.#ejected].sort((a, b) => untilOf(a) - untilOf(b))
    const released: string[] = []
    for (const id of waiting) {
      if (untilOf(id) > now && 2 * this.#ejected.size <= listed) break
      this.#ejected.delete(id)
      this.#reputes.get(id)!.until = 0
      released.push(id)
    }
    return released
  }

  /** It is listed no longer. */
  forget(id: string): void {
    this.#reputes.delete(id)
    this.#ejected.delete(id)
  }
}
