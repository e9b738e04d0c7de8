/** Who listens to what a peer tells. */

import { type Member, type Message, type PeerStatus, ShoalError, shown } from '../core/index.ts'
import type { Grounds } from './grounds.ts'
import type { User } from './users.ts'

/**
 * The events of a peer and what their listeners are given. `update` covers state, services, mode, name and endpoints;
 * `refute` is a suspect that proved to be alive; a member that was dead and is back raises `join` again. A user joins with
 * its first connection and leaves with its last.
 */
export interface PeerEvents<S = object> {
  /** Somebody is here: a newcomer, or one that was dead and is back. */
  join: [member: Member<S>]
  /** State, services, mode, name or endpoints of a member have changed. */
  update: [member: Member<S>]
  /** A member does not answer. Most that are suspected have died; the others raise `refute`. */
  suspect: [member: Member<S>]
  /** A suspect has proved to be alive. */
  refute: [member: Member<S>]
  /** A member has said farewell. */
  leave: [member: Member<S>]
  /** A member was given up. */
  dead: [member: Member<S>]
  /** A user is here, with the first connection. */
  userJoin: [user: User<S>]
  /** A user is gone, with the last connection; told as it was last. */
  userLeave: [user: User<S>]
  /** This peer's own status has changed, and why. */
  status: [status: PeerStatus, reason: string]
  /** What was sent to this member, or published to any topic. */
  message: [message: Message]
}

type Listener = (...told: never[]) => void

/** Types of the public events; `changed` is for `subscribe` alone. */
const types: readonly (keyof PeerEvents)[] = [
  'join',
  'update',
  'suspect',
  'refute',
  'leave',
  'dead',
  'userJoin',
  'userLeave',
  'status',
  'message',
]

export class Listeners {
  readonly #grounds: Grounds
  readonly #of = new Map<string, Set<{ call: Listener }>>()

  constructor(grounds: Grounds) {
    this.#grounds = grounds
  }

  on(type: keyof PeerEvents, listener: Listener): () => void {
    if (!types.includes(type)) {
      throw new ShoalError('bad_option', `event: expected one of ${types.join(', ')}, got ${shown(type)}`)
    }
    return this.add(type, listener)
  }

  /** The same function may listen more than once; each is ended by what its own call returned. */
  add(type: keyof PeerEvents | 'changed', listener: Listener): () => void {
    checkFunction(type === 'changed' ? 'subscribe' : `on ${type}`, listener)
    const listeners = this.#of.get(type) ?? new Set()
    this.#of.set(type, listeners)
    const entry = { call: listener }
    listeners.add(entry)
    return () => {
      listeners.delete(entry)
    }
  }

  has(type: keyof PeerEvents): boolean {
    return (this.#of.get(type)?.size ?? 0) > 0
  }

  /** Those that listen by now; one that is ended meanwhile, by another listener, is not called any more. */
  tell(type: keyof PeerEvents | 'changed', ...told: unknown[]): void {
    const listeners = this.#of.get(type)
    if (listeners === undefined) return
    for (const entry of [...listeners]) {
      if (listeners.has(entry)) this.#grounds.guard(() => (entry.call as (...told: unknown[]) => unknown)(...told))
    }
  }
}

/** Throws `bad_option` by the name of the call where there is nothing to call. */
export function checkFunction(call: string, given: unknown): void {
  if (typeof given === 'function') return
  throw new ShoalError('bad_option', `${call}: expected a function, got ${shown(given)}`)
}
