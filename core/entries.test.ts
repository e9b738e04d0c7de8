import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Entries, entryBytesMax, keysMax, stateBytesMax } from './entries.ts'
import { idFromBytes } from './ids.ts'
import { type EntryRecord, encodeRumour } from './rumour.ts'

const owner = idFromBytes(new Uint8Array(16).fill(7))

const record = fc
  .tuple(fc.constantFrom('a', 'b', 'c', '$service/d'), fc.integer({ min: 1, max: 12 }), fc.boolean())
  .map(([key, version, volatile]) => entry(key, version, version % 4 === 0 ? undefined : version, volatile))
const step = fc.oneof({ weight: 6, arbitrary: record }, { weight: 1, arbitrary: fc.record({ floor: fc.nat(8) }) })

test('entries behave as a map in which the greater version of a key wins and a floor deletes what is below it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const entries = new Entries(owner)
      const model = new Map<string, EntryRecord>()
      let floor = 0
      for (const one of steps) {
        if ('floor' in one) {
          const below = [...model.values()].filter(({ version }) => version <= one.floor)
          expect(entries.forgetUpTo(one.floor)).toBe(below.some(({ value }) => value !== undefined))
          for (const { key } of below) model.delete(key)
          floor = Math.max(floor, one.floor)
          continue
        }
        const held = model.get(one.key)
        const bytes = encodeRumour(one)
        // Of two with one version the greater bytes win; here those differ in the volatile flag only.
        const wins =
          !held || one.version > held.version || (one.version === held.version && one.volatile && !held.volatile)
        expect(entries.wants(one, bytes, floor)).toBe(wins && one.version > floor)
        if (!entries.wants(one, bytes, floor)) continue
        entries.set(one, bytes)
        model.set(one.key, one)
      }
      expectEqual(entries, model)
    }),
    { numRuns: 500 },
  )
})

test('entries with the same content have the same digest, however they came about', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 15 }), fc.array(record, { maxLength: 15 }), (some, more) => {
      const one = filled([...some, ...more])
      const two = filled([...more, ...some])
      expect(one.digest).toEqual(two.digest)
    }),
  )
})

test('a digest tells versions apart and knows nothing of volatile entries', () => {
  expect(filled([entry('a', 1, 'x')]).digest).not.toEqual(filled([entry('a', 2, 'x')]).digest)
  expect(filled([entry('a', 1, 'x')]).digest).not.toEqual(filled([entry('b', 1, 'x')]).digest)
  expect(filled([entry('a', 1, 'x', true)]).digest).toEqual({ hi: 0, lo: 0 })
})

test('one key more than a member may have does not fit, but a new value of one it has does', () => {
  const entries = filled(Array.from({ length: keysMax }, (_, i) => entry(`k${i}`, i + 1, i)))
  const fits = (one: EntryRecord) => entries.fits(one.key, encodeRumour(one))
  expect(fits(entry('one more', 1000, 0))).toBe(false)
  expect(fits(entry('k0', 1000, 0))).toBe(true)
  // Deleted keys are remembered, so they count as well.
  const deleted = filled(Array.from({ length: keysMax }, (_, i) => entry(`k${i}`, i + 1, undefined)))
  expect(deleted.fits('one more', encodeRumour(entry('one more', 1000, 0)))).toBe(false)
})

test('an entry over its limit does not fit, nor one that takes all of them over theirs', () => {
  const entries = new Entries(owner)
  expect(entries.fits('k', new Uint8Array(entryBytesMax))).toBe(true)
  expect(entries.fits('k', new Uint8Array(entryBytesMax + 1))).toBe(false)
  const whole = Math.floor(stateBytesMax / entryBytesMax)
  for (let i = 0; i < whole; i++) entries.set(entry(`k${i}`, i + 1, 0), new Uint8Array(entryBytesMax))
  const left = stateBytesMax - whole * entryBytesMax
  expect(entries.fits('more', new Uint8Array(left))).toBe(true)
  expect(entries.fits('more', new Uint8Array(left + 1))).toBe(false)
  expect(entries.fits('k0', new Uint8Array(entryBytesMax))).toBe(true)
})

test('services and deleted keys are no part of the state, and the state cannot be changed by its reader', () => {
  const entries = filled([entry('a', 1, 'x'), entry('gone', 2, undefined), entry('$service/web', 3, ['web'])])
  expect(entries.state()).toEqual({ a: 'x' })
  expect(entries.serviceValues()).toEqual([['$service/web', ['web']]])
  expect(Object.isFrozen(entries.state())).toBe(true)
})

test('the key __proto__ is a key like any other', () => {
  const state = filled([entry('__proto__', 1, { polluted: true }), entry('constructor', 2, 1)]).state()
  expect(Object.keys(state).sort()).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(state)).toBe(Object.prototype)
  expect('polluted' in {}).toBe(false)
})

test('entries behind a version come in the order of their versions', () => {
  const entries = filled([entry('c', 5, 0), entry('a', 9, 0), entry('b', 2, 0), entry('d', 7, undefined)])
  expect(entries.since(2).map(([key]) => key)).toEqual(['c', 'd', 'a'])
})

function expectEqual(entries: Entries, model: Map<string, EntryRecord>): void {
  const content = (key: string) => [key, model.get(key)!.value]
  const present = [...model.values()].filter(({ value }) => value !== undefined).map(({ key }) => key)
  expect(entries.size).toBe(model.size)
  expect(entries.bytes).toBe([...model.values()].reduce((sum, one) => sum + encodeRumour(one).length, 0))
  expect(entries.state()).toEqual(Object.fromEntries(present.filter((key) => key[0] !== '$').map(content)))
  expect(entries.serviceValues()).toEqual(present.filter((key) => key[0] === '$').map(content))
  expect(entries.digest).toEqual(filled([...model.values()]).digest)
}

function filled(records: readonly EntryRecord[]): Entries {
  const entries = new Entries(owner)
  for (const one of records) {
    const bytes = encodeRumour(one)
    if (entries.wants(one, bytes, 0)) entries.set(one, bytes)
  }
  return entries
}

function entry(key: string, version: number, value: EntryRecord['value'], volatile = false): EntryRecord {
  return { type: 'entry', id: owner, key, version, volatile, value }
}
