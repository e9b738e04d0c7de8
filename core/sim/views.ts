/** Compares what simulated peers believe, with one another and with the truth. */

import type { PeerId } from '../ids.ts'
import type { Member } from '../member.ts'
import type { Participant } from './participant.ts'

/** Who and what every one of these peers holds the same: ids, status, state, digest. */
export function viewsAgree(peers: readonly Participant[]): boolean {
  const first = peers[0]
  if (first === undefined) return true
  const { digest } = first.swim.consistency()
  if (peers.some(({ swim }) => swim.consistency().digest !== digest)) return false
  const expected = describe(first)
  return peers.every((peer) => sameTexts(describe(peer), expected))
}

/** Exactly these peers are in the view of each, and nobody is under suspicion. */
export function viewsAreTrue(peers: readonly Participant[]): boolean {
  const ids = new Set<PeerId>(peers.map(({ id }) => id))
  return peers.every(({ swim }) => {
    const members = swim.members()
    return members.length === ids.size && members.every(({ id, status }) => status === 'alive' && ids.has(id))
  })
}

function describe(peer: Participant): string[] {
  return peer.swim.members().map((member) => `${member.id} ${member.status} ${stateText(member)}`)
}

/** Keys in order: peers may have learnt them in different ones. */
function stateText({ state, services }: Member): string {
  const keys = Object.keys(state).sort()
  const offers = services.map(({ id, health, status, weight }) => [id, health, status, weight])
  return JSON.stringify([keys.map((key) => [key, state[key]]), offers])
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i])
}
