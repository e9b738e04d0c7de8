import { expect, test } from 'vitest'
import { printable, printableJson, textFacts, textTable } from './table.ts'

test('columns are aligned by their widest cell, and empty cells are hyphens', () => {
  const rows = [
    ['api-1', '', 'alive'],
    ['Änne', '10.0.0.7:7946', 'dead'],
  ]
  expect(textTable(['NAME', 'ADDRESS', 'STATUS'], rows)).toBe(
    ['NAME   ADDRESS        STATUS', 'api-1  -              alive', 'Änne   10.0.0.7:7946  dead'].join('\n'),
  )
})

test('a table without rows is its header', () => {
  expect(textTable(['NAME', 'STATUS'], [])).toBe('NAME  STATUS')
})

test('facts are aligned behind their names', () => {
  const facts = [
    ['id', '1'],
    ['name', 'a'],
  ] as const
  expect(textFacts(facts)).toBe('  id    1\n  name  a')
})

test('what other members wrote cannot steer the terminal or break a line', () => {
  expect(printable('\u001b[31mred\u001b[0m\n\u009b2J\u202e')).toBe('\\u001b[31mred\\u001b[0m\\u000a\\u009b2J\\u202e')
  expect(textTable(['NAME'], [['a\nb']]).split('\n')).toHaveLength(2)
})

test('JSON keeps its meaning when control characters become escapes', () => {
  const body = { name: '\u009b2J \u{e0001} é\n', list: [1] }
  const text = printableJson(body)
  expect(text).not.toMatch(/[^\P{C}\n]/u)
  expect(JSON.parse(text)).toEqual(body)
})
