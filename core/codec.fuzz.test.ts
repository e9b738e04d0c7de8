/**
 * Hostile bytes. Whatever arrives is a packet, a packet of a kind unknown, or an error with a code `packet_*`; nothing
 * else, at no cost beyond what its length pays for. Every header and every rumour is damaged at every byte.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodePacket, decodeRumour, type Header, PacketWriter, rumourBytesMax } from './codec.ts'
import { ShoalError } from './errors.ts'
import { idFromBytes, idToBytes } from './ids.ts'
import { pack } from './msgpack.ts'
import { encodeRumour, type Rumour } from './rumour.ts'

const tag = 0x12345678
const prefixBytes = 5
const [ann, bob] = [1, 2].map((n) => idFromBytes(new Uint8Array(16).fill(n))) as [string, string]
const seq = 0xdeadbeef
const malformed = expect.objectContaining({ code: 'packet_malformed' })
/** The names of a rumour's fields, which are not in its bytes, weigh the most. */
const weightPerByteMax = 8

const headers: Record<Header['kind'], Header> = {
  ping: { kind: 'ping', seq, from: ann, to: 7, hi: 0xffffffff, lo: 1 },
  ack: { kind: 'ack', seq, hi: 300, lo: 70_000 },
  pingReq: { kind: 'pingReq', seq, from: ann, target: bob, nackMs: 400 },
  nack: { kind: 'nack', seq },
  gossip: { kind: 'gossip' },
  ranges: { kind: 'ranges', seq, from: ann, prefix: 'aZ_-', pad: 0 },
  parts: { kind: 'parts', seq, prefix: '', parts: new Uint8Array(384).fill(9) },
  fetch: {
    kind: 'fetch',
    seq,
    from: ann,
    prefix: 'q',
    cursor: { id: bob, version: 8 },
    known: new Uint8Array(40),
    pad: 0,
  },
  page: { kind: 'page', seq, next: { id: bob, version: 300 }, wants: new Uint8Array(32) },
  route: { kind: 'route', from: ann, to: bob, path: [7, 0xffffffff, 0, 300], at: 2 },
  astray: { kind: 'astray', to: bob },
  signal: { kind: 'signal', seq, data: new Uint8Array(90).fill(0x82) },
  signalAck: { kind: 'signalAck', seq },
  letter: {
    kind: 'letter',
    from: ann,
    to: bob,
    seq,
    hops: 1,
    role: 'answer',
    re: 300,
    data: new Uint8Array(90).fill(0x82),
  },
}

const rumours: Record<Rumour['type'], Rumour> = {
  alive: {
    type: 'alive',
    id: ann,
    incarnation: 300,
    name: 'Änne',
    user: 'u-1',
    mode: 'hidden',
    endpoints: ['udp:[::1]:7946', 'rtc:x'],
    floor: 70_000,
  },
  left: { type: 'left', id: ann, incarnation: 2 },
  suspect: { type: 'suspect', id: ann, incarnation: 2, accuser: bob },
  dead: { type: 'dead', id: ann, incarnation: 0xffffffff, accuser: bob },
  entry: {
    type: 'entry',
    id: ann,
    key: 'color',
    version: 9,
    volatile: true,
    value: {
      a: [1, -2, 0.5, null, true],
      b: new Uint8Array(3),
      c: 'é',
      d: [new Date(7000), new Date(7), new Date(-7)],
      e: JSON.parse('{"__proto__":1}'),
    },
  },
  message: {
    type: 'message',
    id: ann,
    seq: 70_000,
    topic: 'wéather',
    data: { t: [1, null], b: new Uint8Array(3) },
    answerMs: 300,
  },
}

const samples = [
  ...Object.values(headers).map((header): [string, Uint8Array] => {
    // What is behind a route is not looked at (see below).
    return [header.kind, packetOf(header, header.kind === 'route' ? [] : [rumours.left])]
  }),
  ...Object.values(rumours).map((rumour): [string, Uint8Array] => [
    `gossip of ${rumour.type}`,
    packetOf(headers.gossip, [rumour]),
  ]),
]

test.each(Object.values(headers))('a bare $kind comes back as it was sent', (header) => {
  const packet = decodePacket(packetOf(header, []), tag)!
  expect(packet).toEqual({ header, rumours: [], unknown: 0, wrapped: new Uint8Array() })
})

test.each(Object.values(rumours))('$type comes back as it was sent, in a packet and alone', (rumour) => {
  const bytes = encodeRumour(rumour)
  expect(decodeRumour(bytes)).toEqual(rumour)
  const [inPacket] = decodePacket(packetOf(headers.nack, [rumour]), tag)!.rumours
  expect(inPacket).toEqual({ rumour, bytes })
})

test.each(samples)('%s with any one byte changed to any other is a packet, unknown, or malformed', (_name, packet) => {
  const verdicts = new Set<string>()
  for (let at = 0; at < packet.length; at++) {
    const damaged = new Uint8Array(packet)
    for (let byte = 0; byte < 256; byte++) {
      damaged[at] = byte
      verdicts.add(judge(damaged))
    }
  }
  // Damage that goes unnoticed (another number) and damage that does not are both among it.
  expect([...verdicts]).toEqual(expect.arrayContaining(['packet', 'unknown', 'packet_malformed', 'packet_foreign']))
})

test.each(samples)('%s cut off anywhere is malformed, but for where a rumour begins', (_name, packet) => {
  const whole = decodePacket(packet, tag)!
  const rumourBytes = whole.rumours.reduce((sum, { bytes }) => sum + bytes.length, 0)
  for (let length = 0; length < packet.length; length++) {
    const isBare = length === packet.length - rumourBytes
    expect(judge(packet.subarray(0, length))).toBe(isBare ? 'packet' : 'packet_malformed')
  }
})

test('of a route no byte behind its header is looked at before it is at home, be it a packet, damaged or nothing', () => {
  const bare = packetOf(headers.route, [])
  const wrapped = new Uint8Array([...packetOf(headers.ping, [rumours.left]).subarray(prefixBytes), 0xc1])
  for (let length = 0; length <= wrapped.length; length++) {
    const packet = new Uint8Array([...bare, ...wrapped.subarray(0, length)])
    const read = decodePacket(packet, tag)!
    expect(read).toEqual({ header: headers.route, rumours: [], unknown: 0, wrapped: wrapped.subarray(0, length) })
  }
})

test.each(samples.filter(([name]) => name !== 'route'))(
  '%s with bytes behind it is a packet only where they are rumours',
  (_name, packet) => {
    for (let byte = 0; byte < 256; byte++) {
      // The one value of one byte that is an array is empty.
      expect(judge(new Uint8Array([...packet, byte]))).toBe('packet_malformed')
    }
    const more = decodePacket(new Uint8Array([...packet, ...encodeRumour(rumours.dead), ...pack([200, 1])]), tag)!
    expect(more.rumours.at(-1)!.rumour).toEqual(rumours.dead)
    expect(more.unknown).toBe(1)
  },
)

test.each(samples)('%s with fields that a later version may add means the same', (_name, packet) => {
  const whole = decodePacket(packet, tag)!
  const longer = (bytes: Uint8Array) => {
    // The first byte of an array of up to 15 fields holds their number.
    const added = [0xc0, 0x91, 0x07, 0xa1, 0x78]
    return [bytes[0]! + 3, ...bytes.subarray(1), ...added]
  }
  const rumourBytes = whole.rumours.map(({ bytes }) => bytes)
  const headerEnd = packet.length - rumourBytes.reduce((sum, { length }) => sum + length, 0)
  const later = new Uint8Array([
    ...packet.subarray(0, prefixBytes),
    ...longer(packet.subarray(prefixBytes, headerEnd)),
    ...rumourBytes.flatMap(longer),
  ])
  const read = decodePacket(later, tag)!
  expect(read.header).toEqual(whole.header)
  expect(read.rumours.map(({ rumour }) => rumour)).toEqual(whole.rumours.map(({ rumour }) => rumour))
  // What this version does not know of a rumour is passed on with it.
  expect(read.rumours.map(({ bytes }) => [...bytes])).toEqual(rumourBytes.map(longer))
})

test('a header of any number this version has no kind for is unknown, with any fields at all', () => {
  const field = fc.oneof(fc.integer({ min: -5, max: 2 ** 32 - 1 }), fc.string(), fc.uint8Array({ maxLength: 20 }))
  const kind = fc.oneof(fc.constant(0), fc.integer({ min: 15, max: 0xffffffff }))
  fc.assert(
    fc.property(kind, fc.array(field, { maxLength: 8 }), (code, fields) => {
      expect(judge(rawPacket(pack([code, ...fields])))).toBe('unknown')
    }),
  )
})

test.each<[string, unknown[]]>([
  ['nack without a number', [4]],
  ['nack with a text for a number', [4, 'x']],
  ['ping-req without a nack time', [3, 1, idToBytes(ann), idToBytes(bob)]],
  ['ping-req with a nack time below zero', [3, 1, idToBytes(ann), idToBytes(bob), -1]],
  ['ping-req with half a millisecond', [3, 1, idToBytes(ann), idToBytes(bob), 0.5]],
  ['ping-req with a nack time over 32 bits', [3, 1, idToBytes(ann), idToBytes(bob), 2 ** 32]],
  ['ping-req without a target', [3, 1, idToBytes(ann)]],
  ['route without a path', [10, idToBytes(ann), idToBytes(bob)]],
  ['route without a place on its path', [10, idToBytes(ann), idToBytes(bob), new Uint8Array(4)]],
  ['route from nobody', [10, null, idToBytes(bob), new Uint8Array(4), 0]],
  ['signal without data', [12, 1]],
  ['ack of a signal with a text for a number', [13, 'x']],
  ['letter from nobody', [14, null, idToBytes(bob), 1, 0, 0, 0, null]],
  ['letter without a role', [14, idToBytes(ann), idToBytes(bob), 1, 0]],
  ['letter with a text for its data', [14, idToBytes(ann), idToBytes(bob), 1, 0, 0, 0, 'x']],
])('a %s is malformed', (_name, fields) => {
  expect(judge(rawPacket(pack(fields)))).toBe('packet_malformed')
})

test('a rumour alone is one rumour: anything behind it, too much of it or none of it is malformed', () => {
  const bytes = encodeRumour(rumours.entry)
  expect(() => decodeRumour(new Uint8Array([...bytes, 0xc0]))).toThrow(malformed)
  expect(() => decodeRumour(bytes.subarray(0, -1))).toThrow(malformed)
  expect(() => decodeRumour(new Uint8Array())).toThrow(malformed)
  expect(() => decodeRumour(pack(7))).toThrow(malformed)
  expect(() => decodeRumour(pack([9, new Uint8Array(rumourBytesMax)]))).toThrow(malformed)
  expect(decodeRumour(pack([9, 'of a later version']))).toBeUndefined()
})

test('any bytes alone are a rumour, of a kind unknown, or malformed', () => {
  const kind = fc.constantFrom(1, 2, 3, 4, 5, 6, 7)
  const nearly = fc
    .tuple(kind, fc.uint8Array({ maxLength: 60 }))
    .map(([code, rest]) => new Uint8Array([0x98, code, 0xc4, 16, ...idToBytes(ann), ...rest]))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), nearly), (bytes) => {
      try {
        decodeRumour(bytes)
      } catch (error) {
        expect(codeOf(error)).toBe('packet_malformed')
      }
    }),
    { numRuns: 2000 },
  )
})

test('what is decoded is never larger than its packet by more than a constant', () => {
  // The worst there is, by hand: as many values as the bytes can name.
  const unknowns = rawPacket(
    pack([5]),
    new Uint8Array(1192).map((_, i) => (i % 2 ? 9 : 0x91)),
  )
  const fields = rawPacket(pack([5]), new Uint8Array([0xdc, 0, 250, 9, ...Array(249).fill(0x90)]))
  const keys = Array.from({ length: 200 }, (_, i) => [0xa2, 48 + (i >> 4), 48 + (i % 16), 0xc0])
  const map = new Uint8Array([0xde, 0, keys.length, ...keys.flat()])
  const entry = rawPacket(pack([5]), pack([5, idToBytes(ann), 'k', 1, 0, map]))
  for (const packet of [unknowns, fields, entry]) expect(judge(packet)).toBe('packet')
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.nat(), fc.nat(255), ([, packet], place, byte) => {
      const damaged = new Uint8Array(packet)
      damaged[prefixBytes + (place % (packet.length - prefixBytes))] = byte
      judge(damaged)
    }),
    { numRuns: 2000 },
  )
})

/** Decodes hostile bytes; anything but a packet, nothing or an error of the two codes is thrown on. */
function judge(bytes: Uint8Array): string {
  try {
    const packet = decodePacket(bytes, tag)
    if (packet === undefined) return 'unknown'
    expect(weightOf(packet)).toBeLessThanOrEqual(weightPerByteMax * bytes.length)
    return 'packet'
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof ShoalError) || !error.code.startsWith('packet_')) throw error
  return error.code
}

/** How much there is of a value: one for each value and key, and what texts and bytes hold. */
function weightOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length
  if (value instanceof Uint8Array) return 1 + value.length
  if (value instanceof Date && !Number.isNaN(value.getTime())) return 1
  if (value === undefined || value === null || ['number', 'boolean'].includes(typeof value)) return 1
  // No invalid dates, regular expressions, sets or big integers, which msgpackr could make.
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) throw new TypeError(String(value))
  let weight = 1
  for (const [key, item] of Object.entries(value)) weight += 1 + key.length + weightOf(item)
  return weight
}

function packetOf(header: Header, some: readonly Rumour[]): Uint8Array {
  const writer = new PacketWriter(tag)
  writer.begin(header)
  for (const rumour of some) writer.add(encodeRumour(rumour))
  return new Uint8Array(writer.finish())
}

/** A packet of these values, whatever they are. */
function rawPacket(...values: Uint8Array[]): Uint8Array {
  const prefix = packetOf(headers.gossip, []).subarray(0, prefixBytes)
  return new Uint8Array([prefix, ...values].flatMap((bytes) => [...bytes]))
}
