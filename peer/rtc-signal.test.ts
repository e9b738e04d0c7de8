import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  candidateLengthMax,
  candidatesPerSignal,
  decodeRtcSignal,
  encodeRtcSignal,
  parseDescription,
  parseRtcSignal,
  sdpLengthMax,
} from './rtc-signal.ts'

const sdp = 'v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:0\n'
const candidate = 'candidate:3077952869 1 udp 2122265343 192.0.2.2 36612 typ host'

test.each([
  { t: 'ask' },
  { t: 'ask', lost: 7 },
  { t: 'offer', s: 1, sdp },
  { t: 'answer', s: Number.MAX_SAFE_INTEGER, sdp },
  { t: 'no' },
  { t: 'candidates', s: 1, list: [candidate] },
  { t: 'candidates', s: 1, list: Array(candidatesPerSignal).fill(candidate) },
  { t: 'end', s: 1 },
])('the signal %j is taken as it is, also after a way over the mesh', (signal) => {
  expect(parseRtcSignal(signal)).toEqual(signal)
  expect(parseRtcSignal(decodeRtcSignal(encodeRtcSignal(parseRtcSignal(signal)!)))).toEqual(signal)
})

test.each([
  undefined,
  null,
  'ask',
  [],
  {},
  { t: 'ask', lost: '7' },
  { t: 'ask', lost: null },
  { t: 'offer', sdp },
  { t: 'offer', s: 0, sdp },
  { t: 'offer', s: -1, sdp },
  { t: 'offer', s: 1.5, sdp },
  { t: 'offer', s: 2 ** 53, sdp },
  { t: 'offer', s: 1, sdp: '' },
  { t: 'offer', s: 1, sdp: { length: 3 } },
  { t: 'offer', s: 1, sdp: `${sdp}a=mid:${'x'.repeat(sdpLengthMax)}` },
  { t: 'offer', s: 1, sdp: 'v=0\r\n' },
  { t: 'offer', s: 1, sdp: `${sdp}m=audio 9 UDP/TLS/RTP/SAVPF 111\n` },
  { t: 'offer', s: 1, sdp: sdp.replace('application', 'video') },
  { t: 'offer', s: 1, sdp: sdp.replace('mid:0', 'mid:0\rm=video 9') },
  { t: 'offer', s: 1, sdp: `x=1\n${sdp}` },
  { t: 'candidates', s: 1 },
  { t: 'candidates', s: 1, list: [] },
  { t: 'candidates', s: 1, list: { length: 1, 0: candidate } },
  { t: 'candidates', s: 1, list: Array(candidatesPerSignal + 1).fill(candidate) },
  { t: 'candidates', s: 1, list: [candidate, ''] },
  { t: 'candidates', s: 1, list: ['garbage'] },
  { t: 'candidates', s: 1, list: [{ candidate }] },
  { t: 'candidates', s: 1, list: [`${candidate} ${'x'.repeat(candidateLengthMax)}`] },
  { t: 'candidates', s: 1, list: [`${candidate} \r\na=x`] },
  { t: 'candidates', s: 1, list: ['candidate:1 1 udp 99999999999 10.0.0.1 9 typ host'] },
  { t: 'renegotiate', s: 1, renegotiate: true },
  { t: 'end' },
])('the signal %j is refused', (data) => {
  expect(parseRtcSignal(data)).toBeUndefined()
})

test('whatever comes gives a signal with nothing in it but the known fields, or none, and never throws', () => {
  const fields = {
    t: fc.oneof(fc.constantFrom('ask', 'no', 'offer', 'answer', 'candidates', 'end'), fc.anything()),
    s: fc.oneof(fc.nat(), fc.anything()),
    lost: fc.oneof(fc.nat(), fc.anything()),
    sdp: fc.oneof(fc.constant(sdp), fc.string(), fc.anything()),
    list: fc.oneof(fc.array(fc.oneof(fc.constant(candidate), fc.anything())), fc.anything()),
    renegotiate: fc.anything(),
    transceiverRequest: fc.anything(),
  }
  const known = {
    ask: ['lost', 't'],
    no: ['t'],
    offer: ['s', 'sdp', 't'],
    answer: ['s', 'sdp', 't'],
    candidates: ['list', 's', 't'],
    end: ['s', 't'],
  }
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.record(fields, { requiredKeys: [] })), (data) => {
      const signal = parseRtcSignal(data)
      if (signal) expect(known[signal.t]).toEqual(expect.arrayContaining(Object.keys(signal)))
    }),
    { numRuns: 2_000 },
  )
})

test('bytes that are no UTF-8 or no JSON are no signal', () => {
  for (const bytes of [[], [0xff, 0xfe], [0x7b], [0x22, 0xc3, 0x22]]) {
    expect(parseRtcSignal(decodeRtcSignal(new Uint8Array(bytes)))).toBeUndefined()
  }
})

test('a description keeps what a link of one data channel needs, and loses candidates, media and extensions', () => {
  const needed = [
    'v=0',
    'o=- 1787997076606946057 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=ice-ufrag:jWbI',
    'a=ice-pwd:DYxQoKQ6Akyz5LwYcjNqG+d/',
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${Array(32).fill('A8').join(':')}`,
    'a=setup:actpass',
    'a=mid:0',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
  ]
  const others = ['a=extmap-allow-mixed', 'a=msid-semantic: WMS', `a=${candidate}`, 'a=end-of-candidates', 'a=rtcp-mux']
  const text = [...needed.slice(0, 5), ...others, ...needed.slice(5), ''].join('\r\n')
  expect(parseDescription(text)?.split('\n')).toEqual([...needed, ''])
})

test('a candidate loses what Chromium adds for itself', () => {
  const list = [`${candidate} generation 0 ufrag +Uth network-id 2 network-cost 50`]
  expect(parseRtcSignal({ t: 'candidates', s: 1, list })).toMatchObject({ list: [candidate] })
})

test('candidates of TURN servers over IPv6 fit a packet of the mesh, as many as go into a signal', () => {
  const ip = 'fd00:1111:2222:3333:4444:5555:6666:7777'
  const long = `candidate:3229573512 1 udp 2122194687 ${ip} 65535 typ relay raddr ${ip} rport 65535`
  const list = Array(candidatesPerSignal).fill(long)
  expect(encodeRtcSignal({ t: 'candidates', s: 2 ** 32, list }).length).toBeLessThan(1_000)
})
