/**
 * Rumours that were taken over lately, so that the copies which a flood brings over every other link cost no second look.
 * They are known by fingerprints; whatever is wrongly taken for known, the digests will show.
 */

/** Fingerprints in each of two generations; the older one is forgotten at each turn. */
const generationMax = 8192

export class Seen {
  #young = new Set<number>()
  #old = new Set<number>()

  has(fingerprint: number): boolean {
    return this.#young.has(fingerprint) || this.#old.has(fingerprint)
  }

  add(fingerprint: number): void {
    if (this.#young.size >= generationMax) this.turn()
    this.#young.add(fingerprint)
  }

  /** Forgets what was added before the last turn. */
  turn(): void {
    this.#old = this.#young
    this.#young = new Set()
  }
}

/** 53 bits that tell these bytes from others (two FNV-1a hashes side by side). */
export function fingerprintOf(bytes: Uint8Array): number {
  let one = 0x811c9dc5
  let other = 0x1000193
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    one = Math.imul(one ^ byte, 0x01000193)
    other = Math.imul(other ^ byte, 0x85ebca6b)
  }
  return (one >>> 0) + ((other ^ (other >>> 15)) & 0x1fffff) * 2 ** 32
}
