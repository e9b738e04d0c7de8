// @vitest-environment happy-dom

/** A page that a server has drawn, and a browser takes over. */

import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import { peerIn, simulate } from '../peer/sim.ts'
import { ShoalProvider, useMembers, usePeer, useStatus } from './index.ts'
import { show } from './stage.fake.ts'

for (const strict of [false, true]) {
  test(`hydrating finds what the server drew, then shows the room${strict ? ', under StrictMode too' : ''}`, async () => {
    const world = simulate({ peers: 3, seed: 1 })
    world.settle(10_000)
    const texts: string[] = []
    const Here = () => {
      const names = useMembers((members) => members.map(({ name }) => name)).sort()
      const text = `${useStatus().status} ${usePeer() ? 'with' : 'without'} a peer: ${names.join()}`
      texts.push(text)
      return <p>{text}</p>
    }
    const page = (
      <ShoalProvider peer={peerIn(world, 'p0')}>
        <Here />
      </ShoalProvider>
    )
    const html = renderToString(page)
    expect(html).toBe('<p>joining without a peer: </p>')
    texts.length = 0
    // A mismatch would be on the console, and fail the test.
    const shown = await show(page, { html, strict })
    expect(texts[0]).toBe('joining without a peer: ')
    expect(shown.text()).toBe('joined with a peer: p0,p1,p2')
  })
}
