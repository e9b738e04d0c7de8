/**
 * Rumours on a sparse mesh: each goes once over every link but those it came by, which on an expander reaches everybody
 * in a few hops and over several ways. Where there are few links, or one, it goes several times, since a packet may be lost.
 *
 * For each rumour it is known who still has to be told; targets have a bit each.
 */

import type { PeerId } from './ids.ts'
import { messagesMax, type Share, shares } from './rumours.ts'

interface Waiting {
  readonly subject: string
  readonly share: Share
  readonly bytes: Uint8Array
  readonly fingerprint: number
  /** A bit for each target that was not told in this round. */
  untold: number
  /** ... and for each that has told it itself, and is told in no round. */
  knowing: number
  rounds: number
}

/** Links held and neighbours told over a server; a bitmask has no more. */
export const targetsMax = 30
/** In one of so many bursts entries go first, in another one messages. */
const firstEvery = 4
/** Rumours too long for what is left of a packet that are passed over before it is taken for full. */
const missesMax = 8
/** A rumour leaves so often at least, however few are there to be told. */
const copiesMin = 3

export class Flood {
  readonly #sizeMax: number
  readonly #bitOf = new Map<PeerId, number>()
  /** Of each share, in the order they came. */
  readonly #queues: Record<Share, Map<string, Waiting>> = {
    membership: new Map(),
    state: new Map(),
    message: new Map(),
  }
  readonly #byFingerprint = new Map<number, Waiting>()
  dropped = 0
  #turns = 0

  /** At most `sizeMax` rumours of each share wait; beyond it the oldest is dropped and counted. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return shares.reduce((sum, share) => sum + this.#queues[share].size, 0)
  }

  get targets(): Iterable<PeerId> {
    return this.#bitOf.keys()
  }

  /** Who is told from now on. Whoever is new among them hears what still waits. */
  aim(targets: Iterable<PeerId>): void {
    const wanted = new Set(targets)
    let freed = 0
    for (const [id, bit] of this.#bitOf) {
      if (wanted.has(id)) continue
      freed |= bit
      this.#bitOf.delete(id)
    }
    let used = this.#all
    let added = 0
    for (const id of wanted) {
      if (this.#bitOf.has(id) || this.#bitOf.size >= targetsMax) continue
      const bit = ~used & -~used
      used |= bit
      added |= bit
      this.#bitOf.set(id, bit)
    }
    if (freed === 0 && added === 0) return
    for (const waiting of this.#waiting()) {
      waiting.untold = (waiting.untold & ~freed) | added
      waiting.knowing &= ~freed
    }
  }

  /** `source` is the target it came from. `bytes` is kept. */
  add(subject: string, bytes: Uint8Array, fingerprint: number, share: Share, source: PeerId | undefined): void {
    const queue = this.#queues[share]
    this.#remove(subject)
    if (queue.size >= (share === 'message' ? Math.min(this.#sizeMax, messagesMax) : this.#sizeMax)) {
      this.#remove(queue.keys().next().value!)
      this.dropped++
    }
    const knowing = this.#bit(source)
    const waiting = { subject, share, bytes, fingerprint, untold: this.#all & ~knowing, knowing, rounds: 0 }
    queue.set(subject, waiting)
    this.#byFingerprint.set(fingerprint, waiting)
  }

  /** A target has told us a rumour that we have: it need not hear it from us. */
  heard(fingerprint: number, source: PeerId): void {
    const waiting = this.#byFingerprint.get(fingerprint)
    if (waiting === undefined) return
    waiting.knowing |= this.#bit(source)
    waiting.untold &= ~waiting.knowing
  }

  /** Takes back what waits under exactly these subjects. */
  withdraw(subjects: readonly string[]): void {
    for (const subject of subjects) this.#remove(subject)
  }

  clear(): void {
    for (const { subject } of this.#waiting()) this.#remove(subject)
  }

  /** Ends a burst: those told to everybody go, or begin another round. */
  turn(): void {
    this.#turns++
    for (const waiting of this.#waiting()) {
      if (waiting.untold !== 0) continue
      waiting.untold = this.#all & ~waiting.knowing
      if (++waiting.rounds * this.#bitOf.size >= copiesMin || waiting.untold === 0) this.#remove(waiting.subject)
    }
  }

  /**
   * What one target is told in a packet with `room` bytes left: of each share that waits a third at least, but for one burst
   * in four each in which entries or messages go first.
   */
  take(target: PeerId, room: number): Uint8Array[] {
    const bit = this.#bit(target)
    if (bit === 0) return []
    const third = Math.floor(room / shares.length)
    const taken: Uint8Array[] = []
    let left = room
    // Now and then all of it, since an entry may be longer than what is left otherwise.
    const turn = this.#turns % firstEvery
    const first = turn === firstEvery - 1 ? 'state' : turn === 1 ? 'message' : undefined
    if (first) left -= take(this.#queues[first], bit, left, taken)
    const waiting = shares.filter((share) => this.#queues[share].size > 0)
    for (const [i, share] of waiting.entries()) {
      const others = waiting.length - 1 - i
      left -= take(this.#queues[share], bit, Math.max(0, left - others * third), taken)
    }
    // The last of them has had all there was.
    for (let i = 0; i < waiting.length - 1; i++) left -= take(this.#queues[waiting[i]!], bit, left, taken)
    return taken
  }

  get #all(): number {
    let all = 0
    for (const bit of this.#bitOf.values()) all |= bit
    return all
  }

  #bit(target: PeerId | undefined): number {
    return target === undefined ? 0 : (this.#bitOf.get(target) ?? 0)
  }

  *#waiting(): Generator<Waiting> {
    for (const share of shares) yield* this.#queues[share].values()
  }

  #remove(subject: string): void {
    for (const queue of Object.values(this.#queues)) {
      const waiting = queue.get(subject)
      if (waiting === undefined) continue
      queue.delete(subject)
      if (this.#byFingerprint.get(waiting.fingerprint) === waiting) this.#byFingerprint.delete(waiting.fingerprint)
    }
  }
}

/** Takes what fits, in order; returns the bytes. Where one does not fit, a few behind it may. */
function take(queue: ReadonlyMap<string, Waiting>, bit: number, room: number, taken: Uint8Array[]): number {
  let used = 0
  let misses = 0
  for (const waiting of queue.values()) {
    if ((waiting.untold & bit) === 0) continue
    if (used + waiting.bytes.length > room) {
      if (++misses > missesMax) break
      continue
    }
    waiting.untold &= ~bit
    used += waiting.bytes.length
    taken.push(waiting.bytes)
  }
  return used
}
