import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ShoalError } from './errors.ts'
import { type GuardLimits, packetLimits, scanValue, valueLimits } from './guard.ts'
import { pack, unpack } from './msgpack.ts'

/** Hexadecimal text as bytes. */
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

test.each([
  ['an array of 2^32 - 1', 'dd ff ff ff ff'],
  ['an array of 10 million in five bytes', 'dd 00 98 96 80'],
  ['an array of 65,535 with nothing in it', 'dc ff ff'],
  ['arrays of 65,535 in one another', 'dc ff ff'.repeat(300)],
  ['one-element arrays 1,000 deep', '91'.repeat(1000)],
  ['a map of 2^32 - 1', 'df ff ff ff ff'],
  ['a map of 65,535 with nothing in it', 'de ff ff'],
  ['a text of 4 GiB', 'db ff ff ff ff'],
  ['a text of 4 bytes under a 32-bit length', 'db 00 00 00 04 61 62 63 64'],
  ['binary of 4 GiB', 'c6 ff ff ff ff'],
  ['an unsigned 64-bit integer', 'cf ff ff ff ff ff ff ff ff'],
  ['a signed 64-bit integer', 'd3 80 00 00 00 00 00 00 00'],
  ['the unused type byte', 'c1'],
  ['a timestamp of no known length', 'd5 ff 00 00'],
  ['a number that is not one', 'cb 7f f8 00 00 00 00 00 00'],
  ["msgpackr's undefined", 'd4 00 00'],
  ["msgpackr's record, which compiles code", 'd4 72 40 91 a1 61 01'],
  ["msgpackr's regular expression", 'c7 04 78 92 a1 61 a0'],
  ["msgpackr's typed array", 'c7 05 74 06 00 00 00 00'],
  ["msgpackr's bundled strings", 'd6 62 00 00 00 01'],
  ['an extension of 4 GiB', 'c9 ff ff ff ff 01'],
  ['nothing at all', ''],
])('%s is refused in packets and in values, at next to no cost', (_name, text) => {
  const bytes = hex(text)
  const before = process.cpuUsage()
  expect(refusal(bytes, packetLimits)).toMatchObject({ code: 'packet_malformed' })
  expect(refusal(bytes, valueLimits)).toMatchObject({ code: 'packet_malformed' })
  // Of the processor's time, not the wall's: other work on the machine is no fault of the scan.
  const { user, system } = process.cpuUsage(before)
  expect(user + system).toBeLessThan(100_000)
})

test.each([
  ['a number', '81 01 02'],
  ['nil', '81 c0 02'],
  ['an array', '81 91 01 02'],
  ['a map', '81 81 a1 61 01 02'],
  ['binary', '81 c4 01 61 02'],
  ['missing', '81'],
])('a map key that is %s is refused', (_name, text) => {
  expect(refusal(hex(text), valueLimits)?.message).toContain('a map key that is no string')
})

test('maps belong in values only', () => {
  const bytes = pack({ a: 1 })
  expect(scanValue(bytes, 0, valueLimits)).toBe(bytes.length)
  expect(refusal(bytes, packetLimits)?.message).toContain('a map where none belongs')
})

test.each([
  ['4', 'd6 ff 00 00 00 01'],
  ['8', 'd7 ff 00 00 00 00 00 00 00 01'],
  ['12', 'c7 0c ff 00 00 00 00 00 00 00 00 00 00 00 01'],
])('timestamps of %s bytes belong in values only', (_size, text) => {
  const bytes = hex(text)
  expect(scanValue(bytes, 0, valueLimits)).toBe(bytes.length)
  expect(refusal(bytes, packetLimits)?.message).toContain('an extension where none belongs')
  for (let length = 0; length < bytes.length; length++) {
    expect(refusal(bytes.subarray(0, length), valueLimits)).toBeDefined()
  }
})

test.each([
  ['packets', packetLimits],
  ['values', valueLimits],
])('arrays in %s nest as deep as the limit says and no deeper', (_name, limits) => {
  expect(refusal(nested(limits.depth), limits)).toBeUndefined()
  expect(refusal(nested(limits.depth + 1), limits)?.message).toContain('nested deeper')
})

test.each([
  ['packets', packetLimits],
  ['values', valueLimits],
])('%s hold as many values as the limit says and no more', (_name, limits) => {
  // The array itself is a value too.
  expect(refusal(pack(Array(limits.items - 1).fill(0)), limits)).toBeUndefined()
  expect(refusal(pack(Array(limits.items).fill(0)), limits)?.message).toContain('more than')
})

const json = fc.jsonValue({ maxDepth: 6, noUnicodeString: false }).filter((value) => JSON.stringify(value).length < 400)

test('the scan of a value ends where the value ends, wherever in the bytes it stands', () => {
  fc.assert(
    fc.property(json, fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (value, ahead, behind) => {
      const packed = pack(value)
      const bytes = new Uint8Array([...ahead, ...packed, ...behind])
      expect(scanValue(bytes, ahead.length, valueLimits)).toBe(ahead.length + packed.length)
    }),
  )
})

test('a value that is cut off anywhere is refused', () => {
  fc.assert(
    fc.property(json, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, share) => {
      const bytes = pack(value)
      expect(refusal(bytes.subarray(0, Math.floor(bytes.length * share)), valueLimits)).toBeDefined()
    }),
  )
})

test('what the scan lets through decodes to JSON, bytes and dates, or is refused in the same way', () => {
  const likely = fc.constantFrom(
    0x81,
    0x82,
    0x91,
    0x92,
    0xa1,
    0xc0,
    0xc4,
    0xca,
    0xcb,
    0xd6,
    0xd7,
    0xd9,
    0xdc,
    0xde,
    0xd2,
    0xff,
  )
  const byte = fc.oneof(likely, fc.nat(255))
  let decoded = 0
  fc.assert(
    fc.property(fc.array(byte, { minLength: 1, maxLength: 60 }), (numbers) => {
      const bytes = new Uint8Array(numbers)
      for (const limits of [packetLimits, valueLimits]) {
        try {
          const end = scanValue(bytes, 0, limits)
          expect(end).toBeLessThanOrEqual(bytes.length)
          expect(isPlain(unpack(bytes.subarray(0, end)))).toBe(true)
          decoded++
        } catch (error) {
          if (!(error instanceof ShoalError)) throw error
          expect(error.code).toBe('packet_malformed')
        }
      }
    }),
    { numRuns: 5000 },
  )
  expect(decoded).toBeGreaterThan(500)
})

test('what is decoded shares no memory with the packet', () => {
  const bytes = pack([new Uint8Array([1, 2, 3]), { a: [new Uint8Array([4])] }])
  const value = unpack(bytes)
  bytes.fill(0)
  expect(value).toEqual([new Uint8Array([1, 2, 3]), { a: [new Uint8Array([4])] }])
})

test('what is packed stays as it is when more is packed', () => {
  const first = pack(['first'])
  const copy = new Uint8Array(first)
  for (let i = 0; i < 2000; i++) pack(['another', i])
  expect(first).toEqual(copy)
})

function nested(depth: number): Uint8Array {
  return new Uint8Array([...Array(depth).fill(0x91), 0xc0])
}

function refusal(bytes: Uint8Array, limits: GuardLimits): ShoalError | undefined {
  try {
    scanValue(bytes, 0, limits)
    return undefined
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    return error
  }
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || ['boolean', 'string'].includes(typeof value)) return true
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  if (value instanceof Uint8Array) return true
  if (Array.isArray(value)) return value.every(isPlain)
  if (typeof value !== 'object') return false
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain)
}
