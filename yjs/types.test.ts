/** That TypeScript takes our awareness where it takes that of y-protocols, and any peer beside it. */

import { expectTypeOf, test } from 'vitest'
import { yCollab } from 'y-codemirror.next'
import {
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  type Awareness as Reference,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import { Doc } from 'yjs'
import type { Peer } from '../peer/peer.ts'
import { peerIn, simulate } from '../peer/sim.ts'
import { Awareness, type AwarenessChanges } from './index.ts'

const world = simulate({ peers: 1, seed: 1 })
const awareness = new Awareness(new Doc(), peerIn(world, 'p0'))

test('it is an Awareness of y-protocols by its type', () => {
  expectTypeOf(awareness).toExtend<Reference>()
  expectTypeOf(awareness.doc).toEqualTypeOf<Doc>()
  expectTypeOf(encodeAwarenessUpdate).toBeCallableWith(awareness, [1])
  expectTypeOf(applyAwarenessUpdate).toBeCallableWith(awareness, new Uint8Array(), 'origin')
  expectTypeOf(removeAwarenessStates).toBeCallableWith(awareness, [1], 'origin')
  expectTypeOf(yCollab).toBeCallableWith(awareness.doc.getText('note'), awareness)
})

test('it takes peers of any type of state, and nothing that is no peer', () => {
  expectTypeOf(Awareness<Doc>).toBeConstructibleWith(new Doc(), {} as Peer)
  expectTypeOf(Awareness<Doc>).toBeConstructibleWith(new Doc(), {} as Peer<{ color: string; at: number[] }>)
  expectTypeOf(Awareness<Doc>).toBeConstructibleWith(new Doc(), {} as Peer, { document: 'notes' })
  // @ts-expect-error: a peer is wanted
  expectTypeOf(Awareness<Doc>).toBeConstructibleWith(new Doc(), {})
  // @ts-expect-error: the document comes first
  expectTypeOf(Awareness<Doc>).toBeConstructibleWith({} as Peer, new Doc())
})

test('listeners are given what they hear of', () => {
  awareness.on('change', (changes, origin) => {
    expectTypeOf(changes).toEqualTypeOf<AwarenessChanges>()
    expectTypeOf(origin).toBeUnknown()
  })
  awareness.on('destroy', (destroyed) => expectTypeOf(destroyed).toEqualTypeOf<Awareness<Doc>>())
})
