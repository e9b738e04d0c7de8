import fc from 'fast-check'
import { expect, test } from 'vitest'
import { iceServersMax, iceUrlsMax, parseIceServers } from './protocol-ice.ts'

const secrets = { username: '1700000000:x', credential: 'y' }

test.each([
  'stun:stun.example.org',
  'stun:10.0.0.7:3478',
  'stuns:stun.example.org:5349',
  'stun:[2001:db8::1]:3478',
  'STUN:x',
])('%s is the address of a STUN server', (url) => {
  expect(parseIceServers([{ urls: [url] }])).toEqual([{ urls: [url] }])
  expect(parseIceServers([{ urls: [url], ...secrets }])).toBeUndefined()
})

test.each([
  'turn:turn.example.org',
  'turn:turn.example.org:3478?transport=tcp',
  'turns:10.0.0.7:443?transport=udp',
  'turn:[::1]',
])('%s is the address of a TURN server, which wants a user and a password', (url) => {
  expect(parseIceServers([{ urls: [url], ...secrets }])).toEqual([{ urls: [url], ...secrets }])
  expect(parseIceServers([{ urls: [url] }])).toBeUndefined()
})

test.each([
  'https://example.org',
  'turn:',
  'turn://example.org',
  'turn:example.org:0',
  'turn:example.org:65536',
  'turn:example.org:3478/',
  'turn:a b',
  'turn:-a',
  'turn:[x]:1',
  'turn:example.org?transport=sctp',
  'turn:example.org?transport=tcp&x=1',
  'turn:user@example.org',
  `turn:${'a'.repeat(300)}`,
  'javascript:alert(1)',
  '',
  7,
  null,
])('%j is no address of a TURN server', (url) => {
  expect(parseIceServers([{ urls: [url], ...secrets }])).toBeUndefined()
})

test('a STUN address takes no parameters, which browsers throw for', () => {
  expect(parseIceServers([{ urls: ['stun:a?transport=udp'] }])).toBeUndefined()
})

test.each([
  ['no list', { urls: ['stun:a'] }],
  ['an entry that is nothing', [null]],
  ['a text for a list of addresses', [{ urls: 'stun:a' }]],
  ['no address', [{ urls: [] }]],
  ['too many addresses', [{ urls: new Array(iceUrlsMax + 1).fill('stun:a') }]],
  ['too many entries', new Array(iceServersMax + 1).fill({ urls: ['stun:a'] })],
  ['a user without a password', [{ urls: ['turn:a'], username: 'x' }]],
  ['an empty password', [{ urls: ['turn:a'], username: 'x', credential: '' }]],
  ['a password that is none', [{ urls: ['turn:a'], username: 'x', credential: { token: 'y' } }]],
  ['a password too long', [{ urls: ['turn:a'], username: 'x', credential: 'y'.repeat(257) }]],
])('%s is refused', (_what, value) => {
  expect(parseIceServers(value)).toBeUndefined()
})

test('fields of a later version are left out, and anything at all is a list or nothing', () => {
  expect(parseIceServers([{ urls: ['turn:a'], ...secrets, credentialType: 'oauth' }])).toEqual([
    { urls: ['turn:a'], ...secrets },
  ])
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const servers = parseIceServers(value)
      if (servers) expect(parseIceServers(JSON.parse(JSON.stringify(servers)))).toEqual(servers)
    }),
  )
})
