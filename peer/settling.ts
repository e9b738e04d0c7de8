/** When a view may be relied on: it has stood still for a while, and another member holds the same. */

import { type Consistency, ShoalError, shown } from '../core/index.ts'
import type { Grounds } from './grounds.ts'
import type { Listeners } from './listeners.ts'
import { checkSignal, onAbort } from './signal.ts'

/** How long nobody may have come, gone or been suspected, unless told otherwise. */
const defaultQuietMs = 1_000
/** Where the view is quiet but nobody has agreed with it yet, it is looked at again after this. */
const lookAgainMs = 250
/** Calls that may wait at a time. */
const waitingMax = 64

const unsettling = ['join', 'suspect', 'refute', 'leave', 'dead', 'status'] as const

/** What `Peer.settled` waits for. */
export interface SettledOptions {
  /** 1,000 unless told. */
  quietMs?: number
  /** Gives up waiting: the promise rejects with its reason. */
  signal?: AbortSignal
}

export class Settling {
  readonly #grounds: Grounds
  readonly #listeners: Listeners
  #waiting = 0

  constructor(grounds: Grounds, listeners: Listeners) {
    this.#grounds = grounds
    this.#listeners = listeners
  }

  async settled({ quietMs = defaultQuietMs, signal }: SettledOptions): Promise<Consistency> {
    if (typeof quietMs !== 'number' || !(quietMs >= 0)) {
      throw new ShoalError('bad_option', `quietMs: expected milliseconds, got ${shown(quietMs)}`)
    }
    checkSignal(signal)
    signal?.throwIfAborted()
    this.#grounds.assertPresent('waited for')
    if (this.#waiting >= waitingMax) {
      throw new ShoalError('too_many', `settled: ${waitingMax} calls wait already`)
    }
    this.#waiting++
    const ends: (() => void)[] = []
    try {
      return await this.#wait(quietMs, signal, ends)
    } finally {
      this.#waiting--
      for (const end of ends) end()
    }
  }

  #wait(quietMs: number, signal: AbortSignal | undefined, ends: (() => void)[]): Promise<Consistency> {
    return new Promise((resolve, reject) => {
      let quietSince = this.#grounds.enter((_swim, now) => now)
      const look = () => {
        const { swim } = this.#grounds
        const now = this.#grounds.enter((_swim, now) => now)
        const leftMs = quietSince + quietMs - now
        const consistency = swim.consistency()
        const isAgreed = swim.members().length === 1 || consistency.lastAgreedAt >= quietSince
        if (leftMs <= 0 && swim.status === 'joined' && isAgreed) resolve(consistency)
        else ends[0] = this.#grounds.remind(leftMs > 0 ? leftMs : lookAgainMs, look)
      }
      const unsettle = () => {
        if (this.#grounds.swim.status === 'left') {
          return reject(new ShoalError('left', 'this peer left its room before its view had settled'))
        }
        quietSince = this.#grounds.enter((_swim, now) => now)
      }
      ends.push(() => {})
      for (const type of unsettling) ends.push(this.#listeners.on(type, unsettle))
      const abort = () => reject(signal?.reason)
      ends.push(onAbort(signal, abort))
      look()
    })
  }
}
