/**
 * What two peers say to each other, by way of others, to open a WebRTC link. It comes from strangers and over strangers,
 * so `parseRtcSignal` builds an exact value out of the few fields it knows and lets nothing else through. Signals may be
 * lost, doubled and reordered on their way. They are kept small, so that each fits a packet of the mesh.
 *
 *     larger id                      smaller id
 *        | -- ask ----------------------> |      only if the larger one wants the link
 *        | <---------------- offer ------ |      opens session s; or `no`, if it cannot be just now
 *        | -- answer -------------------> |
 *        | <-- candidates, both ways ---> |      until the link is up
 *        | <-- end, either way ---------> |      given up before it was up
 */

/** Numbers the attempts of one dialler; later attempts have larger numbers. */
export type RtcSession = number

export type RtcSignal =
  /** Please dial me. `lost`: the last session with you that I had, and that is gone here. */
  | { t: 'ask'; lost?: RtcSession }
  | { t: 'no' }
  | { t: 'offer' | 'answer'; s: RtcSession; sdp: string }
  | { t: 'candidates'; s: RtcSession; list: string[] }
  | { t: 'end'; s: RtcSession }

/** A description of one data channel takes about 400 characters. */
export const sdpLengthMax = 2048
export const candidateLengthMax = 512
/** Candidates in one signal: as many as are sure to fit a packet of the mesh, also those of TURN servers. */
export const candidatesPerSignal = 5

/** The lines of a description that a link of one data channel needs, in any of the forms that browsers write. */
const neededLine =
  /^([vostc]=|m=application |a=(group:|ice-ufrag:|ice-pwd:|ice-options:|ice-lite$|fingerprint:|setup:|mid:|sctp-port:|sctpmap:|max-message-size:))/

/** The grammar of RFC 8839, section 5.1, as far as the type: what does not look like it makes WebRTC stacks complain. */
const candidatePattern = /^(a=)?candidate:[\w+/]{1,32} \d{1,5} \w{1,16} \d{1,10} \S{1,253} \d{1,5} typ \w{1,16}( |$)/

export const printable = /^[\x20-\x7e\n]*$/

/** What Chromium adds to a candidate for itself. */
const ownExtensions = / (generation|ufrag|network-id|network-cost) \S+/g

/** The signal in `data`, or undefined. */
export function parseRtcSignal(data: unknown): RtcSignal | undefined {
  if (!isObject(data)) return undefined
  if (data.t === 'no') return { t: 'no' }
  if (data.t === 'ask') {
    if (!Object.hasOwn(data, 'lost')) return { t: 'ask' }
    return isSession(data.lost) ? { t: 'ask', lost: data.lost } : undefined
  }
  const s = data.s
  if (!isSession(s)) return undefined
  switch (data.t) {
    case 'offer':
    case 'answer': {
      const sdp = parseDescription(data.sdp)
      return sdp === undefined ? undefined : { t: data.t, s, sdp }
    }
    case 'candidates': {
      const list = parseCandidates(data.list)
      return list && { t: 'candidates', s, list }
    }
    case 'end':
      return { t: 'end', s }
    default:
      return undefined
  }
}

/** For the way over the mesh. */
export function encodeRtcSignal(signal: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(signal))
}

/** What `encodeRtcSignal` made, still to be parsed; undefined where it is no UTF-8 or no JSON. */
export function decodeRtcSignal(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/**
 * The description of one data channel, of anything that may be one: the lines such a link needs, and no others. Media,
 * candidates (they follow by themselves) and extensions are left out. Undefined where it is no such description.
 */
export function parseDescription(data: unknown): string | undefined {
  if (!isText(data, 4 * sdpLengthMax)) return undefined
  const lines = data.split(/\r?\n/)
  const sections = lines.filter((line) => line.startsWith('m='))
  if (lines[0] !== 'v=0' || sections.length !== 1 || !sections[0]!.startsWith('m=application ')) return undefined
  const text = lines
    .filter((line) => neededLine.test(line))
    .map((line) => `${line}\n`)
    .join('')
  return text.length <= sdpLengthMax && printable.test(text) ? text : undefined
}

/** A candidate that WebRTC stacks can read; the empty one that some send last says nothing and is undefined, too. */
export function parseCandidate(data: unknown): string | undefined {
  if (!isText(data, candidateLengthMax) || !candidatePattern.test(data) || !printable.test(data)) return undefined
  return data.replace(ownExtensions, '')
}

/** Up to `candidatesPerSignal` of them, all of which can be read. */
export function parseCandidates(data: unknown): string[] | undefined {
  if (!Array.isArray(data) || data.length === 0 || data.length > candidatesPerSignal) return undefined
  const list = data.map(parseCandidate)
  return list.every((candidate) => candidate !== undefined) ? list : undefined
}

export function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}

function isSession(value: unknown): value is RtcSession {
  return Number.isSafeInteger(value) && (value as number) > 0
}

export function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax
}
