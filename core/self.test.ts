import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryBytesMax, keysMax, stateBytesMax } from './entries.ts'
import { ShoalError } from './errors.ts'
import { packetLimits, scanValue } from './guard.ts'
import { idFromBytes } from './ids.ts'
import type { StateValue } from './member.ts'
import { Members } from './members.ts'
import { unpack } from './msgpack.ts'
import { type AliveRecord, type EntryRecord, numberMax, type Rumour, rumourFrom } from './rumour.ts'
import { type EntryChange, Self } from './self.ts'

const id = idFromBytes(new Uint8Array(16).fill(9))

test('a new peer speaks of itself at incarnation 1', () => {
  const { self, heard } = owner()
  expect(self.belief).toMatchObject({ status: 'alive', incarnation: 1, via: 'direct' })
  expect(heard()).toEqual([
    {
      type: 'alive',
      id,
      incarnation: 1,
      name: 'ann',
      user: 'u',
      mode: 'server',
      endpoints: ['udp:10.0.0.1:7'],
      floor: 0,
    },
  ])
})

test('a refutation outbids what it answers and changes nothing else', () => {
  const { self, heard } = owner()
  const [before] = heard() as AliveRecord[]
  self.publish({}, 41)
  expect(heard()).toEqual([{ ...before, incarnation: 42 }])
  self.publish({ mode: 'hidden' })
  expect(heard()).toEqual([{ ...before, incarnation: 43, mode: 'hidden' }])
  expect(self.incarnation).toBe(43)
})

test('an incarnation never outgrows 32 bits', () => {
  const { self } = owner()
  self.publish({}, numberMax)
  expect(self.incarnation).toBe(numberMax)
})

test('the farewell carries the incarnation others know', () => {
  const { self } = owner()
  self.publish({}, 7)
  expect(parsed(self.farewell())).toEqual({ type: 'left', id, incarnation: 8 })
})

test('what is published is one rumour a key, versions rising, and the same for others as here', () => {
  const { self, heard } = owner()
  heard()
  expect(change(self, { a: 1, b: [true, null] })).toBe(true)
  expect(heard()).toEqual([
    { type: 'entry', id, key: 'a', version: 1, volatile: false, value: 1 },
    { type: 'entry', id, key: 'b', version: 2, volatile: false, value: [true, null] },
  ])
  change(self, { a: undefined })
  expect(heard()).toEqual([{ type: 'entry', id, key: 'a', version: 3, volatile: false, value: undefined }])
  expect(self.belief.entries.state()).toEqual({ b: [true, null] })
})

test('a value that does not change makes no rumour, nor does deleting what is not there', () => {
  const { self, heard } = owner()
  change(self, { a: { x: [1, 'two'] }, bytes: new Uint8Array([1]), none: null })
  heard()
  expect(change(self, { a: { x: [1, 'two'] }, bytes: new Uint8Array([1]), none: null, gone: undefined })).toBe(false)
  expect(heard()).toEqual([])
  change(self, { a: undefined })
  expect(change(self, { a: undefined })).toBe(false)
})

test('the same value becomes lasting by a rumour of its own, and not volatile again while it stays', () => {
  const { self, heard } = owner()
  self.change([{ key: 'a', value: 1, volatile: true }], 0)
  heard()
  expect(self.change([{ key: 'a', value: 1, volatile: false }], 0)).toBe(true)
  expect(heard()).toMatchObject([{ key: 'a', version: 2, volatile: false }])
  expect(self.change([{ key: 'a', value: 1, volatile: true }], 0)).toBe(false)
  expect(self.change([{ key: 'a', value: 2, volatile: true }], 0)).toBe(true)
  expect(heard()).toMatchObject([{ key: 'a', version: 3, volatile: true }])
})

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }).filter((json) => JSON.stringify(json).length < 250),
  fc.uint8Array({ maxLength: 200 }),
  fc.date({ noInvalidDate: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, -32, -33, -128, -129, -32769, -(2 ** 31), -(2 ** 31) - 1, 2 ** 31, 2 ** 32, 2 ** 53, 0.1, 5e-324),
  fc.dictionary(fc.string({ maxLength: 4 }), fc.uint8Array({ maxLength: 9 }), { maxKeys: 4, noNullPrototype: false }),
) as fc.Arbitrary<StateValue>
const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '0', '-1', 'ключ'),
)

test('whatever can be published is read by others as it was meant', () => {
  fc.assert(
    fc.property(key, value, (name, meant) => {
      const { self, heard } = owner()
      heard()
      self.change([{ key: name, value: meant, volatile: false }], 0)
      const [entry] = heard() as EntryRecord[]
      expect(entry!.key).toBe(name)
      // Minus zero is the one number that arrives as another, and the one difference of no importance.
      expect(normal(entry!.value)).toEqual(normal(meant))
      expect(entry!.value).toStrictEqual(self.belief.entries.get(name)!.value)
      expect(Object.entries(self.belief.entries.state())).toEqual([[name, entry!.value]])
    }),
    { numRuns: 1000 },
  )
})

test('a value is copied: what its owner does with it later is not half published', () => {
  const { self } = owner()
  const list = [1]
  const bytes = Buffer.from('pool').subarray(1)
  change(self, { list, bytes })
  list.push(2)
  bytes.fill(0)
  expect(self.belief.entries.state()).toEqual({ list: [1], bytes: new Uint8Array([0x6f, 0x6f, 0x6c]) })
  // The change of the list is a change like any other once it is published.
  expect(change(self, { list })).toBe(true)
})

test('what cannot be published is refused by its key and place, and then nothing of the change is done', () => {
  const { self, heard } = owner()
  change(self, { kept: 1 })
  heard()
  const cursor = { at: [0, 1, 2, (() => 1) as unknown as StateValue] }
  const error = refusal(() => change(self, { first: 2, cursor, kept: 3 }))
  expect(error).toMatchObject({
    code: 'bad_value',
    message: expect.stringMatching(/^state key "cursor": \.at\[3\]: expected .*, got a function; nothing was changed$/),
  })
  expect(heard()).toEqual([])
  expect(self.belief.entries.state()).toEqual({ kept: 1 })
})

test('an equal value publishes nothing, whatever the order of its keys, and in however new an object', () => {
  const { self, heard } = owner()
  change(self, { a: { x: 1, y: [new Date(5), new Uint8Array([1])], z: undefined as unknown as null } })
  heard()
  expect(change(self, { a: { y: [new Date(5), Buffer.from([1])], x: 1 } })).toBe(false)
  expect(heard()).toEqual([])
  expect(change(self, { a: { y: [new Date(6), Buffer.from([1])], x: 1 } })).toBe(true)
})

test('a value whose reading changes the state does not put two entries under one version', () => {
  const { self, heard } = owner()
  heard()
  const busy = Object.defineProperty({}, 'x', {
    enumerable: true,
    get: () => {
      change(self, { meanwhile: 1 })
      return 2
    },
  }) as StateValue
  change(self, { busy })
  expect(heard()).toMatchObject([
    { key: 'meanwhile', version: 1 },
    { key: 'busy', version: 2, value: { x: 2 } },
  ])
})

test.each([
  ['an empty key', ''],
  ['a key of 129 characters', 'k'.repeat(129)],
  ['half a character in a key', 'a\ud83d'],
  ['a byte order mark in a key', '\ufeffa'],
])('%s cannot be published', (_name, odd) => {
  const { self } = owner()
  const error = refusal(() => change(self, { [odd]: 1 }))
  expect(error).toMatchObject({ code: 'bad_value', message: expect.stringMatching(/^state key ".*": expected /) })
  expect(self.belief.entries.size).toBe(0)
})

test('an entry over 1,000 bytes is refused, and the largest that fits is taken', () => {
  const { self } = owner()
  const largest = largestText(self)
  expect(largest).toBe(966) // as docs/presence.md has it
  expect(change(self, { k: 'x'.repeat(largest) })).toBe(true)
  expect(self.belief.entries.bytes).toBeLessThanOrEqual(entryBytesMax)
  const error = refusal(() => change(self, { k: 'x'.repeat(largest + 1) }))
  expect(error).toMatchObject({ code: 'entry_too_large', message: expect.stringContaining('"k"') })
  expect(self.belief.entries.state()).toEqual({ k: 'x'.repeat(largest) })
})

test('more than 16 KiB in all is refused, and then nothing of the change is done', () => {
  const { self, heard } = owner()
  const large = 'x'.repeat(900)
  let keys = 0
  while (refusal(() => change(self, { [`k${keys}`]: large })) === undefined) keys++
  expect(keys).toBe(Math.floor(stateBytesMax / (self.belief.entries.bytes / keys)))
  const before = self.belief.entries.state()
  heard()
  expect(refusal(() => change(self, { k0: undefined, a: large, b: large }))).toMatchObject({ code: 'state_too_large' })
  expect(heard()).toEqual([])
  expect(self.belief.entries.state()).toEqual(before)
  // What is freed by the same change counts.
  expect(change(self, { k0: 'small', more: 'x'.repeat(600) })).toBe(true)
})

test('more than 128 keys are refused', () => {
  const { self } = owner()
  const all = Object.fromEntries(Array.from({ length: keysMax }, (_, i) => [`k${i}`, i]))
  expect(change(self, all)).toBe(true)
  expect(refusal(() => change(self, { more: 1 }))).toMatchObject({
    code: 'state_too_large',
    message: expect.stringMatching(
      /^state: it would take 129 keys and up to \d+ bytes, at most 128 keys and 16384 bytes/,
    ),
  })
  expect(change(self, { k0: 'changed' })).toBe(true)
})

test('deleted keys make room when they have to, and everybody is told to forget them', () => {
  const { self, heard } = owner()
  change(self, { stays: 'here', passing: 1 })
  self.change([{ key: 'cursor', value: [1, 2], volatile: true }], 0)
  for (let i = 0; i < 1000; i++) change(self, { [`k${i}`]: i, [`k${i - 1}`]: undefined })
  const { entries } = self.belief
  expect(entries.state()).toEqual({ stays: 'here', passing: 1, cursor: [1, 2], k999: 999 })
  expect(entries.size).toBeLessThanOrEqual(keysMax)
  expect(entries.get('cursor')!.volatile).toBe(true)
  const records = heard()
  const floors = records.filter((one) => one.type === 'alive').map((one) => one.floor)
  expect(floors.length).toBeGreaterThan(7)
  expect([...floors].sort((a, b) => a - b)).toEqual(floors)
  // Whoever hears all of it, the records in any order behind the last, comes to the same entries.
  const last = floors.at(-1)!
  const versions = records.filter((one) => one.type === 'entry' && one.version > last) as EntryRecord[]
  const view = new Map(
    versions.filter((one) => entries.get(one.key)?.version === one.version).map((one) => [one.key, one.value]),
  )
  expect([...view].filter(([, held]) => held !== undefined).sort()).toEqual(Object.entries(entries.state()).sort())
})

test('an entry as large as may be survives that its version grows', () => {
  const { self } = owner()
  const text = 'x'.repeat(largestText(self))
  change(self, { k: text })
  for (let i = 0; i < 1000; i++) change(self, { [`k${i}`]: i, [`k${i - 1}`]: undefined })
  expect(self.belief.entries.state()).toEqual({ k: text, k999: 999 })
  expect(self.belief.entries.get('k')!.bytes.length).toBeLessThanOrEqual(entryBytesMax)
})

test('whatever is changed, published state is what the accepted changes add up to', () => {
  const patch = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.oneof(fc.constant(undefined), fc.nat(3), fc.constant('x'.repeat(990)), fc.constant(Number.NaN)),
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(patch, { maxLength: 12 }), (patches) => {
      const { self } = owner()
      let model: Record<string, StateValue> = {}
      for (const one of patches) {
        const bad = Object.values(one).some((part) => Number.isNaN(part) || String(part).length > 900)
        expect(refusal(() => change(self, one)) !== undefined).toBe(bad)
        if (bad) continue
        const merged = Object.entries({ ...model, ...one }).filter(([, part]) => part !== undefined)
        model = Object.fromEntries(merged) as Record<string, StateValue>
      }
      expect(self.belief.entries.state()).toEqual(model)
    }),
  )
})

test('a dry run throws just what the change would throw, and changes nothing', () => {
  const part = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom<StateValue | undefined>(undefined, 1, 'x'.repeat(800)) },
    { weight: 1, arbitrary: fc.constantFrom<StateValue>(Number.NaN, 'x'.repeat(990)) },
  )
  const name = fc.oneof(
    { weight: 20, arbitrary: fc.nat(25).map((n) => `k${n}`) },
    { weight: 1, arbitrary: fc.constant('') },
  )
  const patch = fc.array(fc.tuple(name, part, fc.boolean()), { maxLength: 20 })
  const seen = new Map<string | undefined, number>()
  fc.assert(
    fc.property(fc.array(patch, { maxLength: 8 }), (patches) => {
      const { self, heard } = owner()
      // Nearly full.
      change(self, Object.fromEntries(Array.from({ length: 19 }, (_, i) => [`k${i}`, 'y'.repeat(800)])))
      for (const one of patches) {
        const changes = [...new Map(one.map(([key, value, volatile]) => [key, { key, value, volatile }])).values()]
        const before = self.belief.entries.since(0)
        heard()
        const announced = refusal(() => self.check(changes))
        expect([heard(), self.belief.entries.since(0)]).toEqual([[], before])
        const met = refusal(() => self.change(changes, 0))
        expect([announced?.code, announced?.message]).toEqual([met?.code, met?.message])
        seen.set(met?.code, (seen.get(met?.code) ?? 0) + 1)
      }
    }),
    { numRuns: 300 },
  )
  // Each of the outcomes is reached, or the test would be about less.
  const outcomes = [undefined, 'bad_value', 'entry_too_large', 'state_too_large']
  expect(outcomes.filter((code) => !seen.has(code))).toEqual([])
})

/** A peer's own part, and what it has said since it was last asked, as others read it. */
function owner(): { self: Self; heard: () => Rumour[] } {
  const said: Uint8Array[] = []
  const options = { id, name: 'ann', user: 'u', mode: 'server' as const, endpoints: ['udp:10.0.0.1:7'] }
  const self = new Self(options, new Members(), (_subject, bytes) => said.push(bytes), 0)
  return { self, heard: () => said.splice(0).map(parsed) }
}

function parsed(bytes: Uint8Array): Rumour {
  expect(scanValue(bytes, 0, packetLimits)).toBe(bytes.length)
  return rumourFrom(unpack(bytes) as unknown[])!
}

function change(self: Self, patch: Record<string, StateValue | undefined>): boolean {
  const changes = Object.entries(patch).map(([key, value]): EntryChange => ({ key, value, volatile: false }))
  return self.change(changes, 0)
}

function refusal(run: () => void): ShoalError | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    return error
  }
}

/** The longest text that fits one entry under the key `k`, found by trying on a peer of its own. */
function largestText(like: Self): number {
  const { self } = owner()
  expect(self.belief.id).toBe(like.belief.id)
  let length = entryBytesMax
  while (refusal(() => change(self, { k: 'x'.repeat(length) })) !== undefined) length--
  return length
}

function normal(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Date) return value
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, normal(item)]))
}
