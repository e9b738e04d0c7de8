import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodePacket, PacketWriter } from './codec.ts'
import { ShoalError } from './errors.ts'
import { valueLimits } from './guard.ts'
import { idFromBytes } from './ids.ts'
import type { StateValue } from './member.ts'
import { pack } from './msgpack.ts'
import { encodeRumour } from './rumour.ts'
import { checkValue, decodeValue, encodeValue, sameValue, textFault } from './value.ts'

const id = idFromBytes(new Uint8Array(16).fill(9))
const dateMsMax = 8.64e15

/** Hexadecimal text as bytes. */
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

const oddKeys = ['__proto__', '__proto_', 'constructor', 'prototype', 'toString', 'toJSON', 'hasOwnProperty', 'then']
const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 90 }),
    fc.constantFrom(
      '',
      '\0',
      'a\ufeff',
      '\u{10ffff}',
      'x'.repeat(31),
      'x'.repeat(32),
      'x'.repeat(255),
      'x'.repeat(256),
    ),
  )
  .filter((one) => textFault(one) === undefined)
const key = fc.oneof(text, fc.constantFrom(...oddKeys, '', '0', '-1', '4294967295'))
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, -32, -33, -128, -129, -32769, -(2 ** 31), -(2 ** 31) - 1, 255, 256, 2 ** 31, 2 ** 32, 2 ** 53),
  fc.constantFrom(0.1, 5e-324, -5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, -0),
)
const date = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.integer({ min: -3000, max: 3000 }).map((ms) => new Date(ms)),
  fc.integer({ min: -3000, max: 3000 }).map((ms) => new Date(2 ** 32 * 1000 + ms)),
  fc.integer({ min: -3000, max: 3000 }).map((ms) => new Date(2 ** 34 * 1000 + ms)),
  fc.nat(3000).map((ms) => new Date(dateMsMax - ms)),
  fc.nat(3000).map((ms) => new Date(ms - dateMsMax)),
)
const { value } = fc.letrec<{ value: StateValue; list: StateValue[]; object: Record<string, StateValue> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: valueLimits.depth, depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), number, text, date, fc.uint8Array({ maxLength: 300 })),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 20 }),
  object: fc.array(fc.tuple(key, tie('value')), { maxLength: 20 }).map((pairs) => Object.fromEntries(pairs)),
}))

test('whatever may be published arrives in a packet exactly as it was: keys, prototypes, dates, bytes', () => {
  fc.assert(
    fc.property(value, (meant) => {
      fc.pre(itemsIn(meant) <= valueLimits.items)
      const checked = checkValue(meant, 'value')
      fc.pre(encodeValue(checked).length < 900)
      const read = acrossTheWire(checked)
      expect(told(read)).toEqual(told(meant))
      expect(told(checked)).toEqual(told(read))
      expect(sameValue(meant, read)).toBe(true)
    }),
    { numRuns: 2000 },
  )
  expect('polluted' in {}).toBe(false)
})

test.each([...oddKeys, ''])('the key %j is data at any depth, and no way to a prototype', (odd) => {
  const inner = Object.fromEntries([[odd, { polluted: true }]])
  const read = acrossTheWire(checkValue({ list: [inner, { inner }], [odd]: 1 }, 'value'))
  expect(told(read)).toEqual(told({ list: [inner, { inner }], [odd]: 1 }))
  const [first] = (read as { list: Record<string, StateValue>[] }).list
  expect(Object.keys(first!)).toEqual([odd])
  expect(Object.getPrototypeOf(first)).toBe(Object.prototype)
  expect(Object.getOwnPropertyDescriptor(first, odd)).toMatchObject({ value: { polluted: true }, enumerable: true })
  expect('polluted' in {}).toBe(false)
})

test('a stranger may write the key __proto__ in other bytes, and beside others, without reaching a prototype', () => {
  const proto = Buffer.from('__proto__').toString('hex')
  for (const head of ['a9', 'd9 09', 'da 00 09']) {
    const read = decodeValue(hex(`82 ${head} ${proto} 81 a1 61 01 a9 ${Buffer.from('__proto_x').toString('hex')} 02`))
    expect(Object.entries(read as object)).toEqual([
      ['__proto__', { a: 1 }],
      ['__proto_x', 2],
    ])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  }
})

test.each([0, 1, -1, 999, -999, -1000, 2 ** 32 * 1000 - 1, 2 ** 32 * 1000, 1e12 + 1, dateMsMax, -dateMsMax])(
  'the date of millisecond %d arrives to the millisecond',
  (ms) => {
    expect(acrossTheWire(checkValue([new Date(ms)], 'value'))).toEqual([new Date(ms)])
  },
)

test('the dates of other writers of msgpack are read in all three lengths', () => {
  expect(decodeValue(hex('d6 ff ff ff ff ff'))).toEqual(new Date((2 ** 32 - 1) * 1000))
  expect(decodeValue(hex('d7 ff ee 2e 1f 03 ff ff ff ff'))).toEqual(new Date((2 ** 34 - 1) * 1000 + 999))
  expect(decodeValue(hex('c7 0c ff 3b 8b 87 c0 00 00 00 00 00 00 00 01'))).toEqual(new Date(1999))
  expect(decodeValue(hex('c7 0c ff 00 00 00 00 ff ff ff ff ff ff ff ff'))).toEqual(new Date(-1000))
})

test.each([
  ['a timestamp of one byte', 'd4 ff 00'],
  ['a timestamp of two bytes', 'd5 ff 00 00'],
  ['a timestamp of sixteen bytes', 'd8 ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00'],
  ['a timestamp of eleven bytes', 'c7 0b ff 00 00 00 00 00 00 00 00 00 00 00'],
  ['a timestamp of four bytes under a length', 'c7 04 ff 00 00 00 00'],
  ['a timestamp of twelve bytes under a 16-bit length', 'c8 00 0c ff 00 00 00 00 00 00 00 00 00 00 00 00'],
  ['a second of nanoseconds in eight bytes', 'd7 ff ee 6b 28 00 00 00 00 00'],
  ['a second of nanoseconds in twelve bytes', 'c7 0c ff 3b 9a ca 00 00 00 00 00 00 00 00 00'],
  ['a second that no date reaches', 'c7 0c ff 00 00 00 00 00 00 07 db a8 21 80 01'],
  ['a second before all dates', 'c7 0c ff 00 00 00 00 ff ff f8 24 57 de 7f ff'],
  ['the last second of 64 bits', 'c7 0c ff 00 00 00 00 7f ff ff ff ff ff ff ff'],
  ['the first second of 64 bits', 'c7 0c ff 00 00 00 00 80 00 00 00 00 00 00 00'],
  ['another extension of four bytes', 'd6 70 00 00 00 01'],
  ['another extension of eight bytes', 'd7 62 00 00 00 00 00 00 00 01'],
  ['another extension of twelve bytes', 'c7 0c 74 06 00 00 00 00 00 00 00 00 00 00 00'],
  ['a timestamp cut off', 'd6 ff 00 00 00'],
  ['not a number', 'cb 7f f8 00 00 00 00 00 00'],
  ['infinity', 'cb ff f0 00 00 00 00 00 00'],
  ['infinity in four bytes', 'ca 7f 80 00 00'],
  ['not a number in four bytes', 'ca ff c0 00 00'],
  ['two values', '01 02'],
])('%s from a stranger is malformed, alone and within a list', (_name, bytes) => {
  for (const one of [hex(bytes), hex(`91 ${bytes}`), hex(`81 a1 61 ${bytes}`)]) {
    expect(codeOf(() => decodeValue(one))).toBe('packet_malformed')
  }
})

test('any bytes are malformed, or a frozen value of the kinds that may be published', () => {
  const likely = fc.constantFrom(
    0x81,
    0x82,
    0x91,
    0x92,
    0xa1,
    0xc0,
    0xc4,
    0xc7,
    0x0c,
    0xcb,
    0xd6,
    0xd7,
    0xd9,
    0xde,
    0xff,
  )
  const nearly = value.map((one) => pack(one)).filter((bytes) => bytes.length < 900)
  const damaged = fc.tuple(nearly, fc.nat(), fc.oneof(likely, fc.nat(255))).map(([bytes, place, byte]) => {
    bytes[place % bytes.length] = byte
    return bytes
  })
  const outcomes = { value: 0, packet_malformed: 0 }
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      try {
        const read = decodeValue(bytes)
        told(read, { frozen: true })
        outcomes.value++
      } catch (error) {
        expect(error).toMatchObject({ code: 'packet_malformed' })
        outcomes.packet_malformed++
      }
    }),
    { numRuns: 3000 },
  )
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(300)
})

const cyclic: Record<string, unknown> = { list: [] }
;(cyclic.list as unknown[]).push({ again: cyclic })
const self: unknown[] = []
self.push(self)
const kinds = 'null, a boolean, a finite number, a text, a Date, a Uint8Array, or lists and plain objects of these'
test.each<[string, unknown, string]>([
  ['a function', () => 1, `${kinds}, got a function`],
  ['a symbol', Symbol('s'), `${kinds}, got a symbol`],
  ['a bigint', 1n, `${kinds}, got a bigint`],
  ['undefined', undefined, `${kinds}, got undefined`],
  ['not a number', Number.NaN, 'a finite number, got NaN'],
  ['infinity', Number.NEGATIVE_INFINITY, 'a finite number, got -Infinity'],
  ['an invalid date', new Date(Number.NaN), 'a valid Date, got an invalid one'],
  ['a map', new Map(), `${kinds}, got an instance of Map`],
  ['a set', new Set(), `${kinds}, got an instance of Set`],
  ['a regular expression', /x/, `${kinds}, got an instance of RegExp`],
  ['an error', new Error('x'), `${kinds}, got an instance of Error`],
  ['an instance of a class', new (class Cursor {})(), `${kinds}, got an instance of Cursor`],
  ['an instance of a class without a name', new (class {})(), `${kinds}, got an instance of a class`],
  ['an object behind another', Object.create({}), `${kinds}, got an instance of Object`],
  ['a boxed text', Object('x'), `${kinds}, got an instance of String`],
  ['other numbers', new Float32Array(1), `${kinds}, got an instance of Float32Array`],
  ['clamped bytes', new Uint8ClampedArray(1), `${kinds}, got an instance of Uint8ClampedArray`],
  ['a buffer without a view', new ArrayBuffer(1), `${kinds}, got an instance of ArrayBuffer`],
  ['half a character', 'a\ud83d', 'whole characters, got half of one (a lone surrogate)'],
  ['a byte order mark', '\ufeffa', 'a text that does not begin with U+FEFF, got one that does'],
])('%s is refused with its place, wherever it is', (_name, bad, expected) => {
  const places: [unknown, string][] = [
    [bad, 'data: '],
    [[0, bad], 'data: [1]: '],
    [{ at: [0, { 'odd key': [bad] }] }, 'data: .at[1]["odd key"][0]: '],
  ]
  for (const [whole, place] of places) {
    const error = refusal(whole)
    expect(error).toMatchObject({ code: 'bad_value', message: `${place}expected ${expected}; nothing was changed` })
  }
})

test.each<[string, unknown, string]>([
  [
    'a list with a hole',
    { list: Object.assign(Array(3), { 0: 1, 2: 2 }) },
    `data: .list[1]: expected ${kinds}, got a hole`,
  ],
  ['a list that is all hole', Array(2 ** 32 - 1), `data: [0]: expected ${kinds}, got a hole`],
  ['a list that contains itself', self, `data: [0]: expected ${kinds}, got a list that contains itself`],
  [
    'an object that contains itself',
    cyclic,
    `data: .list[0].again: expected ${kinds}, got an object that contains itself`,
  ],
  ['half a character in a key', { a: { '\udc00': 1 } }, 'data: .a["\\udc00"]: expected whole characters'],
  [
    'a getter that throws',
    {
      get a() {
        throw new Error('no')
      },
    },
    'data: it cannot be read (no)',
  ],
  [
    'a getter that throws what cannot be put into words',
    {
      get a() {
        throw Object.create(null)
      },
    },
    'data: it cannot be read (reading it throws)',
  ],
  [
    'an instance of a class whose name is no text',
    Object.create({ constructor: Object.defineProperty(() => 1, 'name', { value: 5 }) }),
    'got an instance of a class',
  ],
  ['a date by name only', { [Symbol.toStringTag]: 'Date' }, 'data: it cannot be read (this is not a Date object.)'],
  [
    'lists nine deep',
    [[[[[[[[[]]]]]]]]],
    'data: [0][0][0][0][0][0][0][0]: expected at most 8 lists and objects in one another, got 9',
  ],
  ['513 values', Array(512).fill(0), 'data: [511]: expected at most 512 values and keys in all, got more'],
  ['a name without end', { ['k'.repeat(1e5)]: NaN }, `data: .${'k'.repeat(40)}…: expected a finite number`],
])('%s is refused by its name and place', (_name, bad, message) => {
  expect(refusal(bad)).toMatchObject({ code: 'bad_value', message: expect.stringContaining(message) })
})

test('the most that may be published is read by others, and costs no more than its limit says to refuse', () => {
  for (const most of [
    [[[[[[[[]]]]]]]],
    Array(511).fill(0),
    Object.fromEntries(Array.from({ length: 255 }, (_, i) => [`${i}`, 0])),
  ]) {
    expect(decodeValue(encodeValue(checkValue(most, 'value')))).toEqual(most)
  }
  // Eight levels of twenty shared lists: 20^8 values for whoever counts them all.
  let shared: unknown = 0
  for (let depth = 0; depth < 8; depth++) shared = Array(20).fill(shared)
  expect(refusal(shared)?.message).toContain('512 values')
})

test('as in JSON, undefined members, symbols and hidden members are left out, and -0 is 0', () => {
  const odd = Object.defineProperty({ a: undefined, b: -0, [Symbol('s')]: 1 }, 'hidden', { value: 1 })
  const read = acrossTheWire(checkValue({ odd, list: Object.assign([1], { extra: 2 }) }, 'value'))
  expect(told(read)).toEqual(told({ odd: { b: 0 }, list: [1] }))
})

test('objects, lists, bytes and dates of another realm are as good as our own, and arrive as our own', () => {
  const foreign: unknown = runInNewContext(
    '({ list: [new Date(7)], bytes: new Uint8Array([1, 2]), none: Object.create(null) })',
  )
  const read = acrossTheWire(checkValue(foreign, 'value'))
  expect(told(read)).toEqual(told({ list: [new Date(7)], bytes: new Uint8Array([1, 2]), none: {} }))
})

test('a value is copied: what its owner does with it later changes nothing, and a getter is asked once', () => {
  let asked = 0
  const bytes = Buffer.from('pool').subarray(1)
  const when = new Date(5)
  const list = [1]
  const object = {
    bytes,
    when,
    list,
    get once() {
      return ++asked
    },
  }
  const checked = checkValue(new Proxy(object, {}), 'value')
  bytes.fill(0)
  when.setTime(9)
  list.push(2)
  expect(told(checked)).toEqual(
    told({ bytes: new Uint8Array([0x6f, 0x6f, 0x6c]), when: new Date(5), list: [1], once: 1 }),
  )
})

test('two values are the same where they read the same, in whatever order their keys are', () => {
  const reordered = (one: StateValue): StateValue => {
    if (Array.isArray(one)) return one.map(reordered)
    if (typeof one !== 'object' || one === null || one instanceof Date || one instanceof Uint8Array) return one
    return Object.fromEntries(
      Object.entries(one)
        .map(([name, item]) => [name, reordered(item)] as const)
        .reverse(),
    )
  }
  const sorted = (one: StateValue) => JSON.stringify(told(one, { sorted: true }))
  const small = fc.oneof(value, fc.constantFrom<StateValue>(0, '', null, false, [], {}, new Date(0), new Uint8Array(0)))
  fc.assert(
    fc.property(small, small, (a, b) => {
      expect(sameValue(a, reordered(a))).toBe(true)
      expect(sameValue(a, b)).toBe(sorted(a) === sorted(b))
      expect(sameValue([a, 1], [b, 1])).toBe(sorted(a) === sorted(b))
      expect(sameValue({ a }, { b: a })).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

/** The value as another peer reads it out of a packet. */
function acrossTheWire(sent: StateValue): StateValue {
  const writer = new PacketWriter(7)
  writer.begin({ kind: 'gossip' })
  writer.add(encodeRumour({ type: 'entry', id, key: 'k', version: 1, volatile: false, value: sent }))
  const [read] = decodePacket(new Uint8Array(writer.finish()), 7)!.rumours
  return (read!.rumour as { value: StateValue }).value
}

/** All there is to tell of a value, as something that compares plainly; whatever no value may be is an error. */
function told(one: StateValue, how: { sorted?: boolean; frozen?: boolean } = {}): unknown {
  if (typeof one === 'number') {
    if (!Number.isFinite(one)) throw new TypeError(String(one))
    return ['number', one + 0]
  }
  if (typeof one !== 'object' || one === null) return [typeof one, one]
  const prototype = Object.getPrototypeOf(one)
  if (prototype === Date.prototype) {
    const ms = (one as Date).getTime()
    if (Number.isNaN(ms)) throw new TypeError('an invalid date')
    return ['date', ms]
  }
  if (prototype === Uint8Array.prototype) return ['bytes', ...(one as Uint8Array)]
  if (how.frozen && !Object.isFrozen(one)) throw new TypeError('not frozen')
  if (prototype === Array.prototype) return ['list', ...(one as StateValue[]).map((item) => told(item, how))]
  if (prototype !== Object.prototype) throw new TypeError('another prototype')
  const entries = Object.entries(one as Record<string, StateValue>).map(([name, item]) => [name, told(item, how)])
  expect(Reflect.ownKeys(one)).toEqual(entries.map(([name]) => name))
  return ['object', ...(how.sorted ? entries.sort(([a], [b]) => (a! < b! ? -1 : 1)) : entries)]
}

/** Values and keys, as the limit counts them. */
function itemsIn(one: StateValue): number {
  if (typeof one !== 'object' || one === null || one instanceof Date || one instanceof Uint8Array) return 1
  const nested = Object.values(one as object).reduce((sum: number, item: StateValue) => sum + itemsIn(item), 1)
  return Array.isArray(one) ? nested : nested + Object.keys(one).length
}

function refusal(bad: unknown): ShoalError | undefined {
  try {
    checkValue(bad, 'data')
    return undefined
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    return error
  }
}

function codeOf(run: () => void): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    return error.code
  }
}
