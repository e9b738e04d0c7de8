/** Who there is in a world: the newest peer of each name, and everybody by id. */

import { ShoalError } from '../errors.ts'
import type { PeerId } from '../ids.ts'
import { shown } from '../options.ts'
import type { Participant } from './participant.ts'

/** Of those that crashed or left, this many keep what they believed by then, the last ones first; of more, memory runs out. */
const goneMax = 64
/** An error names this many of the peers there are. */
const namedMax = 5

export class Roster {
  readonly #byName = new Map<string, Participant>()
  readonly #byId = new Map<PeerId, Participant>()
  /** Those that crashed or left and keep their views. */
  readonly #gone: Participant[] = []

  add(peer: Participant): void {
    this.#byName.set(peer.name, peer)
    this.#byId.set(peer.id, peer)
  }

  /** It has crashed or left. */
  bury(peer: Participant): void {
    this.#gone.push(peer)
    if (this.#gone.length > goneMax) this.#gone.shift()!.forgetView()
  }

  byId(id: PeerId): Participant | undefined {
    return this.#byId.get(id)
  }

  /** The newest of each name, gone or not. */
  all(): Participant[] {
    return [...this.#byName.values()]
  }

  allLive(): Participant[] {
    return this.all().filter(({ live }) => live)
  }

  /** The newest of this name, gone or not. Throws `unknown_member`. */
  known(name: string): Participant {
    const peer = this.#byName.get(name)
    if (peer === undefined) throw new ShoalError('unknown_member', this.#unknown(name))
    return peer
  }

  /** Throws `unknown_member` for one that is gone, too. */
  live(name: string): Participant {
    const peer = this.known(name)
    if (!peer.live)
      throw new ShoalError('unknown_member', `${name} ${peer.life === 'left' ? 'has left' : 'has crashed'}`)
    return peer
  }

  /** Throws `bad_option` for the name of a live one. */
  requireFree(name: string): void {
    if (this.#byName.get(name)?.live) throw new ShoalError('bad_option', `a peer named ${name} is live already`)
  }

  #unknown(name: unknown): string {
    const names = [...this.#byName.keys()]
    const there = [...names.slice(0, namedMax), ...(names.length > namedMax ? ['...'] : [])].join(', ')
    const text = typeof name === 'string' && name !== '' ? name : shown(name)
    return `there is no peer named ${text}${names.length > 0 ? `; there are ${there}` : ''}`
  }
}
