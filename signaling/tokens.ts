/**
 * Tokens prove a claim on an id without the server remembering anything about sockets that are gone: a token is the
 * claim's number under a keyed hash of this process. The older claim wins (`rooms.ts`), so whoever grabs an id in the
 * moment its owner is offline holds a younger claim and has to make way when the owner returns. A restarted server has a
 * new key; it takes an old token for none, and since nobody is in its rooms yet, owners get their ids back all the same.
 */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { PeerId } from '../core/index.ts'

export class Tokens {
  readonly #key = randomBytes(32)
  #claims = 0

  /** A claim younger than all before it. */
  newClaim(): number {
    return ++this.#claims
  }

  issue(room: string, id: PeerId, claim: number): string {
    return `${claim}.${this.#seal(room, id, claim).toString('base64url')}`
  }

  /** The claim a token proves, or nothing if it proves none for this id in this room. */
  claimOf(token: string, room: string, id: PeerId): number | undefined {
    const match = /^([1-9][0-9]{0,15})\.([\w-]{43})$/.exec(token)
    if (!match) return undefined
    const claim = Number(match[1])
    const seal = Buffer.from(match[2]!, 'base64url')
    return timingSafeEqual(seal, this.#seal(room, id, claim)) ? claim : undefined
  }

  #seal(room: string, id: PeerId, claim: number): Buffer {
    // JSON keeps the parts apart whatever characters the room's name has.
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([claim, id, room]))
      .digest()
  }
}
