import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isCallSignal, parseCallSignal } from './call-signal.ts'
import { decodeRtcSignal, encodeRtcSignal, parseRtcSignal } from './rtc-signal.ts'

const candidate = 'candidate:1 1 udp 2122260223 10.0.0.1 5000 typ host'
const sdp = 'v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n'

test('each signal comes through as it was sent', () => {
  const signals = [
    { t: 'offer', c: 1, sdp },
    { t: 'answer', c: 2 ** 40, sdp },
    { t: 'candidates', c: 1, list: [candidate, candidate] },
    { t: 'refuse', c: 1, why: 'unheard' },
    { t: 'refuse', c: 1, why: 'busy' },
    { t: 'end', c: 1 },
    { t: 'media', c: 1, n: 3, i: 1, of: 2, text: '"}' },
  ]
  for (const signal of signals) {
    const received = decodeRtcSignal(encodeRtcSignal(signal))
    expect(isCallSignal(received)).toBe(true)
    expect(parseCallSignal(received)).toEqual(signal)
  }
})

test('no signal is about a link and about a call', () => {
  for (const t of ['offer', 'answer', 'candidates', 'end']) {
    const fields = { t, sdp, list: [candidate] }
    expect(isCallSignal({ ...fields, s: 1 })).toBe(false)
    expect(parseCallSignal({ ...fields, s: 1 })).toBeUndefined()
    expect(parseRtcSignal({ ...fields, c: 1 })).toBeUndefined()
  }
  for (const t of ['ask', 'no']) expect(isCallSignal({ t })).toBe(false)
})

test('whatever comes gives a signal with nothing in it but the known fields, or none, and never throws', () => {
  const fields = {
    t: fc.oneof(fc.constantFrom('offer', 'answer', 'candidates', 'refuse', 'end', 'media'), fc.string()),
    c: fc.oneof(fc.nat(), fc.double(), fc.anything()),
    sdp: fc.oneof(fc.constant(sdp), fc.constant(`${sdp}a=evil\r\n`), fc.string(), fc.anything()),
    list: fc.oneof(fc.array(fc.oneof(fc.constant(candidate), fc.anything()), { maxLength: 7 }), fc.anything()),
    why: fc.oneof(fc.constantFrom('unheard', 'busy'), fc.anything()),
    n: fc.nat(),
    i: fc.oneof(fc.nat(50), fc.anything()),
    of: fc.oneof(fc.nat(50), fc.anything()),
    text: fc.oneof(fc.string(), fc.anything()),
    __proto__: fc.anything(),
  }
  const known = {
    offer: ['c', 'sdp', 't'],
    answer: ['c', 'sdp', 't'],
    candidates: ['c', 'list', 't'],
    refuse: ['c', 't', 'why'],
    end: ['c', 't'],
    media: ['c', 'i', 'n', 'of', 't', 'text'],
  }
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.record(fields, { requiredKeys: [] })), (data) => {
      const signal = parseCallSignal(data)
      if (signal) expect(Object.keys(signal).sort()).toEqual(known[signal.t])
    }),
    { numRuns: 2_000 },
  )
})
