/**
 * What applications see of a peer. Snapshots are frozen and keep their reference until something in them changes.
 */

import type { Endpoint } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Instance } from './services.ts'

export type MemberStatus = 'alive' | 'suspect' | 'dead' | 'left'

/** `server` for processes; the others say what a tab's page is doing. */
export type MemberMode = 'visible' | 'hidden' | 'frozen' | 'server'

export const memberModes: readonly MemberMode[] = ['visible', 'hidden', 'frozen', 'server']

/** A value that a member may publish: JSON, and bytes. */
export type StateValue = null | boolean | number | string | Uint8Array | StateValue[] | { [key: string]: StateValue }

export type State = Readonly<Record<string, StateValue>>

export interface Member {
  readonly id: PeerId
  /** A label for people, not unique: a restart is a new id under the same name. */
  readonly name: string
  /** Who the connection belongs to: one user may have many members. */
  readonly user?: string
  readonly status: MemberStatus
  readonly mode: MemberMode
  /** Raised by the member itself only, to refute or when its record changes. */
  readonly incarnation: number
  readonly state: State
  readonly services: readonly Instance[]
  readonly endpoints: readonly Endpoint[]
  /** How this peer reaches it: over a path of its own, through the signalling server, or by way of other members. */
  readonly via: 'direct' | 'relayed' | 'gossip'
  /** Smoothed round trip in milliseconds; absent until a probe was answered. */
  readonly rttMs?: number
  /** When it got its present status, in milliseconds since the epoch by this peer's clock. */
  readonly since: number
  /** When it last answered this peer, or 0 if never; as of this snapshot, an answer alone makes no new one. */
  readonly lastHeard: number
}

/**
 * What happened to a member. `update` covers state, services, mode, name and endpoints; `refute` is a suspect that
 * proved to be alive; a member that was dead and is back raises `join` again.
 */
export interface MemberEvent {
  readonly type: 'join' | 'update' | 'suspect' | 'refute' | 'leave' | 'dead'
  readonly member: Member
}
