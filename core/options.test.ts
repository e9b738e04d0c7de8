import { expect, test } from 'vitest'
import { shown } from './options.ts'
import { serviceRecord } from './services.ts'

test.each<[unknown, string]>([
  ['8080', '"8080"'],
  ['a"b\n', '"a\\"b\\n"'],
  ['x'.repeat(100), `"${'x'.repeat(80)}"`],
  [8080, '8080'],
  [Number.NaN, 'NaN'],
  [5n, '5'],
  [Symbol('s'), 'Symbol(s)'],
  [undefined, 'undefined'],
  [null, 'null'],
  [['a', 1], 'a list of 2'],
  [{ secret: 's' }, 'an object'],
  [Object.create(null), 'an object'],
  [new Map(), 'an object (Map)'],
  [() => 1, 'a function'],
])('%o is shown as what it is', (value, text) => {
  expect(shown(value)).toBe(text)
})

test('a number that came as a text is told from the number', () => {
  const port = '8080' as unknown as number
  expect(() => serviceRecord({ service: 'web', port })).toThrow(
    'port: expected a whole number from 1 to 65535, got "8080"',
  )
})
