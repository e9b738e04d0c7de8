/**
 * Decides which of two claims about one member's liveness is the newer (after SWIM, section 4.2).
 *
 *     alive(n) < suspect(n) < dead(n) < left(n) < alive(n + 1)
 *
 * The order is total and has no ties but equality, so merging by "the greater wins" is commutative, associative and
 * idempotent. Unlike the paper's, `dead` does not beat a later incarnation: a member that others gave up comes back by
 * raising it.
 */

import type { MemberStatus } from './member.ts'

export interface Claim {
  readonly incarnation: number
  readonly status: MemberStatus
}

const rank: Record<MemberStatus, number> = { alive: 0, suspect: 1, dead: 2, left: 3 }

export function supersedes(claim: Claim, belief: Claim): boolean {
  if (claim.incarnation !== belief.incarnation) return claim.incarnation > belief.incarnation
  return rank[claim.status] > rank[belief.status]
}

/**
 * Two records of one owner with the same number should be the same bytes. Where they are not, the owner is at fault;
 * the greater bytes win, so that all still agree.
 */
export function bytesSupersede(claim: Uint8Array, belief: Uint8Array): boolean {
  const shared = Math.min(claim.length, belief.length)
  for (let i = 0; i < shared; i++) {
    if (claim[i] !== belief[i]) return claim[i]! > belief[i]!
  }
  return claim.length > belief.length
}
