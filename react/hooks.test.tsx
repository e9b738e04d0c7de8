// @vitest-environment happy-dom

/** What the hooks show of a peer, and how often they have a component drawn. */

import { act, type ReactNode } from 'react'
import { expect, test } from 'vitest'
import type { Member } from '../core/index.ts'
import { type Peer, peerIn, simulate, type World } from '../peer/sim.ts'
import * as shoal from './index.ts'
import { createShoal, shallow } from './index.ts'
import { Crowd, countListeners, show } from './stage.fake.ts'

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

/** Calls `use` in a component of its own, and keeps what it gave, once for each time it was drawn. */
function watcher<T>(use: () => T): { drawn: T[]; node: ReactNode } {
  const drawn: T[] = []
  const Watcher = () => {
    drawn.push(use())
    return null
  }
  return { drawn, node: <Watcher /> }
}

function inRoom(peer: Peer, node: ReactNode): ReactNode {
  return <ShoalProvider peer={peer}>{node}</ShoalProvider>
}

function room(peers: number): { world: World; peer: Peer; run(ms: number): Promise<void> } {
  const world = simulate({ peers, seed: 7 })
  world.settle(10_000)
  return {
    world,
    peer: peerIn(world, 'p0'),
    run: (ms) => act(async () => world.run(ms)),
  }
}

const names = (members: readonly Member[]) => members.map(({ name }) => name).sort()

for (const strict of [false, true]) {
  test(`every hook shows what the peer tells at the time${strict ? ', under StrictMode too' : ''}`, async () => {
    const { world, peer, run } = room(3)
    peerIn(world, 'p1').register({ service: 'api', port: 80 })
    world.run(1_000)
    const Everything = () => {
      const service = useService('api', { passing: true })
      return JSON.stringify({
        peer: usePeer() === peer,
        members: useMembers(names, shallow),
        others: useOthers(names, shallow),
        self: useSelf()?.name,
        one: useMember(peerIn(world, 'p2').id)?.status,
        users: useUsers((users) => users.length),
        ports: service.map(({ port }) => port),
        status: useStatus().status,
      })
    }
    const shown = await show(inRoom(peer, <Everything />), { strict })
    const before = { peer: true, members: ['p0', 'p1', 'p2'], others: ['p1', 'p2'], self: 'p0', one: 'alive', users: 0 }
    expect(JSON.parse(shown.text())).toEqual({ ...before, ports: [80], status: 'joined' })

    world.crash('p2')
    world.leave('p1')
    await run(30_000)
    const after = { ...before, members: ['p0'], others: [], one: peer.member(peerIn(world, 'p2').id)?.status }
    expect(after.one).toBe('dead')
    expect(JSON.parse(shown.text())).toEqual({ ...after, ports: [], status: peer.status })
    await act(() => peer.leave())
    expect(JSON.parse(shown.text())).toMatchObject({ self: 'p0', status: 'left' })
  })
}

test('among 1,000 members, the change of one cursor draws just the component that selects it', async () => {
  const crowd = new Crowd(1_000)
  const draws = new Map<string, number>()
  const drawn = (what: string) => draws.set(what, (draws.get(what) ?? 0) + 1)
  const Row = ({ id }: { id: string }) => {
    drawn(id)
    return <li>{String(useMember(id)?.state.cursor)}</li>
  }
  const Count = () => {
    drawn('count')
    return <b>{useMembers(({ length }) => length)}</b>
  }
  const Names = () => {
    drawn('names')
    return <b>{useMembers((members) => members.map(({ name }) => name), shallow).length}</b>
  }
  const First = () => {
    drawn('first')
    return <b>{String(useOthers((others) => others[0]?.state.cursor))}</b>
  }
  const Page = () => {
    drawn('page')
    const ids = useMembers((members) => members.map(({ id }) => id), shallow)
    return ids.map((id) => <Row key={id} id={id} />)
  }
  const shown = await show(
    inRoom(
      crowd.peer,
      <>
        <Page />
        <Count />
        <Names />
        <First />
      </>,
    ),
  )
  expect(draws.size).toBe(1_004)
  draws.clear()
  await act(async () => crowd.change(500, { state: { cursor: 42 } }))
  expect([...draws]).toEqual([['member-500', 1]])
  expect(shown.text()).toContain('42')
  draws.clear()
  // A round trip that was measured is news of the member, and nothing that these show.
  await act(async () => crowd.change(1, { rttMs: 3 }))
  expect([...draws]).toEqual([['member-1', 1]])
  draws.clear()
  await act(async () => {
    crowd.change(1, { state: { cursor: 1 } })
    crowd.change(1, { state: { cursor: 2 } })
  })
  expect([...draws].sort()).toEqual([
    ['first', 1],
    ['member-1', 1],
  ])
})

test('a selector that is written in place and makes something new each time is called once for each view', async () => {
  const crowd = new Crowd(3)
  const { drawn, node } = watcher(() => useMembers((members) => members.map(({ name }) => name)))
  await show(inRoom(crowd.peer, node))
  expect(drawn).toEqual([['m0', 'm1', 'm2']])
  await act(async () => crowd.change(2, { name: 'Ana' }))
  expect(drawn.slice(1)).toEqual([['m0', 'm1', 'Ana']])
})

test('a selector sees the newest props, and what is equal keeps its reference', async () => {
  const crowd = new Crowd(4)
  const drawn: (readonly string[])[] = []
  const Named = ({ least }: { least: number }) => {
    drawn.push(useMembers((members) => members.slice(least).map(({ name }) => name), shallow))
    return null
  }
  const shown = await show(inRoom(crowd.peer, <Named least={2} />))
  await shown.draw(inRoom(crowd.peer, <Named least={2} />))
  await shown.draw(inRoom(crowd.peer, <Named least={3} />))
  expect(drawn).toEqual([['m2', 'm3'], ['m2', 'm3'], ['m3']])
  expect(drawn[1]).toBe(drawn[0])
})

test('members keep their references, so that a memoised row is not drawn for the change of another', async () => {
  const { world, peer, run } = room(3)
  const { drawn, node } = watcher(() => useMembers())
  await show(inRoom(peer, node))
  peerIn(world, 'p1').setState({ n: 1 })
  await run(1_000)
  const find = (members: readonly Member[], name: string) => members.find((member) => member.name === name)
  expect(find(drawn.at(-1)!, 'p1')?.state).toEqual({ n: 1 })
  expect(find(drawn.at(-1)!, 'p2')).toBe(find(drawn[0]!, 'p2'))
})

test('others are the same array while nothing but this peer changes', async () => {
  const crowd = new Crowd(3)
  const { drawn, node } = watcher(() => useOthers())
  await show(inRoom(crowd.peer, node))
  await act(async () => crowd.change(0, { mode: 'hidden' }))
  expect(drawn.length).toBe(1)
  await act(async () => crowd.change(1, { mode: 'hidden' }))
  expect(drawn.length).toBe(2)
})

test('a view that changes in the middle of drawing leaves no component behind', async () => {
  const crowd = new Crowd(2)
  let meddled = false
  const Name = () => <i>{useMembers((members) => members[1]!.name)} </i>
  const Meddler = () => {
    if (!meddled) {
      meddled = true
      crowd.change(1, { name: 'new' })
    }
    return null
  }
  const shown = await show(
    inRoom(
      crowd.peer,
      <>
        <Name />
        <Meddler />
        <Name />
      </>,
    ),
  )
  expect(shown.text()).toBe('new new ')
})

test('components that are gone leave no listener behind, and many that are there share two', async () => {
  const { peer, run } = room(2)
  const listeners = countListeners(peer)
  const One = () => {
    const [{ n }] = useMyState()
    return JSON.stringify([n, useMembers().length, useUsers().length, useStatus().status, useService('a').length])
  }
  const all = (n: number) =>
    inRoom(
      peer,
      Array.from({ length: n }, (_, key) => <One key={String(key)} />),
    )
  const shown = await show(all(3), { strict: true })
  expect(listeners()).toBe(2)
  await shown.draw(all(1))
  expect(listeners()).toBe(2)
  await shown.draw(all(0))
  expect(listeners()).toBe(0)
  await shown.draw(all(2))
  expect(listeners()).toBe(2)
  await shown.unmount()
  await run(1_000)
  expect(listeners()).toBe(0)
})

test('my state is published, and drawn at once', async () => {
  const { world, peer, run } = room(2)
  const { drawn, node } = watcher(() => useMyState())
  await show(inRoom(peer, node))
  const [state, setState] = drawn.at(-1)!
  expect(state).toEqual({})
  await act(async () => setState({ mood: 'fine', gone: 1 }))
  await act(async () => setState({ gone: undefined }))
  expect(drawn.at(-1)).toEqual([{ mood: 'fine' }, setState])
  await run(1_000)
  expect(peerIn(world, 'p1').member(peer.id)?.state).toEqual({ mood: 'fine' })
  expect(drawn.every(([, set]) => set === setState)).toBe(true)
  expect(() => setState({ '$service/x': 1 })).toThrow(expect.objectContaining({ code: 'reserved_key' }))
  await act(() => peer.leave())
  expect(() => setState({ mood: 'late' })).toThrow(expect.objectContaining({ code: 'left' }))
  expect(drawn.at(-1)![0]).toEqual({ mood: 'fine' })
})

test('my state is the same object while others change theirs', async () => {
  const { world, peer, run } = room(3)
  peer.setState({ place: [1, 2] })
  const { drawn, node } = watcher(() => useMyState())
  await show(inRoom(peer, node))
  peerIn(world, 'p1').setState({ n: 1 })
  world.crash('p2')
  await run(20_000)
  expect(drawn.length).toBe(1)
})

test('a service is followed by name, tag and health', async () => {
  const { world, peer, run } = room(3)
  const api = peerIn(world, 'p1').register({ service: 'api', port: 80, tags: ['eu'] })
  peerIn(world, 'p2').register({ service: 'api', port: 81 })
  peerIn(world, 'p2').register({ service: 'web', port: 82 })
  world.run(1_000)
  const Ports = ({ of, ...options }: { of: string; tag?: string; passing?: boolean }) => {
    const ports = useService(of, options).map(({ port }) => port)
    return ports.sort().join(' ')
  }
  const shown = await show(inRoom(peer, <Ports of="api" />))
  expect(shown.text()).toBe('80 81')
  await shown.draw(inRoom(peer, <Ports of="web" />))
  expect(shown.text()).toBe('82')
  await shown.draw(inRoom(peer, <Ports of="api" tag="eu" />))
  expect(shown.text()).toBe('80')
  await shown.draw(inRoom(peer, <Ports of="api" passing />))
  api.drain()
  await run(1_000)
  expect(shown.text()).toBe('81')
  world.leave('p2')
  await run(1_000)
  expect(shown.text()).toBe('')
})

test('what is no news of a service does not draw those who show it', async () => {
  const { world, peer, run } = room(3)
  const api = peer.register({ service: 'api', port: 80 })
  const { drawn, node } = watcher(() => useService('api', { passing: true }))
  await show(inRoom(peer, node))
  const seen = peer.getSnapshot()
  peerIn(world, 'p1').setState({ n: 1 })
  world.leave('p2')
  await run(3_000)
  expect(peer.getSnapshot()).not.toBe(seen)
  expect(drawn.length).toBe(1)
  await act(async () => api.setHealth('critical'))
  expect(drawn.slice(1)).toEqual([[]])
})

test('a page may be in two rooms: each has its hooks, and those of the module read from the nearest', async () => {
  const [lobby, table] = [new Crowd(5), new Crowd(2)]
  const Lobby = createShoal()
  const Table = createShoal()
  const Both = () =>
    [
      Lobby.useMembers(({ length }) => length),
      Table.useMembers(({ length }) => length),
      useMembers(({ length }) => length),
    ].join()
  const shown = await show(
    <Lobby.ShoalProvider peer={lobby.peer}>
      <Table.ShoalProvider peer={table.peer}>
        <Both />
      </Table.ShoalProvider>
    </Lobby.ShoalProvider>,
  )
  expect(shown.text()).toBe('5,2,2')
})
