/**
 * How long a suspicion lasts before it becomes a death, and when a death told by another is believed (Lifeguard, LHA
 * Suspicion): long while one accuser stands alone, shorter with each that confirms independently.
 */

import type { Belief } from './belief.ts'
import type { Config } from './config.ts'
import type { MemberMode } from './member.ts'

type SuspicionConfig = Pick<Config, 'suspicionMult' | 'suspicionMinMult' | 'probePeriodMs'>

/** Lifeguard's K: with this many confirmations a suspicion is as short as it gets. */
const confirmationsMost = 3

/** Pages do other work on the thread that answers probes, and hidden ones are held back by their browser. */
const patienceByMode: Readonly<Record<MemberMode, number>> = { server: 1, visible: 2, hidden: 3, frozen: 3 }
/**
 * A page that said it was being frozen is expected to be silent: it is away, and given up only after so long, unless one of
 * its neighbours has seen its link end.
 */
export const frozenMs = 600_000

/** What a round trip may add to a suspicion, in periods: a peer with slow neighbours would wait for ever. */
const refutationPeriodsMax = 2

export interface Circumstances {
  /** Members present. */
  readonly size: number
  /** The usual round trip in this room, in milliseconds. */
  readonly rttMs: number
  readonly mode: MemberMode
  /** See `Damping`. */
  readonly penalty: number
}

export function circumstancesOf(belief: Belief, size: number, rttMs: number, now: number): Circumstances {
  const mode = belief.record?.mode ?? 'visible'
  // A page that was frozen keeps its links, one that was ended does not.
  return { size, rttMs, mode: mode === 'frozen' && belief.severed ? 'hidden' : mode, penalty: belief.penalty(now) }
}

/** How many confirmations are waited for: there must be somebody besides the suspect and its accuser to confirm. */
export function confirmationsMax(size: number): number {
  return Math.max(0, Math.min(confirmationsMost, size - 2))
}

/**
 * From its longest to its shortest, on memberlist's logarithmic curve:
 *
 *     longest   suspicionMult x log10 n periods, what a refutation by gossip alone may need
 *     shortest  suspicionMinMult periods, and the way to the suspect and back through the room
 */
export function suspicionMs(config: SuspicionConfig, confirmations: number, circumstances: Circumstances): number {
  const { size, mode } = circumstances
  if (mode === 'frozen') return frozenMs
  const shortest = shortestMs(config, circumstances)
  const patience = patienceOf(circumstances)
  const longest = Math.max(
    shortest,
    config.suspicionMult * Math.max(1, Math.log10(size)) * config.probePeriodMs * patience,
  )
  const most = confirmationsMax(size)
  if (most === 0) return longest
  const share = Math.log(Math.min(confirmations, most) + 1) / Math.log(most + 1)
  return longest - (longest - shortest) * share
}

/**
 * Nobody dies on one voice: a death told by another counts at once only where the suspicion has been held for half the
 * shortest time already, that is where the member had its chance to refute. Until then it is one more accusation. In the
 * ordinary run of things everybody has heard the suspicion long before; where a healed partition or a forger floods a
 * room with deaths, the members concerned refute instead of flapping.
 */
export function deathIsRipe(config: SuspicionConfig, suspectedForMs: number, circumstances: Circumstances): boolean {
  return suspectedForMs >= shortestMs(config, circumstances) / 2
}

function shortestMs(config: SuspicionConfig, circumstances: Circumstances): number {
  const { size, rttMs } = circumstances
  const refutation = Math.min(rttMs * (2 + Math.log2(Math.max(2, size))), refutationPeriodsMax * config.probePeriodMs)
  return (config.suspicionMinMult * config.probePeriodMs + refutation) * patienceOf(circumstances)
}

function patienceOf({ mode, penalty }: Circumstances): number {
  return patienceByMode[mode] * 2 ** penalty
}
