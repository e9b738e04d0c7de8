/** The answers to one query as they come in: read once, by `for await`, until the time is up or the reader stops. */

import type { PeerId } from '../core/index.ts'
import { onAbort } from './signal.ts'

/** `T` is the type that the application expects; what arrives is a stranger's word until it is checked. */
export interface Answer<T = unknown> {
  /** Who answers, as far as members can be believed. */
  readonly from: PeerId
  /** Frozen. */
  readonly data: T
}

interface Reader {
  resolve(result: IteratorResult<Answer, undefined>): void
  reject(reason: unknown): void
}

/** Answers that wait to be read; more are dropped and counted. */
const unreadMax = 1024

export class Answers implements AsyncIterableIterator<Answer, undefined> {
  readonly #ended: () => void
  readonly #dropped: () => void
  readonly #signal: AbortSignal | undefined
  readonly #callOff: () => void
  readonly #unread: Answer[] = []
  readonly #readers: Reader[] = []
  readonly #heard = new Set<PeerId>()
  #over = false
  /** What the next reader is to be told, where it was aborted. */
  #failure: { reason: unknown } | undefined

  /** `ended` is called once, `dropped` for every answer that nobody reads in time. */
  constructor(ended: () => void, dropped: () => void, signal: AbortSignal | undefined) {
    this.#ended = ended
    this.#dropped = dropped
    this.#signal = signal
    this.#callOff = onAbort(signal, this.#abort)
    if (signal?.aborted) this.#abort()
  }

  get over(): boolean {
    return this.#over
  }

  /** One that has come; a second one of the same member is left out. */
  take(answer: Answer): void {
    if (this.#over || this.#heard.has(answer.from)) return
    this.#heard.add(answer.from)
    const value = Object.freeze(answer)
    const reader = this.#readers.shift()
    if (reader) reader.resolve({ value, done: false })
    else if (this.#unread.length < unreadMax) this.#unread.push(value)
    else this.#dropped()
  }

  /** No more will come; those unread can still be read. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#callOff()
    this.#ended()
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true })
  }

  next(): Promise<IteratorResult<Answer, undefined>> {
    const failure = this.#failure
    if (failure) {
      this.#failure = undefined
      return Promise.reject(failure.reason)
    }
    const value = this.#unread.shift()
    if (value) return Promise.resolve({ value, done: false })
    if (this.#over) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
    })
  }

  /** The reader stops. */
  return(): Promise<IteratorResult<Answer, undefined>> {
    this.#unread.length = 0
    this.#failure = undefined
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  readonly #abort = (): void => {
    if (this.#over) return
    const reason: unknown = this.#signal?.reason
    this.#unread.length = 0
    const readers = this.#readers.splice(0)
    if (readers.length === 0) this.#failure = { reason }
    for (const reader of readers) reader.reject(reason)
    this.end()
  }
}
