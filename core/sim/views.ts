/**
 * Compares what simulated peers believe, with one another and with the truth. It is asked every few milliseconds while a
 * room settles, so the peer that was in the way last time is looked at first, and what is cheap before what is not.
 */

import { sameDigest } from '../digest.ts'
import type { PeerId } from '../ids.ts'
import type { Member } from '../member.ts'
import type { Participant } from './participant.ts'

export class Views {
  /** The name of the one that was last seen to be in the way. */
  #untrue = ''
  /** State and services of a member as text; a member's snapshot never changes. */
  readonly #texts = new WeakMap<Member, string>()

  /**
   * Who and what every one of these peers holds the same: ids, status, state, digest. Equal digests stand for equal ids;
   * that a digest is that of its view is one of the invariants.
   */
  agree(peers: readonly Participant[]): boolean {
    const first = peers[0]
    if (first === undefined) return true
    const { digest, size } = first.swim.beliefs
    const isLike = ({ swim: { beliefs } }: Participant) => beliefs.size === size && sameDigest(beliefs.digest, digest)
    if (!peers.every(isLike)) return false
    const expected = this.#beyondDigest(first)
    return peers.every((peer) => this.#beyondDigest(peer) === expected)
  }

  /** Exactly these peers are in the view of each, and nobody is under suspicion. */
  areTrue(peers: readonly Participant[]): boolean {
    if (peers.some(({ swim }) => swim.beliefs.size !== peers.length)) return false
    const ids = peers.map(({ id }) => id).sort()
    const last = peers.find(({ name }) => name === this.#untrue)
    if (last && !isTrue(last, ids)) return false
    const untrue = peers.find((peer) => !isTrue(peer, ids))
    this.#untrue = untrue?.name ?? ''
    return untrue === undefined
  }

  /** What a digest does not tell: suspicions, and volatile entries among the others. */
  #beyondDigest({ swim }: Participant): string {
    let text = ''
    for (const { id, status, entries } of swim.beliefs.present()) {
      if (status === 'alive' && entries.size === 0) continue
      text += `${id} ${status} ${this.#text(swim.member(id)!)}\n`
    }
    return text
  }

  /** Keys in order: peers may have learnt them in different ones. */
  #text(member: Member): string {
    const known = this.#texts.get(member)
    if (known !== undefined) return known
    const { state, services } = member
    const offers = services.map(({ id, health, status, weight }) => [id, health, status, weight])
    const keys = Object.keys(state).sort()
    const text = JSON.stringify([keys.map((key) => [key, state[key]]), offers])
    this.#texts.set(member, text)
    return text
  }
}

/** `ids` are in ascending order, as those of a view are. */
function isTrue({ swim }: Participant, ids: readonly PeerId[]): boolean {
  const { beliefs } = swim
  const present = beliefs.presentIds()
  return present.length === ids.length && present.every((id, i) => id === ids[i] && beliefs.get(id)!.status === 'alive')
}
