import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fingerprintOf, Seen } from './seen.ts'

test('what was added is known through one turn, and forgotten at the second', () => {
  const seen = new Seen()
  seen.add(1)
  expect([seen.has(1), seen.has(2)]).toEqual([true, false])
  seen.turn()
  seen.add(2)
  expect([seen.has(1), seen.has(2)]).toEqual([true, true])
  seen.turn()
  expect([seen.has(1), seen.has(2)]).toEqual([false, true])
})

test('what is seen again lives on', () => {
  const seen = new Seen()
  for (let i = 0; i < 10; i++) {
    seen.add(1)
    seen.turn()
  }
  expect(seen.has(1)).toBe(true)
})

test('a flood of rumours between two turns makes it forget the oldest, and never hold more than twice 8,192', () => {
  const seen = new Seen()
  const many = 50_000
  for (let i = 0; i < many; i++) seen.add(i)
  const held = Array.from({ length: many }, (_, i) => i).filter((i) => seen.has(i))
  expect(held.length).toBeLessThanOrEqual(2 * 8_192)
  expect(held.length).toBeGreaterThan(8_192)
  expect(held[0]).toBe(many - held.length)
})

test('equal bytes have one fingerprint, a whole number that is exact, wherever in a packet they stand', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, offset) => {
      const fingerprint = fingerprintOf(bytes)
      expect(Number.isSafeInteger(fingerprint) && fingerprint >= 0).toBe(true)
      const packet = new Uint8Array([...new Uint8Array(offset), ...bytes, 7])
      expect(fingerprintOf(packet.subarray(offset, offset + bytes.length))).toBe(fingerprint)
    }),
  )
})

test('rumours that differ in a bit, in their length or in the order of bytes have different fingerprints', () => {
  const seen = new Map<number, string>()
  const note = (bytes: Uint8Array) => {
    const [fingerprint, text] = [fingerprintOf(bytes), String(bytes)]
    expect(seen.get(fingerprint) ?? text).toBe(text)
    seen.set(fingerprint, text)
  }
  const base = new Uint8Array(60).map((_, i) => (i * 37) % 256)
  note(base)
  for (let at = 0; at < base.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = new Uint8Array(base)
      changed[at]! ^= 1 << bit
      note(changed)
    }
    note(base.subarray(0, at))
    const swapped = new Uint8Array(base)
    ;[swapped[at], swapped[(at + 1) % 60]] = [swapped[(at + 1) % 60]!, swapped[at]!]
    note(swapped)
  }
  expect(seen.size).toBe(1 + 480 + 60 + 60)
})

test('of 100,000 rumours that differ in a number alone no two have the same fingerprint', () => {
  const bytes = new Uint8Array(40)
  const view = new DataView(bytes.buffer)
  const fingerprints = new Set<number>()
  for (let i = 0; i < 100_000; i++) {
    view.setUint32(20, i)
    fingerprints.add(fingerprintOf(bytes))
  }
  expect(fingerprints.size).toBe(100_000)
})
