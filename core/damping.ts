/**
 * Flap damping (after RFC 2439 and ringpop): a member that comes and goes is trusted less in either direction. Each time it
 * refutes a suspicion or comes back from the dead a penalty is added; the penalty halves in five minutes. While it lasts,
 * suspicions of the member last longer, and while it is high, the member is shown as suspect also in its good moments:
 * a list that says "do not count on it" is of more use than one that changes its mind every few seconds.
 */

export const refutedPenalty = 0.5
export const returnedPenalty = 1.5
/** At most 2^5: a suspicion of the worst flapper lasts 32 times as long. */
const penaltyMax = 5
const halfLifeMs = 300_000
const episodeMs = 10_000
/** Shown as suspect from the first on, until less than the second is left. */
const unsteadyFrom = 3
const steadyBelow = 1.5

/** What a member was last thought to be before it proved to be alive, and when it did. */
export interface Comeback {
  readonly from: 'suspicion' | 'death'
  readonly at: number
}

export class Damping {
  #penalty = 0
  #at = 0
  #episodeAt = Number.NEGATIVE_INFINITY
  #before = 0
  #sum = 0
  #weight = 1
  #unsteady = false
  #last = 0

  /** What is left of the penalty. */
  penalty(now: number): number {
    return this.#penalty * 2 ** -(Math.max(0, now - this.#at) / halfLifeMs)
  }

  /**
   * What happens in a short time is one episode, and counts for no more than coming back once: forged accusations cost
   * little. Coming back once may happen to anybody; doing it again weighs more each time.
   */
  add(penalty: number, now: number): void {
    const left = this.penalty(now)
    if (now - this.#episodeAt >= episodeMs) {
      this.#episodeAt = now
      this.#before = left
      this.#sum = 0
      this.#weight = 1
    }
    this.#sum = Math.min(returnedPenalty, this.#sum + penalty)
    if (penalty >= returnedPenalty) this.#weight = 1 + this.#before
    this.#penalty = Math.max(left, Math.min(penaltyMax, this.#before + this.#sum * this.#weight))
    this.#at = now
    this.#last = penalty
    if (this.#penalty >= unsteadyFrom) this.#unsteady = true
  }

  /** What the last penalty was for, and when. */
  get comeback(): Comeback {
    return { from: this.#last >= returnedPenalty ? 'death' : 'suspicion', at: this.#at }
  }

  get unsteady(): boolean {
    return this.#unsteady
  }

  /** True if it has just been quiet for long enough to be trusted again. */
  settle(now: number): boolean {
    if (!this.#unsteady || this.penalty(now) >= steadyBelow) return false
    this.#unsteady = false
    return true
  }
}
