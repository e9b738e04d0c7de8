/**
 * The view: all beliefs, the order of ids that sync pages through, the digest, and the snapshot applications read.
 */

import type { Belief } from './belief.ts'
import { type Digest, toggle } from './digest.ts'
import type { Endpoint } from './host.ts'
import { indexInAlphabet, type PeerId } from './ids.ts'
import type { Member } from './member.ts'
import { Offers } from './offers.ts'
import { type Random, randomInt, sample } from './random.ts'

/** What is held of one member, and what it has put into the digest while it was present. */
interface Row {
  readonly belief: Belief
  counted: Digest | undefined
}

/** Hash and number of the present members that share the first character of their ids. */
interface Part {
  readonly hash: Digest
  count: number
}

/** How often `pick` draws for each member it looks for before it looks through all of them. */
const drawsPerPick = 8

export class Members {
  readonly #rows = new Map<PeerId, Row>()
  /** Ids of present members in ascending order of their text, and the beliefs in the same order. */
  readonly #ids: PeerId[] = []
  readonly #present: Belief[] = []
  /** By the index of the first character in the alphabet. */
  readonly #parts: Part[] = []
  readonly #idAt = new Map<Endpoint, PeerId>()
  /** Who has a claim against it at an endpoint. */
  readonly #accusedAt = new Map<Endpoint, Belief>()
  readonly digest: Digest = { hi: 0, lo: 0 }
  readonly offers = new Offers()
  /** The time of the last call into the core, in milliseconds since the epoch. */
  now = 0
  /** Those of the present that are under suspicion. */
  readonly suspects = new Set<Belief>()
  #presentSnapshot: readonly Member[] | undefined
  #allSnapshot: readonly Member[] | undefined

  constructor() {
    for (let i = 0; i < 64; i++) this.#parts.push({ hash: { hi: 0, lo: 0 }, count: 0 })
  }

  /** Present members, the peer itself included. */
  get size(): number {
    return this.#ids.length
  }

  /** Dead and left members that are still remembered. */
  get gone(): number {
    return this.#rows.size - this.#ids.length
  }

  get(id: PeerId): Belief | undefined {
    return this.#rows.get(id)?.belief
  }

  *all(): Generator<Belief> {
    for (const { belief } of this.#rows.values()) yield belief
  }

  presentIds(): readonly PeerId[] {
    return this.#ids
  }

  /** In ascending order of their ids. Changes with the view: whoever changes it meanwhile copies first. */
  present(): readonly Belief[] {
    return this.#present
  }

  /**
   * Up to `count` different present members that suit, drawn at random. Where most suit, this takes a few draws however
   * large the room is; where few do, everybody is looked at.
   */
  pick(count: number, random: Random, suits: (belief: Belief) => boolean): Belief[] {
    const picked: Belief[] = []
    const size = this.#present.length
    // Drawing pays while the chance to draw the same one again is small.
    if (size > 4 * count) {
      for (let draws = drawsPerPick * count; draws > 0 && picked.length < count; draws--) {
        const belief = this.#present[randomInt(random, size)]!
        if (!picked.includes(belief) && suits(belief)) picked.push(belief)
      }
      if (picked.length === count) return picked
    }
    return sample(this.#present.filter(suits), count, random)
  }

  /** The present member that lives at an endpoint, as far as its record says. */
  at(endpoint: Endpoint): Belief | undefined {
    const id = this.#idAt.get(endpoint)
    return id === undefined ? undefined : this.get(id)
  }

  /** What is held against the member at an endpoint, be it present or gone; of several, against the last accused. */
  claimAt(endpoint: Endpoint): Uint8Array | undefined {
    return this.#accusedAt.get(endpoint)?.claimBytes
  }

  /** Takes in a belief, or takes over every change made to one: order, digest, endpoints and snapshots follow. */
  update(belief: Belief): void {
    const { id } = belief
    const row = this.#row(belief)
    const before = row.counted
    if (before) this.#toggle(id, before)
    if (belief.present) {
      row.counted = belief.hash()
      this.#toggle(id, row.counted)
      if (!before) this.#insert(belief)
      for (const endpoint of belief.record?.endpoints ?? []) {
        if (!this.#idAt.has(endpoint)) this.#idAt.set(endpoint, id)
      }
    } else if (before) {
      row.counted = undefined
      this.#remove(id)
      this.#forgetHome(belief)
    }
    if (belief.status === 'suspect') this.suspects.add(belief)
    else this.suspects.delete(belief)
    this.#index(belief)
    if (belief.touch()) this.offers.note(belief)
    if (belief.present || before) this.#presentSnapshot = undefined
    this.#allSnapshot = undefined
  }

  /** Its record is news: where somebody else was taken to live at its endpoints, it is its home now. */
  moveIn({ id, record }: Belief): void {
    for (const endpoint of record?.endpoints ?? []) this.#idAt.set(endpoint, id)
  }

  /** Call before a record with other endpoints takes the place of the one held. */
  forgetEndpoints(belief: Belief): void {
    this.#forgetHome(belief)
    this.#forgetAccused(belief)
  }

  /** Forgets a member that is gone. */
  forget(id: PeerId): void {
    const row = this.#rows.get(id)
    if (row === undefined) return
    this.#forgetAccused(row.belief)
    this.#rows.delete(id)
    this.#allSnapshot = undefined
  }

  /** Hash and number of the present members whose ids begin with `prefix`. */
  range(prefix: string): { hash: Digest; count: number } {
    if (prefix === '') return { hash: { ...this.digest }, count: this.size }
    if (prefix.length === 1) {
      const { hash, count } = this.#parts[indexInAlphabet(prefix)]!
      return { hash: { ...hash }, count }
    }
    const hash = { hi: 0, lo: 0 }
    let count = 0
    for (const id of this.idsUnder(prefix)) {
      toggle(hash, this.#rows.get(id)!.counted!)
      count++
    }
    return { hash, count }
  }

  /** Ids of present members that begin with `prefix`, ascending, those up to and with `after` left out. */
  *idsUnder(prefix: string, after = ''): Generator<PeerId> {
    for (let i = this.#lowerBound(prefix > after ? prefix : after); i < this.#ids.length; i++) {
      const id = this.#ids[i]!
      if (!id.startsWith(prefix)) return
      if (id !== after) yield id
    }
  }

  /** The 32 bits by which sync tells whether a member differs. */
  shortHash(id: PeerId): number | undefined {
    return this.#rows.get(id)?.counted?.lo
  }

  /** Frozen; the same array until something in it changed. */
  snapshot(withGone: boolean): readonly Member[] {
    if (withGone) {
      this.#allSnapshot ??= Object.freeze([...this.all()].map((belief) => belief.snapshot()))
      return this.#allSnapshot
    }
    this.#presentSnapshot ??= Object.freeze(this.#present.map((belief) => belief.snapshot()))
    return this.#presentSnapshot
  }

  #row(belief: Belief): Row {
    const held = this.#rows.get(belief.id)
    if (held) return held
    const row = { belief, counted: undefined }
    belief.time = this
    this.#rows.set(belief.id, row)
    return row
  }

  #toggle(id: PeerId, fact: Digest): void {
    toggle(this.digest, fact)
    toggle(this.#parts[indexInAlphabet(id)]!.hash, fact)
  }

  #insert(belief: Belief): void {
    const { id } = belief
    const at = this.#lowerBound(id)
    this.#ids.splice(at, 0, id)
    this.#present.splice(at, 0, belief)
    this.#parts[indexInAlphabet(id)]!.count++
  }

  #remove(id: PeerId): void {
    const at = this.#lowerBound(id)
    this.#ids.splice(at, 1)
    this.#present.splice(at, 1)
    this.#parts[indexInAlphabet(id)]!.count--
  }

  #index(belief: Belief): void {
    if (belief.claimBytes === undefined) return this.#forgetAccused(belief)
    for (const endpoint of belief.record?.endpoints ?? []) this.#accusedAt.set(endpoint, belief)
  }

  #forgetHome(belief: Belief): void {
    for (const endpoint of belief.record?.endpoints ?? []) {
      if (this.#idAt.get(endpoint) === belief.id) this.#idAt.delete(endpoint)
    }
  }

  #forgetAccused(belief: Belief): void {
    if (this.#accusedAt.size === 0) return
    for (const endpoint of belief.record?.endpoints ?? []) {
      if (this.#accusedAt.get(endpoint) === belief) this.#accusedAt.delete(endpoint)
    }
  }

  #lowerBound(id: string): number {
    let low = 0
    let high = this.#ids.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ids[middle]! < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
