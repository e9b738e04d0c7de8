/**
 * What this peer says of itself: its record, its entries, its services. Only here are incarnations and versions raised.
 */

import { Belief } from './belief.ts'
import { type Entry, entryBytesMax, keysMax, stateBytesMax } from './entries.ts'
import { ShoalError } from './errors.ts'
import { valueLimits } from './guard.ts'
import type { Endpoint } from './host.ts'
import type { PeerId } from './ids.ts'
import type { MemberMode, StateValue } from './member.ts'
import type { Members } from './members.ts'
import { unpack } from './msgpack.ts'
import { type AliveRecord, type EntryRecord, encodeRumour, keyCharsMax, numberMax, rumourFrom } from './rumour.ts'
import { entrySubject } from './rumours.ts'

/** By how much an entry's encoding may grow as its version does: from one byte to five. */
const versionBytesMax = 4

export interface SelfOptions {
  id: PeerId
  name: string
  user: string | null
  mode: MemberMode
  endpoints: readonly Endpoint[]
}

/** A new value of a key; an undefined value deletes it. */
export interface EntryChange {
  key: string
  value: StateValue | undefined
  volatile: boolean
}

export class Self {
  readonly belief: Belief
  readonly #members: Members
  readonly #spread: (subject: string, bytes: Uint8Array) => void
  #record: AliveRecord
  #version = 0

  constructor(
    options: SelfOptions,
    members: Members,
    spread: (subject: string, bytes: Uint8Array) => void,
    now: number,
  ) {
    this.#members = members
    this.#spread = spread
    const { id, name, user, mode, endpoints } = options
    this.#record = { type: 'alive', id, incarnation: 0, name, user, mode, endpoints, floor: 0 }
    this.belief = new Belief(id, now)
    this.belief.via = 'direct'
    this.publish({})
  }

  get incarnation(): number {
    return this.#record.incarnation
  }

  /** Puts a record with a new incarnation on its way; nothing that others say of this peer counts against it. */
  publish(change: Partial<Pick<AliveRecord, 'mode' | 'endpoints' | 'floor'>>, above = this.#record.incarnation): void {
    const incarnation = Math.min(above + 1, numberMax)
    this.#record = { ...this.#record, ...change, incarnation }
    const { belief } = this
    this.#members.forgetEndpoints(belief)
    belief.record = this.#record
    belief.recordBytes = encodeRumour(this.#record)
    belief.incarnation = incarnation
    this.#members.update(belief)
    this.#spread(belief.id, belief.recordBytes)
  }

  /**
   * Applies changes all or none. Throws `bad_value` (it cannot be encoded), `entry_too_large` or `state_too_large`, and
   * then nothing has changed. Returns true if anything did.
   */
  change(changes: readonly EntryChange[], now: number): boolean {
    const { entries } = this.belief
    const planned: [EntryRecord, Uint8Array][] = []
    let bytesAfter = entries.bytes
    let keysAfter = entries.size
    let version = this.#version
    for (const change of changes) {
      const held = entries.get(change.key)
      if (this.#isHeld(change, held)) continue
      const [record, bytes] = encodeEntry({ type: 'entry', id: this.belief.id, ...change, version: ++version })
      bytesAfter += bytes.length - (held?.bytes.length ?? 0)
      if (held === undefined) keysAfter++
      planned.push([record, bytes])
    }
    if (planned.length === 0) return false
    if (keysAfter > keysMax || bytesAfter > stateBytesMax) {
      if (!this.#makesRoom(planned)) {
        throw new ShoalError(
          'state_too_large',
          `state: at most ${keysMax} keys and ${stateBytesMax} bytes in all, services included; nothing was changed`,
        )
      }
      this.#compact()
      return this.change(changes, now)
    }
    this.#version = version
    for (const [record, bytes] of planned) this.#set(record, bytes)
    this.belief.updatedAt = now
    this.#members.update(this.belief)
    return true
  }

  /** Present entries, services included and volatile ones left out: what a peer that starts anew goes on with. */
  lasting(): EntryChange[] {
    const present = this.belief.entries.since(0).filter(([, { value, volatile }]) => value !== undefined && !volatile)
    return present.map(([key, { value }]) => ({ key, value, volatile: false }))
  }

  /** The farewell: at its incarnation it beats whatever others hold against this member. */
  farewell(): Uint8Array {
    return encodeRumour({ type: 'left', id: this.belief.id, incarnation: this.#record.incarnation })
  }

  #isHeld(change: EntryChange, held: Entry | undefined): boolean {
    if (held === undefined) return change.value === undefined
    if (held.value === undefined || change.value === undefined) return held.value === change.value
    if (held.volatile !== change.volatile) return false
    const [, same] = encodeEntry({ type: 'entry', id: this.belief.id, ...change, version: held.version })
    return same.length === held.bytes.length && same.every((byte, i) => byte === held.bytes[i])
  }

  /** Whether the planned changes fit once the deleted keys that are still remembered are forgotten. */
  #makesRoom(planned: readonly [EntryRecord, Uint8Array][]): boolean {
    const sizes = new Map<string, number>()
    let forgets = false
    for (const [key, entry] of this.belief.entries.since(0)) {
      if (entry.value === undefined) forgets = true
      else sizes.set(key, entry.bytes.length + versionBytesMax)
    }
    for (const [record, bytes] of planned) sizes.set(record.key, bytes.length + versionBytesMax)
    let bytes = 0
    for (const size of sizes.values()) bytes += size
    return forgets && sizes.size <= keysMax && bytes <= stateBytesMax
  }

  /** Writes every present entry anew above a floor, and so lets everybody forget the deleted ones below it. */
  #compact(): void {
    const { entries, id } = this.belief
    const present = entries.since(0).filter(([, entry]) => entry.value !== undefined)
    const floor = this.#version
    entries.forgetUpTo(floor)
    for (const [key, { value, volatile }] of present) {
      this.#set(...encodeEntry({ type: 'entry', id, key, value, volatile, version: ++this.#version }))
    }
    this.publish({ floor })
  }

  #set(record: EntryRecord, bytes: Uint8Array): void {
    this.belief.entries.set(record, bytes)
    this.#spread(entrySubject(record.id, record.key), bytes)
  }
}

/**
 * An entry's bytes, and the record as others read it from them: what they would refuse is refused here, and the value is
 * a copy, so that what the caller does with his own is not half published.
 */
function encodeEntry(record: EntryRecord): [EntryRecord, Uint8Array] {
  const { key } = record
  // Half a surrogate pair arrives as another character: two peers would hold the entry under two keys.
  if (key.length === 0 || key.length > keyCharsMax || /\p{Surrogate}/u.test(key)) {
    throw new ShoalError(
      'bad_value',
      `state key: expected 1 to ${keyCharsMax} whole characters, got ${JSON.stringify(key)}; nothing was changed`,
    )
  }
  assertEncodable(record.value, key, 0)
  const bytes = encoded(record)
  // Compacting raises the version of an entry: one that fits under a small version has to fit under any.
  const bytesMost =
    bytes.length + versionBytesMax <= entryBytesMax ? 0 : encoded({ ...record, version: numberMax }).length
  if (bytesMost > entryBytesMax) {
    throw new ShoalError(
      'entry_too_large',
      `state key ${JSON.stringify(key)}: its entry takes ${bytesMost} bytes, at most ${entryBytesMax} fit; nothing was changed`,
    )
  }
  try {
    return [rumourFrom(unpack(bytes) as unknown[]) as EntryRecord, bytes]
  } catch (cause) {
    throw badValue(key, cause)
  }
}

function encoded(record: EntryRecord): Uint8Array {
  try {
    return encodeRumour(record)
  } catch (cause) {
    throw badValue(record.key, cause)
  }
}

/** What others will decode: JSON and bytes, nested at most seven deep. How many values there are the read-back tells. */
function assertEncodable(value: unknown, key: string, depth: number): void {
  const kind = typeof value
  if (value === undefined && depth === 0) return
  if (value === null || kind === 'string' || kind === 'boolean' || value instanceof Uint8Array) return
  if (kind === 'number') {
    // Others refuse 64-bit integers; msgpack writes these as floats, which carry them exactly.
    if (Number.isFinite(value)) return
  } else if (depth < 7 && Array.isArray(value)) {
    // The iterator, unlike Object.values, does not pass over holes, which msgpack has no word for.
    for (const item of value) assertEncodable(item, key, depth + 1)
    return
  } else if (depth < 7 && isPlain(value)) {
    for (const item of Object.values(value)) assertEncodable(item, key, depth + 1)
    return
  }
  throw badValue(key)
}

/** Further in, others read `__proto__` as another key: at the top level alone it is a text like any other. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return [Object.prototype, null].includes(Object.getPrototypeOf(value)) && !Object.hasOwn(value, '__proto__')
}

function badValue(key: string, cause?: unknown): ShoalError {
  const expected = `JSON-like values or Uint8Array, nested at most 7 deep and at most ${valueLimits.items} in all`
  const message = `state key ${JSON.stringify(key)}: expected ${expected}; nothing was changed`
  return new ShoalError('bad_value', message, cause === undefined ? {} : { cause })
}
