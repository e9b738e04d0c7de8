/**
 * Whom an awareness stands between: a document and a peer, as far as it needs them. By shape, so that neither Yjs nor a
 * certain type of state is asked for.
 */

import type { PeerStatus, StateValue } from '../core/index.ts'

/** A `Y.Doc`. */
export interface AwarenessDoc {
  readonly clientID: number
  on(name: 'destroy', listener: () => void): unknown
  off(name: 'destroy', listener: () => void): unknown
}

/** A `Peer`, whatever else its members publish. */
export interface AwarenessPeer {
  readonly id: string
  readonly status: PeerStatus
  members(): readonly { readonly id: string; readonly state: object }[]
  setState(patch: Record<string, StateValue | undefined>, options?: { volatile?: boolean }): void
  subscribe(listener: () => void): () => void
  on(type: 'status', listener: () => void): () => void
}
