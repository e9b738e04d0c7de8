/**
 * What applications see of a peer. Snapshots are frozen and keep their reference until something in them changes.
 */

import type { Endpoint } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Instance } from './instance.ts'

/** `suspect`: it has not answered, and may yet; `dead`: it was given up; `left`: it said farewell. */
export type MemberStatus = 'alive' | 'suspect' | 'dead' | 'left'

/** `server` for processes; the others say what a tab's page is doing. */
export type MemberMode = 'visible' | 'hidden' | 'frozen' | 'server'

/** All modes there are. */
export const memberModes: readonly MemberMode[] = ['visible', 'hidden', 'frozen', 'server']

/**
 * A value that a member may publish: JSON, bytes and dates, at most 8 lists and objects in one another, 512 values and
 * keys in all. What is read is frozen, but for bytes and dates, which JavaScript cannot freeze: change neither.
 */
export type StateValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Date
  | readonly StateValue[]
  | { readonly [key: string]: StateValue }

/** A state of any keys, for applications that give theirs no type. */
export type State = Readonly<Record<string, StateValue>>

/**
 * What is read of a state of type `S`. Another member may run another version of the application, or none of it, so no
 * key is sure to be there; and what stands under it is a stranger's word until it is checked.
 */
export type StateOf<S> = string extends keyof S ? Readonly<S> : Readonly<Partial<S>>

/** `S` is the type of the state that members of the application publish. */
export interface Member<S = State> {
  /** Unique, and new at every start. */
  readonly id: PeerId
  /** A label for people, not unique: a restart is a new id under the same name. */
  readonly name: string
  /** Who the connection belongs to: one user may have many members. */
  readonly user?: string
  /** What this peer believes; others may believe otherwise for a moment. */
  readonly status: MemberStatus
  /** As the member says of itself. */
  readonly mode: MemberMode
  /** Raised by the member itself only, to refute or when its record changes. */
  readonly incarnation: number
  /** What the member has published, services left out; as `setState` of its peer took it. */
  readonly state: StateOf<S>
  /** What it offers, in no certain order. */
  readonly services: readonly Instance[]
  /** Where it is reached, in the order it prefers. */
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
  /** What happened. */
  readonly type: 'join' | 'update' | 'suspect' | 'refute' | 'leave' | 'dead'
  /** The member as it is now. */
  readonly member: Member
}
