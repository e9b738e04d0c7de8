/** The alarm of a peer in a tab: a timer of the page, the hidden page's clock beside it, and a way to ring at once. */

import type { Alarm } from '../peer/alarm.ts'
import type { Log } from '../peer/options.ts'
import type { HiddenClock, Sleeper } from './hidden-clock.ts'

export class TabAlarm implements Alarm, Sleeper {
  wakeAt = Number.POSITIVE_INFINITY
  readonly #clock: HiddenClock
  readonly #log: Log
  readonly #atOnce = new MessageChannel()
  #timer: ReturnType<typeof setTimeout> | undefined
  #ring: (() => void) | undefined
  /** Which setting a message is about: it cannot be called back, and another may have been made meanwhile. */
  #setting = 0

  constructor(clock: HiddenClock, log: Log) {
    this.#clock = clock
    this.#log = log
    this.#atOnce.port1.onmessage = ({ data }) => {
      if (data === this.#setting) this.wake()
    }
    clock.add(this)
  }

  /** At once is by a message: that is not held back as timers are, and comes behind the messages that are queued. */
  set(ms: number, ring: () => void): void {
    this.clear()
    this.#ring = ring
    if (ms <= 0) return this.#atOnce.port2.postMessage(this.#setting)
    this.wakeAt = performance.now() + ms
    this.#timer = setTimeout(() => this.wake(), ms)
    this.#clock.look()
  }

  clear(): void {
    this.#setting++
    clearTimeout(this.#timer)
    this.#ring = undefined
    this.wakeAt = Number.POSITIVE_INFINITY
  }

  close(): void {
    this.clear()
    this.#atOnce.port1.close()
    this.#clock.remove(this)
  }

  wake(): void {
    const ring = this.#ring
    this.clear()
    ring?.()
  }

  doWithout(reason: string): void {
    this.#log.debug(`no worker to keep time while the page is hidden (${reason}); its own timers have to do`)
  }
}
