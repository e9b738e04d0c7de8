/**
 * The structural scan that every byte from outside passes before msgpackr sees it. msgpackr decodes more than this
 * protocol has: records (which compile code), regular expressions, typed arrays, 64-bit integers as BigInt, lengths that
 * allocate before they are checked. The scan lets through nil, booleans, 32-bit integers, finite floats, strings, binary
 * and arrays, where they belong also maps and timestamps, and it counts.
 */

import { ShoalError } from './errors.ts'

export interface GuardLimits {
  /** Arrays and maps in one another. */
  readonly depth: number
  /** Values in all, nested ones included. */
  readonly items: number
  readonly maps: boolean
  readonly dates: boolean
}

/** Headers and rumours: arrays of plain fields, one level of lists. */
export const packetLimits: GuardLimits = { depth: 3, items: 256, maps: false, dates: false }

/** Values: what JSON can say, bytes and dates, within an entry's 1,000 bytes. */
export const valueLimits: GuardLimits = { depth: 8, items: 512, maps: true, dates: true }

/** What a Date can hold: milliseconds before and after the epoch (ECMA-262, 21.4.1.1). */
const dateMsMax = 8.64e15

/** The offset behind the value that begins at `start`. Throws `packet_malformed` on anything outside the grammar. */
export function scanValue(bytes: Uint8Array, start: number, limits: GuardLimits): number {
  let items = 0

  function value(at: number, depth: number): number {
    if (at >= bytes.length) throw malformed('a value is cut off')
    if (++items > limits.items) throw malformed(`more than ${limits.items} values`)
    const byte = bytes[at]!
    if (byte <= 0x7f || byte >= 0xe0) return at + 1
    if (byte <= 0x8f) return map(at + 1, byte & 15, depth)
    if (byte <= 0x9f) return list(at + 1, byte & 15, depth)
    if (byte <= 0xbf) return skip(at + 1, byte & 31)
    switch (byte) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        return at + 1
      case 0xc4: // bin 8
      case 0xd9: // str 8
        return skip(at + 2, length(at + 1, 1))
      case 0xc5: // bin 16
      case 0xda: // str 16
        return skip(at + 3, length(at + 1, 2))
      case 0xca: // float 32
        if ((byteAt(at + 1) & 0x7f) === 0x7f && byteAt(at + 2) >= 0x80) throw malformed('a number that is not finite')
        return skip(at + 1, 4)
      case 0xcb: // float 64
        if ((byteAt(at + 1) & 0x7f) === 0x7f && byteAt(at + 2) >= 0xf0) throw malformed('a number that is not finite')
        return skip(at + 1, 8)
      case 0xce: // uint 32
      case 0xd2: // int 32
        return skip(at + 1, 4)
      case 0xcc: // uint 8
      case 0xd0: // int 8
        return skip(at + 1, 1)
      case 0xcd: // uint 16
      case 0xd1: // int 16
        return skip(at + 1, 2)
      case 0xc7: // extension 8
        return timestamp(at + 2, length(at + 1, 1) === 12 ? 12 : 0)
      case 0xd6: // extension of 4 bytes
        return timestamp(at + 1, 4)
      case 0xd7: // extension of 8 bytes
        return timestamp(at + 1, 8)
      case 0xdc: // array 16
        return list(at + 3, length(at + 1, 2), depth)
      case 0xde: // map 16
        return map(at + 3, length(at + 1, 2), depth)
      default: // other extensions, 64-bit integers, 32-bit lengths, the unused byte 0xc1
        throw malformed(`type byte 0x${byte.toString(16)} is not part of the protocol`)
    }
  }

  function list(at: number, count: number, depth: number): number {
    if (depth >= limits.depth) throw malformed(`nested deeper than ${limits.depth}`)
    let end = at
    for (let i = 0; i < count; i++) end = value(end, depth + 1)
    return end
  }

  function map(at: number, count: number, depth: number): number {
    if (!limits.maps) throw malformed('a map where none belongs')
    if (depth >= limits.depth) throw malformed(`nested deeper than ${limits.depth}`)
    let end = at
    for (let i = 0; i < count; i++) {
      const byte = bytes[end]!
      const isText = (byte >= 0xa0 && byte <= 0xbf) || byte === 0xd9 || byte === 0xda
      if (!isText) throw malformed('a map key that is no string')
      end = value(value(end, depth + 1), depth + 1)
    }
    return end
  }

  /**
   * The extension -1 of msgpack's specification, of 4 bytes (seconds), 8 (30 bits of nanoseconds, 34 of seconds) or 12
   * (32 bits of nanoseconds, 64 of signed seconds): a moment that a Date can hold.
   */
  function timestamp(at: number, size: 0 | 4 | 8 | 12): number {
    const end = skip(at + 1, size)
    if (!limits.dates || size === 0 || bytes[at] !== 0xff) throw malformed('an extension where none belongs')
    if (size === 4) return end
    const first = uint32(at + 1)
    const nanoseconds = size === 8 ? first >>> 2 : first
    const seconds = size === 8 ? 0 : (uint32(at + 5) | 0) * 2 ** 32 + uint32(at + 9)
    if (nanoseconds >= 1e9) throw malformed('a timestamp with a second or more of nanoseconds')
    if (Math.abs(seconds * 1000 + nanoseconds / 1e6) > dateMsMax) throw malformed('a timestamp that no date can hold')
    return end
  }

  /** The caller has seen that they are there. */
  function uint32(at: number): number {
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }

  /** Zero behind the end: what is cut off is found by whoever skips it. */
  function byteAt(at: number): number {
    return bytes[at] ?? 0
  }

  function length(at: number, size: 1 | 2): number {
    if (at + size > bytes.length) throw malformed('a length is cut off')
    return size === 1 ? bytes[at]! : (bytes[at]! << 8) | bytes[at + 1]!
  }

  function skip(at: number, count: number): number {
    const end = at + count
    if (end > bytes.length) throw malformed('a value is cut off')
    return end
  }

  return value(start, 0)
}

export function malformed(what: string): ShoalError {
  return new ShoalError('packet_malformed', `malformed packet: ${what}`)
}
