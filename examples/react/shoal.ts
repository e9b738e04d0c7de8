/** The hooks of this application, typed by what its members publish. */

import { createShoal } from 'shoal/react'

export interface MyState {
  color: string
  /** What one is up to, in a few words. */
  note: string
  /** There while the note is being written. */
  typing: true
}

export const { ShoalProvider, usePeer, useMember, useUsers, useMyState, useService, useStatus } = createShoal<MyState>()
