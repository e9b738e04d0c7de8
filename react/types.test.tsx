/** The types of the hooks: what the state's type says is known wherever the state is read or written. */

import type { ReactElement } from 'react'
import { expect, expectTypeOf, test } from 'vitest'
import type { Instance, Member, State } from '../core/index.ts'
import type { Peer } from '../peer/peer.ts'
import type { User } from '../peer/users.ts'
import { createShoal, type ShoalStatus, shallow, useMembers, useMyState } from './index.ts'

interface MyState {
  color: string
  cursor: [x: number, y: number]
}

const shoal = createShoal<MyState>()

/** Never drawn: types alone matter. */
function Component(): ReactElement {
  expectTypeOf(shoal.usePeer()).toEqualTypeOf<Peer<MyState> | undefined>()
  expectTypeOf(shoal.useMembers()).toEqualTypeOf<readonly Member<MyState>[]>()
  // What others publish may be missing, whatever the type promises.
  expectTypeOf(shoal.useMembers()[0]!.state.color).toEqualTypeOf<string | undefined>()
  expectTypeOf(shoal.useMembers((members) => members.map(({ state }) => state.cursor))).toEqualTypeOf<
    ([x: number, y: number] | undefined)[]
  >()
  expectTypeOf(shoal.useMembers(({ length }) => length, Object.is)).toEqualTypeOf<number>()
  expectTypeOf(shoal.useMembers((members) => members.map(({ id }) => id), shallow)).toEqualTypeOf<string[]>()
  expectTypeOf(shoal.useOthers()).toEqualTypeOf<readonly Member<MyState>[]>()
  expectTypeOf(shoal.useMember('id')).toEqualTypeOf<Member<MyState> | undefined>()
  expectTypeOf(shoal.useSelf()).toEqualTypeOf<Member<MyState> | undefined>()
  expectTypeOf(shoal.useSelf((self) => self?.name)).toEqualTypeOf<string | undefined>()
  expectTypeOf(shoal.useUsers()).toEqualTypeOf<readonly User<MyState>[]>()
  expectTypeOf(shoal.useService('api', { passing: true, tag: 'eu' })).toEqualTypeOf<readonly Instance[]>()
  expectTypeOf(shoal.useStatus()).toEqualTypeOf<ShoalStatus>()
  expectTypeOf(shoal.useStatus().status).toEqualTypeOf<'joining' | 'joined' | 'isolated' | 'left' | 'failed'>()

  const [state, setState] = shoal.useMyState()
  expectTypeOf(state).toEqualTypeOf<Readonly<Partial<MyState>>>()
  setState({ color: 'teal' })
  setState({ cursor: undefined }, { volatile: true })
  // @ts-expect-error: of another type
  setState({ color: 7 })
  // @ts-expect-error: no key of the state
  setState({ colour: 'teal' })
  // @ts-expect-error: a service has a name
  shoal.useService()

  expectTypeOf(useMembers()).toEqualTypeOf<readonly Member[]>()
  expectTypeOf(useMyState()[0]).toEqualTypeOf<State>()

  const joined = (_signal: AbortSignal) => Promise.reject<Peer<MyState>>(new Error('never called'))
  const peer = shoal.usePeer()
  return (
    <>
      <shoal.ShoalProvider peer={peer} />
      <shoal.ShoalProvider peer={joined(AbortSignal.abort())}>text</shoal.ShoalProvider>
      <shoal.ShoalProvider join={joined} />
      {/* @ts-expect-error: one or the other */}
      <shoal.ShoalProvider peer={peer} join={joined} />
      {/* @ts-expect-error: nothing to read from */}
      <shoal.ShoalProvider />
    </>
  )
}

test('the hooks of createShoal are those of the module, for one type of state', async () => {
  expectTypeOf(Component).returns.toEqualTypeOf<ReactElement>()
  const module = await import('./index.ts')
  expect(Object.keys(module).sort()).toEqual([...Object.keys(shoal), 'createShoal', 'shallow'].sort())
})
