/**
 * What two peers say to each other to open a connection for their application. It goes the ways that signals of links go,
 * and is told from them by its number `c`, where those have a session `s` or none. It comes from strangers and over
 * strangers, so `parseCallSignal` builds an exact value out of the few fields it knows.
 *
 *     caller                         called
 *        | -- offer ----------------> |      or `refuse`: nobody listens, or no room
 *        | <--------------- answer -- |
 *        | <-- candidates, both ways ->|     the caller's only now: who does not take the call learns no addresses
 *        | <-- end, either way ------> |     given up before it was open
 *        | <-- media, both ways -----> |     once it is open: parts of longer messages
 */

import type { PeerId } from '../core/index.ts'
import { type MediaPart, parseMediaPart } from './renegotiation.ts'
import type { RtcBudget } from './rtc-budget.ts'
import type { RtcPlatform } from './rtc-connection.ts'
import { isObject, parseCandidates, parseDescription } from './rtc-signal.ts'

/** Numbers the calls of one caller. */
export type CallNumber = number

/** Nobody listens for connections there; or there are too many already, or were lately. */
export type Refusal = 'unheard' | 'busy'

export type CallSignal =
  | { t: 'offer' | 'answer'; c: CallNumber; sdp: string }
  | { t: 'candidates'; c: CallNumber; list: string[] }
  | { t: 'refuse'; c: CallNumber; why: Refusal }
  | { t: 'end'; c: CallNumber }
  | ({ t: 'media'; c: CallNumber } & MediaPart)

/** What calls stand on: how they go out and come in, and how connections are made. A peer without WebRTC has none. */
export interface CallParts {
  /** Best effort, by any way there is. */
  signal(to: PeerId, signal: CallSignal): void
  /** From now on this one hears; nobody did before. */
  listen(events: CallPartsEvents): void
  /** Asked for each connection anew, since credentials of servers are renewed. */
  readonly platform: RtcPlatform
  readonly budget: RtcBudget
  /** Milliseconds of a clock that only goes forward. */
  now(): number
}

export interface CallPartsEvents {
  /** `from` is what the carrier vouches for; `data` is anything that `isCallSignal` lets through. */
  receive(from: PeerId, data: unknown): void
  /** No signal gets to this peer. */
  unreachable(to: PeerId): void
}

/** True for what is about calls, however broken; false for what is about links. */
export function isCallSignal(data: unknown): boolean {
  return isObject(data) && Object.hasOwn(data, 'c')
}

/** The signal in `data`, or undefined. */
export function parseCallSignal(data: unknown): CallSignal | undefined {
  if (!isObject(data)) return undefined
  const { t, c, why } = data
  if (!Number.isSafeInteger(c) || (c as number) < 1) return undefined
  const number = c as CallNumber
  switch (t) {
    case 'offer':
    case 'answer': {
      const sdp = parseDescription(data.sdp)
      return sdp === undefined ? undefined : { t, c: number, sdp }
    }
    case 'candidates': {
      const list = parseCandidates(data.list)
      return list && { t, c: number, list }
    }
    case 'refuse':
      return why === 'unheard' || why === 'busy' ? { t, c: number, why } : undefined
    case 'end':
      return { t, c: number }
    case 'media': {
      const part = parseMediaPart(data)
      return part && { t, c: number, ...part }
    }
    default:
      return undefined
  }
}
