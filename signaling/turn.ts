/**
 * Tells peers which STUN and TURN servers there are, with credentials of their own that run out. The scheme is that of
 * coturn's `use-auth-secret` (draft-uberti-behave-turn-rest): the user name is the second at which it expires and the
 * peer's id, the password a keyed hash of it. Both servers know the key, so neither has to ask the other.
 */

import { createHmac } from 'node:crypto'
import type { PeerId } from '../core/index.ts'
import type { IceServer } from './protocol-ice.ts'

export interface TurnSettings {
  readonly urls: readonly string[]
  readonly secret: string
  readonly ttlSeconds: number
}

export class IceIssuer {
  readonly #stun: readonly string[]
  readonly #turn: TurnSettings | undefined
  readonly #secondsNow: () => number

  /** `secondsNow` is the time of day by which TURN servers judge what has expired. */
  constructor(
    stun: readonly string[],
    turn: TurnSettings | undefined,
    secondsNow: () => number = () => Math.floor(Date.now() / 1000),
  ) {
    this.#stun = stun
    this.#turn = turn
    this.#secondsNow = secondsNow
  }

  /**
   * Credentials are renewed at half their time. What a peer holds is then good for at least that long at any moment, also
   * when the signalling server goes away.
   */
  get renewAfterMs(): number {
    return this.#turn ? this.#turn.ttlSeconds * 500 : Number.POSITIVE_INFINITY
  }

  serversFor(id: PeerId): IceServer[] {
    const servers: IceServer[] = []
    if (this.#stun.length > 0) servers.push({ urls: [...this.#stun] })
    if (this.#turn) {
      const { urls, secret, ttlSeconds } = this.#turn
      const username = `${this.#secondsNow() + ttlSeconds}:${id}`
      const credential = createHmac('sha1', secret).update(username).digest('base64')
      servers.push({ urls: [...urls], username, credential })
    }
    return servers
  }
}
