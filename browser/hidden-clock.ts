/**
 * Keeps time for a page that is hidden. Browsers then wake a page's timers once a second, later once a minute; the timers of
 * workers, and messages from them, are not held back. So while the page is hidden and somebody sleeps on this clock, there
 * is one dedicated worker that holds one timer for all of them.
 */

/** Somebody who has a timer of his own, which may come late. */
export interface Sleeper {
  /** When to be woken, on `performance.now()`; Infinity for not at all. */
  readonly wakeAt: number
  wake(): void
  /** There is no worker: a policy of the page forbids it, most likely. Said once. */
  doWithout(reason: string): void
}

const program = `
let timer
onmessage = ({ data }) => {
  clearTimeout(timer)
  timer = setTimeout(() => postMessage(0), data)
}`

export class HiddenClock {
  readonly #sleepers = new Set<Sleeper>()
  #worker: Worker | undefined
  #url: string | undefined
  /** What the worker's timer is set for. */
  #setFor = Number.POSITIVE_INFINITY
  #refused = false

  add(sleeper: Sleeper): void {
    if (this.#sleepers.size === 0) document.addEventListener('visibilitychange', this.#follow)
    this.#sleepers.add(sleeper)
    this.#follow()
  }

  remove(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper)
    if (this.#sleepers.size === 0) document.removeEventListener('visibilitychange', this.#follow)
    this.#follow()
  }

  /** A sleeper wants to be woken at another time than before. */
  look(): void {
    if (this.#worker === undefined) return
    let wakeAt = Number.POSITIVE_INFINITY
    for (const sleeper of this.#sleepers) wakeAt = Math.min(wakeAt, sleeper.wakeAt)
    // One that rings for nothing costs less than calling it off.
    if (wakeAt === Number.POSITIVE_INFINITY || wakeAt === this.#setFor) return
    this.#setFor = wakeAt
    this.#worker.postMessage(Math.max(0, Math.ceil(wakeAt - performance.now())))
  }

  readonly #follow = (): void => {
    const wanted = this.#sleepers.size > 0 && document.visibilityState === 'hidden' && !this.#refused
    if (wanted && this.#worker === undefined) this.#start()
    else if (!wanted) this.#end()
  }

  #start(): void {
    try {
      this.#url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }))
      const worker = new Worker(this.#url)
      this.#worker = worker
      worker.onmessage = () => {
        if (worker === this.#worker) this.#wake()
      }
      // Policies are applied behind the constructor.
      worker.onerror = () => {
        if (worker === this.#worker) this.#refuse("the page's Content-Security-Policy may lack worker-src blob:")
      }
      this.look()
    } catch (error) {
      this.#refuse(String(error))
    }
  }

  #end(): void {
    this.#worker?.terminate()
    this.#worker = undefined
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url)
    this.#url = undefined
    this.#setFor = Number.POSITIVE_INFINITY
  }

  #refuse(reason: string): void {
    this.#refused = true
    this.#end()
    for (const sleeper of this.#sleepers) sleeper.doWithout(reason)
  }

  #wake(): void {
    this.#setFor = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const sleeper of [...this.#sleepers]) if (sleeper.wakeAt <= now) sleeper.wake()
    this.look()
  }
}
