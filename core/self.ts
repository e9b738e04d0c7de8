/**
 * What this peer says of itself: its record, its entries, its services. Only here are incarnations and versions raised.
 */

import { Belief } from './belief.ts'
import { decodeRumour } from './codec.ts'
import { type Entry, entryBytesMax, keysMax, stateBytesMax } from './entries.ts'
import { ShoalError } from './errors.ts'
import type { Endpoint } from './host.ts'
import type { PeerId } from './ids.ts'
import type { MemberMode, StateValue } from './member.ts'
import type { Members } from './members.ts'
import { type AliveRecord, type EntryRecord, encodeRumour, keyCharsMax, numberMax } from './rumour.ts'
import { entrySubject } from './rumours.ts'
import { checkValue, sameValue, textFault } from './value.ts'

/** By how much an entry's encoding may grow as its version does: from one byte to five. */
const versionGrowthMax = 4

export interface SelfOptions {
  /** 16 random bytes that no peer has had before: see `idFromBytes`. */
  id: PeerId
  /** 1 to 64 characters. */
  name: string
  /** 1 to 128 characters, or null for none. */
  user: string | null
  /** `server` for a process. */
  mode: MemberMode
  endpoints: readonly Endpoint[]
}

/** A new value of a key; an undefined value deletes it. */
export interface EntryChange {
  /** 1 to 128 characters. */
  key: string
  /** Undefined deletes the key. */
  value: StateValue | undefined
  /** Left out of digests, for what changes many times a second. */
  volatile: boolean
}

/** What a change comes to: records of rising versions with their bytes. */
interface Plan {
  readonly written: readonly [EntryRecord, Uint8Array][]
  /** Whether they fit only once deleted keys are forgotten. */
  readonly afterCompacting: boolean
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
    this.belief.own = true
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
   * Throws what `change` would throw if it were made together with those that wait, and changes nothing; answers the
   * changes with values as others will read them. Who waits is asked once all values are read.
   */
  check(changes: readonly EntryChange[], waiting: () => readonly EntryChange[] = () => []): EntryChange[] {
    const checked = changes.map(checkChange)
    const keys = new Set(changes.map(({ key }) => key))
    this.#plan([...waiting().filter(({ key }) => !keys.has(key)), ...checked])
    return checked
  }

  /**
   * Applies changes, one a key, all or none. Throws `bad_value` (what is not for others to read), `entry_too_large` or
   * `state_too_large`, and then nothing has changed. Returns true if anything did: a value that equals the one held is none.
   */
  change(changes: readonly EntryChange[], now: number): boolean {
    // All values first: reading them may run code of the application's, and that may change this state.
    const checked = changes.map(checkChange)
    let plan = this.#plan(checked)
    if (plan.written.length === 0) return false
    if (plan.afterCompacting) {
      this.#compact()
      plan = this.#plan(checked)
    }
    for (const [record, bytes] of plan.written) this.#set(record, bytes)
    this.#version += plan.written.length
    this.belief.updatedAt = now
    this.#members.update(this.belief)
    return true
  }

  /** Others hold an entry of this peer that it never wrote: all it has is written anew above that, and nothing else counts. */
  outbid(version: number): void {
    if (version > numberMax - keysMax) return
    this.#version = Math.max(this.#version, version)
    this.#compact()
    this.#members.update(this.belief)
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

  /** What writing these would come to, their values checked. Throws where they do not fit. */
  #plan(changes: readonly EntryChange[]): Plan {
    const { entries, id } = this.belief
    const written: [EntryRecord, Uint8Array][] = []
    let bytesAfter = entries.bytes
    let keysAfter = entries.size
    for (const change of changes) {
      const held = entries.get(change.key)
      if (isHeld(change, held)) continue
      const entry = encodeEntry({ type: 'entry', id, ...change, version: this.#version + written.length + 1 })
      bytesAfter += entry[1].length - (held?.bytes.length ?? 0)
      if (held === undefined) keysAfter++
      written.push(entry)
    }
    // What fits has to fit later too, when versions take more bytes: so each entry counts as long as it may become.
    const isAmple = keysAfter <= keysMax && bytesAfter + versionGrowthMax * keysAfter <= stateBytesMax
    return { written, afterCompacting: written.length > 0 && !isAmple && this.#needsRoom(written) }
  }

  /** Whether the planned changes fit only once deleted keys are forgotten. Throws where they do not even then. */
  #needsRoom(planned: Plan['written']): boolean {
    const written = new Set(planned.map(([{ key }]) => key))
    const kept = { keys: planned.length, bytes: 0 }
    const deleted = { keys: 0, bytes: 0 }
    for (const [{ version }, bytes] of planned) kept.bytes += bytesMost(bytes, version)
    for (const [key, { value, version, bytes }] of this.belief.entries.since(0)) {
      if (written.has(key)) continue
      const part = value === undefined ? deleted : kept
      part.keys++
      part.bytes += bytesMost(bytes, version)
    }
    if (kept.keys > keysMax || kept.bytes > stateBytesMax) {
      throw new ShoalError(
        'state_too_large',
        `state: it would take ${kept.keys} keys and up to ${kept.bytes} bytes, at most ${keysMax} keys and ${stateBytesMax} bytes fit, services included; nothing was changed`,
      )
    }
    return kept.keys + deleted.keys > keysMax || kept.bytes + deleted.bytes > stateBytesMax
  }

  /** Writes every present entry anew above a floor, and so lets everybody forget all others below it. */
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

/** The change with a value of its own: what the caller does with his is not half published. */
function checkChange(change: EntryChange): EntryChange {
  const { key, value } = change
  // A key that others read as another one would be two keys, the owner's and theirs.
  const misfit = key.length === 0 || key.length > keyCharsMax
  const fault = misfit ? `1 to ${keyCharsMax} characters, got ${key.length}` : textFault(key)
  const what = `state key ${JSON.stringify(key.slice(0, keyCharsMax))}`
  if (fault !== undefined) throw new ShoalError('bad_value', `${what}: expected ${fault}; nothing was changed`)
  return value === undefined ? change : { ...change, value: checkValue(value, what) }
}

function isHeld(change: EntryChange, held: Entry | undefined): boolean {
  if (held?.value === undefined || change.value === undefined) return held?.value === change.value
  // What is agreed on already need not be sent again because it may move on.
  return (change.volatile || !held.volatile) && sameValue(held.value, change.value)
}

/** What an entry takes once its version is as long as versions get. */
function bytesMost(bytes: Uint8Array, version: number): number {
  const grown = version < 0x80 ? 0 : version < 0x100 ? 1 : version < 0x10000 ? 2 : versionGrowthMax
  return bytes.length + versionGrowthMax - grown
}

/** An entry's bytes, and the record as others read it from them. */
function encodeEntry(record: EntryRecord): [EntryRecord, Uint8Array] {
  const bytes = encodeRumour(record)
  // Compacting raises the version of an entry: one that fits under a small version has to fit under any.
  const most = bytesMost(bytes, record.version)
  if (most > entryBytesMax) {
    throw new ShoalError(
      'entry_too_large',
      `state key ${JSON.stringify(record.key)}: its entry takes ${most} bytes, at most ${entryBytesMax} fit; nothing was changed`,
    )
  }
  return [decodeRumour(bytes) as EntryRecord, bytes]
}
