import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type MediaPart, parseMediaPart, parseMediaSignal, partsMax, Renegotiation } from './renegotiation.ts'
import { encodeRtcSignal } from './rtc-signal.ts'

const line = 'a=rtpmap:96 VP8/90000\r\n'
const offer = { type: 'offer', sdp: `v=0\r\n${line.repeat(400)}` }
const candidate = { candidate: 'candidate:1 1 udp 2122260223 10.0.0.1 5000 typ host', sdpMid: '1', sdpMLineIndex: 1 }

test('messages longer than a signal arrive whole and in order, however their parts come', () => {
  const messages = [{ type: 'renegotiate', renegotiate: true }, offer, { type: 'candidate', candidate }]
  const parts = partsOf(messages)
  expect(parts.length).toBeGreaterThan(15)
  fc.assert(
    fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (shuffled) => {
      const got: object[] = []
      const there = new Renegotiation(
        () => {},
        (signal) => got.push(signal),
      )
      there.open()
      for (const part of [...shuffled, ...shuffled]) expect(there.take(part)).toBe(true)
      expect(got).toEqual(messages)
    }),
    { numRuns: 50 },
  )
})

test('every part fits a signal of the mesh', () => {
  for (const part of partsOf([offer])) {
    expect(encodeRtcSignal({ t: 'media', c: 2 ** 32, ...part }).length).toBeLessThan(1_080)
    expect(parseMediaPart({ ...part })).toEqual(part)
  }
})

test('nothing is handed on before the application has the connection', () => {
  const got: object[] = []
  const there = new Renegotiation(
    () => {},
    (signal) => got.push(signal),
  )
  for (const part of partsOf([offer])) there.take(part)
  expect(got).toEqual([])
  there.open()
  expect(got).toEqual([offer])
})

test('a description that is too long is not told, and what says nothing is left out', () => {
  const told: MediaPart[] = []
  const here = new Renegotiation(
    (part) => told.push(part),
    () => {},
  )
  expect(here.describe({ type: 'offer', sdp: `v=0\r\n${line.repeat(partsMax * 50)}` })).toBe(false)
  expect(here.describe({ type: 'anything' })).toBe(true)
  expect(here.describe({ type: 'candidate', candidate: { ...candidate, candidate: '' } })).toBe(true)
  expect(told).toEqual([])
})

test('parts far ahead, and parts at odds with what came before, are of no use', () => {
  const there = new Renegotiation(
    () => {},
    () => {},
  )
  expect(there.take({ n: 8, i: 0, of: 1, text: 'x' })).toBe(false)
  expect(there.take({ n: 7, i: 0, of: 2, text: 'x' })).toBe(true)
  expect(there.take({ n: 7, i: 2, of: 3, text: 'x' })).toBe(false)
})

test('whatever a stranger puts together hands on known kinds with known fields, and never throws', () => {
  for (const evil of ['}', 'null', '[]', '{"type":"offer","sdp":7}', '{"type":"renegotiate","candidate":{}}']) {
    const got: object[] = []
    const there = new Renegotiation(
      () => {},
      (signal) => got.push(signal),
    )
    there.open()
    there.take({ n: 0, i: 0, of: 1, text: evil })
    expect(got).toEqual(evil.includes('renegotiate') ? [{ type: 'renegotiate', renegotiate: true }] : [])
  }
  expect(
    parseMediaSignal({
      type: 'transceiverRequest',
      transceiverRequest: { kind: 'video', init: { direction: 'recvonly', sendEncodings: [{}] }, more: 1 },
    }),
  ).toEqual({ type: 'transceiverRequest', transceiverRequest: { kind: 'video', init: { direction: 'recvonly' } } })
  fc.assert(
    fc.property(fc.anything(), (data) => {
      parseMediaSignal(data)
    }),
  )
})

function partsOf(messages: readonly object[]): MediaPart[] {
  const parts: MediaPart[] = []
  const here = new Renegotiation(
    (part) => parts.push(part),
    () => {},
  )
  for (const message of messages) expect(here.describe(message)).toBe(true)
  return parts
}
