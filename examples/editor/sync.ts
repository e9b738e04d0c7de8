/**
 * Keeps a Yjs document the same in all tabs of a room, over connections of its own: each pair of tabs opens one, tells what
 * it has, is sent what it lacks, and passes on what changes. Enough for a dozen tabs; for more, or for a document that
 * outlives its tabs, take a Yjs provider with a server (y-websocket, Hocuspocus) beside the same awareness.
 */

import type { DirectConnection, Peer } from 'shoal/browser'
import { applyUpdate, type Doc, encodeStateAsUpdate, encodeStateVector } from 'yjs'

/** The first byte of a piece: what this document has, some of an update, and the rest of one. */
const kinds = { has: 0, part: 1, rest: 2 }
const pieceBytes = 64 * 1024
/** A longer update is not taken from anybody. */
const updateBytesMax = 64 * 1024 * 1024
const againMs = 6_000

/** What a tab says of itself once it can be called. */
export interface Writer {
  writes: boolean
}

export function syncDocument(doc: Doc, peer: Peer<Writer>): void {
  const connections = new Set<DirectConnection>()
  /** Whom this tab calls, is connected with, or leaves alone for a while. */
  const called = new Set<string>()

  const meet = () => {
    for (const { id, state } of peer.members()) {
      // The greater id calls, so that there is one connection between two.
      if (peer.status === 'left' || !state.writes || id >= peer.id || called.has(id)) continue
      called.add(id)
      void call(id).finally(() => setTimeout(() => called.delete(id) && meet(), againMs))
    }
  }

  /** Ends with the connection, or when there is none to be had. */
  const call = async (id: string) => {
    const connection = await peer.connect(id).catch(() => undefined)
    if (connection) await new Promise<void>((resolve) => converse(connection).on('close', resolve))
  }

  const converse = (connection: DirectConnection) => {
    const receive = updatesFrom(connection, doc)
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    connection.on('data', (piece) => {
      try {
        receive(piece)
      } catch {
        connection.destroy()
      }
    })
    connection.write(Uint8Array.of(kinds.has, ...encodeStateVector(doc)))
    return connection
  }

  doc.on('update', (update: Uint8Array, from: unknown) => {
    for (const connection of connections) if (connection !== from) sendUpdate(connection, update)
  })
  peer.onConnection(converse)
  peer.subscribe(meet)
  peer.setState({ writes: true })
  meet()
}

function sendUpdate(connection: DirectConnection, update: Uint8Array): void {
  for (let at = 0; at < update.length; at += pieceBytes) {
    const kind = at + pieceBytes < update.length ? kinds.part : kinds.rest
    connection.write(Uint8Array.of(kind, ...update.subarray(at, at + pieceBytes)))
  }
}

/** Takes the pieces that arrive one after the other. Throws at what is none. */
function updatesFrom(connection: DirectConnection, doc: Doc): (piece: string | Uint8Array) => void {
  let parts: Uint8Array[] = []
  let bytes = 0
  return (piece) => {
    if (typeof piece === 'string') throw new Error('expected bytes')
    const rest = piece.subarray(1)
    if (piece[0] === kinds.has) return sendUpdate(connection, encodeStateAsUpdate(doc, rest))
    parts.push(rest)
    bytes += rest.length
    if (bytes > updateBytesMax) throw new Error('an update is too long')
    if (piece[0] === kinds.part) return
    const update = new Uint8Array(bytes)
    let at = 0
    for (const part of parts) {
      update.set(part, at)
      at += part.length
    }
    parts = []
    bytes = 0
    applyUpdate(doc, update, connection)
  }
}
