import fc from 'fast-check'
import { expect, test } from 'vitest'
import { candidateLengthMax, parseRtcSignal, sdpLengthMax, withoutCandidates } from './rtc-signal.ts'

const candidate = {
  candidate: 'candidate:3077952869 1 udp 2122265343 192.0.2.2 36612 typ host generation 0 ufrag +Uth network-id 2',
  sdpMid: '0',
  sdpMLineIndex: 0,
}

test.each([
  { t: 'ask' },
  { t: 'ask', lost: 7 },
  { t: 'offer', s: 1, sdp: 'v=0\r\n' },
  { t: 'answer', s: Number.MAX_SAFE_INTEGER, sdp: 'v=0\r\n' },
  { t: 'candidate', s: 1, candidate },
  { t: 'candidate', s: 1, candidate: { ...candidate, sdpMLineIndex: null } },
  { t: 'end', s: 1 },
])('the signal %j is taken as it is, also after a way through JSON', (signal) => {
  expect(parseRtcSignal(signal)).toEqual(signal)
  expect(parseRtcSignal(JSON.parse(JSON.stringify(signal)))).toEqual(signal)
})

test.each([
  undefined,
  null,
  'ask',
  [],
  {},
  { t: 'ask', lost: '7' },
  { t: 'ask', lost: null },
  { t: 'offer', sdp: 'v=0' },
  { t: 'offer', s: 0, sdp: 'v=0' },
  { t: 'offer', s: -1, sdp: 'v=0' },
  { t: 'offer', s: 1.5, sdp: 'v=0' },
  { t: 'offer', s: 2 ** 53, sdp: 'v=0' },
  { t: 'offer', s: 1, sdp: '' },
  { t: 'offer', s: 1, sdp: { length: 3 } },
  { t: 'offer', s: 1, sdp: 'x'.repeat(sdpLengthMax + 1) },
  { t: 'candidate', s: 1 },
  { t: 'candidate', s: 1, candidate: { ...candidate, candidate: '' } },
  { t: 'candidate', s: 1, candidate: { ...candidate, candidate: 'garbage' } },
  {
    t: 'candidate',
    s: 1,
    candidate: { ...candidate, candidate: `${candidate.candidate}${'x'.repeat(candidateLengthMax)}` },
  },
  { t: 'candidate', s: 1, candidate: { ...candidate, candidate: 'candidate:1 1 udp 99999999999 10.0.0.1 9 typ host' } },
  { t: 'candidate', s: 1, candidate: { candidate: candidate.candidate } },
  { t: 'candidate', s: 1, candidate: { ...candidate, sdpMid: 5 } },
  { t: 'candidate', s: 1, candidate: { ...candidate, sdpMLineIndex: 1e9 } },
  { t: 'renegotiate', s: 1, renegotiate: true },
  { t: 'end' },
])('the signal %j is refused', (data) => {
  expect(parseRtcSignal(data)).toBeUndefined()
})

test('whatever comes gives a signal with nothing in it but the known fields, or none, and never throws', () => {
  const fields = {
    t: fc.oneof(fc.constantFrom('ask', 'offer', 'answer', 'candidate', 'end'), fc.anything()),
    s: fc.oneof(fc.nat(), fc.anything()),
    lost: fc.oneof(fc.nat(), fc.anything()),
    sdp: fc.oneof(fc.string(), fc.anything()),
    candidate: fc.oneof(fc.constant({ ...candidate, transceiverRequest: 1 }), fc.anything()),
    renegotiate: fc.anything(),
    transceiverRequest: fc.anything(),
  }
  const known = { ask: ['lost', 't'], offer: ['s', 'sdp', 't'], answer: ['s', 'sdp', 't'], end: ['s', 't'] }
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.record(fields, { requiredKeys: [] })), (data) => {
      const signal = parseRtcSignal(data)
      if (!signal) return
      if (signal.t === 'candidate') {
        expect(Object.keys(signal.candidate).sort()).toEqual(['candidate', 'sdpMLineIndex', 'sdpMid'])
      } else expect(known[signal.t]).toEqual(expect.arrayContaining(Object.keys(signal)))
    }),
    { numRuns: 2_000 },
  )
})

test('a description loses its candidates and nothing else', () => {
  const lines = [
    'v=0',
    'a=mid:0',
    'a=candidate:1 1 udp 1 10.0.0.1 9 typ host',
    'a=end-of-candidates',
    'a=sctp-port:5000',
    '',
  ]
  expect(withoutCandidates(lines.join('\r\n'))).toBe('v=0\r\na=mid:0\r\na=sctp-port:5000\r\n')
})
