/**
 * One connection for the application, from the wish for it to its end: the handshake, a deadline to be open by, and how far
 * it got. It decides nothing about other calls; their owner is told what happens.
 */

import type { PeerId } from '../core/index.ts'
import type { CallNumber, CallSignal } from './call-signal.ts'
import type { DirectConnection } from './direct-connection.ts'
import { type MediaPart, Renegotiation } from './renegotiation.ts'
import {
  type ConnectionSignal,
  makeConnection,
  type RtcConnection,
  type RtcPlatform,
  reasonOf,
} from './rtc-connection.ts'
import { type HandshakePart, type Later, RtcHandshake } from './rtc-handshake.ts'
import { candidatesPerSignal } from './rtc-signal.ts'

/** What a call tells its owner. None of it comes after `end`. */
export interface CallEvents {
  tell(call: Call, signal: CallSignal): void
  connected(call: Call): void
  /** It can be of no more use, for this reason; the owner has to `end` it. */
  failed(call: Call, reason: string): void
}

/**
 * As links have it: a signal lost on the mesh is repeated for about five seconds, and then goes by the server. What is
 * unanswered after that was lost for good, or there is nobody.
 */
const answerMs = 7_000
/** From the answer on until it is open. */
const openMs = 15_000
/** Of our own, that wait for the other side to take the call; as many as are taken of others. */
const heldMax = 64

export class Call {
  readonly peer: PeerId
  readonly number: CallNumber
  /** This peer called; otherwise it was called. */
  readonly calling: boolean
  /** `connected`: still to be handed over; `open`: the application has it. */
  state: 'opening' | 'connected' | 'open' | 'ended' = 'opening'
  /** Resolved when the connection is gone. */
  readonly gone: Promise<void>
  readonly #events: CallEvents
  readonly #later: Later
  readonly #connection: RtcConnection
  readonly #handshake: RtcHandshake
  readonly #renegotiation: Renegotiation
  #answered: boolean
  /** This side's first description is made; what is described from now on is media. */
  #described = false
  readonly #held: string[] = []
  #told = 0
  #ice = 'new'
  #deadline: (() => void) | undefined

  /** Throws where the platform makes no connection. Nothing is told before `begin`. */
  constructor(
    peer: PeerId,
    number: CallNumber,
    calling: boolean,
    platform: RtcPlatform,
    events: CallEvents,
    later: Later,
  ) {
    this.peer = peer
    this.number = number
    this.calling = calling
    this.#answered = !this.calling
    this.#events = events
    this.#later = later
    const connection = makeConnection(platform, this.calling)
    this.#connection = connection
    this.#handshake = new RtcHandshake(
      connection,
      { tell: (part) => this.#tell(part), failed: (reason) => events.failed(this, reason) },
      later,
    )
    this.#renegotiation = new Renegotiation(
      (part) => events.tell(this, { t: 'media', c: number, ...part }),
      (signal) => this.#feed(signal),
    )
    let reason = 'closed by the other side'
    connection.on('error', (error) => {
      reason = reasonOf(error)
    })
    connection.on('signal', (data) => this.#describe(data as object))
    connection.on('iceStateChange', (ice) => {
      this.#ice = String(ice)
    })
    connection.on('connect', () => this.#connected())
    this.gone = new Promise((resolve) => {
      connection.on('close', () => {
        if (this.state !== 'ended') events.failed(this, this.state === 'opening' ? this.#withProgress(reason) : reason)
        resolve()
      })
    })
  }

  /** With the offer of the other side, if that is the one that called. */
  begin(offer?: string): void {
    this.#allow(this.calling ? answerMs : openMs)
    if (offer !== undefined) this.#handshake.takeDescription('offer', offer)
  }

  /** The other side has said something. */
  get answered(): boolean {
    return this.#answered
  }

  /** The very object that simple-peer made; `DirectConnection` tells the part of it that is public. */
  get connection(): DirectConnection {
    return this.#connection as unknown as DirectConnection
  }

  /** False for a second answer, which WebRTC would take for an error, and at the side that was called. */
  takeAnswer(sdp: string): boolean {
    if (this.#answered || this.state !== 'opening') return false
    this.#answered = true
    this.#allow(openMs)
    this.#handshake.takeDescription('answer', sdp)
    while (this.#held.length > 0) this.#tellCandidates(this.#held.splice(0, candidatesPerSignal))
    return true
  }

  /** False beyond the bound of a call. One that came before changes nothing. */
  takeCandidate(candidate: string): boolean {
    return this.#handshake.takeCandidate(candidate)
  }

  /** False where it is of no use. */
  takeMedia(part: MediaPart): boolean {
    return this.#described && this.#renegotiation.take(part)
  }

  /** It is the application's from now on: no deadline ends it. */
  handOver(): void {
    this.state = 'open'
    this.#deadline?.()
  }

  /** Who has the connection listens by now: no stream would be missed. */
  startMedia(): void {
    this.#renegotiation.open()
  }

  /** Closes the connection. */
  end(): void {
    this.state = 'ended'
    this.#deadline?.()
    this.#handshake.end()
    this.#connection.destroy()
  }

  #allow(ms: number): void {
    this.#deadline?.()
    this.#deadline = this.#later(ms, () => this.#events.failed(this, this.#late(ms)))
  }

  #late(ms: number): string {
    if (this.state === 'connected') return `open, but the caller was unknown here for ${ms} ms`
    return this.#withProgress(this.#answered ? `not open ${ms} ms after the answer` : `no answer after ${ms} ms`)
  }

  /** With how far it got, for people. */
  #withProgress(reason: string): string {
    return `${reason} (ICE ${this.#ice}; candidates: ${this.#told} told, ${this.#handshake.taken} came)`
  }

  #describe(data: object): void {
    if (this.state === 'ended') return
    if (!this.#described || this.#handshake.isAbout(data)) {
      this.#handshake.describe(data)
      this.#described ||= 'sdp' in data
    } else if (!this.#renegotiation.describe(data)) {
      this.#events.failed(this, 'its media cannot be described to the other side: there is too much of it')
    }
  }

  #feed(signal: ConnectionSignal): void {
    if (this.state === 'ended') return
    try {
      this.#connection.signal(signal)
    } catch (error) {
      this.#events.failed(this, `signal refused: ${reasonOf(error)}`)
    }
  }

  #tell(part: HandshakePart): void {
    if (part.t === 'candidates') this.#tellCandidates(part.list)
    else this.#events.tell(this, { ...part, c: this.number })
  }

  /** Nobody learns this machine's addresses for having been called. */
  #tellCandidates(list: string[]): void {
    if (!this.#answered) {
      this.#held.push(...list.slice(0, heldMax - this.#held.length))
      return
    }
    this.#told += list.length
    this.#events.tell(this, { t: 'candidates', c: this.number, list })
  }

  #connected(): void {
    if (this.state !== 'opening') return
    this.state = 'connected'
    this.#events.connected(this)
  }
}
