// @vitest-environment happy-dom

/** Where a provider has its peer from, and what becomes of the peer when components come and go. */

import { act, useEffect } from 'react'
import { expect, test, vi } from 'vitest'
import { type Peer, peerIn, simulate, type World } from '../peer/sim.ts'
import { ShoalProvider, useMembers, useMyState, usePeer, useSelf, useStatus } from './index.ts'
import { show } from './stage.fake.ts'

const Status = () => {
  const { status, reason } = useStatus()
  return `${status}${status === 'failed' ? `: ${reason}` : ''}, ${useMembers(({ length }) => length)} here`
}

/** A room whose peers come when they are let in, and in which every join is another member. */
class Door {
  readonly world: World = simulate({ peers: 2, seed: 3 })
  readonly signals: AbortSignal[] = []
  readonly joined: Peer[] = []
  readonly #waiting: { resolve: (peer: Peer) => void; reject: (error: unknown) => void }[] = []

  constructor() {
    this.world.settle(10_000)
  }

  readonly join = (signal: AbortSignal): Promise<Peer> => {
    this.signals.push(signal)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Lets in the one that has waited the longest. */
  open(): Promise<void> {
    return act(async () => {
      const name = `new${this.joined.length}`
      this.world.join(name)
      this.world.run(2_000)
      const peer = peerIn(this.world, name)
      this.joined.push(peer)
      this.#waiting.shift()!.resolve(peer)
    })
  }

  refuse(error: unknown): Promise<void> {
    return act(async () => this.#waiting.shift()!.reject(error))
  }

  /** Names of those who are here, as another one sees it. */
  here(): string[] {
    this.world.run(2_000)
    return peerIn(this.world, 'p1')
      .members()
      .map(({ name }) => name)
      .sort()
  }
}

for (const strict of [false, true]) {
  test(`a provider that joins is one member from mounting to unmounting${strict ? ', under StrictMode too' : ''}`, async () => {
    const door = new Door()
    const page = () => (
      <ShoalProvider join={(signal) => door.join(signal)}>
        <Status />
      </ShoalProvider>
    )
    const shown = await show(page(), { strict })
    expect(shown.text()).toBe('joining, 0 here')
    expect(door.signals.length).toBe(1)
    await door.open()
    expect(shown.text()).toBe('joined, 3 here')
    await shown.draw(page())
    expect(door.signals.length, 'calls of join, one written in place included').toBe(1)
    expect(door.here()).toEqual(['new0', 'p0', 'p1'])
    await shown.unmount()
    expect(door.joined[0]!.status).toBe('left')
    expect(door.here()).toEqual(['p0', 'p1'])
  })
}

test('a provider that goes while it joins gives up, and one that is let in all the same leaves', async () => {
  const door = new Door()
  const shown = await show(<ShoalProvider join={door.join} />)
  expect(door.signals[0]!.aborted).toBe(false)
  await shown.unmount()
  expect(door.signals[0]!.aborted).toBe(true)
  await door.open()
  expect(door.joined[0]!.status).toBe('left')
})

test('another key is another stay: the old peer leaves, and a new one joins', async () => {
  const door = new Door()
  const page = (key: string) => (
    <ShoalProvider key={key} join={door.join}>
      <Status />
    </ShoalProvider>
  )
  const shown = await show(page('one'), { strict: true })
  await door.open()
  await shown.draw(page('other'))
  expect(shown.text()).toBe('joining, 0 here')
  await door.open()
  expect(shown.text()).toBe('joined, 3 here')
  expect(door.joined.map(({ status }) => status)).toEqual(['left', 'joined'])
})

test('a join that fails is told, with what it failed with', async () => {
  const door = new Door()
  let error: unknown
  const Failed = () => {
    error = useStatus().error
    return <Status />
  }
  const shown = await show(
    <ShoalProvider join={door.join}>
      <Failed />
    </ShoalProvider>,
  )
  const refused = new Error('room: expected 1 to 128 characters, got 0')
  await door.refuse(refused)
  expect(shown.text()).toBe('failed: room: expected 1 to 128 characters, got 0, 0 here')
  expect(error).toBe(refused)
  await shown.unmount()

  const thrown = await show(
    <ShoalProvider
      join={() => {
        throw new Error('no WebSocket here')
      }}
    >
      <Status />
    </ShoalProvider>,
  )
  expect(thrown.text()).toBe('failed: no WebSocket here, 0 here')
})

test('what was to be a peer and is none is told as a join that failed', async () => {
  const said = 'failed: ShoalProvider: expected the promise of a peer, got that of undefined, 0 here'
  const forgotten = (() => {}) as never as (signal: AbortSignal) => Promise<Peer>
  const joining = await show(
    <ShoalProvider join={forgotten}>
      <Status />
    </ShoalProvider>,
  )
  expect(joining.text()).toBe(said)
  await joining.unmount()
  const given = await show(
    <ShoalProvider peer={Promise.resolve(undefined) as never}>
      <Status />
    </ShoalProvider>,
  )
  expect(given.text()).toBe(said)
})

test('a peer that is there is shown from the first drawing on, and left alone when the provider goes', async () => {
  const { world } = new Door()
  const texts: string[] = []
  const Told = () => {
    const text = `${useStatus().status} ${useSelf()?.name}`
    texts.push(text)
    return text
  }
  const shown = await show(
    <ShoalProvider peer={peerIn(world, 'p0')}>
      <Told />
    </ShoalProvider>,
    { strict: true },
  )
  expect(new Set(texts)).toEqual(new Set(['joined p0']))
  await shown.unmount()
  expect(peerIn(world, 'p0').status).toBe('joined')
})

test('the peer may be nobody yet, then a promise, then another peer', async () => {
  const { world } = new Door()
  const [first, second] = [peerIn(world, 'p0'), peerIn(world, 'p1')]
  let settle: (peer: Peer) => void = () => {}
  const promise = new Promise<Peer>((resolve) => {
    settle = resolve
  })
  const Name = () => `${useStatus().status} ${usePeer()?.self.name} ${useSelf(({ name } = {} as never) => name)}`
  const page = (peer: Peer | Promise<Peer> | undefined) => (
    <ShoalProvider peer={peer}>
      <Name />
    </ShoalProvider>
  )
  const shown = await show(page(undefined), { strict: true })
  expect(shown.text()).toBe('joining undefined undefined')
  await shown.draw(page(promise))
  expect(shown.text()).toBe('joining undefined undefined')
  await act(async () => settle(first))
  expect(shown.text()).toBe('joined p0 p0')
  await shown.draw(page(second))
  expect(shown.text()).toBe('joined p1 p1')
  await shown.draw(page(Promise.reject(new Error('gave up'))))
  expect(shown.text()).toBe('failed undefined undefined')
  await shown.draw(page(undefined))
  expect(shown.text()).toBe('joining undefined undefined')
})

test('a promise whose place another peer has taken changes nothing any more', async () => {
  const { world } = new Door()
  let settle: (peer: Peer) => void = () => {}
  const late = new Promise<Peer>((resolve) => {
    settle = resolve
  })
  const page = (peer: Peer | Promise<Peer>) => (
    <ShoalProvider peer={peer}>
      <Self />
    </ShoalProvider>
  )
  const Self = () => useSelf()?.name
  const shown = await show(page(late))
  await shown.draw(page(peerIn(world, 'p0')))
  await act(async () => settle(peerIn(world, 'p1')))
  expect(shown.text()).toBe('p0')
})

test('a provider that joined and is then given a peer leaves its own, and only that', async () => {
  const door = new Door()
  const shown = await show(
    <ShoalProvider join={door.join}>
      <Status />
    </ShoalProvider>,
  )
  await door.open()
  const given = peerIn(door.world, 'p0')
  await shown.draw(
    <ShoalProvider peer={given}>
      <Status />
    </ShoalProvider>,
  )
  expect([door.joined[0]!.status, given.status]).toEqual(['left', 'joined'])
  expect(shown.text()).toMatch(/^joined, \d here$/)
})

test('what is set while joining is shown at once and published with the peer, by effects mounted twice as well', async () => {
  const door = new Door()
  const Page = () => {
    const [state, setState] = useMyState()
    useEffect(() => {
      setState({ page: 'intro', draft: 1 })
      setState({ cursor: [1, 2] }, { volatile: true })
      setState({ draft: undefined })
    }, [setState])
    return JSON.stringify(state)
  }
  const shown = await show(
    <ShoalProvider join={door.join}>
      <Page />
    </ShoalProvider>,
    { strict: true },
  )
  expect(JSON.parse(shown.text())).toEqual({ page: 'intro', cursor: [1, 2] })
  await door.open()
  expect(JSON.parse(shown.text())).toEqual({ page: 'intro', cursor: [1, 2] })
  door.world.run(1_000)
  const [peer] = door.joined
  expect(peerIn(door.world, 'p1').member(peer!.id)?.state).toEqual({ page: 'intro', cursor: [1, 2] })
})

test('what was set while joining and is refused then is reported, and the peer is there all the same', async () => {
  const door = new Door()
  const report = vi.fn()
  vi.stubGlobal('reportError', report)
  const Page = () => {
    const [, setState] = useMyState()
    useEffect(() => setState({ '$service/x': 1 }), [setState])
    return <Status />
  }
  const shown = await show(
    <ShoalProvider join={door.join}>
      <Page />
    </ShoalProvider>,
  )
  await door.open()
  vi.unstubAllGlobals()
  expect(report.mock.calls).toEqual([[expect.objectContaining({ code: 'reserved_key' })]])
  expect(shown.text()).toBe('joined, 3 here')
})

test('of what was set while joining, a patch that is refused takes no other along', async () => {
  const door = new Door()
  const report = vi.fn()
  vi.stubGlobal('reportError', report)
  const Page = () => {
    const [state, setState] = useMyState()
    useEffect(() => {
      setState({ page: 'intro', draft: 'short' })
      setState({ made: (() => 1) as never, with: 1 })
      setState({ draft: 'x'.repeat(2_000) })
      setState({ cursor: [1, 2] }, { volatile: true })
      setState({ cursor: [3, 4] }, { volatile: true })
    }, [setState])
    return Object.keys(state).join()
  }
  const shown = await show(
    <ShoalProvider join={door.join}>
      <Page />
    </ShoalProvider>,
    { strict: true },
  )
  expect(shown.text()).toBe('page,draft,made,with,cursor')
  await door.open()
  vi.unstubAllGlobals()
  expect(report.mock.calls).toEqual([
    [expect.objectContaining({ code: 'entry_too_large', message: expect.stringContaining('state key "draft"') })],
    [expect.objectContaining({ code: 'bad_value', message: expect.stringContaining('state key "made"') })],
  ])
  expect(shown.text()).toBe('page,cursor')
  door.world.run(1_000)
  const [peer] = door.joined
  expect(peerIn(door.world, 'p1').member(peer!.id)?.state).toEqual({ page: 'intro', cursor: [3, 4] })
})
