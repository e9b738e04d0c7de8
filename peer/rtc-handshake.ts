/**
 * What the two ends of a connection tell each other so that it opens: a description each, and candidates. What goes either
 * way is parsed and bounded here; how it is carried is the owner's matter.
 */

import { type ConnectionSignal, type RtcConnection, reasonOf } from './rtc-connection.ts'
import { candidatesPerSignal, parseCandidate, parseDescription } from './rtc-signal.ts'

/** What the other side is to be told. */
export type HandshakePart = { t: 'offer' | 'answer'; sdp: string } | { t: 'candidates'; list: string[] }

/** None of it comes after `end`. */
export interface HandshakeEvents {
  tell(part: HandshakePart): void
  /** The connection can be of no use, for this reason; the owner has to end it. */
  failed(reason: string): void
}

/** Calls once, so many milliseconds from now; returns what calls it off. */
export type Later = (ms: number, run: () => void) => () => void

/** Candidates taken in one session. A host with many interfaces and a few servers has about 20. */
const candidatesMax = 64
/** Our own wait this long for company: most come within milliseconds of each other, and each signal has its price. */
const gatherMs = 20

export class RtcHandshake {
  readonly #connection: RtcConnection
  readonly #events: HandshakeEvents
  readonly #later: Later
  #ended = false
  /** The name of the one section that a description has, and so of the one that every candidate belongs to. */
  #mid = '0'
  /** Candidates of the other side that were taken. */
  readonly #candidates = new Set<string>()
  /** Our own that wait to be told, and what calls that off. */
  #gathered: string[] = []
  #gathering: (() => void) | undefined

  constructor(connection: RtcConnection, events: HandshakeEvents, later: Later = byTimer) {
    this.#connection = connection
    this.#events = events
    this.#later = later
  }

  /** Candidates of the other side that were taken. */
  get taken(): number {
    return this.#candidates.size
  }

  /** Whether a candidate of ours is about what was described at first, and not about media that was added. */
  isAbout(data: unknown): boolean {
    const { candidate } = data as { candidate?: { sdpMid?: unknown } }
    return candidate !== undefined && (candidate.sdpMid ?? this.#mid) === this.#mid
  }

  takeDescription(type: 'offer' | 'answer', sdp: string): void {
    if (type === 'offer') this.#mid = midOf(sdp)
    this.#feed({ type, sdp: withCarriageReturns(sdp) })
  }

  /** False beyond the bound of a session. One that came before changes nothing. */
  takeCandidate(candidate: string): boolean {
    if (this.#candidates.has(candidate)) return true
    if (this.#candidates.size >= candidatesMax) return false
    this.#candidates.add(candidate)
    this.#feed({ type: 'candidate', candidate: { candidate, sdpMid: this.#mid, sdpMLineIndex: 0 } as RTCIceCandidate })
    return true
  }

  /** What simple-peer wants the other side to know. It has more kinds of signals, all about media. */
  describe(data: unknown): void {
    if (this.#ended) return
    const { type, sdp, candidate } = data as { type?: unknown; sdp?: unknown; candidate?: unknown }
    if (type === 'offer' || type === 'answer') {
      const description = parseDescription(sdp)
      if (description !== undefined) {
        this.#mid = midOf(description)
        this.#events.tell({ t: type, sdp: description })
      } else this.#events.failed(`${type} in a form that is not known`)
    } else if (type === 'candidate') {
      const parsed = parseCandidate((candidate as { candidate?: unknown } | undefined)?.candidate)
      if (parsed !== undefined) this.#gather(parsed)
    }
  }

  end(): void {
    this.#ended = true
    this.#gathering?.()
    this.#gathering = undefined
  }

  #gather(candidate: string): void {
    if (this.#gathered.push(candidate) < candidatesPerSignal) {
      this.#gathering ??= this.#later(gatherMs, () => this.#tellGathered())
    } else this.#tellGathered()
  }

  #tellGathered(): void {
    this.#gathering?.()
    this.#gathering = undefined
    const list = this.#gathered
    this.#gathered = []
    if (!this.#ended && list.length > 0) this.#events.tell({ t: 'candidates', list })
  }

  #feed(data: ConnectionSignal): void {
    if (this.#ended) return
    try {
      this.#connection.signal(data)
    } catch (error) {
      this.#events.failed(`signal refused: ${reasonOf(error)}`)
    }
  }
}

function byTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

function midOf(description: string): string {
  return /^a=mid:(.+)$/m.exec(description)?.[1] ?? '0'
}

/** As WebRTC stacks want lines to end; on the way they end shorter. */
function withCarriageReturns(sdp: string): string {
  return sdp.replaceAll('\n', '\r\n')
}
