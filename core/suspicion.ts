/**
 * How long a suspicion lasts before it becomes a death, and when a death told by another is believed.
 */

import type { Config } from './config.ts'

type SuspicionConfig = Pick<Config, 'suspicionMult' | 'probePeriodMs'>

/** Suspicion time in a room of `size` members, after memberlist: it grows with the time a refutation may need. */
export function suspicionMs(config: SuspicionConfig, size: number): number {
  return config.suspicionMult * Math.max(1, Math.log10(Math.max(1, size))) * config.probePeriodMs
}

/**
 * Nobody dies on one voice: a death told by another counts at once only where the suspicion has been held for half its
 * time already, that is where the member had its chance to refute. Until then it is one more suspicion. In the ordinary
 * run of things everybody has heard the suspicion long before; where a healed partition or a forger floods a room with
 * deaths, the members concerned refute instead of flapping.
 */
export function deathIsRipe(config: SuspicionConfig, size: number, suspectedForMs: number): boolean {
  return suspectedForMs >= suspicionMs(config, size) / 2
}
