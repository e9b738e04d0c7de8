import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StateValue } from '../../core/index.ts'
import { cursorOf, layout } from './place.ts'

const modes = ['visible', 'server'] as const
const people = fc.uniqueArray(
  fc.record({ id: fc.string({ minLength: 22, maxLength: 22 }), mode: fc.constantFrom(...modes) }),
  {
    selector: ({ id }) => id,
    maxLength: 120,
  },
)

test('everybody has a place of their own inside the pond', () => {
  fc.assert(
    fc.property(people, (members) => {
      const places = layout(members)
      expect(places.size).toBe(members.length)
      for (const { x, y } of places.values()) {
        expect(Math.min(x, y, 1 - x, 1 - y)).toBeGreaterThan(0.05)
      }
      expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(members.length)
    }),
  )
})

test('places depend on who is here and not on the order they are listed in', () => {
  fc.assert(
    fc.property(people, (members) => {
      const listing = (places: ReturnType<typeof layout>) => [...places].sort(([a], [b]) => (a < b ? -1 : 1))
      expect(listing(layout([...members].reverse()))).toEqual(listing(layout(members)))
    }),
  )
})

test('a cursor is two finite numbers and is kept inside the pond', () => {
  const cursor = (value: StateValue) => cursorOf({ state: { cursor: value } })
  expect(cursor([0.25, 1])).toEqual({ x: 0.25, y: 1 })
  expect(cursor([-3, 1e9])).toEqual({ x: 0, y: 1 })
  for (const nonsense of [null, 0.5, 'ab', [], [0.5], [0.5, 0.5, 0.5], ['0', '0'], [Number.NaN, 0], [0, Infinity]]) {
    expect(cursor(nonsense)).toBeUndefined()
  }
  expect(cursor({ 0: 0.5, 1: 0.5, length: 2 })).toBeUndefined()
  expect(cursorOf({ state: {} })).toBeUndefined()
})
