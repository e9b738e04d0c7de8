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
/** Version and tag. */
export const prefixBytes = 5
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
  /**
   * Wraps a packet for a member without a link. `path` holds the first 32 bits of the id of everybody on the way, `to`
   * the last; `at` is whose turn it is. What follows is a packet without its first five bytes.
   */
  | { kind: 'route'; from: PeerId; to: PeerId; path: readonly number[]; at: number }
  /** To the sender of a routed packet: it got no further on its way to `to`. */
  | { kind: 'astray'; to: PeerId }
  /** What a linked channel needs to open a link; acknowledged, since a lost one would cost seconds. */
  | { kind: 'signal'; seq: number; data: Uint8Array }
  | { kind: 'signalAck'; seq: number }
  /**
   * From one member to another, passed on by `hops` others so far. An answer names in `re` the query it answers; an ack
   * has the number of the letter that it acknowledges. `data` is a value in bytes, which nobody on the way looks at.
   */
  | {
      kind: 'letter'
      from: PeerId
      to: PeerId
      seq: number
      hops: number
      role: LetterRole
      re: number
      data: Uint8Array | null
    }

export type LetterRole = 'message' | 'answer' | 'ack'

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
  /** What a `route` wraps, not looked at yet; borrowed. Empty for other kinds. */
  readonly wrapped: Uint8Array
}

const codes = {
  ping: 1,
  ack: 2,
  pingReq: 3,
  nack: 4,
  gossip: 5,
  ranges: 6,
  parts: 7,
  fetch: 8,
  page: 9,
  route: 10,
  astray: 11,
  signal: 12,
  signalAck: 13,
  letter: 14,
} as const

const letterRoles: readonly LetterRole[] = ['message', 'answer', 'ack']

/** Members on the longest path, the last one included. */
export const hopsMax = 10
/** What a `route` takes of a packet at most: two ids, a path, and what frames them. */
export const routeBytesMax = 96
/** The longest signal: behind its own header and that of a route it fits a packet. */
export const signalBytesMax = 1080
const nothing = new Uint8Array(0)

/** Whether a packet carries nothing but rumours, which come again by other ways; nobody waits for an answer to it. @internal */
export function isGossip(packet: Uint8Array): boolean {
  // Behind the prefix stands the header: a short array, and in it the code.
  return packet[prefixBytes + 1] === codes.gossip
}

/** Whether what a `route` wraps is a notice that another got lost. @internal */
export function isNotice(wrapped: Uint8Array): boolean {
  return wrapped[1] === codes.astray
}

/** Builds packets in one buffer that is reused: what `finish` returns is borrowed until the next `begin`. */
export class PacketWriter {
  readonly #buffer = new Uint8Array(packetBytesMax)
  #length = 0

  constructor(tag: number) {
    this.#buffer[0] = protocolVersion
    new DataView(this.#buffer.buffer).setUint32(1, tag)
  }

  /** Starts a packet of at most `bytesMax` and returns how many bytes are left for rumours. */
  begin(header: Header, bytesMax = packetBytesMax): number {
    const bytes = pack(headerFields(header))
    this.#buffer.set(bytes, prefixBytes)
    this.#length = prefixBytes + bytes.length
    return bytesMax - this.#length
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

/** Reads a fingerprint's worth of a rumour before it is parsed: true if it need not be. */
export type IsKnown = (bytes: Uint8Array) => boolean

/**
 * Parses a packet. Rumours that `isKnown` are left out. Throws `packet_foreign` for another room or version, `packet_malformed` for anything else outside the
 * protocol, and returns undefined for a header kind that only later versions know.
 */
export function decodePacket(bytes: Uint8Array, tag: number, isKnown?: IsKnown): Packet | undefined {
  if (bytes.length > packetBytesMax) throw malformed(`longer than ${packetBytesMax} bytes`)
  if (bytes.length <= prefixBytes) throw malformed('shorter than its prefix')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes[0] !== protocolVersion) throw new ShoalError('packet_foreign', `protocol version ${bytes[0]}`)
  if (view.getUint32(1) !== tag) throw new ShoalError('packet_foreign', 'a packet of another room')
  let at = scanValue(bytes, prefixBytes, packetLimits)
  const source = bytes.subarray()
  const header = headerFrom(fieldsAt(source, prefixBytes, at))
  if (header === undefined) return undefined
  if (header.kind === 'route') return { header, rumours: [], unknown: 0, wrapped: bytes.subarray(at) }
  const rumours: { rumour: Rumour; bytes: Uint8Array }[] = []
  let unknown = 0
  while (at < bytes.length) {
    const end = scanValue(bytes, at, packetLimits)
    // A page answers a question: what it tells is wanted, known or not.
    if (isKnown?.(bytes.subarray(at, end)) && header.kind !== 'page') {
      at = end
      continue
    }
    const rumour = rumourAt(source, at, end)
    if (rumour) rumours.push({ rumour, bytes: bytes.subarray(at, end) })
    else unknown++
    at = end
  }
  return { header, rumours, unknown, wrapped: nothing }
}

/** Parses one rumour that fills `bytes`; undefined for a kind only later versions know. Throws `packet_malformed`. */
export function decodeRumour(bytes: Uint8Array): Rumour | undefined {
  const end = scanValue(bytes, 0, packetLimits)
  if (end !== bytes.length) throw malformed('bytes behind a rumour')
  return rumourAt(bytes.subarray(), 0, end)
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
    case 'route':
      return [code, idToBytes(header.from), idToBytes(header.to), packPath(header.path), header.at]
    case 'astray':
      return [code, idToBytes(header.to)]
    case 'signal':
      return [code, header.seq, header.data]
    case 'signalAck':
      return [code, header.seq]
    case 'letter': {
      const { from, to, seq, hops, role, re, data } = header
      return [code, idToBytes(from), idToBytes(to), seq, hops, letterRoles.indexOf(role), re, data]
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
    case codes.route: {
      const path = takePath(fields[3])
      const at = takeNumber(fields[4], 'place on a path')
      if (at >= path.length) throw malformed('a place behind the end of its path')
      return { kind: 'route', from: takeId(first), to: takeId(fields[2]), path, at }
    }
    case codes.astray:
      return { kind: 'astray', to: takeId(first) }
    case codes.signal:
      return { kind: 'signal', seq: takeNumber(first, 'seq'), data: takeBytes(fields[2], 1) }
    case codes.signalAck:
      return { kind: 'signalAck', seq: takeNumber(first, 'seq') }
    case codes.letter: {
      const role = letterRoles[takeNumber(fields[5], 'role of a letter')]
      return (
        role && {
          kind: 'letter',
          from: takeId(first),
          to: takeId(fields[2]),
          seq: takeNumber(fields[3], 'seq'),
          hops: takeNumber(fields[4], 'hops'),
          role,
          re: takeNumber(fields[6], 'number of a query'),
          data: fields[7] === null ? null : takeBytes(fields[7], 1),
        }
      )
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

function packPath(path: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(path.length * 4)
  const view = new DataView(bytes.buffer)
  path.forEach((prefix, i) => {
    view.setUint32(4 * i, prefix)
  })
  return bytes
}

function takePath(field: unknown): number[] {
  const bytes = takeBytes(field, 4)
  if (bytes.length > 4 * hopsMax) throw malformed(`a path of more than ${hopsMax} members`)
  const view = new DataView(bytes.buffer)
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i))
}
