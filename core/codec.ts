/**
 * Packets. Five raw bytes (protocol version, room tag), then msgpack values: a header array and any number of rumours.
 * Whatever arrives is hostile until `decodePacket` has returned; a packet it throws on changes nothing.
 */

import { ShoalError } from './errors.ts'
import { malformed, packetLimits, scanValue } from './guard.ts'
import { packetBytesMax } from './host.ts'
import { idBytes, idFromBytes, idToBytes, type PeerId } from './ids.ts'
import { pack, unpackBorrowed } from './msgpack.ts'
import { type Rumour, rumourFrom, takeId, takeNumber, takeText } from './rumour.ts'

export const protocolVersion = 1
const prefixBytes = 5
/** No rumour is longer, in bytes: one fits behind any header of a page, or a sync would never get past it. */
export const rumourBytesMax = 1152

/** `seq` is drawn at random, so that an answer proves that the question was seen. */
export type Header =
  /** `to` is the first 32 bits of the id meant, so that a stranger at a reused address does not answer. */
  | { kind: 'ping'; seq: number; from: PeerId; to: number; hi: number; lo: number }
  /** The digest is of the member that was pinged, also when a relay passes the ack on. */
  | { kind: 'ack'; seq: number; hi: number; lo: number }
  /** Asks to ping `target` and to pass its ack on; where none came within `nackMs`, a nack says that the asking arrived. */
  | { kind: 'pingReq'; seq: number; from: PeerId; target: PeerId; nackMs: number }
  /** From one that was asked to ping: no ack so far. From the pinged endpoint: nobody of that id lives here. */
  | { kind: 'nack'; seq: number }
  | { kind: 'gossip' }
  /** Asks for the hashes of the 64 parts of the ids that begin with `prefix`. */
  | { kind: 'ranges'; seq: number; from: PeerId; prefix: string; pad: number }
  /** `parts` holds six bytes a part: 32 bits of hash, 16 bits of count. */
  | { kind: 'parts'; seq: number; prefix: string; parts: Uint8Array }
  /** Asks for what differs from `known` (20 bytes a member: id, 32 bits of hash) behind a cursor. */
  | { kind: 'fetch'; seq: number; from: PeerId; prefix: string; cursor: Cursor | null; known: Uint8Array; pad: number }
  /** One page: records follow as rumours; `next` is where the next page begins; `wants` (16 bytes a member) is asked for. */
  | { kind: 'page'; seq: number; next: Cursor | null; wants: Uint8Array }

/** A place in the order of members and, within one, the version to go on from. */
export interface Cursor {
  readonly id: PeerId
  readonly version: number
}

export interface Packet {
  readonly header: Header
  /** Parsed rumours with their bytes; `bytes` is borrowed from the packet. */
  readonly rumours: readonly { rumour: Rumour; bytes: Uint8Array }[]
  /** Rumours of kinds this version does not know; they are skipped. */
  readonly unknown: number
}

const codes = { ping: 1, ack: 2, pingReq: 3, nack: 4, gossip: 5, ranges: 6, parts: 7, fetch: 8, page: 9 } as const

/** Builds packets in one buffer that is reused: what `finish` returns is borrowed until the next `begin`. */
export class PacketWriter {
  readonly #buffer = new Uint8Array(packetBytesMax)
  #length = 0

  constructor(tag: number) {
    this.#buffer[0] = protocolVersion
    new DataView(this.#buffer.buffer).setUint32(1, tag)
  }

  /** Starts a packet and returns how many bytes are left for rumours. */
  begin(header: Header): number {
    const bytes = pack(headerFields(header))
    this.#buffer.set(bytes, prefixBytes)
    this.#length = prefixBytes + bytes.length
    return packetBytesMax - this.#length
  }

  get length(): number {
    return this.#length
  }

  /** The caller has checked that it fits. */
  add(rumour: Uint8Array): void {
    this.#buffer.set(rumour, this.#length)
    this.#length += rumour.length
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }
}

/**
 * Parses a packet. Throws `packet_foreign` for another room or version, `packet_malformed` for anything else outside the
 * protocol, and returns undefined for a header kind that only later versions know.
 */
export function decodePacket(bytes: Uint8Array, tag: number): Packet | undefined {
  if (bytes.length > packetBytesMax) throw malformed(`longer than ${packetBytesMax} bytes`)
  if (bytes.length <= prefixBytes) throw malformed('shorter than its prefix')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes[0] !== protocolVersion) throw new ShoalError('packet_foreign', `protocol version ${bytes[0]}`)
  if (view.getUint32(1) !== tag) throw new ShoalError('packet_foreign', 'a packet of another room')
  let at = scanValue(bytes, prefixBytes, packetLimits)
  const source = bytes.subarray()
  const header = headerFrom(fieldsAt(source, prefixBytes, at))
  if (header === undefined) return undefined
  const rumours: { rumour: Rumour; bytes: Uint8Array }[] = []
  let unknown = 0
  while (at < bytes.length) {
    const end = scanValue(bytes, at, packetLimits)
    const rumour = rumourAt(source, at, end)
    if (rumour) rumours.push({ rumour, bytes: bytes.subarray(at, end) })
    else unknown++
    at = end
  }
  return { header, rumours, unknown }
}

/** Parses one rumour that fills `bytes`; undefined for a kind only later versions know. Throws `packet_malformed`. */
export function decodeRumour(bytes: Uint8Array): Rumour | undefined {
  const end = scanValue(bytes, 0, packetLimits)
  if (end !== bytes.length) throw malformed('bytes behind a rumour')
  return rumourAt(bytes.subarray(), 0, end)
}

/** The 32 bits of an id that a ping names its target by. */
export function idPrefix(id: PeerId): number {
  const bytes = idToBytes(id)
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
}

/** Packs ids one behind the other. */
export function packIds(ids: readonly PeerId[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * idBytes)
  ids.forEach((id, i) => {
    bytes.set(idToBytes(id), i * idBytes)
  })
  return bytes
}

export function unpackIds(bytes: Uint8Array): PeerId[] {
  const ids: PeerId[] = []
  for (let at = 0; at < bytes.length; at += idBytes) ids.push(idFromBytes(bytes.subarray(at, at + idBytes)))
  return ids
}

function headerFields(header: Header): unknown[] {
  const code = codes[header.kind]
  switch (header.kind) {
    case 'ping':
      return [code, header.seq, idToBytes(header.from), header.to, header.hi, header.lo]
    case 'ack':
      return [code, header.seq, header.hi, header.lo]
    case 'pingReq':
      return [code, header.seq, idToBytes(header.from), idToBytes(header.target), header.nackMs]
    case 'nack':
      return [code, header.seq]
    case 'gossip':
      return [code]
    case 'ranges':
      return [code, header.seq, idToBytes(header.from), header.prefix, new Uint8Array(header.pad)]
    case 'parts':
      return [code, header.seq, header.prefix, header.parts]
    case 'fetch': {
      const { seq, from, prefix, cursor, known, pad } = header
      const at = cursor && idToBytes(cursor.id)
      return [code, seq, idToBytes(from), prefix, at, cursor?.version ?? 0, known, new Uint8Array(pad)]
    }
    case 'page': {
      const { seq, next, wants } = header
      return [code, seq, next && idToBytes(next.id), next?.version ?? 0, wants]
    }
  }
}

function headerFrom(fields: readonly unknown[]): Header | undefined {
  const [code, first] = fields
  switch (code) {
    case codes.ping:
      return {
        kind: 'ping',
        seq: takeNumber(first, 'seq'),
        from: takeId(fields[2]),
        to: takeNumber(fields[3], 'to'),
        hi: takeNumber(fields[4], 'digest'),
        lo: takeNumber(fields[5], 'digest'),
      }
    case codes.ack: {
      const [, , hi, lo] = fields
      return { kind: 'ack', seq: takeNumber(first, 'seq'), hi: takeNumber(hi, 'digest'), lo: takeNumber(lo, 'digest') }
    }
    case codes.pingReq:
      return {
        kind: 'pingReq',
        seq: takeNumber(first, 'seq'),
        from: takeId(fields[2]),
        target: takeId(fields[3]),
        nackMs: takeNumber(fields[4], 'nack time'),
      }
    case codes.nack:
      return { kind: 'nack', seq: takeNumber(first, 'seq') }
    case codes.gossip:
      return { kind: 'gossip' }
    case codes.ranges:
      return {
        kind: 'ranges',
        seq: takeNumber(first, 'seq'),
        from: takeId(fields[2]),
        prefix: takePrefix(fields[3]),
        pad: 0,
      }
    case codes.parts: {
      const parts = takeBytes(fields[3], 6)
      if (parts.length !== 64 * 6) throw malformed('parts that are not 64')
      return { kind: 'parts', seq: takeNumber(first, 'seq'), prefix: takePrefix(fields[2]), parts }
    }
    case codes.fetch:
      return {
        kind: 'fetch',
        seq: takeNumber(first, 'seq'),
        from: takeId(fields[2]),
        prefix: takePrefix(fields[3]),
        cursor: takeCursor(fields[4], fields[5]),
        known: takeBytes(fields[6], 20),
        pad: 0,
      }
    case codes.page:
      return {
        kind: 'page',
        seq: takeNumber(first, 'seq'),
        next: takeCursor(fields[2], fields[3]),
        wants: takeBytes(fields[4], idBytes),
      }
    default:
      takeNumber(code, 'header kind')
      return undefined
  }
}

/** `source` is a view of our own, one for all values of a packet: msgpackr leaves its notes on what it reads. */
function rumourAt(source: Uint8Array, start: number, end: number): Rumour | undefined {
  if (end - start > rumourBytesMax) throw malformed(`a rumour longer than ${rumourBytesMax} bytes`)
  return rumourFrom(fieldsAt(source, start, end))
}

function fieldsAt(source: Uint8Array, start: number, end: number): unknown[] {
  const value = unpackBorrowed(source, start, end)
  if (!Array.isArray(value) || value.length === 0) throw malformed('a value that is no array')
  return value
}

function takeCursor(id: unknown, version: unknown): Cursor | null {
  if (id === null) return null
  return { id: takeId(id), version: takeNumber(version, 'cursor') }
}

function takePrefix(field: unknown): string {
  const prefix = takeText(field, 'prefix', 22)
  if (!/^[A-Za-z0-9_-]*$/.test(prefix)) throw malformed('a prefix that is no base64url')
  return prefix
}

function takeBytes(field: unknown, unit: number): Uint8Array {
  if (!(field instanceof Uint8Array) || field.length % unit !== 0) throw malformed(`bytes that are no ${unit} each`)
  return new Uint8Array(field)
}
