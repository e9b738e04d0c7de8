/**
 * Addresses of signalling servers, and invites: such an address that names the room as well, `ws://10.0.0.7:8787/?room=lobby`.
 * A gateway that serves signalling itself tells the room so by a service of its own, so any member can make an invite.
 */

import { ShoalError, shown } from '../core/index.ts'

/** The service of members that serve signalling; `meta.url` is where newcomers connect to. */
export const signalingService = 'shoal-signaling'

/** Addresses in one `signaling` option. */
export const serversMax = 8
/** Characters of an address in somebody's record: with the rest of its entry, well within the 1,000 bytes of one. */
export const serverUrlMax = 512
/** Characters of an invite: 128 of a room's name may take twelve each. */
const inviteMax = 2_200
/** The part of an invite that names the room. The server learns of the room by the hello, so it is not sent there. */
const roomKey = 'room'

/** What a `signaling` option says. */
export interface Directions {
  /** In order, none twice. */
  readonly servers: readonly string[]
  /** Named by an invite among them. */
  readonly room?: string
}

/**
 * Reads the option: an address, an invite, or a list of them. Throws `bad_option`, also where invites lead to different
 * rooms, or to another one than `room`.
 */
export function readSignaling(signaling: unknown, room?: string): Directions {
  const list: unknown[] = Array.isArray(signaling) ? signaling : [signaling]
  if (list.length === 0 || list.length > serversMax) {
    throw bad(`expected an address such as ws://localhost:8787, or a list of 1 to ${serversMax}, got ${list.length}`)
  }
  const servers = new Set<string>()
  let named = room
  for (const text of list) {
    const url = parse(text, inviteMax)
    if (!url) throw bad(`expected an address such as ws://localhost:8787, got ${shown(text)}`)
    const invited = url.searchParams.get(roomKey)
    if (invited !== null) {
      named ??= invited
      if (invited !== named) {
        throw bad(`expected an address for the room ${JSON.stringify(named)}, got one for ${JSON.stringify(invited)}`)
      }
      url.searchParams.delete(roomKey)
    }
    servers.add(url.href)
  }
  return { servers: [...servers], ...(named === undefined ? {} : { room: named }) }
}

/** An address that may stand in a record, in its one spelling; undefined for anything else. It may come from anybody. */
export function readServerUrl(text: unknown): string | undefined {
  const url = parse(text, serverUrlMax)
  // A password there would be everybody's.
  return url && url.username === '' && url.password === '' && url.href.length <= serverUrlMax ? url.href : undefined
}

/** What a newcomer puts into its `signaling` option. */
export function writeInvite(server: string, room: string): string {
  const url = new URL(server)
  url.searchParams.set(roomKey, room)
  return url.href
}

function parse(text: unknown, charsMax: number): URL | undefined {
  if (typeof text !== 'string' || text.length > charsMax || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return (url.protocol === 'ws:' || url.protocol === 'wss:') && url.hash === '' ? url : undefined
}

function bad(message: string): ShoalError {
  return new ShoalError('bad_option', `signaling: ${message}`)
}
