/**
 * A member's entries: key -> (value, version). Each member owns its own; versions are drawn from one counter, so that
 * "newer" needs no clock. Others keep the greatest version of each key.
 */

import { type Digest, emptyDigest, hashFact, hashPair, hashText, toggle } from './digest.ts'
import type { PeerId } from './ids.ts'
import type { State, StateValue } from './member.ts'
import { bytesSupersede } from './precedence.ts'
import type { EntryRecord } from './rumour.ts'
import { servicePrefix } from './services.ts'

/** One entry, encoded, in bytes. */
export const entryBytesMax = 1000
/** All entries of a member, encoded, in bytes. */
export const stateBytesMax = 16_384
/** Keys of a member, deleted ones that are still remembered included. */
export const keysMax = 128

export interface Entry {
  readonly version: number
  readonly volatile: boolean
  readonly value: StateValue | undefined
  /** The rumour, as it came. */
  readonly bytes: Uint8Array
}

/** What members without entries share; nothing is ever added to it. */
const none: Map<string, Entry> = new Map()

export class Entries {
  readonly #id: PeerId
  /** Made with the first entry: most members of a large room have none. */
  #entries: Map<string, Entry> = none
  #digest: Digest | undefined
  #bytes = 0
  /** Another number after every change of a service. */
  servicesVersion = 0

  constructor(id: PeerId) {
    this.#id = id
  }

  /** What these entries add to the member's part of the digest. */
  get digest(): Readonly<Digest> {
    return this.#digest ?? emptyDigest
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** True if the record is newer than what is held for its key. */
  wants(record: EntryRecord, bytes: Uint8Array, floor: number): boolean {
    if (record.version <= floor) return false
    const held = this.#entries.get(record.key)
    if (held === undefined) return true
    if (record.version !== held.version) return record.version > held.version
    return bytesSupersede(bytes, held.bytes)
  }

  /** True if a member that keeps to its limits could have written it: what is over them is not kept for anybody. */
  fits(key: string, bytes: Uint8Array): boolean {
    const held = this.#entries.get(key)
    if (held === undefined && this.#entries.size >= keysMax) return false
    return bytes.length <= entryBytesMax && this.#bytes - (held?.bytes.length ?? 0) + bytes.length <= stateBytesMax
  }

  /** Keeps an entry that is wanted and fits, as it was decoded. `bytes` is kept. */
  set(record: EntryRecord, bytes: Uint8Array): void {
    this.#remove(record.key)
    if (this.#entries === none) this.#entries = new Map()
    const entry = { version: record.version, volatile: record.volatile, value: record.value, bytes }
    this.#entries.set(record.key, entry)
    this.#bytes += bytes.length
    this.#toggle(record.key, entry)
    if (record.key.startsWith(servicePrefix)) this.servicesVersion++
  }

  /** Forgets what the owner says is gone; returns true if a value went. */
  forgetUpTo(floor: number): boolean {
    let changed = false
    for (const [key, entry] of this.#entries) {
      if (entry.version > floor) continue
      this.#remove(key)
      changed ||= entry.value !== undefined
    }
    return changed
  }

  /** Entries above a version, in the order of their versions. */
  since(version: number): [string, Entry][] {
    if (this.#entries.size === 0) return []
    return [...this.#entries].filter(([, entry]) => entry.version > version).sort((a, b) => a[1].version - b[1].version)
  }

  /** The application's part: present keys that are no services. */
  state(): State {
    const pairs: [string, StateValue][] = []
    for (const [key, { value }] of this.#entries) {
      if (value !== undefined && !key.startsWith(servicePrefix)) pairs.push([key, value])
    }
    // fromEntries defines its keys, so `__proto__` is a key like any other.
    return Object.freeze(Object.fromEntries(pairs))
  }

  /** Present entries under the services' prefix, in the order of their keys. */
  serviceValues(): [string, StateValue][] {
    const pairs: [string, StateValue][] = []
    for (const [key, { value }] of this.#entries) {
      if (value !== undefined && key.startsWith(servicePrefix)) pairs.push([key, value])
    }
    return pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #remove(key: string): void {
    const held = this.#entries.get(key)
    if (held === undefined) return
    this.#toggle(key, held)
    this.#bytes -= held.bytes.length
    this.#entries.delete(key)
    if (key.startsWith(servicePrefix)) this.servicesVersion++
  }

  #toggle(key: string, entry: Entry): void {
    if (entry.volatile) return
    this.#digest ??= { hi: 0, lo: 0 }
    toggle(this.#digest, hashFact(hashPair(hashText(this.#id), hashText(key)), entry.version))
  }
}
