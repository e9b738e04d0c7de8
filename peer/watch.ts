/**
 * Watching a service: what is there, and then one difference for each burst of changes. Nothing is queued for a slow
 * reader. What it was given last is compared with what is there when it asks again, so that what came and went meanwhile
 * it never hears of, and what it hears is always the latest.
 */

import type { Instance } from '../core/index.ts'
import type { Grounds } from './grounds.ts'
import { onAbort } from './signal.ts'

/** What has changed since the item before. Frozen, in the order of ids. */
export interface ServiceChange {
  /** New, as they are now. */
  readonly added: readonly Instance[]
  /** Gone, as they were last. */
  readonly removed: readonly Instance[]
  /** As they are now. */
  readonly changed: readonly Instance[]
  /** All that are there now: what `lookup` says. */
  readonly instances: readonly Instance[]
}

/** How long changes wait for company: a deploy, or the gossip of one event, comes in several packets. */
export const burstMs = 50

export class Watches {
  readonly #grounds: Grounds
  /** Readers that wait for the next item; one that is busy with its last item takes no room here. */
  readonly #waiting = new Set<Reader>()
  #bursting = false

  constructor(grounds: Grounds) {
    this.#grounds = grounds
  }

  /** Items are read as they are asked for; each loop over it begins anew. */
  watch(lookup: () => readonly Instance[], signal: AbortSignal | undefined): AsyncIterable<ServiceChange> {
    return {
      [Symbol.asyncIterator]: () => {
        const { swim } = this.#grounds
        const watched: Watched = {
          lookup,
          // A page that comes back goes on with another core; to its readers the peer has left.
          isOver: () => swim.status === 'left' || this.#grounds.swim !== swim,
          wait: (reader) => {
            this.#waiting.add(reader)
            this.look()
          },
          rest: (reader) => this.#waiting.delete(reader),
        }
        return new Reader(watched, signal)
      },
    }
  }

  /** Something may have changed: readers whom it concerns hear of it at the end of the burst. */
  look(): void {
    if (this.#bursting || ![...this.#waiting].some((reader) => reader.differs)) return
    this.#bursting = true
    this.#grounds.remind(burstMs, () => {
      this.#bursting = false
      for (const reader of [...this.#waiting]) reader.tell()
    })
  }

  /** The peer has left: loops end. */
  end(): void {
    this.#bursting = false
    for (const reader of [...this.#waiting]) reader.end()
  }
}

/** What readers are told by. */
interface Watched {
  lookup(): readonly Instance[]
  isOver(): boolean
  /** It is told at the end of each burst, until it rests. */
  wait(reader: Reader): void
  rest(reader: Reader): void
}

interface Asked {
  resolve(result: IteratorResult<ServiceChange, undefined>): void
  reject(reason: unknown): void
}

/** One loop. What asks for an item while others wait for theirs gets its own in turn; to end it ends them all. */
class Reader implements AsyncIterableIterator<ServiceChange, undefined> {
  readonly #watched: Watched
  readonly #signal: AbortSignal | undefined
  readonly #asked: Asked[] = []
  /** What was given last; undefined before the first item. */
  #given: readonly Instance[] | undefined
  #ended = false
  #callOff: () => void = () => {}

  constructor(watched: Watched, signal: AbortSignal | undefined) {
    this.#watched = watched
    this.#signal = signal
  }

  next(): Promise<IteratorResult<ServiceChange, undefined>> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject })
      if (this.#ended) this.end()
      else if (this.#signal?.aborted) this.#abort()
      else if (this.#given === undefined) this.#give(this.#watched.lookup())
      else if (this.#watched.isOver()) this.end()
      else if (this.#asked.length === 1) {
        this.#callOff = onAbort(this.#signal, this.#abort)
        this.#watched.wait(this)
      }
    })
  }

  /** Whoever reads stops, also while an item is waited for. */
  return(): Promise<IteratorResult<ServiceChange, undefined>> {
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** What is there is no longer what was given. */
  get differs(): boolean {
    return this.#watched.lookup() !== this.#given
  }

  /** A burst is over. */
  tell(): void {
    if (this.differs) this.#give(this.#watched.lookup())
  }

  end(): void {
    this.#ended = true
    this.#rest()
    for (const { resolve } of this.#asked.splice(0)) resolve({ value: undefined, done: true })
  }

  #give(instances: readonly Instance[]): void {
    const change = difference(this.#given ?? [], instances)
    const isFirst = this.#given === undefined
    this.#given = instances
    // As it was before, in another array: a question that was forgotten meanwhile.
    if (!isFirst && change.added.length + change.removed.length + change.changed.length === 0) return
    this.#asked.shift()?.resolve({ value: change, done: false })
    if (this.#asked.length === 0) this.#rest()
  }

  readonly #abort = (): void => {
    this.#ended = true
    this.#rest()
    const [first, ...others] = this.#asked.splice(0)
    first?.reject(this.#signal?.reason)
    for (const { resolve } of others) resolve({ value: undefined, done: true })
  }

  #rest(): void {
    this.#callOff()
    this.#watched.rest(this)
  }
}

/** Both in the order of ids. */
function difference(before: readonly Instance[], instances: readonly Instance[]): ServiceChange {
  const added: Instance[] = []
  const removed: Instance[] = []
  const changed: Instance[] = []
  let i = 0
  for (const instance of instances) {
    while (i < before.length && before[i]!.id < instance.id) removed.push(before[i++]!)
    if (before[i]?.id !== instance.id) added.push(instance)
    else if (before[i++] !== instance) changed.push(instance)
  }
  removed.push(...before.slice(i))
  for (const part of [added, removed, changed]) Object.freeze(part)
  return Object.freeze({ added, removed, changed, instances })
}
