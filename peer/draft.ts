/**
 * This peer's own state on its way out. A key is published at once, but not again before some time has passed: what is set
 * meanwhile waits, and only the newest value of it goes. So a cursor may be set with every move of a pointer.
 */

import { type EntryChange, ShoalError, type State, type StateValue, servicePrefix, shown } from '../core/index.ts'
import type { Grounds } from './grounds.ts'

/** A volatile key that was not set for this long, or up to twice as long, has come to rest. */
const restMs = 2_000
/** Between two publications of one key, unless told otherwise. */
export const defaultThrottleMs = 100
/** Keys whose last publication is remembered; beyond it the oldest is forgotten and may go early. */
const sentMax = 1024

/** What waits for its turn. */
interface Waiting {
  readonly change: EntryChange
  /** When it goes; keys that have to go together have the same. */
  readonly due: number
  /** Since when its key waits. */
  readonly since: number
}

export class Draft {
  readonly #grounds: Grounds
  readonly #throttleMs: number
  /** By key. A member has no more keys than its limits let it have. */
  readonly #waiting = new Map<string, Waiting>()
  /** When each key was published last, the oldest first. */
  readonly #sentAt = new Map<string, number>()
  /** Keys that were last set as volatile, and when they will have come to rest: Infinity once they have. */
  readonly #restAt = new Map<string, number>()
  #resting = false
  #alarmAt = Number.POSITIVE_INFINITY
  #published: State | undefined
  #shown: State | undefined

  constructor(grounds: Grounds, throttleMs: number) {
    this.#grounds = grounds
    this.#throttleMs = throttleMs
    grounds.publisher = {
      waiting: () => [...this.#waiting.values()].map(({ change }) => change),
      publish: (changes, now) => this.#change(changes, now),
    }
  }

  /** What was set, published or not. The same object until something in it changes. */
  state(): State {
    const published = this.#grounds.swim.self().state
    if (this.#waiting.size === 0) return published
    if (published !== this.#published || this.#shown === undefined) {
      const merged = new Map(Object.entries(published))
      for (const [key, { change }] of this.#waiting) {
        if (change.value === undefined) merged.delete(key)
        else merged.set(key, change.value)
      }
      this.#published = published
      // fromEntries defines its keys, so `__proto__` is a key like any other.
      this.#shown = Object.freeze(Object.fromEntries(merged))
    }
    return this.#shown
  }

  /** All or none of a patch is taken; see `Peer.setState`. */
  set(patch: Readonly<Record<string, StateValue | undefined>>, volatile: boolean): void {
    const changes = changesOf(patch, volatile)
    this.#grounds.assertPresent()
    // Reading the values may run code of the application's, and that may set state as well: so it comes before all else.
    const taken = this.#grounds.swim.check(changes, () => this.#grounds.publisher.waiting())
    if (taken.length === 0) return
    const now = this.#grounds.enter((_swim, now) => {
      const { due, others } = this.#turnOf(taken)
      const together = [...others, ...taken]
      if (due <= now) this.#publish(together, now)
      else for (const change of together) this.#hold(change, due, now)
      this.#move(taken, now)
      return now
    })
    this.#arm(now)
  }

  /** Whether a key was last set as volatile: where it pointed to is not what a peer goes on with elsewhere. */
  isVolatile(key: string): boolean {
    return this.#restAt.has(key)
  }

  /** Publishes what waits, whenever its turn would be. Does nothing behind the farewell. */
  flush(): void {
    if (this.#waiting.size === 0 || this.#grounds.swim.status === 'left') return
    this.#grounds.enter((_swim, now) => this.#publish(this.#taken(Number.POSITIVE_INFINITY), now))
  }

  /**
   * When a patch goes, and with which others. Its keys go together: if one has to wait, all do, and so do those that wait
   * already with what they have to go with. No key waits longer than twice its time for that.
   */
  #turnOf(taken: readonly EntryChange[]): { due: number; others: EntryChange[] } {
    const keys = new Set(taken.map(({ key }) => key))
    const touched = new Set<number>()
    let due = Number.NEGATIVE_INFINITY
    for (const key of keys) {
      const waiting = this.#waiting.get(key)
      if (waiting) touched.add(waiting.due)
      const sentAt = this.#sentAt.get(key)
      if (sentAt !== undefined) due = Math.max(due, sentAt + this.#throttleMs)
    }
    const together = [...this.#waiting.values()].filter((one) => touched.has(one.due))
    due = Math.max(due, ...touched)
    for (const { since } of together) due = Math.min(due, since + 2 * this.#throttleMs)
    return { due, others: together.map(({ change }) => change).filter(({ key }) => !keys.has(key)) }
  }

  #hold(change: EntryChange, due: number, since: number): void {
    this.#waiting.set(change.key, { change, due, since: this.#waiting.get(change.key)?.since ?? since })
    this.#shown = undefined
  }

  /** Takes out what is due by then. */
  #taken(by: number): EntryChange[] {
    const taken = [...this.#waiting.values()].filter(({ due }) => due <= by).map(({ change }) => change)
    for (const { key } of taken) this.#waiting.delete(key)
    this.#shown = undefined
    return taken
  }

  #publish(changes: readonly EntryChange[], now: number): void {
    for (const { key } of changes) {
      this.#waiting.delete(key)
      this.#sentAt.delete(key)
      this.#sentAt.set(key, now)
    }
    for (const [key, at] of this.#sentAt) {
      if (this.#sentAt.size <= sentMax && at + this.#throttleMs > now) break
      this.#sentAt.delete(key)
    }
    this.#shown = undefined
    this.#change(changes, now)
  }

  /**
   * Everything that waits fits, and so does what is published: that was seen to when it was set. But one of the changes may
   * need the room that another one makes, which has to wait longer: then all of it goes at once.
   */
  #change(changes: readonly EntryChange[], now: number): void {
    const { swim } = this.#grounds
    try {
      swim.change(changes, now)
    } catch (error) {
      if (!(error instanceof ShoalError) || error.code !== 'state_too_large' || this.#waiting.size === 0) throw error
      const keys = new Set(changes.map(({ key }) => key))
      const others = this.#taken(Number.POSITIVE_INFINITY).filter(({ key }) => !keys.has(key))
      for (const { key } of others) this.#sentAt.set(key, now)
      swim.change([...others, ...changes], now)
    }
  }

  #move(changes: readonly EntryChange[], now: number): void {
    for (const { key, value, volatile } of changes) {
      if (volatile && value !== undefined) this.#restAt.set(key, now + restMs)
      else this.#restAt.delete(key)
    }
    if (this.#resting || this.#restAt.size === 0) return
    this.#resting = true
    // Not all at the same time in a room whose members stop at the same time.
    this.#grounds.remind(restMs * (1 + this.#grounds.parts.random()), () => this.#rest())
  }

  /**
   * A volatile entry is in no digest, so nobody would notice that one member has missed its last value. What has come to
   * rest is published once more as an entry like any other, on which all agree in the end.
   */
  #rest(): void {
    this.#resting = false
    const { swim } = this.#grounds
    if (swim.status === 'left') return
    this.#grounds.enter((_swim, now) => {
      const published = swim.self().state
      const changes: EntryChange[] = []
      for (const [key, restAt] of this.#restAt) {
        const value = published[key]
        if (restAt > now || value === undefined || this.#waiting.has(key)) continue
        this.#restAt.set(key, Number.POSITIVE_INFINITY)
        changes.push({ key, value, volatile: false })
      }
      if (changes.length > 0) this.#change(changes, now)
      const moving = [...this.#restAt.values()].filter((restAt) => restAt !== Number.POSITIVE_INFINITY)
      if (moving.length === 0) return
      this.#resting = true
      this.#grounds.remind(Math.max(restMs / 4, Math.min(...moving) - now), () => this.#rest())
    })
  }

  /** One reminder at a time, and another where something is due earlier; a stale one finds nothing due. */
  #arm(now: number): void {
    const next = Math.min(...[...this.#waiting.values()].map(({ due }) => due))
    if (next === Number.POSITIVE_INFINITY || next >= this.#alarmAt) return
    this.#alarmAt = next
    this.#grounds.remind(next - now, () => {
      this.#alarmAt = Number.POSITIVE_INFINITY
      if (this.#waiting.size === 0 || this.#grounds.swim.status === 'left') return
      const later = this.#grounds.enter((_swim, now) => {
        const due = this.#taken(now)
        if (due.length > 0) this.#publish(due, now)
        return now
      })
      this.#arm(later)
    })
  }

  /** The core is another one, and has not been asked to remind of anything. */
  resume(): void {
    this.#alarmAt = Number.POSITIVE_INFINITY
    this.#waiting.clear()
    this.#sentAt.clear()
    this.#restAt.clear()
    this.#resting = false
    this.#shown = undefined
  }
}

function changesOf(patch: unknown, volatile: boolean): EntryChange[] {
  // Of a Map or a promise no key would be found, and nothing would tell that nothing was published.
  if (Object.prototype.toString.call(patch) !== '[object Object]') {
    throw new ShoalError(
      'bad_value',
      `state: expected an object of values, by their keys, got ${shown(patch)}; nothing was changed`,
    )
  }
  return Object.entries(patch as object).map(([key, value]) => {
    if (key.startsWith(servicePrefix)) {
      throw new ShoalError('reserved_key', `state key ${JSON.stringify(key)}: ${servicePrefix} is kept for services`)
    }
    return { key, value, volatile }
  })
}
