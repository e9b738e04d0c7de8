/**
 * Digests: 64-bit, order-independent hashes of a view. Each fact of the view (a member at an incarnation, an entry at a
 * version) has a hash of its own and the digest is their exclusive or, so a change costs one hash and no order matters.
 * They find differences between honest peers; they are no protection against forgery.
 */

export interface Digest {
  /** Two unsigned 32-bit halves: numbers on every engine, and two small integers on the wire. */
  hi: number
  lo: number
}

export const emptyDigest: Readonly<Digest> = { hi: 0, lo: 0 }

export function sameDigest(a: Readonly<Digest>, b: Readonly<Digest>): boolean {
  return a.hi === b.hi && a.lo === b.lo
}

/** Adds a fact to a digest, or takes it out again: the same operation. */
export function toggle(digest: Digest, fact: Readonly<Digest>): void {
  digest.hi = (digest.hi ^ fact.hi) >>> 0
  digest.lo = (digest.lo ^ fact.lo) >>> 0
}

/** Hash of a text with two independent seeds. @internal */
export function hashText(text: string): Digest {
  return { hi: murmur(text, 0x9747b28c), lo: murmur(text, 0x2545f491) }
}

/** The fact that something hashed as `base` stands at `number` (an incarnation or a version). @internal */
export function hashFact(base: Readonly<Digest>, number: number): Digest {
  return {
    hi: finish(base.hi ^ Math.imul(number, 0x85ebca6b)),
    lo: finish(base.lo ^ Math.imul(number, 0xc2b2ae35)),
  }
}

/** The fact that hangs on two hashed texts, such as a member and one of its keys. */
export function hashPair(a: Readonly<Digest>, b: Readonly<Digest>): Digest {
  return { hi: finish(a.hi ^ Math.imul(b.hi, 0x27d4eb2f)), lo: finish(a.lo ^ Math.imul(b.lo, 0x165667b1)) }
}

/** Tags packets with their room. 32 bits keep rooms apart by accident only: a room is no secret. */
export function roomTag(room: string): number {
  return murmur(room, 0x5bd1e995)
}

/** MurmurHash3 (Appleby) over UTF-16 code units. */
function murmur(text: string, seed: number): number {
  let h = seed
  for (let i = 0; i < text.length; i++) {
    let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  return finish(h ^ text.length)
}

function finish(value: number): number {
  let h = value
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
