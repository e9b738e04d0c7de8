import { expect, test } from 'vitest'
import { seededRandom } from '../../core/index.ts'
import { swatches } from './color.ts'
import { readSettings } from './settings.ts'

function memory() {
  const kept = new Map<string, string>()
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  }
}

test('a bare address leads to the lobby under a made-up name that outlives a reload', () => {
  const tab = memory()
  const settings = readSettings('', tab, seededRandom(1))
  expect(settings.room).toBe('lobby')
  expect([...swatches.keys()]).toContain(settings.color)
  expect(readSettings('', tab, seededRandom(2))).toEqual(settings)
})

test('the address has the last word', () => {
  const tab = memory()
  readSettings('?name=Ana&color=teal', tab, seededRandom(1))
  expect(readSettings('?name=Ben&room=den&user=u-1&color=%23aabbcc', tab, seededRandom(1))).toEqual({
    room: 'den',
    name: 'Ben',
    user: 'u-1',
    color: '#aabbcc',
  })
})

test('a colour nobody knows is replaced', () => {
  expect([...swatches.keys()]).toContain(readSettings('?color=url(x)', memory(), seededRandom(1)).color)
})
