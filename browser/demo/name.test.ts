import { expect, test } from 'vitest'
import { seededRandom } from '../../core/index.ts'
import { friendlyName, shownName } from './name.ts'

test('what turns the direction of text or breaks the line is taken out of a name', () => {
  expect(shownName('Ana\u202e\u2066 gro.live\u0000\n')).toBe('Ana gro.live')
  expect(shownName('\u200f\u2069')).toBe('nameless')
  expect(shownName('')).toBe('nameless')
})

test('letters and emoji of any script stay as they are', () => {
  for (const name of ['Zoë', 'Ольга', 'مريم', '雪', '👩‍🚀', 'a & <b>']) expect(shownName(name)).toBe(name)
})

test('accents piled on one letter are cut to two', () => {
  expect(shownName(`Z${'\u0301'.repeat(40)}oe`)).toBe('Z\u0301\u0301oe')
})

test('a name that is too long ends in an ellipsis and splits no emoji', () => {
  expect(shownName('abcdef', 4)).toBe('abc…')
  expect(shownName('abcd', 4)).toBe('abcd')
  expect(shownName('ab🐟🐟🐟', 4)).toBe('ab🐟…')
})

test('a friendly name is two words', () => {
  expect(friendlyName(seededRandom(1))).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
})
