/** Several signalling servers, where nothing but those leads to anybody. */

import { expect, test } from 'vitest'
import { simulate, type World } from './index.ts'

const kinds = ['rtc', 'relay']

/** A process on both of two servers, `p0`, and as many tabs on each; no two of them can open a link. */
function twoServers(seed: number, tabsOnEach: number): World {
  const link = { delayMs: 20, jitterMs: 10, loss: 0.005 }
  const world = simulate({ peers: 1, seed, link, kinds: () => kinds, linkable: () => false, server: [0, 1] })
  for (let n = 0; n < 2 * tabsOnEach; n++) {
    world.join(`t${n}`, { kinds, server: n % 2, mode: 'visible', seeds: ['p0'] })
    world.run(100)
  }
  world.settle(30_000)
  return world
}

test('whom a process on both servers leads to is not suspected, and missed when gone', () => {
  for (const [seed, size] of [
    [1, 1],
    [2, 4],
    [3, 12],
    [4, 15],
  ] as const) {
    const world = twoServers(seed, size)
    const suspected: string[] = []
    world.onEvent((event) => {
      if (event.type === 'suspect') suspected.push(`${event.by} ${event.of}`)
    })
    const before = world.traffic().get('p0')!.packetsOut
    world.run(120_000)
    expect(suspected).toEqual([])
    // More than 50 a second a real peer does not relay.
    expect((world.traffic().get('p0')!.packetsOut - before) / 120).toBeLessThan(50)
    world.crash('t1')
    world.runUntil(() => world.names().every((name) => name === 't1' || world.status(name, 't1') === 'dead'), 20_000)
    expect(world.deaths()).toEqual([])
  }
})
