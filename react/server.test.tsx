/** Drawing on a server: there is no DOM here. */

import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import { peerIn, simulate } from '../peer/sim.ts'
import * as shoal from './index.ts'

const {
  ShoalProvider,
  useMember,
  useMembers,
  useMyState,
  useOthers,
  usePeer,
  useSelf,
  useService,
  useStatus,
  useUsers,
} = shoal

const Everything = () =>
  JSON.stringify([
    usePeer() ?? null,
    useMembers(),
    useMembers(({ length }) => length),
    useMember('nobody') ?? null,
    useOthers(),
    useSelf() ?? null,
    useUsers(),
    useMyState()[0],
    useService('api'),
    useStatus(),
  ])

const empty = [null, [], 0, null, [], null, [], {}, [], { status: 'joining', reason: 'looking for members' }]

function drawn(html: string): unknown {
  return JSON.parse(html.replaceAll('&quot;', '"'))
}

test('a server draws an empty room, with or without a peer, joins nothing and complains of nothing', () => {
  expect(typeof document).toBe('undefined')
  const complaints = vi.spyOn(console, 'error')
  const world = simulate({ peers: 2, seed: 1 })
  world.settle(10_000)
  const join = vi.fn()
  for (const given of [{ peer: peerIn(world, 'p0') }, { peer: undefined }, { join }]) {
    const html = renderToString(
      <ShoalProvider {...given}>
        <Everything />
      </ShoalProvider>,
    )
    expect(drawn(html)).toEqual(empty)
  }
  expect(join).not.toHaveBeenCalled()
  expect(complaints.mock.calls).toEqual([])
  complaints.mockRestore()
})

for (const [hook, use] of Object.entries(shoal).filter(([name]) => /^use/.test(name))) {
  test(`${hook} says what is missing where no provider is above it`, () => {
    const Lost = () => {
      ;(use as (argument?: string) => unknown)(hook === 'useMember' || hook === 'useService' ? 'x' : undefined)
      return null
    }
    expect(() => renderToString(<Lost />)).toThrow('expected the ShoalProvider of this hook above the component')
  })
}

test('a provider says what it was to be given, and what it got', () => {
  const peer = peerIn(simulate({ peers: 1, seed: 1 }), 'p0')
  const wrong: [given: object, got: string][] = [
    [{}, 'join undefined, peer undefined'],
    [{ join: undefined }, 'join undefined, peer undefined'],
    [{ join: new Promise(() => {}) }, 'join [object Promise], peer undefined'],
    [{ peer: null }, 'join undefined, peer null'],
    [{ peer: {} }, 'join undefined, peer [object Object]'],
    [{ join: String, peer }, `join ${String}, peer [object Object]`],
  ]
  for (const [given, got] of wrong) {
    const expected = 'expected join, a function, or peer: a peer, its promise or undefined'
    expect(() => renderToString(<ShoalProvider {...(given as { peer: undefined })} />)).toThrow(
      `ShoalProvider: ${expected}; got ${got}`,
    )
  }
})
