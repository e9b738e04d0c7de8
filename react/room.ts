/**
 * Room: the store that components read. It stands between them and a peer, which may not be there yet, never come, or be
 * another one later; meanwhile it is empty, and keeps what is to be published.
 */

import type { Instance, Member, PeerId, PeerStatus, StateOf } from '../core/index.ts'
import type { Peer } from '../peer/peer.ts'
import type { User } from '../peer/users.ts'
import { shallow } from './shallow.ts'

/** How things stand; a person understands `reason`. */
export interface ShoalStatus {
  /** As of the peer, `joining` while there is none, and `failed` where joining was given up. */
  readonly status: PeerStatus | 'failed'
  /** Why, for people. */
  readonly reason: string
  /** What joining failed with. */
  readonly error?: unknown
}

/**
 * Publishes a patch, as `Peer.setState`, and throws what that throws. Before there is a peer the patch is kept for it,
 * whatever its values; one that the peer then refuses takes no other along, and goes to `reportError`, as what an event
 * handler throws does. It is the same function for good.
 */
export type SetState<S> = (
  patch: { readonly [K in keyof S]?: S[K] | undefined },
  options?: { readonly volatile?: boolean },
) => void

export const nobody: readonly never[] = Object.freeze([])
export const noState: object = Object.freeze({})
export const joining: ShoalStatus = Object.freeze({ status: 'joining', reason: 'looking for members' })

export function isPeer<S extends object>(value: unknown): value is Peer<S> {
  return typeof (value as Peer<S> | null | undefined)?.subscribe === 'function'
}

/** A call that throws is one that rejects, and so is one that gives no peer. */
export async function promised<S extends object>(call: () => PromiseLike<Peer<S>>): Promise<Peer<S>> {
  const peer: unknown = await call()
  if (isPeer<S>(peer)) return peer
  throw new Error(`ShoalProvider: expected the promise of a peer, got that of ${peer}`)
}

export class Room<S extends object> {
  #peer: Peer<S> | undefined
  readonly #listeners = new Set<() => void>()
  /** Ends listening to the peer, which lasts as long as somebody listens here. */
  #detach: (() => void) | undefined
  /** What is set before there is a peer: by key, the last call that sets it. */
  readonly #kept = new Map<
    string,
    { readonly patch: Readonly<Record<string, unknown>>; readonly options: Parameters<SetState<S>>[1] }
  >()
  /** How things stand without a peer. */
  #absence = joining
  #status = joining
  #state = noState
  #others: readonly Member<S>[] = nobody
  #othersOf: readonly Member<S>[] = nobody

  constructor(peer?: Peer<S>) {
    this.#peer = peer
  }

  // Reading: each answers with the same reference until something in it changes

  readonly peer = (): Peer<S> | undefined => this.#peer

  readonly members = (): readonly Member<S>[] => this.#peer?.members() ?? nobody

  readonly users = (): readonly User<S>[] => this.#peer?.users() ?? nobody

  readonly self = (): Member<S> | undefined => this.#peer?.self

  readonly others = (): readonly Member<S>[] => {
    const members = this.members()
    if (members === this.#othersOf) return this.#others
    const others = Object.freeze(members.filter(({ id }) => id !== this.#peer?.id))
    this.#othersOf = members
    if (!shallow(others, this.#others)) this.#others = others
    return this.#others
  }

  readonly state = (): StateOf<S> => {
    const state = this.#peer?.state ?? this.#keptState()
    if (!shallow<object>(state, this.#state)) this.#state = state
    return this.#state as StateOf<S>
  }

  readonly status = (): ShoalStatus => {
    const status = this.#peer ? { status: this.#peer.status, reason: this.#peer.reason } : this.#absence
    if (!shallow<ShoalStatus>(status, this.#status)) this.#status = Object.freeze(status)
    return this.#status
  }

  member(id: PeerId): Member<S> | undefined {
    return this.#peer?.member(id)
  }

  lookup(service: string, options: { passing?: boolean; tag?: string }): readonly Instance[] {
    return this.#peer?.lookup(service, options) ?? nobody
  }

  // Listening

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#attach()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#letGo()
    }
  }

  // Publishing

  readonly setState: SetState<S> = (patch, options) => {
    if (this.#peer) this.#peer.setState(patch, options)
    else {
      const call = { patch: { ...patch } as Record<string, unknown>, options }
      for (const key of Object.keys(patch)) this.#kept.set(key, call)
    }
    // What waits for its turn to be published is no news of the peer, but it is to be seen in a text field.
    this.#tell()
  }

  // The peer comes and goes

  /** From now on this is about `peer`. */
  take(peer: Peer<S> | undefined): void {
    if (peer === this.#peer && this.#absence === joining) return
    this.#letGo()
    this.#peer = peer
    this.#absence = joining
    if (peer) this.#publishKept(peer)
    this.#attach()
    this.#tell()
  }

  /** There is no peer, and none will come. */
  fail(error: unknown): void {
    this.#letGo()
    this.#peer = undefined
    const reason = error instanceof Error ? error.message : String(error)
    this.#absence = Object.freeze({ status: 'failed', reason, error })
    this.#tell()
  }

  #attach(): void {
    if (this.#peer === undefined || this.#detach !== undefined || this.#listeners.size === 0) return
    const ends = [this.#peer.subscribe(this.#tell), this.#peer.on('status', this.#tell)]
    this.#detach = () => {
      for (const end of ends) end()
    }
  }

  #letGo(): void {
    this.#detach?.()
    this.#detach = undefined
  }

  readonly #tell = (): void => {
    for (const listener of [...this.#listeners]) listener()
  }

  #keptState(): object {
    const newest = [...this.#kept].map(([key, { patch }]) => [key, patch[key]] as const)
    // fromEntries defines its keys, so `__proto__` is a key like any other.
    return Object.freeze(Object.fromEntries(newest.filter(([, value]) => value !== undefined)))
  }

  /** Call by call, so that one that is refused takes no other along. */
  #publishKept(peer: Peer<S>): void {
    for (const call of new Set(this.#kept.values())) {
      const patch = Object.entries(call.patch).filter(([key]) => this.#kept.get(key) === call)
      try {
        peer.setState(Object.fromEntries(patch) as Parameters<SetState<S>>[0], call.options)
      } catch (error) {
        // Whoever set it has long returned. Node has no `reportError`.
        ;(globalThis.reportError ?? console.error)(error)
      }
    }
    this.#kept.clear()
  }
}
