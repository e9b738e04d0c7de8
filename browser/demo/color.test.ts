import { expect, test } from 'vitest'
import type { StateValue } from '../../core/index.ts'
import { colorOf, parseColor, swatches } from './color.ts'

const member = (color?: StateValue) => ({ id: 'AAAAAAAAAAAAAAAAAAAAAA', state: color === undefined ? {} : { color } })

test('a swatch is known by its name and any colour by its six digits', () => {
  expect(parseColor('teal')).toBe(swatches.get('teal'))
  expect(parseColor('#A1b2C3')).toBe('#A1b2C3')
})

test.each([
  'red',
  '#fff',
  '#12345g',
  '#123456; background: url(//evil)',
  'url(//evil)',
  ' #123456',
  '#123456\n',
  'constructor',
  '__proto__',
  '',
  7,
  null,
  ['teal'],
  { toString: 'teal' },
])('%j is no colour', (value) => {
  expect(parseColor(value)).toBeUndefined()
})

test('a member without a valid colour gets a swatch by its id, the same on every page', () => {
  const plain = colorOf(member())
  expect([...swatches.values()]).toContain(plain)
  expect(colorOf(member('javascript:alert(1)'))).toBe(plain)
  expect(colorOf(member(new Uint8Array(6)))).toBe(plain)
})
