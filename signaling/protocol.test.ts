import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idFromBytes, type PeerId, packetBytesMax } from '../core/index.ts'
import {
  type ClientText,
  encodeClientText,
  encodePacket,
  encodeServerText,
  frameBytesMax,
  introducersMax,
  isSignalData,
  parseClientFrame,
  parseServerFrame,
  pingMsMax,
  pingMsMin,
  roomLengthMax,
  type ServerText,
  signalLengthMax,
} from './protocol.ts'
import { type IceServer, iceServersMax } from './protocol-ice.ts'

const anyId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(idFromBytes)
const anyPacket = fc.uint8Array({ minLength: 1, maxLength: packetBytesMax })
const anyToken = fc.string({ minLength: 1, maxLength: 100 })
/** What JSON can say, so that "the same" means the same after one trip through it. */
const anyData = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }))
  .map((data) => JSON.parse(JSON.stringify(data)) as object)
  .filter(isSignalData)
const anyRoom = fc.string({ minLength: 1, maxLength: roomLengthMax, unit: 'grapheme' }).filter((r) => r.length <= 128)

const anyClientText: fc.Arbitrary<ClientText> = fc.oneof(
  fc.record(
    { t: fc.constant('hello' as const), v: fc.nat(), room: anyRoom, id: anyId, token: anyToken },
    { requiredKeys: ['t', 'v', 'room', 'id'] },
  ) as fc.Arbitrary<ClientText>,
  fc.record({ t: fc.constant('signal' as const), to: anyId, data: anyData }),
  fc.constant({ t: 'introduce' as const }),
  fc.constant({ t: 'bye' as const }),
)
const anyIceServers = fc.array(
  fc.constantFrom<IceServer[]>(
    { urls: ['stun:a', 'stun:[::1]:1'] },
    { urls: ['turn:b'], username: '1:x', credential: 'y' },
  ),
  { maxLength: iceServersMax },
)
const anyServerText: fc.Arbitrary<ServerText> = fc.oneof(
  fc.record(
    {
      t: fc.constant('welcome' as const),
      token: anyToken,
      introducers: fc.array(anyId, { maxLength: introducersMax }),
      pingMs: fc.integer({ min: pingMsMin, max: pingMsMax }),
      iceServers: anyIceServers,
    },
    { requiredKeys: ['t', 'token', 'introducers', 'pingMs'] },
  ) as fc.Arbitrary<ServerText>,
  fc.record({ t: fc.constant('ice' as const), servers: anyIceServers }),
  fc.record({ t: fc.constant('introducers' as const), ids: fc.array(anyId, { maxLength: introducersMax }) }),
  fc.record({ t: fc.constant('signal' as const), from: anyId, data: anyData }),
  fc.record({ t: fc.constant('absent' as const), id: anyId }),
  fc.constant({ t: 'ping' as const }),
  fc.record({ t: fc.constant('error' as const), code: anyToken.filter((c) => c.length <= 64), message: anyToken }),
)
/** Texts that come close: the right keys with any values, and any text at all. */
const anyText = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .record(
      {
        t: fc.constantFrom(
          'hello',
          'welcome',
          'signal',
          'introducers',
          'introduce',
          'absent',
          'ice',
          'error',
          'bye',
          '__proto__',
        ),
        v: fc.jsonValue(),
        room: fc.jsonValue(),
        id: fc.oneof(anyId, fc.jsonValue()),
        to: fc.oneof(anyId, fc.jsonValue()),
        from: fc.oneof(anyId, fc.jsonValue()),
        data: fc.jsonValue(),
        token: fc.jsonValue(),
        ids: fc.jsonValue(),
        introducers: fc.jsonValue(),
        pingMs: fc.jsonValue(),
        iceServers: fc.oneof(anyIceServers, fc.jsonValue()),
        servers: fc.oneof(anyIceServers, fc.jsonValue()),
        code: fc.jsonValue(),
        message: fc.jsonValue(),
      },
      { requiredKeys: ['t'] },
    )
    .map((fields) => JSON.stringify(fields)),
)
const clientTypes = ['hello', 'signal', 'introduce', 'bye', 'packet', 'ignored', 'malformed']
const serverTypes = [
  'welcome',
  'introducers',
  'signal',
  'absent',
  'ping',
  'ice',
  'error',
  'packet',
  'ignored',
  'malformed',
]

test('any text and any bytes are a message or an error, and never a throw', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.uint8Array({ maxLength: 1300 })), (frame) => {
      expect(clientTypes).toContain(parseClientFrame(frame).t)
      expect(serverTypes).toContain(parseServerFrame(frame).t)
    }),
    { numRuns: 2_000 },
  )
})

test('what was encoded comes back the same, both ways', () => {
  fc.assert(
    fc.property(anyClientText, (text) => {
      expect(parseClientFrame(encodeClientText(text))).toEqual({ ...text })
    }),
  )
  fc.assert(
    fc.property(anyServerText, (text) => {
      expect(parseServerFrame(encodeServerText(text))).toEqual(text)
    }),
  )
})

test('a relayed packet comes back whole with the id it was given', () => {
  fc.assert(
    fc.property(anyId, anyPacket, (peer, packet) => {
      const frame = encodePacket(peer, packet)
      expect(parseClientFrame(frame)).toEqual({ t: 'packet', peer, packet })
      expect(parseServerFrame(frame)).toEqual({ t: 'packet', peer, packet })
    }),
  )
})

test('a message that was understood is as small when it is said again', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const frame = parseClientFrame(text)
      if (frame.t !== 'signal') return
      expect(Buffer.byteLength(encodeServerText({ t: 'signal', from: frame.to, data: frame.data }))).toBeLessThan(
        frameBytesMax,
      )
    }),
  )
  // The worst case: three bytes a character.
  const data = { sdp: '€'.repeat(signalLengthMax - 10) }
  expect(isSignalData(data)).toBe(true)
  expect(Buffer.byteLength(encodeClientText({ t: 'signal', to: id(1), data }))).toBeLessThan(frameBytesMax)
})

test('numbers that grow when they are said again do not slip past the limit', () => {
  const short = `{"t":"signal","to":"${id(1)}","data":{"n":[${new Array(1_000).fill('1e20').join()}]}}`
  expect(short.length).toBeLessThan(signalLengthMax)
  expect(parseClientFrame(short).t).toBe('malformed')
})

test.each([
  ['no JSON', '{"t":"hello"'],
  ['an array', '[{"t":"bye"}]'],
  ['null', 'null'],
  ['a type that is no text', '{"t":1}'],
  ['a type taken from a prototype', '{"__proto__":{"t":"bye"}}'],
  ['more than a frame', JSON.stringify({ t: 'bye', padding: 'x'.repeat(frameBytesMax) })],
  ['no version', JSON.stringify({ t: 'hello', room: 'r', id: id(1) })],
  ['an empty room', JSON.stringify({ t: 'hello', v: 1, room: '', id: id(1) })],
  ['a room too long', JSON.stringify({ t: 'hello', v: 1, room: 'r'.repeat(roomLengthMax + 1), id: id(1) })],
  ['an id too short', JSON.stringify({ t: 'hello', v: 1, room: 'r', id: 'abc' })],
  ['an empty token', JSON.stringify({ t: 'hello', v: 1, room: 'r', id: id(1), token: '' })],
  ['a signal to nobody', JSON.stringify({ t: 'signal', data: {} })],
  ['a signal that is an array', JSON.stringify({ t: 'signal', to: id(1), data: [] })],
  ['a signal without data', JSON.stringify({ t: 'signal', to: id(1) })],
  ['a signal too large', JSON.stringify({ t: 'signal', to: id(1), data: { sdp: 'x'.repeat(signalLengthMax) } })],
  [
    'a nest deep enough for a stack',
    `{"t":"signal","to":"${id(1)}","data":${'{"a":'.repeat(4_000)}1${'}'.repeat(4_000)}}`,
  ],
])('%s is malformed', (_what, text) => {
  expect(parseClientFrame(text).t).toBe('malformed')
})

test.each([
  ['no introducers', { t: 'welcome', token: 'a', pingMs: 1_000 }],
  ['too many introducers', { t: 'welcome', token: 'a', pingMs: 1_000, introducers: new Array(9).fill(id(1)) }],
  ['an interval that would spin', { t: 'welcome', token: 'a', pingMs: 0, introducers: [] }],
  ['an interval that is no number', { t: 'welcome', token: 'a', pingMs: '1000', introducers: [] }],
  ['an introducer that is no id', { t: 'introducers', ids: ['x'] }],
  [
    'a server that browsers cannot read',
    { t: 'welcome', token: 'a', pingMs: 1_000, introducers: [], iceServers: [{ urls: ['http://a'] }] },
  ],
  ['a renewal of nothing', { t: 'ice' }],
  ['a signal from nobody', { t: 'signal', data: {} }],
])('%s from a server is malformed', (_what, message) => {
  expect(parseServerFrame(JSON.stringify(message)).t).toBe('malformed')
})

test('a binary frame without a packet, or with more than one fits, is malformed', () => {
  expect(parseClientFrame(new Uint8Array(16)).t).toBe('malformed')
  expect(parseClientFrame(new Uint8Array(17)).t).toBe('packet')
  expect(parseClientFrame(new Uint8Array(16 + packetBytesMax)).t).toBe('packet')
  expect(parseClientFrame(new Uint8Array(17 + packetBytesMax)).t).toBe('malformed')
})

test('types and fields of a later version are ignored', () => {
  expect(parseClientFrame('{"t":"subscribe","topic":"x"}')).toEqual({ t: 'ignored' })
  expect(parseServerFrame('{"t":"moved","url":"x"}')).toEqual({ t: 'ignored' })
  expect(parseClientFrame('{"t":"bye","why":"later"}')).toEqual({ t: 'bye' })
})

test('the keys of prototypes are data like any other', () => {
  const text = `{"t":"signal","to":"${id(1)}","data":{"__proto__":{"polluted":true},"constructor":"x","toString":1}}`
  const frame = parseClientFrame(text)
  if (frame.t !== 'signal') throw new Error(`got ${frame.t}`)
  expect(encodeClientText(frame)).toBe(text)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  expect(Object.getPrototypeOf(frame.data)).toBe(Object.prototype)
})

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
