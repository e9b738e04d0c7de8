/**
 * `shoal/react`: a room of Shoal in React, 18 or later. Works beside `shoal/browser` and `shoal/node` alike, and imports
 * neither: a provider is given a peer, or told how to join. The guide is docs/react.md.
 *
 * ```tsx
 * const { ShoalProvider, useUsers, useMyState } = createShoal<{ typing: boolean }>()
 *
 * <ShoalProvider join={(signal) => join({ room: 'lobby', signaling, user, signal })}>
 *   <WhoIsHere />
 * </ShoalProvider>
 * ```
 *
 * @module
 */

'use client'

import { nearestShoal } from './shoal.tsx'

export type { Equality } from './shallow.ts'
export { shallow } from './shallow.ts'
export type { Read, SetState, Shoal, ShoalProviderProps, ShoalStatus } from './shoal.tsx'
export { createShoal } from './shoal.tsx'

/** For an application that gives its state no type, and for components that suit every application: see `Shoal`. */
export const {
  /** As in `Shoal`. */
  ShoalProvider,
  /** As in `Shoal`. */
  usePeer,
  /** As in `Shoal`. */
  useMembers,
  /** As in `Shoal`. */
  useMember,
  /** As in `Shoal`. */
  useOthers,
  /** As in `Shoal`. */
  useSelf,
  /** As in `Shoal`. */
  useUsers,
  /** As in `Shoal`. */
  useMyState,
  /** As in `Shoal`. */
  useService,
  /** As in `Shoal`. */
  useStatus,
} = /* @__PURE__ */ nearestShoal()
