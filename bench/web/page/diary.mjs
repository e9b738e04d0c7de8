/**
 * What one tab has seen of the others, and when: the same for each library. Times are of the wall clock, which all tabs of
 * a machine share, but for the two that count from the tab's own navigation.
 */

import { connections, readTraffic } from './probe.mjs'

const lossesMax = 10_000

/** Joins the room that the address names, and leaves the diary under `diary` for the bench. */
export function keepDiary(join) {
  const { room, name, signaling } = Object.fromEntries(new URLSearchParams(location.search))
  const diary = new Diary(name)
  globalThis.diary = diary
  return diary.begin(join, { room, name, signaling })
}

class Diary {
  #name
  /** Who is seen now, since when: by the wall clock and since the navigation. */
  #present = new Map()
  /** Every time somebody was no longer seen; the first `lossesMax`. */
  #losses = []
  /** By name: the moves of its cursor and when each was seen, ascending. */
  #moves = new Map()
  #firstMs
  #waiting = new Set()
  #library

  constructor(name) {
    this.#name = name
  }

  async begin(join, options) {
    this.#library = await join({
      ...options,
      seen: (name) => this.#see(name),
      gone: (name) => this.#lose(name),
      moved: (name, move) => this.#follow(name, move),
    })
  }

  /** Whether, within so many milliseconds, all of `present` are seen and none of `absent`. */
  whenSees({ present = [], absent = [] }, withinMs) {
    const holds = () => this.missing(present).length === 0 && !absent.some((name) => this.#present.has(name))
    if (holds()) return true
    return new Promise((resolve) => {
      const end = (held) => {
        this.#waiting.delete(look)
        clearTimeout(timer)
        resolve(held)
      }
      const look = () => holds() && end(true)
      const timer = setTimeout(() => end(false), withinMs)
      this.#waiting.add(look)
    })
  }

  /** From the navigation to the first other and to the last of `names`; undefined for what has not come to pass. */
  arrival(names) {
    const since = this.#others(names).map((name) => this.#present.get(name)?.sinceNavigationMs)
    return {
      navigatedAt: Date.now() - performance.now(),
      firstMs: this.#firstMs,
      completeMs: since.includes(undefined) ? undefined : Math.max(...since),
    }
  }

  /** Since when it has been seen; undefined while it is not. */
  seenAt(name) {
    return this.#present.get(name)?.at
  }

  /** Since when it has not been seen any more; undefined while it is, or if it never was. */
  lostAt(name) {
    return this.#present.has(name) ? undefined : this.#losses.findLast((loss) => loss.name === name)?.at
  }

  missing(names) {
    return this.#others(names).filter((name) => !this.#present.has(name))
  }

  /** How often one of `names` was seen no more. */
  lossesOf(names) {
    return this.#losses.filter(({ name }) => names.includes(name)).length
  }

  /** Moves this tab's cursor `count` times; tells when each move was made. */
  async move(count, everyMs) {
    const madeAt = []
    for (let move = 1; move <= count; move++) {
      madeAt.push({ move, at: Date.now() })
      this.#library.move(move)
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
    return madeAt
  }

  movesOf(name) {
    return this.#moves.get(name) ?? []
  }

  connections() {
    return connections()
  }

  traffic() {
    return readTraffic()
  }

  #others(names) {
    return names.filter((name) => name !== this.#name)
  }

  #see(name) {
    if (name === this.#name || this.#present.has(name)) return
    const sinceNavigationMs = performance.now()
    this.#firstMs ??= sinceNavigationMs
    this.#present.set(name, { at: Date.now(), sinceNavigationMs })
    this.#look()
  }

  #lose(name) {
    if (!this.#present.delete(name)) return
    if (this.#losses.length < lossesMax) this.#losses.push({ name, at: Date.now() })
    this.#look()
  }

  #follow(name, move) {
    const moves = this.#moves.get(name) ?? []
    this.#moves.set(name, moves)
    if (!(move <= moves.at(-1)?.move)) moves.push({ move, at: Date.now() })
  }

  #look() {
    for (const look of this.#waiting) look()
  }
}
