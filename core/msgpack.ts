/**
 * msgpackr, set up for this protocol: plain maps and arrays, nothing learnt from the stream. Decode only what
 * `scanValue` has let through.
 */

import { Packr } from 'msgpackr'
import { malformed } from './guard.ts'

const packr = new Packr({ useRecords: false, structuredClone: false, variableMapSize: true })

/** A copy of its own: msgpackr's result is a view into a pooled buffer that the next call may overwrite. */
export function pack(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(value))
}

/** Decodes one value that fills `bytes`; binary is copied, since `bytes` may be borrowed. Throws `packet_malformed`. */
export function unpack(bytes: Uint8Array): unknown {
  return copied(unpackBorrowed(bytes.subarray(), 0, bytes.length))
}

/**
 * Decodes one of several values of a packet, from `start` to `end`; binary in it is borrowed from `source`. msgpackr
 * leaves a DataView on `source` for the next value, so that is a view that nobody else keeps. Throws `packet_malformed`.
 */
export function unpackBorrowed(source: Uint8Array, start: number, end: number): unknown {
  try {
    return packr.unpack(source, { start, end })
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'it cannot be decoded')
  }
}

function copied(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = copied(value[i])
  } else if (typeof value === 'object' && value !== null) {
    const map = value as Record<string, unknown>
    for (const key of Object.keys(map)) {
      if (typeof map[key] === 'object' && map[key] !== null) map[key] = copied(map[key])
    }
  }
  return value
}
