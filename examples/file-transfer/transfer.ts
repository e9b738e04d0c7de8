/** A file over a connection of its own: what it is first, as a text, then its bytes; and back comes the hash of what arrived. */

import type { DirectConnection, Peer } from 'shoal/browser'

const pieceBytes = 32 * 1024
/** It is gathered in memory. An application for larger files writes the pieces to a file as they come. */
export const sizeMax = 512 * 1024 * 1024

type Progress = (part: number) => void
type Header = { name: string; size: number }
type Received = { file: File; hash: string }

/** Resolves with the hash that the receiver found; rejects when the connection cannot be made, or is closed too early. */
export async function sendFile(peer: Peer, to: string, file: File, progress: Progress): Promise<string> {
  const connection = await peer.connect(to)
  const closed = new Promise<never>((_, reject) => connection.on('close', () => reject(new Error('it was closed'))))
  // It may be closed while a piece is read, when nobody waits for that.
  closed.catch(() => {})
  const hash = new Promise<string>((resolve) => connection.on('data', (text) => resolve(String(text))))
  connection.write(JSON.stringify({ name: file.name, size: file.size }))
  for (let at = 0; at < file.size; at += pieceBytes) {
    const piece = new Uint8Array(await file.slice(at, at + pieceBytes).arrayBuffer())
    const more = connection.write(piece) || new Promise<void>((resolve) => connection.once('drain', resolve))
    await Promise.race([more, closed])
    progress((at + piece.length) / file.size)
  }
  return Promise.race([hash, closed]).finally(() => connection.destroy())
}

/** Resolves with a file that arrived, and its hash. Rejects where the other side sends something else, or goes away. */
export function receiveFile(connection: DirectConnection, began: (name: string) => Progress): Promise<Received> {
  return new Promise((resolve, reject) => {
    let header: Header | undefined
    let progress: Progress
    let received = 0
    const pieces: BlobPart[] = []
    const take = (piece: string | Uint8Array) => {
      if (typeof piece === 'string') {
        header = headerIn(piece)
        progress = began(header.name)
      } else {
        pieces.push(piece as BlobPart)
        received += piece.length
      }
      if (!header || received > header.size) throw new Error('something else than a file arrived')
      progress(received / header.size)
      if (received === header.size) void finish(new File(pieces, header.name))
    }
    const finish = async (file: File) => {
      const hash = await hashOf(file)
      connection.write(hash)
      resolve({ file, hash })
    }
    connection.on('close', () => reject(new Error('it was closed')))
    connection.on('data', (piece) => {
      try {
        take(piece)
      } catch (error) {
        reject(error)
        connection.destroy()
      }
    })
  })
}

/** Anybody in the room may say anything. */
function headerIn(text: string): Header {
  const { name, size } = JSON.parse(text)
  if (typeof name !== 'string' || name === '' || name.length > 255)
    throw new Error('the name of the file cannot be one')
  if (!Number.isSafeInteger(size) || size < 0 || size > sizeMax) throw new Error('the size of the file cannot be one')
  return { name, size }
}

export async function hashOf(file: Blob): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
