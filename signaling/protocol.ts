/**
 * What goes over a signalling socket, both ways, as exact types. Everything here is pure: a frame from outside becomes
 * a message, or says why it is none; past this file nothing is checked again.
 *
 *     client                                   server
 *       | -- hello (room, id, token?) ---------> |
 *       | <--------- welcome (token, introducers) |   or error, and the socket is closed
 *       |                      and iceServers, if any
 *       | -- signal to X ----------------------> |  -> X: signal from the client; or absent X back
 *       | == packet for X (binary) ============> |  => X: packet from the client; lost if X is not there
 *       | -- introduce ------------------------> |
 *       | <------------------------- introducers |
 *       | <-------------------------------- ping |   at the announced pace, so that a page can see the socket is alive
 *       | <---------------------------- ice ----- |   the same servers with later credentials, before the old ones expire
 *       | -- bye ------------------------------> |
 *
 * A text frame is one JSON object with its type in `t`. Unknown types are ignored and unknown fields are skipped, so that
 * versions can mix. A binary frame is 16 bytes of an id and a packet: towards the server the receiver's id, from the
 * server the sender's, which the server writes itself. No message names its own sender, so none can be forged.
 */

import { idBytes, idFromBytes, idToBytes, isPeerId, type PeerId, packetBytesMax } from '../core/index.ts'
import { type IceServer, iceServersMax, iceUrlsMax, parseIceServers } from './protocol-ice.ts'

export const protocolVersion = 1
export const roomLengthMax = 128
/** Bytes of one frame. */
export const frameBytesMax = 32 * 1024
/** Characters of a signal's data as JSON: at three bytes of UTF-8 each, it still fits a frame with its envelope. */
export const signalLengthMax = 10_000
/** Objects inside objects. A description or candidate needs four; deep nests would overflow the stack of `stringify`. */
export const signalDepthMax = 8
/** Ids in one `welcome` or `introducers`: one link for each ring neighbour. */
export const introducersMax = 8
export const tokenLengthMax = 128
/** Milliseconds between pings: the least a test wants, and the most after which a page may still notice a dead socket. */
export const pingMsMin = 10
export const pingMsMax = 120_000

/** Why the server will not go on; a client has to take codes it does not know. */
export type RefusalCode = 'version' | 'id_taken' | 'room_full' | 'rooms_full'

/** Own close codes and those of RFC 6455 that the server uses. */
export const closeCodes = {
  goodbye: 1000, // after `bye`
  policy: 1008, // malformed frames, no hello, too fast, id taken
  restarting: 1012,
  full: 1013,
  replaced: 4409, // the same id came again with its token
} as const

export type ClientText =
  | { t: 'hello'; v: number; room: string; id: PeerId; token?: string }
  | { t: 'signal'; to: PeerId; data: object }
  | { t: 'introduce' }
  | { t: 'bye' }

export type ServerText =
  | { t: 'welcome'; token: string; introducers: PeerId[]; pingMs: number; iceServers?: IceServer[] }
  | { t: 'introducers'; ids: PeerId[] }
  | { t: 'signal'; from: PeerId; data: object }
  | { t: 'absent'; id: PeerId }
  | { t: 'ping' }
  | { t: 'ice'; servers: IceServer[] }
  | { t: 'error'; code: string; message: string }

/** `peer` is the receiver on the way to the server and the sender on the way from it. `packet` is borrowed. */
export type RelayedPacket = { t: 'packet'; peer: PeerId; packet: Uint8Array }

/** A frame that is well formed but of a type this version does not know. */
export type Ignored = { t: 'ignored' }
export type Malformed = { t: 'malformed'; reason: string }

export type ClientFrame = ClientText | RelayedPacket | Ignored | Malformed
export type ServerFrame = ServerText | RelayedPacket | Ignored | Malformed

/** What a client sent. Never throws; `frame` is borrowed. */
export function parseClientFrame(frame: string | Uint8Array): ClientFrame {
  if (typeof frame !== 'string') return parsePacket(frame)
  const fields = parseFields(frame)
  if (!fields) return malformed('a text frame must be a JSON object with its type in "t"')
  switch (fields.t) {
    case 'hello':
      return parseHello(fields)
    case 'signal':
      if (!isPeerId(fields.to)) return malformed('signal: "to" must be a peer id')
      if (!isSignalData(fields.data)) return malformed(signalDataRule)
      return { t: 'signal', to: fields.to, data: fields.data }
    case 'introduce':
    case 'bye':
      return { t: fields.t }
    default:
      return { t: 'ignored' }
  }
}

/** What the server sent. Never throws; `frame` is borrowed. */
export function parseServerFrame(frame: string | Uint8Array): ServerFrame {
  if (typeof frame !== 'string') return parsePacket(frame)
  const fields = parseFields(frame)
  if (!fields) return malformed('a text frame must be a JSON object with its type in "t"')
  switch (fields.t) {
    case 'welcome':
      return parseWelcome(fields)
    case 'introducers':
      if (!isIntroducers(fields.ids)) return malformed(`introducers: "ids" must be up to ${introducersMax} peer ids`)
      return { t: 'introducers', ids: fields.ids }
    case 'signal':
      if (!isPeerId(fields.from)) return malformed('signal: "from" must be a peer id')
      if (!isSignalData(fields.data)) return malformed(signalDataRule)
      return { t: 'signal', from: fields.from, data: fields.data }
    case 'absent':
      if (!isPeerId(fields.id)) return malformed('absent: "id" must be a peer id')
      return { t: 'absent', id: fields.id }
    case 'ping':
      return { t: 'ping' }
    case 'ice': {
      const servers = parseIceServers(fields.servers)
      return servers ? { t: 'ice', servers } : malformed(`ice: "servers" ${iceServersRule}`)
    }
    case 'error':
      if (!isText(fields.code, 64) || !isText(fields.message, 500))
        return malformed('error: "code" and "message" missing')
      return { t: 'error', code: fields.code, message: fields.message }
    default:
      return { t: 'ignored' }
  }
}

export function encodeClientText(message: ClientText): string {
  return JSON.stringify(message)
}

export function encodeServerText(message: ServerText): string {
  return JSON.stringify(message)
}

/** A relayed packet as a new binary frame; the caller vouches for the id and for 1 to 1,200 bytes. */
export function encodePacket(peer: PeerId, packet: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(idBytes + packet.length)
  frame.set(idToBytes(peer))
  frame.set(packet, idBytes)
  return frame
}

/** True for what may travel as a signal's data: an object, flat and small enough. */
export function isSignalData(data: unknown): data is object {
  return isObject(data) && isWithinDepth(data, signalDepthMax) && JSON.stringify(data).length <= signalLengthMax
}

const iceServersRule = `must be up to ${iceServersMax} ICE servers, each with up to ${iceUrlsMax} stun: or turn: addresses`
const signalDataRule = `signal: "data" must be an object of up to ${signalLengthMax} characters and ${signalDepthMax} levels`

function parseHello(fields: Fields): ClientFrame {
  if (!Number.isSafeInteger(fields.v)) return malformed('hello: "v" must be the version, a whole number')
  if (!isText(fields.room, roomLengthMax)) return malformed(`hello: "room" must have 1 to ${roomLengthMax} characters`)
  if (!isPeerId(fields.id)) return malformed('hello: "id" must be a peer id')
  const hello = { t: 'hello', v: fields.v as number, room: fields.room, id: fields.id } as const
  if (fields.token === undefined) return hello
  if (!isText(fields.token, tokenLengthMax)) return malformed('hello: "token" must be the text of a welcome')
  return { ...hello, token: fields.token }
}

function parseWelcome(fields: Fields): ServerFrame {
  const { token, introducers, pingMs } = fields
  if (!isText(token, tokenLengthMax)) return malformed('welcome: "token" missing')
  if (!isIntroducers(introducers)) return malformed(`welcome: "introducers" must be up to ${introducersMax} peer ids`)
  if (typeof pingMs !== 'number' || !(pingMs >= pingMsMin && pingMs <= pingMsMax)) {
    return malformed(`welcome: "pingMs" must be ${pingMsMin} to ${pingMsMax}`)
  }
  if (fields.iceServers === undefined) return { t: 'welcome', token, introducers, pingMs }
  const iceServers = parseIceServers(fields.iceServers)
  if (!iceServers) return malformed(`welcome: "iceServers" ${iceServersRule}`)
  return { t: 'welcome', token, introducers, pingMs, iceServers }
}

function parsePacket(frame: Uint8Array): RelayedPacket | Malformed {
  const length = frame.length - idBytes
  if (length < 1 || length > packetBytesMax) return malformed(`a packet must have 1 to ${packetBytesMax} bytes`)
  return { t: 'packet', peer: idFromBytes(frame), packet: frame.subarray(idBytes) }
}

type Fields = Record<string, unknown>

/** `JSON.parse` makes an own property of a `__proto__` key, so fields are only what was sent, and stay data. */
function parseFields(text: string): Fields | undefined {
  if (text.length > frameBytesMax) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && typeof (value as Fields).t === 'string' ? (value as Fields) : undefined
  } catch {
    return undefined
  }
}

function isIntroducers(ids: unknown): ids is PeerId[] {
  return Array.isArray(ids) && ids.length <= introducersMax && ids.every(isPeerId)
}

function isText(text: unknown, lengthMax: number): text is string {
  return typeof text === 'string' && text.length >= 1 && text.length <= lengthMax
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWithinDepth(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((inner) => isWithinDepth(inner, levels - 1))
}

function malformed(reason: string): Malformed {
  return { t: 'malformed', reason }
}
