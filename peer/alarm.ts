/** What wakes a driver: its one timer, in the form that the platform has. */

export interface Alarm {
  /**
   * Rings once, `ms` from now or later; what was set before is forgotten. At 0 it rings as soon as everything that has
   * arrived by now was handled.
   */
  set(ms: number, ring: () => void): void
  clear(): void
  /** Forgets what was set and lets go of what the alarm holds; final. */
  close(): void
}

/** The platform's own timer. */
export class TimerAlarm implements Alarm {
  #timer: ReturnType<typeof setTimeout> | undefined

  set(ms: number, ring: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(ring, ms)
  }

  clear(): void {
    clearTimeout(this.#timer)
  }

  close(): void {
    this.clear()
  }
}
