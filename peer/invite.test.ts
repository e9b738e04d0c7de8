import { expect, test } from 'vitest'
import { readServerUrl, readSignaling, serverUrlMax, writeInvite } from './invite.ts'

test('an invite leads to the server and the room it was written for', () => {
  for (const room of ['lobby', 'a room & more?=#%', 'Zürich 🐟', '.', 'x'.repeat(128), '🐟'.repeat(64)]) {
    for (const server of ['ws://10.0.0.7:8787/', 'wss://[::1]/', 'wss://example.com/signal?key=a%20b']) {
      const invite = writeInvite(server, room)
      expect(invite).toMatch(/^wss?:\/\/\S+$/)
      const read = readSignaling(invite)
      expect(read.room).toBe(room)
      expect(new URL(read.servers[0]!).href.replace('a+b', 'a%20b')).toBe(server)
      expect(readSignaling(invite, room)).toEqual(read)
    }
  }
})

test('an address that names no room leaves it open', () => {
  expect(readSignaling('ws://localhost:8787')).toEqual({ servers: ['ws://localhost:8787/'] })
  expect(readSignaling('ws://localhost:8787', 'lobby')).toEqual({ servers: ['ws://localhost:8787/'], room: 'lobby' })
})

test('a list keeps its order and holds nothing twice', () => {
  expect(readSignaling(['wss://b', 'ws://a/?room=lobby', 'wss://b/', 'ws://a'])).toEqual({
    servers: ['wss://b/', 'ws://a/'],
    room: 'lobby',
  })
})

test.each<[unknown, RegExp]>([
  [[], /1 to 8, got 0$/],
  [new Array(9).fill('ws://a'), /1 to 8, got 9$/],
  ['', /got ""$/],
  ['localhost:8787', /got "localhost:8787"$/],
  [['ws://a', 'http://b'], /got "http:\/\/b"$/],
  [['ws://a', 7], /got 7$/],
  [['ws://a', undefined], /got undefined$/],
  [undefined, /got undefined$/],
  [{ url: 'ws://a' }, /got an object$/],
  ['ws://a/#part', /got "ws:\/\/a\/#part"$/],
  [['ws://a/?room=red', 'ws://b/?room=blue'], /for the room "red", got one for "blue"$/],
])('%j is refused in one line that says what was expected', (signaling, message) => {
  expect(() => readSignaling(signaling)).toThrow(
    expect.objectContaining({ code: 'bad_option', message: expect.stringMatching(/^signaling: expected /) }),
  )
  expect(() => readSignaling(signaling)).toThrow(message)
})

test('an invite to another room than the one named is refused', () => {
  expect(() => readSignaling('ws://a/?room=red', 'blue')).toThrow('for the room "blue", got one for "red"')
})

test('in a record an address is a web socket without a password, and short', () => {
  expect(readServerUrl('ws://10.0.0.7:8787')).toBe('ws://10.0.0.7:8787/')
  const long = `ws://a/${'x'.repeat(serverUrlMax)}`
  // Percent encoding may stretch it.
  const grows = `ws://a/${'ü'.repeat(serverUrlMax / 2)}`
  for (const bad of [undefined, 7, '', 'http://a', 'javascript:alert(1)', 'ws://u:p@a', 'ws://u@a', long, grows]) {
    expect(readServerUrl(bad)).toBeUndefined()
  }
})
