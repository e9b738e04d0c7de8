/**
 * Which numbers of one sender were seen: the greatest, and which of those shortly before it. After RFC 6479, a window that
 * moves by whole words, so that nothing is shifted and its size costs no time.
 */

const wordBits = 32
const words = 16
/** Numbers this far behind the greatest are still told apart; older ones count as seen. */
export const windowSize = (words - 1) * wordBits
/**
 * Numbers further apart than this do not belong to one row: one of the two was made up, or this peer was away for a very
 * long time. Where one side has gone wrong a new window begins, since a single forged number would silence its owner.
 */
export const leapMax = 1 << 20

export class Numbers {
  #top: number
  readonly #seen = new Uint32Array(words)

  /** Nothing was seen; the first number may be any. */
  constructor(first: number) {
    this.#top = first
  }

  /** True if it was seen, or may have been. */
  has(number: number): boolean {
    if (this.#isFar(number) || number > this.#top) return false
    return number <= this.#top - windowSize || (this.#seen[wordOf(number) % words]! & bitOf(number)) !== 0
  }

  add(number: number): void {
    if (this.#isFar(number)) {
      this.#seen.fill(0)
      this.#top = number
    }
    if (number > this.#top) this.#advance(number)
    if (number > this.#top - windowSize) this.#seen[wordOf(number) % words]! |= bitOf(number)
  }

  #isFar(number: number): boolean {
    return Math.abs(number - this.#top) > leapMax
  }

  #advance(number: number): void {
    const passed = Math.min(wordOf(number) - wordOf(this.#top), words)
    for (let i = 1; i <= passed; i++) this.#seen[(wordOf(this.#top) + i) % words] = 0
    this.#top = number
  }
}

function wordOf(number: number): number {
  return Math.floor(number / wordBits)
}

function bitOf(number: number): number {
  return 1 << (number % wordBits)
}
