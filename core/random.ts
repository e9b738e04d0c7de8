/**
 * Randomness as an argument. The core draws from a `Random` it is given, so that the same seed gives the same run.
 */

/** A number in [0, 1), like `Math.random`. */
export type Random = () => number

/** A small seeded generator (mulberry32): good enough for shuffles and jitter, never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A whole number in [0, limit). @internal */
export function randomInt(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

/** Shuffles in place (Fisher-Yates). @internal */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomInt(random, i + 1)
    const held = items[i]!
    items[i] = items[j]!
    items[j] = held
  }
  return items
}

/** Up to `count` different items in random order; `items` is left as it was. @internal */
export function sample<T>(items: readonly T[], count: number, random: Random): T[] {
  const pool = [...items]
  const taken = Math.min(count, pool.length)
  for (let i = 0; i < taken; i++) {
    const j = i + randomInt(random, pool.length - i)
    const held = pool[i]!
    pool[i] = pool[j]!
    pool[j] = held
  }
  pool.length = taken
  return pool
}

/** 16 random bytes for an id in worlds that have no `crypto`: simulations and tests. @internal */
export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = randomInt(random, 256)
  return bytes
}
