/**
 * msgpackr, set up for this protocol: plain maps and arrays, nothing learnt from the stream. Decode only what
 * `scanValue` has let through.
 */

import { Packr } from 'msgpackr'
import { malformed } from './guard.ts'

const options = {
  useRecords: false,
  structuredClone: false,
  variableMapSize: true,
  // A value's member of that name is a value like any other, nothing to call.
  useToJSON: false,
}
const packr = new Packr(options)
/** For maps with a key `__proto__`, which msgpackr puts into objects under another name; for others it takes twice as long. */
const mapPackr = new Packr({ ...options, mapsAsObjects: false })

/** A copy of its own: msgpackr's result is a view into a pooled buffer that the next call may overwrite. */
export function pack(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(value))
}

/**
 * Decodes one value that fills `bytes`: frozen, with objects for maps, and copied, since `bytes` may be borrowed. Throws
 * `packet_malformed`.
 */
export function unpack(bytes: Uint8Array): unknown {
  return owned(decode(mayNameProto(bytes) ? mapPackr : packr, bytes.subarray(), 0, bytes.length))
}

/**
 * Decodes one of several values of a packet, from `start` to `end`; binary in it is borrowed from `source`. msgpackr
 * leaves a DataView on `source` for the next value, so that is a view that nobody else keeps. Throws `packet_malformed`.
 */
export function unpackBorrowed(source: Uint8Array, start: number, end: number): unknown {
  return decode(packr, source, start, end)
}

function decode(decoder: Packr, source: Uint8Array, start: number, end: number): unknown {
  try {
    return decoder.unpack(source, { start, end })
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'it cannot be decoded')
  }
}

/** True if the bytes of `__p` are anywhere in these: few values have them, and a search costs next to nothing. */
function mayNameProto(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0x5f); at >= 0; at = bytes.indexOf(0x5f, at + 1)) {
    if (bytes[at + 1] === 0x5f && bytes[at + 2] === 0x70) return true
  }
  return false
}

/** Applications share one value: what a reader could change, every other would see. Bytes and dates cannot be frozen. */
function owned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (typeof value[i] === 'object') value[i] = owned(value[i])
    return Object.freeze(value)
  }
  if (value instanceof Map) {
    // fromEntries defines its keys, so `__proto__` is a key like any other.
    return Object.freeze(Object.fromEntries([...value].map(([key, item]) => [key, owned(item)])))
  }
  const object = value as Record<string, unknown>
  for (const key of Object.keys(object)) if (typeof object[key] === 'object') object[key] = owned(object[key])
  return Object.freeze(object)
}
