/** What members say of clients, hostile ones included. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientKey, fieldKey, fieldsOf, prefixOf, readPublished, samePublished, stateOf } from './published.ts'

const prefix = prefixOf('')

test('a field counts if the client names it, or if it is newer', () => {
  const state = {
    [clientKey(prefix, 9)]: [5, ['named']],
    [fieldKey(prefix, 9, 'named')]: [2, '"n"'],
    [fieldKey(prefix, 9, 'newer')]: [6, '1'],
    [fieldKey(prefix, 9, 'left over')]: [4, '2'],
  }
  const read = readPublished(state, prefix).get(9)!
  expect(read.clock).toBe(6)
  expect(stateOf(read.fields!)).toEqual({ named: 'n', newer: 1 })
})

test('a client without an entry of its own is nobody, whatever its fields', () => {
  expect(readPublished({ [fieldKey(prefix, 9, 'user')]: [2, '1'] }, prefix).size).toBe(0)
})

test('a state of null has no fields, even ones that were left over', () => {
  const state = { [clientKey(prefix, 9)]: [5], [fieldKey(prefix, 9, 'x')]: [9, '1'] }
  expect(readPublished(state, prefix).get(9)).toEqual({ clock: 5, fields: undefined })
})

test('what is not of the form is passed over', () => {
  const names = ['', ' 9', '09', '-9', '1.5', 'Z', '__proto__', '9'.repeat(30)]
  const values = [null, 1, 'x', [], ['1', []], [-1, []], [1.5, []], [1, 'x'], [1, [2]], [1, [], 3], { 0: 1 }]
  const bad = names.flatMap((name) => [
    [`${prefix}${name}`, [1, []]],
    [`${prefix}${name}:f`, [2, '1']],
  ])
  const worse = values.map((value, i) => [clientKey(prefix, 100 + i), value])
  expect(readPublished(Object.fromEntries([...bad, ...worse]), prefix).size).toBe(0)
  const fields = [null, '{', [2], [2, 7], [2, ['1']]].map((value, i) => [fieldKey(prefix, 9, `f${i}`), value])
  const read = readPublished(Object.fromEntries([[clientKey(prefix, 9), [1, []]], ...fields]), prefix)
  expect(stateOf(read.get(9)!.fields!)).toEqual({})
})

test('a field that is no JSON is left out of the state', () => {
  const state = { [clientKey(prefix, 9)]: [1, []], [fieldKey(prefix, 9, 'f')]: [2, '{'] }
  expect(stateOf(readPublished(state, prefix).get(9)!.fields!)).toEqual({})
})

test('nothing a member can publish throws', () => {
  const value = fc.oneof(fc.jsonValue(), fc.tuple(fc.nat(), fc.oneof(fc.json(), fc.array(fc.string()))))
  const key = fc.tuple(fc.constantFrom('', ':', '9', 'zz', '9:a'), fc.string()).map(([a, b]) => `${prefix}${a}${b}`)
  fc.assert(
    fc.property(fc.dictionary(key, value), (state) => {
      for (const published of readPublished(state, prefix).values()) {
        expect(samePublished(published, published)).toBe(true)
        if (published.fields) stateOf(published.fields)
      }
    }),
  )
})

test('any state is read as it was written', () => {
  const name = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.jsonValue()),
      fc.nat({ max: 2 ** 32 }),
      fc.string(),
      (state, client, document) => {
        const prefix = prefixOf(document.slice(0, 7))
        const fields = fieldsOf(state)
        const entries = [...fields].map(([name, json]) => [fieldKey(prefix, client, name), [1, json]])
        const published = readPublished(
          Object.fromEntries([[clientKey(prefix, client), [1, [...fields.keys()]]], ...entries]),
          prefix,
        )
        expect([...published.keys()]).toEqual([client])
        expect(stateOf(published.get(client)!.fields!)).toEqual(JSON.parse(JSON.stringify(state)))
      },
    ),
  )
})
