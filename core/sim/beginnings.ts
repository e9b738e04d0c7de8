/** How peers of a room begin: by whom they join, or whom they have known and been linked with for long. */

import type { Endpoint } from '../host.ts'
import { Rings } from '../rings.ts'
import { checkChannels } from './checks.ts'
import type { Links } from './links.ts'
import type { JoinOptions, Kind, WorldOptions } from './options.ts'
import type { Participant } from './participant.ts'

/** What one of the first peers joins with. */
export function beginningOf({ kinds = ['sim'], server = 0 }: WorldOptions, index: number): JoinOptions {
  const own = {
    kinds: typeof kinds === 'function' ? kinds(index) : kinds,
    server: typeof server === 'function' ? server(index) : server,
  }
  checkChannels(own.kinds, own.server)
  return own
}

/** Where these others can be asked by a newcomer that no server introduces to them. */
export function seedsOf(peer: Participant, others: readonly Participant[]): Endpoint[] {
  const open = peer.kinds.filter((kind) => !isIntroduced(kind))
  return others.flatMap((other) => {
    const kind = open.find((kind) => other.kinds.includes(kind))
    return kind === undefined ? [] : [other.endpoint(kind)!]
  })
}

/** Lets these know one another, as if they had been in the room before. */
export function acquaint(peers: readonly Participant[], worldMs: number): void {
  const records = peers.map(({ id, swim }) => swim.beliefs.get(id)!.recordBytes!)
  for (const peer of peers) {
    peer.swim.remember(records, peer.clock(worldMs))
    // Without seeds a room is joined at once; those it keeps for later are contacted only when they are gone.
    peer.swim.join([], peer.clock(worldMs))
  }
}

/**
 * Opens the links that neighbours on the rings want, as if they had been open for long. Best before they are acquainted: a
 * core looks at everybody it knows when its first link opens.
 */
export function linkNeighbours(peers: readonly Participant[], links: Links, kind: Kind = 'rtc'): void {
  const byId = new Map(peers.map((peer) => [peer.id, peer]))
  const crowd = peers.filter(({ kinds }) => kinds.includes(kind))
  const rings = new Rings()
  for (const { own } of crowd) rings.add(own)
  for (const peer of crowd) for (const id of rings.of(peer.own).all) links.furnish(peer, byId.get(id)!, kind)
}

/** Such channels need somebody who introduces their peers to each other. */
function isIntroduced(kind: Kind): boolean {
  return kind === 'rtc' || kind === 'relay'
}
