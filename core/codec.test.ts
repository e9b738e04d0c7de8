import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodePacket,
  type Header,
  hopsMax,
  isGossip,
  PacketWriter,
  packIds,
  prefixBytes,
  protocolVersion,
  routeBytesMax,
  rumourBytesMax,
  signalBytesMax,
  unpackIds,
} from './codec.ts'
import { ShoalError } from './errors.ts'
import { packetBytesMax } from './host.ts'
import { alphabet, idFromBytes, idPrefix, idToBytes } from './ids.ts'
import { memberModes, type StateValue } from './member.ts'
import { pack } from './msgpack.ts'
import { encodeRumour, type Rumour } from './rumour.ts'

const tag = 0x12345678

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(idFromBytes)
const number = fc.integer({ min: 0, max: 0xffffffff })
const text = (charsMax: number) => fc.string({ unit: 'grapheme', maxLength: charsMax / 8 })
const prefix = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 22 })
const cursor = fc.option(fc.record({ id, version: number }))
const units = (unit: number, most: number) =>
  fc.nat(most).chain((count) => fc.uint8Array({ minLength: unit * count, maxLength: unit * count }))

const header: fc.Arbitrary<Header> = fc.oneof(
  fc.record({ kind: fc.constant('ping' as const), seq: number, from: id, to: number, hi: number, lo: number }),
  fc.record({ kind: fc.constant('ack' as const), seq: number, hi: number, lo: number }),
  fc.record({ kind: fc.constant('pingReq' as const), seq: number, from: id, target: id, nackMs: number }),
  fc.record({ kind: fc.constant('nack' as const), seq: number }),
  fc.record({ kind: fc.constant('gossip' as const) }),
  fc.record({ kind: fc.constant('ranges' as const), seq: number, from: id, prefix, pad: fc.constant(0) }),
  fc.record({
    kind: fc.constant('parts' as const),
    seq: number,
    prefix,
    parts: fc.uint8Array({ minLength: 384, maxLength: 384 }),
  }),
  fc.record({
    kind: fc.constant('fetch' as const),
    seq: number,
    from: id,
    prefix,
    cursor,
    known: units(20, 32),
    pad: fc.constant(0),
  }),
  fc.record({ kind: fc.constant('page' as const), seq: number, next: cursor, wants: units(16, 32) }),
  fc.record({ kind: fc.constant('astray' as const), to: id }),
  fc.record({ kind: fc.constant('signal' as const), seq: number, data: fc.uint8Array({ maxLength: 600 }) }),
  fc.record({ kind: fc.constant('signalAck' as const), seq: number }),
  fc.record({
    kind: fc.constant('letter' as const),
    from: id,
    to: id,
    seq: number,
    hops: number,
    role: fc.constantFrom('message' as const, 'answer' as const, 'ack' as const),
    re: number,
    data: fc.option(fc.uint8Array({ maxLength: 600 })),
  }),
)

const route = fc
  .tuple(fc.array(number, { minLength: 1, maxLength: hopsMax }), fc.nat(), id, id)
  .map(([path, place, from, to]) => ({ kind: 'route' as const, from, to, path, at: place % path.length }))

const endpoints = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom('udp', 'rtc', 'relay', 'sim'),
    fc.string({ unit: fc.constantFrom(...alphabet, ':', '[', ']'), minLength: 1, maxLength: 20 }),
  ),
  { selector: ([kind]) => kind },
)

const value = fc.oneof(
  // Through JSON, which knows no minus zero: msgpackr sends that as zero.
  fc
    .jsonValue({ maxDepth: 4 })
    .map((json): unknown => JSON.parse(JSON.stringify(json)))
    .filter((json) => JSON.stringify(json).length < 300),
  fc.uint8Array({ maxLength: 100 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((float) => !Object.is(float, -0)),
) as fc.Arbitrary<StateValue>

const rumour: fc.Arbitrary<Rumour> = fc.oneof(
  fc.record({
    type: fc.constant('alive' as const),
    id,
    incarnation: number,
    name: text(64),
    user: fc.option(text(128)),
    mode: fc.constantFrom(...memberModes),
    endpoints: endpoints.map((pairs) => pairs.map(([kind, address]) => `${kind}:${address}`)),
    floor: number,
  }),
  fc.record({ type: fc.constant('left' as const), id, incarnation: number }),
  fc.record({ type: fc.constantFrom('suspect' as const, 'dead' as const), id, incarnation: number, accuser: id }),
  fc.record({
    type: fc.constant('entry' as const),
    id,
    key: text(128),
    version: number,
    volatile: fc.boolean(),
    value: fc.option(value, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('message' as const),
    id,
    seq: number,
    topic: text(64),
    data: fc.option(value, { nil: undefined }),
    answerMs: number,
  }),
)

test('every header and every rumour comes back as it was sent', () => {
  fc.assert(
    fc.property(header, fc.array(rumour, { maxLength: 5 }), (sent, rumours) => {
      const { packet, added } = packetOf(sent, rumours)
      const decoded = decodePacket(packet, tag)!
      expect(decoded.header).toEqual(sent)
      expect(decoded.rumours.map((one) => one.rumour)).toEqual(rumours.slice(0, added))
      expect(decoded.unknown).toBe(0)
      expect(isGossip(packet)).toBe(sent.kind === 'gossip')
    }),
    { numRuns: 500 },
  )
})

test('a route wraps any packet: its own fields come back, and what it wraps is handed over unread', () => {
  fc.assert(
    fc.property(route, fc.oneof(header, route), fc.uint8Array({ maxLength: 200 }), (sent, inner, garbage) => {
      const wrapped = packetOf(inner, []).packet.subarray(prefixBytes)
      for (const bytes of [wrapped, garbage]) {
        const packet = new Uint8Array([...packetOf(sent, []).packet, ...bytes])
        const decoded = decodePacket(packet, tag)!
        expect(decoded).toEqual({ header: sent, rumours: [], unknown: 0, wrapped: bytes })
      }
    }),
  )
})

test('the longest route leaves the room it promises, and the longest signal fits behind it', () => {
  const writer = new PacketWriter(tag)
  const path = Array(hopsMax).fill(2 ** 32 - 1)
  const left = writer.begin({ kind: 'route', from: idOf(1), to: idOf(2), path, at: hopsMax - 1 })
  expect(packetBytesMax - left).toBeLessThanOrEqual(routeBytesMax)
  const data = new Uint8Array(signalBytesMax)
  const signal = packetOf({ kind: 'signal', seq: 2 ** 32 - 1, data }, []).packet
  expect(signal.length - prefixBytes).toBeLessThanOrEqual(packetBytesMax - routeBytesMax)
  expect(signal.length - prefixBytes).toBeLessThanOrEqual(left)
})

test('rumours that are known are left out unread, but for those of a page, which were asked for', () => {
  fc.assert(
    fc.property(header, fc.array(fc.tuple(rumour, fc.boolean()), { maxLength: 5 }), (sent, some) => {
      const { packet, added } = packetOf(
        sent,
        some.map(([one]) => one),
      )
      const known = new Set(some.flatMap(([one, knows]) => (knows ? [String(encodeRumour(one))] : [])))
      const decoded = decodePacket(packet, tag, (bytes) => known.has(String(bytes)))!
      const expected = some
        .slice(0, added)
        .filter(([one]) => sent.kind === 'page' || !known.has(String(encodeRumour(one))))
      expect(decoded.rumours.map((one) => one.rumour)).toEqual(expected.map(([one]) => one))
    }),
  )
})

test('the bytes of a rumour are passed on as they came', () => {
  fc.assert(
    fc.property(fc.array(rumour, { minLength: 1, maxLength: 5 }), (rumours) => {
      const { packet, added } = packetOf({ kind: 'gossip' }, rumours)
      const decoded = decodePacket(packet, tag)!
      expect(decoded.rumours.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(
        rumours.slice(0, added).map((one) => Buffer.from(encodeRumour(one)).toString('hex')),
      )
    }),
  )
})

test('the padding of a request is sent and read as nothing', () => {
  const sent: Header = {
    kind: 'fetch',
    seq: 1,
    from: idOf(1),
    prefix: '',
    cursor: null,
    known: new Uint8Array(),
    pad: 0,
  }
  const bare = packetOf(sent, []).packet.length
  const padded = packetOf({ ...sent, pad: 700 }, []).packet
  expect(padded.length).toBeGreaterThanOrEqual(bare + 700)
  expect(decodePacket(padded, tag)!.header).toEqual(sent)
})

test('any bytes behind the prefix are a packet, of a kind unknown, or malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: packetBytesMax + 10 }), (bytes) => {
      judge(new Uint8Array([...prefixOf(tag), ...bytes]))
      judge(bytes)
    }),
    { numRuns: 1000 },
  )
})

test('a packet with a few bytes changed, doubled or lost is a packet, of a kind unknown, or malformed', () => {
  const change = fc.record({
    at: fc.nat(packetBytesMax),
    what: fc.constantFrom('set' as const, 'insert' as const, 'remove' as const),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc4, 0xc7, 0xcf, 0xd4, 0xdc, 0xdd)),
  })
  const verdicts = new Map<string, number>()
  fc.assert(
    fc.property(
      header,
      fc.array(rumour, { maxLength: 4 }),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (sent, rumours, changes) => {
        const numbers = [...packetOf(sent, rumours).packet]
        for (const { at, what, byte } of changes) {
          const place = 5 + (at % (numbers.length - 4))
          numbers.splice(place, what === 'insert' ? 0 : 1, ...(what === 'remove' ? [] : [byte]))
        }
        const verdict = judge(new Uint8Array(numbers))
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
      },
    ),
    { numRuns: 3000 },
  )
  // Each of the outcomes is reached, or the test would be about nothing.
  expect([...verdicts.keys()].sort()).toEqual(['packet', 'packet_malformed', 'unknown'])
})

test('a header kind that only later versions know is none, and no error', () => {
  expect(decodePacket(rawPacket([15, 1, 2]), tag)).toBeUndefined()
  expect(decodePacket(rawPacket([200]), tag)).toBeUndefined()
})

test('a rumour of a kind that only later versions know is skipped and counted', () => {
  const known: Rumour = { type: 'left', id: idOf(1), incarnation: 3 }
  const packet = new Uint8Array([
    ...rawPacket([5]),
    ...pack([9, 'new']),
    ...encodeRumour(known),
    ...pack(['text kind']),
  ])
  const decoded = decodePacket(packet, tag)!
  expect(decoded.unknown).toBe(2)
  expect(decoded.rumours.map((one) => one.rumour)).toEqual([known])
})

test('fields behind those this version knows are ignored, and passed on with a rumour', () => {
  const bytes = pack([2, idToBytes(idOf(1)), 7, 'later', [1, 2]])
  const packet = new Uint8Array([...rawPacket([2, 1, 2, 3, 'later', null]), ...bytes])
  const decoded = decodePacket(packet, tag)!
  expect(decoded.header).toEqual({ kind: 'ack', seq: 1, hi: 2, lo: 3 })
  expect(decoded.rumours).toEqual([{ rumour: { type: 'left', id: idOf(1), incarnation: 7 }, bytes }])
})

test('a packet of another room or another version is foreign, whatever else it says', () => {
  const { packet } = packetOf({ kind: 'gossip' }, [])
  expect(() => decodePacket(packet, tag + 1)).toThrow(expect.objectContaining({ code: 'packet_foreign' }))
  const later = new Uint8Array([protocolVersion + 1, ...packet.subarray(1), 0xc1])
  expect(() => decodePacket(later, tag)).toThrow(expect.objectContaining({ code: 'packet_foreign' }))
})

test('a packet longer than any channel carries, or with nothing in it, is malformed', () => {
  const tooLong = new Uint8Array([...rawPacket([5]), ...Array(packetBytesMax).fill(0xc0)])
  for (const packet of [tooLong, prefixOf(tag), new Uint8Array()]) expect(judge(packet)).toBe('packet_malformed')
})

test('a rumour longer than fits behind every header is malformed, of whatever kind', () => {
  const rumourOf = (kind: number, length: number) => pack([kind, new Uint8Array(length - 5)])
  expect(rumourOf(9, rumourBytesMax)).toHaveLength(rumourBytesMax)
  expect(judge(new Uint8Array([...rawPacket([5]), ...rumourOf(9, rumourBytesMax)]))).toBe('packet')
  expect(judge(new Uint8Array([...rawPacket([5]), ...rumourOf(9, rumourBytesMax + 1)]))).toBe('packet_malformed')
})

const id16 = new Uint8Array(16)
test.each<[string, unknown[]]>([
  ['an ack without a digest', [2, 1]],
  ['a sequence number below zero', [2, -1, 0, 0]],
  ['a sequence number with a fraction', [2, 1.5, 0, 0]],
  ['a sequence number that is none', [2, Number.NaN, 0, 0]],
  ['a sequence number over 32 bits', [2, 2 ** 32, 0, 0]],
  ['a sequence number as text', [2, '1', 0, 0]],
  ['an id of 15 bytes', [1, 1, new Uint8Array(15), 0, 0, 0]],
  ['an id as text', [1, 1, 'AAAAAAAAAAAAAAAAAAAAAA', 0, 0, 0]],
  ['a prefix with a character that ids do not have', [6, 1, id16, 'a+b']],
  ['a prefix longer than an id', [6, 1, id16, 'a'.repeat(23)]],
  ['63 parts', [7, 1, '', new Uint8Array(63 * 6)]],
  ['half a known member', [8, 1, id16, '', null, 0, new Uint8Array(10)]],
  ['half an id wanted', [9, 1, null, 0, new Uint8Array(8)]],
  ['a cursor without a version', [9, 1, id16, null, new Uint8Array(0)]],
  ['a path of half a member', [10, id16, id16, new Uint8Array(6), 0]],
  ['a path without anybody', [10, id16, id16, new Uint8Array(0), 0]],
  ['a path of eleven members', [10, id16, id16, new Uint8Array(44), 0]],
  ['a path as a list of numbers', [10, id16, id16, [1, 2], 0]],
  ['a place behind the end of its path', [10, id16, id16, new Uint8Array(8), 2]],
  ['a place before the beginning of its path', [10, id16, id16, new Uint8Array(8), -1]],
  ['a place between two members of its path', [10, id16, id16, new Uint8Array(8), 0.5]],
  ['a path to nobody', [10, id16, null, new Uint8Array(8), 0]],
  ['nobody it went astray to', [11]],
  ['a signal as text', [12, 1, 'offer']],
  ['a signal without a number', [12, null, new Uint8Array(3)]],
  ['an ack of no signal', [13]],
  ['a kind as text', ['ping']],
  ['no field at all', []],
])('a header with %s is malformed', (_name, fields) => {
  expect(judge(rawPacket(fields))).toBe('packet_malformed')
})

test.each<[string, unknown[]]>([
  ['a record with a name of 65 characters', [1, id16, 1, 'n'.repeat(65), null, 0, [], 0]],
  ['a record with a number for a user', [1, id16, 1, 'n', 7, 0, [], 0]],
  ['a record with nine endpoints', [1, id16, 1, 'n', null, 0, Array.from({ length: 9 }, (_, i) => `k${i}:a`), 0]],
  ['a record with two endpoints of one kind', [1, id16, 1, 'n', null, 0, ['udp:a', 'udp:b'], 0]],
  ['a record with an endpoint without an address', [1, id16, 1, 'n', null, 0, ['udp:'], 0]],
  ['a record with a line break in an endpoint', [1, id16, 1, 'n', null, 0, ['udp:a\nb'], 0]],
  ['a record without a floor', [1, id16, 1, 'n', null, 0, []]],
  ['an incarnation below zero', [2, id16, -1]],
  ['an incarnation of 2^32', [2, id16, 2 ** 32]],
  ['an incarnation that is infinite', [2, id16, Number.POSITIVE_INFINITY]],
  ['an accusation without an accuser', [3, id16, 1]],
  ['an entry whose value is not wrapped', [5, id16, 'k', 1, 0, 7]],
  ['an entry with bytes behind its value', [5, id16, 'k', 1, 0, new Uint8Array([1, 2])]],
  ['an entry with an empty value', [5, id16, 'k', 1, 0, new Uint8Array()]],
  ['an entry with a 64-bit integer in its value', [5, id16, 'k', 1, 0, new Uint8Array([0xcf, 0, 0, 0, 0, 0, 0, 0, 1])]],
  ['an entry with an extension in its value', [5, id16, 'k', 1, 0, new Uint8Array([0xd4, 0, 0])]],
  ['an entry with a key of 129 characters', [5, id16, 'k'.repeat(129), 1, 0, null]],
  ['an entry without a version', [5, id16, 'k']],
])('a packet with %s is malformed', (_name, fields) => {
  expect(judge(new Uint8Array([...rawPacket([5]), ...pack(fields)]))).toBe('packet_malformed')
})

test('a mode that only later versions know is read as visible', () => {
  const packet = new Uint8Array([...rawPacket([5]), ...pack([1, id16, 1, 'n', null, 17, [], 0])])
  expect(decodePacket(packet, tag)!.rumours[0]!.rumour).toMatchObject({ type: 'alive', mode: 'visible' })
})

test('the writer says how much room is left, and a packet can be filled to its last byte', () => {
  const writer = new PacketWriter(tag)
  const left = writer.begin({ kind: 'gossip' })
  writer.add(new Uint8Array(left))
  expect(writer.length).toBe(packetBytesMax)
  expect(writer.finish()).toHaveLength(packetBytesMax)
  writer.begin({ kind: 'gossip' })
  expect(writer.finish()).toHaveLength(packetBytesMax - left)
})

test('ids are packed one behind the other, and a ping names its target by the first 32 bits', () => {
  fc.assert(
    fc.property(fc.array(id, { maxLength: 10 }), (ids) => {
      expect(unpackIds(packIds(ids))).toEqual(ids)
      for (const one of ids) expect(idPrefix(one)).toBe(Buffer.from(idToBytes(one)).readUInt32BE())
    }),
  )
})

/** A packet with as many of the rumours, from the first, as fit. */
function packetOf(sent: Header, rumours: readonly Rumour[]): { packet: Uint8Array; added: number } {
  const writer = new PacketWriter(tag)
  let left = writer.begin(sent)
  let added = 0
  for (const one of rumours) {
    const bytes = encodeRumour(one)
    if (bytes.length > left) break
    writer.add(bytes)
    left -= bytes.length
    added++
  }
  return { packet: new Uint8Array(writer.finish()), added }
}

/** Decodes hostile bytes: anything but a packet, nothing or an error of the two codes is thrown on. */
function judge(bytes: Uint8Array): string {
  try {
    const packet = decodePacket(bytes, tag)
    if (packet === undefined) return 'unknown'
    for (const one of packet.rumours) {
      const again = encodeRumour(one.rumour)
      const [comesBack] = decodePacket(new Uint8Array([...rawPacket([5]), ...again]), tag)!.rumours
      expect(encodeRumour(comesBack!.rumour)).toEqual(again)
    }
    return 'packet'
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    expect(['packet_malformed', 'packet_foreign']).toContain(error.code)
    return error.code
  }
}

function rawPacket(fields: unknown[]): Uint8Array {
  return new Uint8Array([...prefixOf(tag), ...pack(fields)])
}

function prefixOf(room: number): Uint8Array {
  const bytes = new Uint8Array(5)
  bytes[0] = protocolVersion
  new DataView(bytes.buffer).setUint32(1, room)
  return bytes
}

function idOf(n: number): string {
  return idFromBytes(new Uint8Array(16).fill(n))
}

/** msgpackr renames such a key when it decodes, which is what keeps prototypes safe. */
