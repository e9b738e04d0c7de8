/**
 * What two peers say to each other, by way of others, to open a WebRTC link. It comes from strangers and over strangers,
 * so `parseRtcSignal` builds an exact value out of the few fields it knows and lets nothing else through.
 *
 *     larger id                      smaller id
 *        | -- ask ----------------------> |      only if the larger one wants the link
 *        | <---------------- offer ------ |      opens session s
 *        | -- answer -------------------> |
 *        | <-- candidates, both ways ---> |      until the link is up
 *        | <-- end, either way ---------> |      given up before it was up
 */

/** Numbers the attempts of one dialler; later attempts have larger numbers. */
export type RtcSession = number

export type RtcSignal =
  /** Please dial me. `lost`: the last session with you that I had, and that is gone here. */
  | { t: 'ask'; lost?: RtcSession }
  | { t: 'offer' | 'answer'; s: RtcSession; sdp: string }
  | { t: 'candidate'; s: RtcSession; candidate: IceCandidate }
  | { t: 'end'; s: RtcSession }

export interface IceCandidate {
  candidate: string
  sdpMid: string | null
  sdpMLineIndex: number | null
}

/** A description of one data channel takes about 450 characters, and more only where candidates are left in it. */
export const sdpLengthMax = 8192
export const candidateLengthMax = 512
const midLengthMax = 32

/** The grammar of RFC 8839, section 5.1, as far as the type: what does not look like it makes WebRTC stacks complain. */
const candidatePattern = /^(a=)?candidate:[\w+/]{1,32} \d{1,5} \w{1,16} \d{1,10} \S{1,253} \d{1,5} typ \w{1,16}( |$)/

/** The signal in `data`, or undefined. */
export function parseRtcSignal(data: unknown): RtcSignal | undefined {
  if (!isObject(data)) return undefined
  if (data.t === 'ask') {
    if (!Object.hasOwn(data, 'lost')) return { t: 'ask' }
    return isSession(data.lost) ? { t: 'ask', lost: data.lost } : undefined
  }
  const s = data.s
  if (!isSession(s)) return undefined
  switch (data.t) {
    case 'offer':
    case 'answer':
      return isText(data.sdp, sdpLengthMax) ? { t: data.t, s, sdp: data.sdp } : undefined
    case 'candidate': {
      const candidate = parseIceCandidate(data.candidate)
      return candidate && { t: 'candidate', s, candidate }
    }
    case 'end':
      return { t: 'end', s }
    default:
      return undefined
  }
}

/** A candidate that WebRTC stacks can read; the empty one that some send last says nothing and is undefined, too. */
export function parseIceCandidate(data: unknown): IceCandidate | undefined {
  if (!isObject(data)) return undefined
  const { candidate, sdpMid = null, sdpMLineIndex = null } = data
  if (!isText(candidate, candidateLengthMax) || !candidatePattern.test(candidate)) return undefined
  if (sdpMid !== null && !isText(sdpMid, midLengthMax)) return undefined
  if (sdpMLineIndex !== null && !isLineIndex(sdpMLineIndex)) return undefined
  if (sdpMid === null && sdpMLineIndex === null) return undefined
  return { candidate, sdpMid, sdpMLineIndex }
}

/** A description without candidates: they all follow one by one, and without them it fits a packet of the mesh. */
export function withoutCandidates(sdp: string): string {
  return sdp.replace(/^a=(candidate:|end-of-candidates).*\r?\n/gm, '')
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}

function isSession(value: unknown): value is RtcSession {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax
}

function isLineIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 256
}
