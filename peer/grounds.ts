/**
 * What the parts of a peer object stand on: the core and the way into it, time, and listeners that may throw. It stays the
 * same when the peer goes on with another core, as a page does that comes out of the back-forward cache.
 */

import { type EntryChange, type PeerId, type Random, ShoalError, type Swim } from '../core/index.ts'
import type { CallParts } from './call-signal.ts'
import type { Link } from './rtc.ts'
import { isThenable } from './thenable.ts'

/** What a peer stands on. It has no clock of its own, no timer and no chance of its own, so it lives in a simulated world as well. */
export interface PeerParts {
  room: string
  swim: Swim
  /** Calls into the core and does what follows. */
  call: (run: (swim: Swim, now: number) => void) => void
  /** The time that calls are given, also behind the last of them. */
  now: () => number
  /** Says farewell before it returns; resolves when all that the peer was opened with is closed. Called once. */
  leave: () => Promise<void>
  random: Random
  /** See `PeerOptions`. */
  throttleMs?: number | undefined
  warn: (message: string) => void
  /** What is known to be wrong with the ways to others; it is told beside the core's own reason for a status. */
  trouble?: () => string | undefined
  links?: () => readonly Link[]
  /** What connections for the application stand on; absent where there is no WebRTC. */
  calls?: CallParts
  /** What its channels count, under names of their own. */
  counters?: () => Readonly<Record<string, number>>
}

/** Reminders at a time; who asks for them has bounds of its own, so this is never met. */
const remindersMax = 4096

interface Reminder {
  readonly at: number
  readonly run: () => void
}

/** How entries of this peer get out; see `Draft`. */
export interface Publisher {
  /** What of the state has still to wait for its turn: whatever else is published has to leave room for it. */
  waiting(): readonly EntryChange[]
  /** To be called within the core. */
  publish(changes: readonly EntryChange[], now: number): void
}

export class Grounds {
  parts: PeerParts
  publisher: Publisher = { waiting: () => [], publish: (changes, now) => this.swim.change(changes, now) }
  readonly #reminders = new Map<number, Reminder>()
  #lastSeq = 0
  /** The core's reminder that counts, and its time: it is asked for the earliest alone, since it takes none back. */
  #armed = 0
  #armedAt = Number.POSITIVE_INFINITY

  constructor(parts: PeerParts) {
    this.parts = parts
  }

  get id(): PeerId {
    return this.parts.swim.id
  }

  get swim(): Swim {
    return this.parts.swim
  }

  /** Throws `left` behind the farewell; `what` is what was not done. */
  assertPresent(what = 'changed'): void {
    if (this.swim.status === 'left') throw new ShoalError('left', `this peer has left its room; nothing was ${what}`)
  }

  /** Calls into the core, does what follows, and answers or throws what `run` does. Throws `left` behind the farewell. */
  enter<T>(run: (swim: Swim, now: number) => T): T {
    this.assertPresent()
    const outcomes: ({ value: T } | { thrown: unknown })[] = []
    let isGivenUp = false
    this.parts.call((swim, now) => {
      if (isGivenUp) return
      try {
        outcomes.push({ value: run(swim, now) })
      } catch (thrown) {
        outcomes.push({ thrown })
      }
    })
    isGivenUp = true
    // Without a core, within another call, or behind too many that wait, nothing was called.
    const outcome = outcomes[0] ?? { thrown: new ShoalError('left', 'this peer is being closed; nothing was changed') }
    if ('thrown' in outcome) throw outcome.thrown
    return outcome.value
  }

  /** Changes entries at once, all or none. Throws as `Self.change` does, and `left`. */
  change(changes: readonly EntryChange[]): void {
    this.swim.check(changes, () => this.publisher.waiting())
    this.enter((_swim, now) => this.publisher.publish(changes, now))
  }

  /**
   * Calls what an application handed over. What that throws is told, and harms nobody; so is what its promise rejects with,
   * which would otherwise end a process of Node.
   */
  guard(run: () => unknown): void {
    try {
      const given = run()
      if (isThenable(given)) given.then(undefined, (error: unknown) => this.#tellOf(error))
    } catch (error) {
      this.#tellOf(error)
    }
  }

  #tellOf(error: unknown): void {
    this.parts.warn(`a listener threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  /**
   * Calls `run` once, `ms` from now, by the core's deadlines: hidden tabs and simulated peers keep them. Not behind a
   * farewell. Returns what calls it off.
   */
  remind(ms: number, run: () => void): () => void {
    if (this.swim.status === 'left') return () => {}
    if (this.#reminders.size >= remindersMax) throw new ShoalError('too_many', 'too many things are waited for')
    const seq = ++this.#lastSeq
    const at = this.parts.now() + ms
    this.#reminders.set(seq, { at, run })
    this.#arm(at)
    return () => {
      this.#reminders.delete(seq)
    }
  }

  /** A reminder of the core's. One that another has taken the place of does nothing. */
  ring(seq: number): void {
    if (seq !== this.#armed) return
    this.#armedAt = Number.POSITIVE_INFINITY
    // The time that the core was woken for: a clock read anew may be a hair behind it.
    const { now } = this.swim.beliefs
    const due = [...this.#reminders].filter(([, { at }]) => at <= now).sort(([, a], [, b]) => a.at - b.at)
    for (const [seq, { run }] of due) {
      // One before it may have called it off, or said farewell.
      if (this.swim.status !== 'left' && this.#reminders.delete(seq)) this.guard(run)
    }
    this.#arm(Math.min(...[...this.#reminders.values()].map(({ at }) => at)))
  }

  /** The core is gone, and its deadlines with it. */
  forgetReminders(): void {
    this.#reminders.clear()
    this.#armedAt = Number.POSITIVE_INFINITY
  }

  #arm(at: number): void {
    if (at >= this.#armedAt || this.swim.status === 'left') return
    this.parts.call((swim) => {
      if (at >= this.#armedAt) return
      this.#armedAt = at
      swim.remind(++this.#armed, at)
    })
  }
}
