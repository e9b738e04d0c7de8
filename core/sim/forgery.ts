/** Packets written by hand, for tests of what a peer does with what no honest peer sends. */

import { type Header, PacketWriter } from '../codec.ts'
import { roomTag } from '../digest.ts'
import { encodeRumour, type Rumour } from '../rumour.ts'
import { simulatedRoom } from './world.ts'

/** A packet of the simulated room, or of another. What it returns is the caller's. */
export function forge(
  rumours: readonly Rumour[],
  header: Header = { kind: 'gossip' },
  room = simulatedRoom,
): Uint8Array {
  const writer = new PacketWriter(roomTag(room))
  let left = writer.begin(header)
  for (const rumour of rumours) {
    const bytes = encodeRumour(rumour)
    left -= bytes.length
    if (left < 0) throw new Error('the rumours do not fit one packet')
    writer.add(bytes)
  }
  return new Uint8Array(writer.finish())
}
