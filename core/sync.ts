/**
 * Brings two views together, driven by the one who asks (after range-based set reconciliation, Meyer 2022):
 *
 *     asker                                  answerer
 *       | ranges(prefix) --------------------> |   hashes of the 64 parts of the ids under the prefix
 *       | <------------------------- parts --- |
 *       | fetch(prefix, what I know) --------> |   for a part that differs and is small on the asker's side
 *       | <----------- page + records, wants - |   what differs or is unknown; which of the known it wants
 *       | records wanted --------------------> |
 *       | fetch(..., cursor) ----------------> |   until no page is left
 *
 * The answerer keeps nothing. Every request has one answer of one packet, so loss, pacing and size need no transport of
 * their own; a newcomer's first sync is the same thing from an empty view.
 */

import type { Belief } from './belief.ts'
import { type Cursor, type Header, packIds, unpackIds } from './codec.ts'
import type { Config } from './config.ts'
import type { Endpoint } from './host.ts'
import { alphabet, idBytes, idFromBytes, idTextLength, idToBytes, type PeerId } from './ids.ts'
import type { Members } from './members.ts'

/** A fetch names at most this many known members; where the asker knows more, it asks for hashes first. */
const knownMax = 32
/** Where the answerer holds more than this many under a prefix, it answers a fetch with hashes, to be asked in parallel. */
const pagedMax = 512
/** Requests of one session under way at the same time. */
const windowMax = 4
/** Sessions at the same time. */
export const sessionsMax = 4
/** Answers taken in one session: a bound on what an endless answerer can cost. */
const answersMax = 16_384

type Work = { kind: 'ranges'; prefix: string } | { kind: 'fetch'; prefix: string; cursor: Cursor | null }

interface Session {
  readonly to: Endpoint
  readonly queue: Work[]
  flying: number
  answers: number
}

interface Request {
  readonly session: Session
  readonly work: Work
  attempts: number
  /** Recognises the timer that is still valid. */
  dueAt: number
}

export interface SyncOwner {
  /** Sends a request; `retried` ones are padded, since the answerer may not trust our endpoint yet. */
  ask(to: Endpoint, header: Header, retried: boolean): void
  /** Sends records of these members. */
  push(to: Endpoint, ids: readonly PeerId[]): void
  wake(seq: number, at: number): void
  finished(complete: boolean): void
  nextSeq(): number
}

export class Sync {
  readonly #self: PeerId
  readonly #members: Members
  readonly #config: Pick<Config, 'syncTimeoutMs' | 'syncAttemptsMax'>
  readonly #owner: SyncOwner
  readonly #sessions = new Set<Session>()
  readonly #requests = new Map<number, Request>()

  constructor(
    self: PeerId,
    members: Members,
    config: Pick<Config, 'syncTimeoutMs' | 'syncAttemptsMax'>,
    owner: SyncOwner,
  ) {
    this.#self = self
    this.#members = members
    this.#config = config
    this.#owner = owner
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /** Starts a session unless there is one with this endpoint or there are too many. */
  start(to: Endpoint, now: number): void {
    if (this.#sessions.size >= sessionsMax) return
    for (const session of this.#sessions) if (session.to === to) return
    const session: Session = { to, queue: [this.#work('')], flying: 0, answers: 0 }
    this.#sessions.add(session)
    this.#fill(session, now)
  }

  receiveParts(header: Header & { kind: 'parts' }, from: Endpoint, now: number): void {
    const request = this.#answered(header.seq, from)
    if (request === undefined || header.prefix !== request.work.prefix || header.prefix.length >= idTextLength) return
    const { session } = request
    const view = new DataView(header.parts.buffer, header.parts.byteOffset, header.parts.byteLength)
    for (let i = 0; i < 64; i++) {
      const prefix = header.prefix + alphabet[i]!
      const own = this.#members.range(prefix)
      if (view.getUint32(i * 6) !== own.hash.lo || view.getUint16(i * 6 + 4) !== Math.min(own.count, 0xffff)) {
        session.queue.push(this.#work(prefix))
      }
    }
    this.#fill(session, now)
  }

  receivePage(header: Header & { kind: 'page' }, from: Endpoint, now: number): void {
    const request = this.#answered(header.seq, from)
    if (request === undefined) return
    const { session, work } = request
    if (header.wants.length > 0) this.#owner.push(session.to, unpackIds(header.wants).slice(0, knownMax))
    const { next } = header
    if (next && work.kind === 'fetch') {
      // An answerer that does not get ahead is at fault, or trusts our endpoint with too small an answer.
      if (!isAhead(next, work.cursor)) return this.#end(session, false)
      session.queue.unshift({ kind: 'fetch', prefix: work.prefix, cursor: next })
    }
    this.#fill(session, now)
  }

  /** A request's timer: asks again, or gives the session up. */
  wake(seq: number, at: number, now: number): void {
    const request = this.#requests.get(seq)
    if (request === undefined || request.dueAt !== at) return
    if (++request.attempts < this.#config.syncAttemptsMax) return this.#send(seq, request, now)
    this.#end(request.session, false)
  }

  /** Answers `ranges`. */
  parts(prefix: string, seq: number): Header {
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
    // Everything a page's header may take: prefix, fields, a cursor.
    let left = room - 40 - wants.length * idBytes
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

  #work(prefix: string): Work {
    const { count } = this.#members.range(prefix)
    if (count > knownMax && prefix.length < idTextLength) return { kind: 'ranges', prefix }
    return { kind: 'fetch', prefix, cursor: null }
  }

  #fill(session: Session, now: number): void {
    if (!this.#sessions.has(session)) return
    while (session.flying < windowMax && session.queue.length > 0) {
      const seq = this.#owner.nextSeq()
      const request = { session, work: session.queue.shift()!, attempts: 0, dueAt: 0 }
      this.#requests.set(seq, request)
      session.flying++
      this.#send(seq, request, now)
    }
    if (session.flying === 0) this.#end(session, true)
  }

  #send(seq: number, request: Request, now: number): void {
    const { session, work } = request
    request.dueAt = now + this.#config.syncTimeoutMs * 2 ** request.attempts
    const from = this.#self
    const { prefix } = work
    const header: Header =
      work.kind === 'ranges'
        ? { kind: 'ranges', seq, from, prefix, pad: 0 }
        : { kind: 'fetch', seq, from, prefix, cursor: work.cursor, known: this.#known(prefix, work.cursor), pad: 0 }
    this.#owner.ask(session.to, header, request.attempts > 0)
    this.#owner.wake(seq, request.dueAt)
  }

  #answered(seq: number, from: Endpoint): Request | undefined {
    const request = this.#requests.get(seq)
    if (request === undefined || request.session.to !== from) return undefined
    this.#requests.delete(seq)
    request.session.flying--
    if (++request.session.answers <= answersMax) return request
    this.#end(request.session, false)
    return undefined
  }

  #end(session: Session, complete: boolean): void {
    this.#sessions.delete(session)
    for (const [seq, request] of this.#requests) if (request.session === session) this.#requests.delete(seq)
    this.#owner.finished(complete)
  }

  /** What we hold under a prefix, from the cursor on, as far as one request can say it. */
  #known(prefix: string, cursor: Cursor | null): Uint8Array {
    const bytes = new Uint8Array(knownMax * 20)
    const view = new DataView(bytes.buffer)
    let count = 0
    for (const id of this.#members.idsUnder(prefix, cursor?.id ?? '')) {
      if (count === knownMax) break
      bytes.set(idToBytes(id), count * 20)
      view.setUint32(count * 20 + idBytes, this.#members.shortHash(id)!)
      count++
    }
    return bytes.subarray(0, count * 20)
  }
}

/** A present member's records from a version on: those of its liveness count as version 0, then come its entries. */
export function* recordsFrom(belief: Belief, from: number): Generator<{ version: number; bytes: Uint8Array }> {
  if (from === 0) {
    if (belief.recordBytes) yield { version: 0, bytes: belief.recordBytes }
    if (belief.claimBytes) yield { version: 0, bytes: belief.claimBytes }
  }
  for (const [, { version, bytes }] of belief.entries.since(from - 1)) yield { version, bytes }
}

function readKnown(bytes: Uint8Array): Map<PeerId, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const known = new Map<PeerId, number>()
  for (let at = 0; at < bytes.length; at += 20) {
    known.set(idFromBytes(bytes.subarray(at, at + idBytes)), view.getUint32(at + idBytes))
  }
  return known
}

function isAhead(next: Cursor, cursor: Cursor | null): boolean {
  if (cursor === null) return true
  return next.id > cursor.id || (next.id === cursor.id && next.version > cursor.version)
}
