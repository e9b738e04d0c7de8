/**
 * The answering side of a sync: what this view holds, in answers of one packet each. It keeps nothing between two
 * questions, so nobody can make it hold anything.
 */

import type { Belief } from './belief.ts'
import { type Cursor, type Header, packIds } from './codec.ts'
import { alphabet, idBytes, idFromBytes, idTextLength, type PeerId } from './ids.ts'
import type { Members } from './members.ts'

/** Where the answerer holds more than this many under a prefix, it answers a fetch with hashes, to be asked in parallel. */
const pagedMax = 64
/** Everything a page's header may take besides what is wanted: prefix, fields, a cursor. */
const pageHeaderBytesMax = 40

export class Answers {
  readonly #members: Members

  constructor(members: Members) {
    this.#members = members
  }

  /** Answers `ranges` or `fetch` with at most `room` bytes of header and records together. */
  to(question: Header & { kind: 'ranges' | 'fetch' }, room: number): { header: Header; records: Uint8Array[] } {
    if (question.kind === 'fetch') return this.page(question, room)
    return { header: this.parts(question.prefix, question.seq), records: [] }
  }

  /** Answers `ranges`. */
  parts(prefix: string, seq: number): Header & { kind: 'parts' } {
    const parts = new Uint8Array(64 * 6)
    const view = new DataView(parts.buffer)
    for (let i = 0; i < 64; i++) {
      const { hash, count } = this.#members.range(prefix + alphabet[i]!)
      view.setUint32(i * 6, hash.lo)
      view.setUint16(i * 6 + 4, Math.min(count, 0xffff))
    }
    return { kind: 'parts', seq, prefix, parts }
  }

  /** Answers `fetch` with at most `room` bytes of header and records together. */
  page(fetch: Header & { kind: 'fetch' }, room: number): { header: Header; records: Uint8Array[] } {
    const { prefix, cursor, seq } = fetch
    if (cursor === null && this.#members.range(prefix).count > pagedMax && prefix.length < idTextLength) {
      return { header: this.parts(prefix, seq), records: [] }
    }
    const known = readKnown(fetch.known)
    const wants = cursor === null ? [...known.keys()].filter((id) => this.#wants(id, known.get(id)!)) : []
    let left = room - pageHeaderBytesMax - wants.length * idBytes
    const records: Uint8Array[] = []
    let next: Cursor | null = null
    // Those the asker takes for alive and we know are gone come first. What does not fit is left to the next sync.
    if (cursor === null) {
      for (const id of known.keys()) {
        const belief = this.#members.get(id)
        if (!belief || belief.present || !belief.claimBytes || belief.claimBytes.length > left) continue
        left -= belief.claimBytes.length
        records.push(belief.claimBytes)
      }
    }
    for (const [id, from] of this.#differing(prefix, cursor, known)) {
      for (const { version, bytes } of recordsFrom(this.#members.get(id)!, from)) {
        if (bytes.length > left) {
          next = { id, version }
          break
        }
        left -= bytes.length
        records.push(bytes)
      }
      if (next) break
    }
    return { header: { kind: 'page', seq, next, wants: packIds(wants) }, records }
  }

  /** Members whose records the asker lacks, in ascending order, with the version to go on from. */
  *#differing(prefix: string, cursor: Cursor | null, known: Map<PeerId, number>): Generator<[PeerId, number]> {
    if (cursor && this.#members.get(cursor.id)?.present) yield [cursor.id, cursor.version]
    for (const id of this.#members.idsUnder(prefix, cursor?.id ?? '')) {
      if (known.get(id) !== this.#members.shortHash(id)) yield [id, 0]
    }
  }

  #wants(id: PeerId, hash: number): boolean {
    const belief = this.#members.get(id)
    return belief === undefined || (belief.present && this.#members.shortHash(id) !== hash)
  }
}

/** A present member's records from a version on: those of its liveness count as version 0, then come its entries. */
export function recordsFrom(belief: Belief, from: number): { version: number; bytes: Uint8Array }[] {
  const records: { version: number; bytes: Uint8Array }[] = []
  if (from === 0) {
    if (belief.recordBytes) records.push({ version: 0, bytes: belief.recordBytes })
    if (belief.claimBytes) records.push({ version: 0, bytes: belief.claimBytes })
  }
  if (belief.entries.size === 0) return records
  for (const [, { version, bytes }] of belief.entries.since(from - 1)) records.push({ version, bytes })
  return records
}

function readKnown(bytes: Uint8Array): Map<PeerId, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const known = new Map<PeerId, number>()
  for (let at = 0; at < bytes.length; at += idBytes + 4) {
    known.set(idFromBytes(bytes.subarray(at, at + idBytes)), view.getUint32(at + idBytes))
  }
  return known
}
