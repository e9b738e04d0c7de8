/**
 * What the ends of an open connection tell each other to change it: video was added, or taken off. Descriptions of media take
 * many kilobytes, more than one signal of the mesh has room for, so messages go in parts. They are put together and in order
 * again at the other end, and handed to simple-peer once the application has the connection: it would miss the stream else.
 */

import type { ConnectionSignal } from './rtc-connection.ts'
import { isObject, isText, parseCandidate, printable } from './rtc-signal.ts'

/** One part of a message: the `i`th of `of`, of the `n`th message of this end. */
export interface MediaPart {
  n: number
  i: number
  of: number
  text: string
}

/** Characters of a part: with what JSON adds and the numbers around it, it is sure to fit a signal of the mesh. */
export const partLengthMax = 700
/** A message: Chromium describes audio and video in about 7,000 characters, and each further track in 2,000. */
export const partsMax = 48
/** Messages that are put together at a time; what is further ahead is dropped, and the media with it. */
const messagesMax = 8

const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const

interface Arriving {
  readonly texts: (string | undefined)[]
  missing: number
}

export class Renegotiation {
  readonly #tell: (part: MediaPart) => void
  readonly #feed: (signal: ConnectionSignal) => void
  readonly #arriving = new Map<number, Arriving>()
  #sent = 0
  #taken = 0
  #open = false

  constructor(tell: (part: MediaPart) => void, feed: (signal: ConnectionSignal) => void) {
    this.#tell = tell
    this.#feed = feed
  }

  /** What simple-peer wants the other side to know. False for a description that is too long. */
  describe(data: object): boolean {
    const signal = parseMediaSignal(data)
    // Candidates that nobody could read, such as the empty last one, say nothing.
    if (!signal) return !('sdp' in data)
    const text = asciiOf(JSON.stringify(signal))
    const of = Math.ceil(text.length / partLengthMax)
    if (of > partsMax) return false
    const n = this.#sent++
    for (let i = 0; i < of; i++) {
      this.#tell({ n, i, of, text: text.slice(i * partLengthMax, (i + 1) * partLengthMax) })
    }
    return true
  }

  /** False where it is of no use: too far ahead, or at odds with what came before. One that came before changes nothing. */
  take({ n, i, of, text }: MediaPart): boolean {
    if (n >= this.#taken + messagesMax) return false
    if (n < this.#taken) return true
    const arriving = this.#arriving.get(n) ?? { texts: new Array<string | undefined>(of).fill(undefined), missing: of }
    if (arriving.texts.length !== of) return false
    this.#arriving.set(n, arriving)
    if (arriving.texts[i] === undefined) {
      arriving.texts[i] = text
      arriving.missing--
    }
    this.#handOn()
    return true
  }

  /** The application has the connection. */
  open(): void {
    this.#open = true
    this.#handOn()
  }

  #handOn(): void {
    if (!this.#open) return
    for (let next = this.#arriving.get(this.#taken); next?.missing === 0; next = this.#arriving.get(this.#taken)) {
      this.#arriving.delete(this.#taken)
      this.#taken++
      const signal = parseMediaSignal(parsed(next.texts.join('')))
      if (signal) this.#feed(signal)
    }
  }
}

/** The part in the fields of a signal, or undefined. */
export function parseMediaPart({ n, i, of, text }: Record<string, unknown>): MediaPart | undefined {
  if (!isCount(n) || !isCount(i) || !isCount(of) || of > partsMax || i >= of) return undefined
  return isText(text, partLengthMax) && printable.test(text) ? { n, i, of, text } : undefined
}

/** Descriptions of media go to the browser as they are, but for their length: it is made to parse those of strangers. */
export function parseMediaSignal(data: unknown): ConnectionSignal | undefined {
  if (!isObject(data)) return undefined
  const { type, sdp, candidate, transceiverRequest: request } = data
  switch (type) {
    case 'offer':
    case 'answer':
      return isText(sdp, partLengthMax * partsMax) && /^v=0\r?\n/.test(sdp) ? { type, sdp } : undefined
    case 'candidate': {
      if (!isObject(candidate)) return undefined
      const parsed = parseCandidate(candidate.candidate)
      const { sdpMid, sdpMLineIndex } = candidate
      if (parsed === undefined || !isText(sdpMid, 32) || !isCount(sdpMLineIndex)) return undefined
      return { type, candidate: { candidate: parsed, sdpMid, sdpMLineIndex } as RTCIceCandidate }
    }
    case 'renegotiate':
      return { type, renegotiate: true }
    case 'transceiverRequest': {
      if (!isObject(request) || (request.kind !== 'audio' && request.kind !== 'video')) return undefined
      const { kind, init } = request
      const direction = isObject(init) ? init.direction : undefined
      const known = directions.find((one) => one === direction)
      return { type, transceiverRequest: { kind, ...(known !== undefined && { init: { direction: known } }) } }
    }
    default:
      return undefined
  }
}

function asciiOf(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
