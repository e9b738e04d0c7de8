/**
 * Brings two views together, driven by the one who asks (after range-based set reconciliation, Meyer 2022):
 *
 *     asker                                  source
 *       | ranges(prefix) --------------------> |   hashes of the 64 parts of the ids under the prefix
 *       | <------------------------- parts --- |
 *       | fetch(prefix, what I know) --------> |   for a part that differs and is small on the asker's side
 *       | <----------- page + records, wants - |   what differs or is unknown; which of the known it wants
 *       | records wanted --------------------> |
 *       | fetch(..., cursor) ----------------> |   until no page is left
 *
 * The one who is asked keeps nothing (`answers.ts`). Every request has one answer of one packet, so loss, pacing and size
 * need no transport of their own.
 *
 * A newcomer's first sync is the same thing from an empty view. What it lacks is cut into runs of ids, and other members,
 * once some are known, help the source: each run goes to whoever has the fewest requests under way. When a run is there,
 * its parts are compared with the hashes that the source told, and what still differs is asked of the source itself, so
 * a helper that knows less, or lies, costs requests and nothing else.
 */

import { type Cursor, type Header, unpackIds } from './codec.ts'
import type { Config } from './config.ts'
import type { Endpoint } from './host.ts'
import { alphabet, idBytes, idTextLength, idToBytes, type PeerId } from './ids.ts'
import type { Members } from './members.ts'

/** A fetch names at most this many known members; where the asker knows more, it asks for hashes first. */
const knownMax = 32
/** Sessions at the same time. */
export const sessionsMax = 4
/** Those asked in one session, its source included. */
const answerersMax = 4
/** Requests under way to one answerer; to one that has not answered yet, or not the last time, a single one. */
const windowMax = 4
/** Requests under way to all answerers of all sessions: with one answer of one packet each, the packets in flight. */
export const requestsMax = 16
/** Members drawn for help in one session, one after the other: many may be silent. */
const helpersTriedMax = 16
/** Neighbouring parts are fetched in one run up to about this many members. */
const runMembersMax = 32
/** A request is sent this often, whoever is asked. */
const attemptsMax = 8
/** Answers taken in one session: a bound on what an endless answerer can cost. */
const answersMax = 16_384
/** After as many short requests without an answer, the answerer seems not to know our endpoint. */
const shortMissesMax = 2

/** A part of the ids that the source holds otherwise than we do: its hash and number of members there. */
interface Part {
  readonly prefix: string
  readonly lo: number
  readonly count: number
}

/** What is to be asked for. Only a run may be asked of helpers; its parts are in ascending order. */
type Work = { attempts: number } & (
  | { readonly kind: 'ranges'; readonly prefix: string }
  | { readonly kind: 'fetch'; readonly prefix: string; readonly cursor: Cursor | null }
  | { readonly kind: 'run'; readonly prefix: string; readonly cursor: Cursor; readonly parts: readonly Part[] }
)

interface Answerer {
  readonly to: Endpoint
  flying: number
  answers: number
  /** Requests since its last answer that were not answered in time, those under way side by side counted as one. */
  misses: number
  missedAt: number
  /** When the first request since its last answer was sent. */
  silentSince: number | undefined
  /** It has answered a short request with all it had to say, so it takes our endpoint for a member's. */
  knowsUs: boolean
  /** Short requests that were not answered in time, before it was seen to know us. */
  shortMisses: number
}

interface Session {
  readonly source: Answerer
  /** The source and its helpers, without those given up. */
  readonly answerers: Set<Answerer>
  readonly queue: Work[]
  /** A newcomer's: others may help. */
  shared: boolean
  /** Sources of sessions that wait for this one: asked for help first. */
  readonly candidates: Endpoint[]
  readonly tried: Set<Endpoint>
  /** The shared session under way; our source is asked again when that has ended. */
  waitsFor: Session | undefined
  flying: number
  answers: number
  /** Smoothed time between request and answer. */
  rttMs: number | undefined
}

interface Request {
  readonly session: Session
  readonly answerer: Answerer
  readonly work: Work
  readonly padded: boolean
  /** The length of its packet. */
  readonly bytes: number
  readonly sentAt: number
  /** Recognises the timer that is still valid. */
  readonly dueAt: number
}

export interface SyncOwner {
  /**
   * Sends a request, padded to a full packet or as short as it is, and returns the bytes of its packet: one who does not
   * know us answers with no more than that.
   */
  ask(to: Endpoint, header: Header, padded: boolean): number
  /** True where the one at `to` may not know our endpoint for a member's yet. */
  isStrange(to: Endpoint): boolean
  /** Endpoints of up to `count` members that seem alive and can be reached, drawn at random. */
  helpers(count: number): Endpoint[]
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

  /** Requests that wait for an answer: `requestsMax` at most. */
  get requests(): number {
    return this.#requests.size
  }

  /** Starts a session unless there is one with this endpoint or there are too many. */
  start(to: Endpoint, now: number): void {
    if (this.#sessions.size >= sessionsMax) return
    for (const { source } of this.#sessions) if (source.to === to) return
    const source = answererAt(to)
    this.#sessions.add({
      source,
      answerers: new Set([source]),
      queue: [this.#work('')],
      shared: false,
      candidates: [],
      tried: new Set([to]),
      waitsFor: undefined,
      flying: 0,
      answers: 0,
      rttMs: undefined,
    })
    this.#fill(now)
  }

  receiveParts(header: Header & { kind: 'parts' }, from: Endpoint, now: number): void {
    const request = this.#answered(header.seq, from, now)
    if (request === undefined) return
    const { session, work, answerer } = request
    const { prefix } = header
    if (!request.padded) answerer.knowsUs = true
    if (work.kind === 'run' || prefix !== work.prefix || prefix.length >= idTextLength) {
      this.#drop(session, answerer)
      this.#askAgain(session, work)
    } else {
      const { parts, held } = this.#differing(header)
      if (prefix === '' && this.#members.size * 2 < held) this.#share(session, parts)
      else for (const part of parts) session.queue.push(this.#work(part.prefix))
    }
    this.#fill(now)
  }

  /** `bytes` is the length of the packet with this page. */
  receivePage(header: Header & { kind: 'page' }, from: Endpoint, bytes: number, now: number): void {
    const request = this.#answered(header.seq, from, now)
    if (request === undefined) return
    const { session, work, answerer } = request
    const { next } = header
    if (header.wants.length > 0) this.#owner.push(answerer.to, unpackIds(header.wants).slice(0, knownMax))
    if (!request.padded) {
      // Whoever has more to say and stops at the length of the question takes us for a stranger.
      answerer.knowsUs = next === null || bytes > request.bytes
      if (!answerer.knowsUs) answerer.shortMisses = shortMissesMax
    }
    if (work.kind === 'ranges' || (next && !isAhead(next, work.cursor))) {
      // Not ahead, although there was room for any record: the answerer is at fault.
      if (request.padded) this.#drop(session, answerer)
      this.#askAgain(session, work)
    } else if (next && (work.kind === 'fetch' || isWithin(work.parts, next.id))) {
      session.queue.unshift({ ...work, cursor: next, attempts: 0 })
    } else if (work.kind === 'run') {
      for (const { prefix, lo } of work.parts) {
        if (this.#members.range(prefix).hash.lo !== lo) session.queue.push(this.#work(prefix))
      }
    }
    this.#fill(now)
  }

  /** A request's timer: it is sent once more, to another answerer where there is one. */
  wake(seq: number, at: number, now: number): void {
    const request = this.#requests.get(seq)
    if (request === undefined || request.dueAt !== at) return
    this.#land(seq, request)
    const { session, answerer, work } = request
    if (request.sentAt >= answerer.missedAt) {
      answerer.misses++
      answerer.missedAt = now
    }
    if (!request.padded) answerer.shortMisses++
    if (this.#isLost(session, answerer, now)) this.#drop(session, answerer)
    this.#askAgain(session, work)
    this.#fill(now)
  }

  /** The parts that are other than ours, and how many members the answerer holds in all of them. */
  #differing({ prefix, parts: bytes }: Header & { kind: 'parts' }): { parts: Part[]; held: number } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const parts: Part[] = []
    let held = 0
    for (let i = 0; i < 64; i++) {
      const part = { prefix: prefix + alphabet[i]!, lo: view.getUint32(i * 6), count: view.getUint16(i * 6 + 4) }
      const own = this.#members.range(part.prefix)
      held += part.count
      if (part.lo !== own.hash.lo || part.count !== Math.min(own.count, 0xffff)) parts.push(part)
    }
    return { parts, held }
  }

  /** We are a newcomer: one session fetches, the sources of others help it and are compared with when it has ended. */
  #share(session: Session, parts: Part[]): void {
    for (const other of this.#sessions) {
      if (!other.shared) continue
      session.waitsFor = other
      other.candidates.push(session.source.to)
      return
    }
    session.shared = true
    session.queue.push(...runsOf(parts))
  }

  #work(prefix: string): Work {
    const { count } = this.#members.range(prefix)
    if (count > knownMax && prefix.length < idTextLength) return { kind: 'ranges', prefix, attempts: 0 }
    return { kind: 'fetch', prefix, cursor: null, attempts: 0 }
  }

  /** Sends what may be sent and ends what has nothing left. Every call that changes a session ends here. */
  #fill(now: number): void {
    // A session that waited for one that ends is moved behind it, so this loop meets it.
    for (const session of this.#sessions) {
      if (session.waitsFor) continue
      if (session.answerers.size === 0 || session.answers > answersMax) {
        this.#end(session, false)
        continue
      }
      this.#recruit(session)
      while (this.#requests.size < requestsMax) {
        const next = this.#next(session)
        if (next === undefined) break
        this.#send(session, next.work, next.answerer, now)
      }
      if (session.flying === 0 && session.queue.length === 0) this.#end(session, true)
    }
  }

  /** Takes in helpers for a newcomer. One that does not answer its first request is given up and another one tried. */
  #recruit(session: Session): void {
    const { answerers, candidates, tried } = session
    const mayAdd = (to: Endpoint) => answerers.size < answerersMax && !tried.has(to)
    const add = (to: Endpoint) => {
      tried.add(to)
      answerers.add(answererAt(to))
    }
    if (!session.shared || session.queue.length === 0 || answerers.size === answerersMax) return
    for (const to of candidates) if (mayAdd(to)) add(to)
    if (answerers.size === answerersMax || tried.size > helpersTriedMax) return
    for (const to of this.#owner.helpers(answerersMax)) if (mayAdd(to)) add(to)
  }

  /** Takes the first work out of the queue for which somebody is free. */
  #next({ queue, source, answerers }: Session): { work: Work; answerer: Answerer } | undefined {
    const proven = [...answerers].filter(isProven)
    for (let i = 0; i < queue.length; i++) {
      const work = queue[i]!
      const onlySource = work.kind !== 'run' && answerers.has(source)
      // What somebody has failed to answer is no test for one who has not answered anything yet.
      const others = work.attempts > 0 && proven.length > 0 ? proven : answerers
      const answerer = freest(onlySource ? [source] : others)
      if (answerer === undefined) continue
      queue.splice(i, 1)
      return { work, answerer }
    }
    return undefined
  }

  #send(session: Session, work: Work, answerer: Answerer, now: number): void {
    const seq = this.#owner.nextSeq()
    const { to } = answerer
    const doubtful =
      work.attempts > 0 ||
      answerer.shortMisses >= shortMissesMax ||
      (answerer.answers === 0 && this.#owner.isStrange(to))
    const padded = doubtful && !answerer.knowsUs
    const dueAt = now + this.#patienceMs(session, work, answerer)
    const bytes = this.#owner.ask(to, this.#header(seq, work), padded)
    this.#requests.set(seq, { session, answerer, work, padded, bytes, sentAt: now, dueAt })
    session.flying++
    answerer.flying++
    answerer.silentSince ??= now
    this.#owner.wake(seq, dueAt)
  }

  #header(seq: number, work: Work): Header {
    const from = this.#self
    const { prefix } = work
    if (work.kind === 'ranges') return { kind: 'ranges', seq, from, prefix, pad: 0 }
    const { cursor } = work
    return { kind: 'fetch', seq, from, prefix, cursor, known: this.#known(prefix, cursor), pad: 0 }
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

  /** Four round trips; twice as long after each miss, unless others can be asked as well. */
  #patienceMs({ rttMs, answerers }: Session, work: Work, answerer: Answerer): number {
    const { syncTimeoutMs } = this.#config
    const firstMs = rttMs === undefined ? syncTimeoutMs : Math.max(syncTimeoutMs / 5, 4 * rttMs)
    const hasOthers = work.kind === 'run' && [...answerers].some((other) => other !== answerer && other.answers > 0)
    return Math.min(hasOthers ? firstMs : firstMs * 2 ** answerer.misses, 4 * syncTimeoutMs)
  }

  /** A helper is given up soon, the source after the time that all attempts at one request take. */
  #isLost({ source }: Session, answerer: Answerer, now: number): boolean {
    if (answerer !== source) return answerer.answers === 0 || answerer.misses > 1
    const { syncTimeoutMs, syncAttemptsMax } = this.#config
    return now - (answerer.silentSince ?? now) >= syncTimeoutMs * (2 ** syncAttemptsMax - 1)
  }

  #answered(seq: number, from: Endpoint, now: number): Request | undefined {
    const request = this.#requests.get(seq)
    if (request === undefined || request.answerer.to !== from) return undefined
    this.#land(seq, request)
    const { session, answerer } = request
    const rttMs = now - request.sentAt
    session.rttMs = session.rttMs === undefined ? rttMs : session.rttMs + (rttMs - session.rttMs) / 8
    answerer.answers++
    answerer.misses = 0
    answerer.silentSince = undefined
    session.answers++
    return request
  }

  #land(seq: number, { session, answerer }: Request): void {
    this.#requests.delete(seq)
    session.flying--
    answerer.flying--
  }

  #askAgain(session: Session, work: Work): void {
    if (++work.attempts < attemptsMax) session.queue.unshift(work)
    else this.#end(session, false)
  }

  #drop(session: Session, answerer: Answerer): void {
    session.answerers.delete(answerer)
  }

  #end(session: Session, complete: boolean): void {
    this.#sessions.delete(session)
    for (const [seq, request] of this.#requests) if (request.session === session) this.#requests.delete(seq)
    for (const other of [...this.#sessions].filter(({ waitsFor }) => waitsFor === session)) {
      other.waitsFor = undefined
      other.queue.push(this.#work(''))
      this.#sessions.delete(other)
      this.#sessions.add(other)
    }
    this.#owner.finished(complete)
  }
}

function answererAt(to: Endpoint): Answerer {
  return {
    to,
    flying: 0,
    answers: 0,
    misses: 0,
    missedAt: Number.NEGATIVE_INFINITY,
    silentSince: undefined,
    knowsUs: false,
    shortMisses: 0,
  }
}

function misfit({ misses, flying }: Answerer): number {
  return misses * windowMax + flying
}

function isProven({ answers, misses }: Answerer): boolean {
  return answers > 0 && misses === 0
}

/** Among those with room for one more request: who has missed the fewest, then who has the fewest under way. */
function freest(answerers: Iterable<Answerer>): Answerer | undefined {
  let found: Answerer | undefined
  for (const answerer of answerers) {
    if (answerer.flying >= (isProven(answerer) ? windowMax : 1)) continue
    if (found === undefined || misfit(answerer) < misfit(found)) found = answerer
  }
  return found
}

/** Cuts what a newcomer lacks into runs: neighbouring parts of few members together, so that pages are full. */
function runsOf(parts: readonly Part[]): Work[] {
  const runs: Part[][] = []
  let members = Number.POSITIVE_INFINITY
  for (const part of [...parts].sort((a, b) => (a.prefix < b.prefix ? -1 : 1))) {
    if (members + part.count > runMembersMax) {
      runs.push([])
      members = 0
    }
    runs.at(-1)!.push(part)
    members += part.count
  }
  return runs.map((run) => {
    const [first] = run
    const prefix = run.length === 1 ? first!.prefix : ''
    return { kind: 'run', prefix, cursor: { id: lowestId(first!.prefix), version: 0 }, parts: run, attempts: 0 }
  })
}

/** The first in order of all ids under a prefix: `-` comes before all other characters, and the last one carries two bits. */
function lowestId(prefix: string): PeerId {
  return `${prefix.padEnd(idTextLength - 1, '-')}A`
}

/** True if a page that begins at `id` can still bring something of a run. */
function isWithin(parts: readonly Part[], id: PeerId): boolean {
  const { prefix } = parts.at(-1)!
  return id.slice(0, prefix.length) <= prefix
}

function isAhead(next: Cursor, cursor: Cursor | null): boolean {
  if (cursor === null) return true
  return next.id > cursor.id || (next.id === cursor.id && next.version > cursor.version)
}
