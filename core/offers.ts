/**
 * Whose services have changed: what an index of services has to look at again, however much else changes meanwhile. There
 * is one such index, the peer's directory, and nothing is kept before it has begun to read.
 */

import type { Belief } from './belief.ts'

export class Offers {
  /** At most the members of the view: the directory reads behind every change. */
  #changed: Set<Belief> | undefined

  /** The services of this member may have changed, or its presence. */
  note(belief: Belief): void {
    this.#changed?.add(belief)
  }

  /** Members noted since the last reading, gone ones included; undefined at the first, when all count. */
  take(): Iterable<Belief> | undefined {
    const changed = this.#changed
    if (changed === undefined || changed.size > 0) this.#changed = new Set()
    return changed
  }

  /** There is something to take. */
  get waiting(): boolean {
    return this.#changed === undefined || this.#changed.size > 0
  }
}
