/** Types as the reference writes them, from as much of TypeDoc's model as they need. */

import { expect, test } from 'vitest'
import { aliasText, partsOf, signatureText, textOf } from './types.mjs'

const named = (name, ...typeArguments) => ({ type: 'reference', name, typeArguments })
const word = (name) => ({ type: 'intrinsic', name })
const text = (value) => ({ type: 'literal', value })
const list = (elementType) => ({ type: 'array', elementType })
const union = (...types) => ({ type: 'union', types })
const field = (name, type, flags = {}) => ({ name, type, flags })
const object = (...children) => ({ type: 'reflection', declaration: { children } })
const call = (parameters, type) => ({ type: 'reflection', declaration: { signatures: [{ parameters, type }] } })
const written = (type) => textOf(partsOf(type))

test('types are written as they are declared', () => {
  expect(written(union(text('open'), word('undefined')))).toBe("'open' | undefined")
  expect(written({ type: 'typeOperator', operator: 'readonly', target: list(named('Member')) })).toBe(
    'readonly Member[]',
  )
  expect(
    written(
      object(field('id', word('string'), { isReadonly: true }), field('port', word('number'), { isOptional: true })),
    ),
  ).toBe('{ readonly id: string; port?: number }')
  expect(written(call([field('event', named('SwimEvent'))], word('void')))).toBe('(event: SwimEvent) => void')
})

test('what would be read as something else is put in parentheses', () => {
  expect(written(list(union(word('string'), word('number'))))).toBe('(string | number)[]')
  expect(written(union(call([], word('void')), word('null')))).toBe('(() => void) | null')
})

test('what a type parameter is if left out stays out, and the state of any keys has its name', () => {
  const state = named('Readonly', named('Record', word('string'), named('StateValue')))
  expect(written(state)).toBe('State')
  expect(written(named('Member', state))).toBe('Member')
  expect(written(named('Uint8Array', named('ArrayBufferLike')))).toBe('Uint8Array')
})

test('a part that names one of our declarations carries it', () => {
  const reflection = { name: 'Instance' }
  expect(partsOf(list({ ...named('Instance'), reflection }))).toEqual([
    { text: 'Instance', to: reflection },
    { text: '[]' },
  ])
})

test('long calls and long unions are broken into lines', () => {
  const long = 'x'.repeat(60)
  const parameters = [field('one', named(long)), field('two', named(long), { isOptional: true })]
  expect(signatureText({ parameters, type: word('void') }, 'ask')).toBe(
    `ask(\n  one: ${long},\n  two?: ${long},\n): void`,
  )
  expect(aliasText(union(named(long), named(long)))).toBe(`\n  | ${long}\n  | ${long}`)
  expect(aliasText(word('string'))).toBe(' string')
})

test('a kind of type that is not known is an error, no gap in the page', () => {
  expect(() => partsOf({ type: 'templateLiteral' })).toThrow('templateLiteral')
})
