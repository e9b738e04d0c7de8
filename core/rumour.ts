/**
 * Rumours: records, written by their owner alone, and accusations, written by others. A rumour is encoded once and its
 * bytes are copied into every packet. On the wire it is a positional array that begins with its kind.
 */

import { malformed, scanValue, valueLimits } from './guard.ts'
import { type Endpoint, kindOf } from './host.ts'
import { idBytes, idFromBytes, idToBytes, type PeerId } from './ids.ts'
import { type MemberMode, memberModes, type StateValue } from './member.ts'
import { topicCharsMax } from './message.ts'
import { pack, unpack } from './msgpack.ts'

/** What a member says of itself. */
export interface AliveRecord {
  readonly type: 'alive'
  readonly id: PeerId
  readonly incarnation: number
  readonly name: string
  readonly user: string | null
  readonly mode: MemberMode
  readonly endpoints: readonly Endpoint[]
  /** Entries at or below this version are gone: how an owner forgets deleted keys. */
  readonly floor: number
}

export interface LeftRecord {
  readonly type: 'left'
  readonly id: PeerId
  readonly incarnation: number
}

/** One key of a member's state. */
export interface EntryRecord {
  readonly type: 'entry'
  readonly id: PeerId
  readonly key: string
  readonly version: number
  /** Left out of digests: it may be stale or missing without anybody having to agree. */
  readonly volatile: boolean
  /** Undefined for a deleted key. */
  readonly value: StateValue | undefined
}

/** What a member says to everybody, once: it is no part of any view. */
export interface MessageRecord {
  readonly type: 'message'
  readonly id: PeerId
  /** Raised by the sender with each message. */
  readonly seq: number
  readonly topic: string
  readonly data: StateValue | undefined
  /** A query: for how long answers are waited for, in milliseconds. 0 for a message. */
  readonly answerMs: number
}

/** What another says of a member. It names the accuser and can never raise the incarnation. */
export interface Accusation {
  readonly type: 'suspect' | 'dead'
  readonly id: PeerId
  readonly incarnation: number
  readonly accuser: PeerId
}

export type Rumour = AliveRecord | LeftRecord | EntryRecord | MessageRecord | Accusation

/** Incarnations and versions are 32-bit, so that no decoder ever makes a BigInt of them. */
export const numberMax = 0xffffffff
export const nameCharsMax = 64
export const userCharsMax = 128
export const keyCharsMax = 128
export const endpointsMax = 8
const endpointCharsMax = 128
const endpointShape = /^[a-z0-9]{1,16}:[\x21-\x7e]+$/

const kinds = { alive: 1, left: 2, suspect: 3, dead: 4, entry: 5, message: 6 } as const

export function encodeRumour(rumour: Rumour): Uint8Array {
  const id = idToBytes(rumour.id)
  switch (rumour.type) {
    case 'alive': {
      const mode = memberModes.indexOf(rumour.mode)
      const { incarnation, name, user, endpoints, floor } = rumour
      return pack([kinds.alive, id, incarnation, name, user, mode, [...endpoints], floor])
    }
    case 'left':
      return pack([kinds.left, id, rumour.incarnation])
    case 'suspect':
    case 'dead':
      return pack([kinds[rumour.type], id, rumour.incarnation, idToBytes(rumour.accuser)])
    case 'entry': {
      const value = rumour.value === undefined ? null : pack(rumour.value)
      return pack([kinds.entry, id, rumour.key, rumour.version, rumour.volatile ? 1 : 0, value])
    }
    case 'message': {
      const data = rumour.data === undefined ? null : pack(rumour.data)
      return pack([kinds.message, id, rumour.seq, rumour.topic, data, rumour.answerMs])
    }
  }
}

/**
 * Parses a decoded array; undefined for a kind this version does not know, which is skipped. Fields behind the known
 * ones are ignored. Throws `packet_malformed`.
 */
export function rumourFrom(fields: readonly unknown[]): Rumour | undefined {
  const [kind] = fields
  switch (kind) {
    case kinds.alive:
      return {
        type: 'alive',
        id: takeId(fields[1]),
        incarnation: takeNumber(fields[2], 'incarnation'),
        name: takeText(fields[3], 'name', nameCharsMax),
        user: fields[4] === null ? null : takeText(fields[4], 'user', userCharsMax),
        mode: memberModes[takeNumber(fields[5], 'mode')] ?? 'visible',
        endpoints: takeEndpoints(fields[6]),
        floor: takeNumber(fields[7], 'floor'),
      }
    case kinds.left:
      return { type: 'left', id: takeId(fields[1]), incarnation: takeNumber(fields[2], 'incarnation') }
    case kinds.suspect:
    case kinds.dead:
      return {
        type: kind === kinds.suspect ? 'suspect' : 'dead',
        id: takeId(fields[1]),
        incarnation: takeNumber(fields[2], 'incarnation'),
        accuser: takeId(fields[3]),
      }
    case kinds.entry:
      return {
        type: 'entry',
        id: takeId(fields[1]),
        key: takeText(fields[2], 'key', keyCharsMax),
        version: takeNumber(fields[3], 'version'),
        volatile: takeNumber(fields[4], 'flags') % 2 === 1,
        value: takeValue(fields[5]),
      }
    case kinds.message:
      return {
        type: 'message',
        id: takeId(fields[1]),
        seq: takeNumber(fields[2], 'number'),
        topic: takeText(fields[3], 'topic', topicCharsMax),
        data: takeValue(fields[4]),
        answerMs: takeNumber(fields[5], 'time to answer'),
      }
    default:
      return undefined
  }
}

export function takeId(field: unknown): PeerId {
  if (!(field instanceof Uint8Array) || field.length !== idBytes) throw malformed('an id that is not 16 bytes')
  return idFromBytes(field)
}

export function takeNumber(field: unknown, name: string): number {
  if (typeof field !== 'number' || !Number.isInteger(field) || field < 0 || field > numberMax) {
    throw malformed(`${name} is no whole number of 32 bits`)
  }
  return field
}

export function takeText(field: unknown, name: string, charsMax: number): string {
  if (typeof field !== 'string' || field.length > charsMax)
    throw malformed(`${name} is no text of ${charsMax} characters`)
  return field
}

function takeEndpoints(field: unknown): Endpoint[] {
  if (!Array.isArray(field) || field.length > endpointsMax) throw malformed(`endpoints are no list of ${endpointsMax}`)
  const seen = new Set<string>()
  for (const endpoint of field) {
    const text = takeText(endpoint, 'endpoint', endpointCharsMax)
    if (!endpointShape.test(text)) throw malformed('an endpoint that is not kind:address')
    if (seen.has(kindOf(text))) throw malformed('two endpoints of one kind')
    seen.add(kindOf(text))
  }
  return field
}

function takeValue(field: unknown): StateValue | undefined {
  if (field === null) return undefined
  if (!(field instanceof Uint8Array)) throw malformed('an entry value that is no binary')
  if (scanValue(field, 0, valueLimits) !== field.length) throw malformed('bytes behind an entry value')
  return unpack(field) as StateValue
}
