/** How this peer stands with its room, and why, in words for people. */

import { ShoalError } from './errors.ts'
import type { PeerStatus } from './host.ts'

export class Standing {
  status: PeerStatus = 'joining'
  /** Why this peer takes itself for cut off, as last looked at. */
  #isolation: string | undefined

  /** What to become, given why this peer takes itself for cut off; undefined where nothing changes. */
  look(isolation: string | undefined): PeerStatus | undefined {
    this.#isolation = isolation
    if (isolation !== undefined) return this.status === 'joined' ? 'isolated' : undefined
    return this.status === 'isolated' ? 'joined' : undefined
  }

  /** Throws `left`; `what` is what was not done. */
  assertPresent(what: string): void {
    if (this.status === 'left') throw new ShoalError('left', `this peer has left its room; nothing was ${what}`)
  }

  /** `size` counts the members present, this peer included. */
  reason(size: number): string {
    switch (this.status) {
      case 'left':
        return 'this peer left'
      case 'joining':
        return 'looking for members'
      case 'isolated':
        return this.#isolation ?? ''
      case 'joined':
        return size > 1 ? 'in touch with the room' : 'alone in the room so far'
    }
  }
}
