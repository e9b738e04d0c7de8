/**
 * Stay: a peer that lives as long as the component that joined. StrictMode and fast refresh unmount a component and mount
 * it again at once; that is one stay, and one member. So it ends a tick behind the last unmounting.
 */

import type { Peer } from '../peer/peer.ts'
import { promised, type Room } from './room.ts'

/** Joins; it should pass on `signal`, which is aborted when nobody waits for the peer any more. */
export type Join<S extends object> = (signal: AbortSignal) => Promise<Peer<S>>

export class Stay<S extends object> {
  readonly #room: Room<S>
  #mounted = 0
  #end: (() => void) | undefined

  constructor(room: Room<S>) {
    this.#room = room
  }

  /** To be called when mounted; returns what to call when unmounted. */
  mount(join: Join<S>): () => void {
    this.#mounted++
    this.#end ??= this.#begin(join)
    return () => {
      this.#mounted--
      queueMicrotask(() => {
        if (this.#mounted > 0) return
        this.#end?.()
        this.#end = undefined
      })
    }
  }

  #begin(join: Join<S>): () => void {
    const unmounted = new AbortController()
    let joined: Peer<S> | undefined
    promised(() => join(unmounted.signal)).then(
      (peer) => {
        joined = peer
        if (unmounted.signal.aborted) void peer.leave()
        else this.#room.take(peer)
      },
      (error: unknown) => {
        if (!unmounted.signal.aborted) this.#room.fail(error)
      },
    )
    return () => {
      unmounted.abort(new Error('the component that joined was unmounted'))
      if (joined === undefined) return
      // The provider may have been given another one since.
      if (this.#room.peer() === joined) this.#room.take(undefined)
      void joined.leave()
    }
  }
}
