/**
 * Judges oneself before others: is it the room that is gone, or this peer that is cut off? Silence of everybody at once is
 * more likely one's own fault. While that is so no death is declared, and the last good view is kept.
 */

/** A smaller room may well be gone at once: two tabs of one browser, say. */
export const crowdMin = 5
/** Probes in a row to which nobody at all has answered, neither the member nor one of those asked to help. */
const silencesMax = 3
/** More than half the room under suspicion may be a partition or a power cut: after this long it is believed. */
const massHoldMs = 30_000
/** Silence of everybody is believed after this long: a view of nobody but ghosts is no good view. */
const silenceHoldMs = 300_000

/** What a peer sees of the others: how many are present, how many of them are suspect. */
export interface Survey {
  readonly others: number
  /** There is a path to some member, or nobody is on any of this peer's channels in the first place. */
  readonly reachable: boolean
  /** A server that this peer is connected to proves that its network works: then the silence is that of the others. */
  readonly served: boolean
  /** Those whose address another member has taken over are not counted: where they went is known. */
  readonly suspects: number
}

export class Isolation {
  #silences = 0
  #silentSince = 0
  #massSince: number | undefined
  #survey: Survey = { others: 0, reachable: true, served: false, suspects: 0 }

  /** The last probe went unanswered by everybody. */
  get silent(): boolean {
    return this.#silences > 0
  }

  /** An answer came to something this peer has sent: it is not cut off. */
  heard(): void {
    this.#silences = 0
  }

  /** A probe that nobody answered. True if it says something about the member, false if rather about this peer. */
  silence(now: number): boolean {
    this.#silences++
    if (this.#silences === silencesMax) this.#silentSince = now
    return this.#silences >= silencesMax && !this.#isMute(now)
  }

  look(survey: Survey, now: number): void {
    this.#survey = survey
    const mass = !survey.served && survey.suspects >= crowdMin && 2 * survey.suspects > survey.others + 1
    if (!mass) this.#massSince = undefined
    else this.#massSince ??= now
  }

  /** Why this peer takes itself for cut off; undefined if it does not. */
  reason(now: number): string | undefined {
    const { others, reachable, suspects } = this.#survey
    if (others > 0 && !reachable) return `no path is left to any of ${others} members; the last view is kept`
    if (this.#isMute(now)) {
      return `none of ${others} members answers, so this peer is probably cut off; the last view is kept`
    }
    if (this.#massSince !== undefined && now - this.#massSince < massHoldMs) {
      return `${suspects} of ${others} members fell silent at once; for now the last view is kept`
    }
    return undefined
  }

  /** Nobody answers, and the fault is rather here. */
  #isMute(now: number): boolean {
    const { others, served } = this.#survey
    return this.#silences >= silencesMax && !served && others >= crowdMin && now - this.#silentSince < silenceHoldMs
  }
}
