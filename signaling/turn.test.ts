import { expect, test } from 'vitest'
import { idFromBytes } from '../core/index.ts'
import { parseIceServers } from './protocol-ice.ts'
import { IceIssuer } from './turn.ts'

const id = idFromBytes(new Uint8Array(16).fill(1))
const turn = { urls: ['turn:turn.example.org'], secret: 'north', ttlSeconds: 3600 }

test('a user is named by when it expires and by its id, and its password is the hash that coturn makes', () => {
  const issuer = new IceIssuer([], turn, () => 1_700_000_000)
  // printf %s "$username" | openssl dgst -sha1 -hmac north -binary | base64
  expect(issuer.serversFor(id)).toEqual([
    {
      urls: ['turn:turn.example.org'],
      username: `1700003600:${id}`,
      credential: 'DwVryJz4XavGySeSkOwdl3SUpfo=',
    },
  ])
})

test('what is told is what a client takes, STUN servers first', () => {
  const servers = new IceIssuer(['stun:a', 'stun:b'], turn).serversFor(id)
  expect(servers.map(({ urls }) => urls)).toEqual([['stun:a', 'stun:b'], ['turn:turn.example.org']])
  expect(parseIceServers(JSON.parse(JSON.stringify(servers)))).toEqual(servers)
})

test('credentials are renewed at half their time, and STUN servers never', () => {
  expect(new IceIssuer([], turn).renewAfterMs).toBe(1_800_000)
  expect(new IceIssuer(['stun:a'], undefined).renewAfterMs).toBe(Number.POSITIVE_INFINITY)
})
