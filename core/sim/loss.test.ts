/** Long runs on a bad network: nobody who lives may be given up. */

import { expect, test } from 'vitest'
import { simulate, type World } from './index.ts'

const minute = 60_000

for (const group of [0, 1, 2, 3]) {
  const seeds = Array.from({ length: 5 }, (_, i) => group * 5 + i + 1)
  test(`64 peers that lose 5 % of their packets agree after ten minutes, and nobody was declared dead (seeds ${seeds[0]} to ${seeds[4]})`, () => {
    for (const seed of seeds) {
      const world = simulate({ peers: 64, seed, link: { loss: 0.05 } })
      world.settle(minute)
      world.run(10 * minute)
      // A suspicion may be under way at any moment; it ends within seconds.
      world.settle(minute)
      expect({ seed, deaths: world.deaths() }).toEqual({ seed, deaths: [] })
    }
  }, 120_000)
}

test('one of 64 killed is dropped by all the others, within half a minute and at 5 % loss', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 64, seed, link: { loss: 0.05 } })
    world.settle(minute)
    world.crash('p17')
    world.settle(30_000)
    expect(world.names().map((name) => world.status(name, 'p17'))).toEqual(Array(63).fill('dead'))
    expect({ seed, deaths: world.deaths() }).toEqual({ seed, deaths: [] })
  }
})

test('views agree on a network that delays, loses, doubles and reorders', () => {
  for (const seed of [1, 2, 3]) {
    const link = { delayMs: 40, jitterMs: 60, loss: 0.1, duplicate: 0.1, reorder: 0.1 }
    const world = simulate({ peers: 24, seed, link })
    world.settle(minute)
    world.run(3 * minute)
    world.settle(minute)
    expect({ seed, deaths: world.deaths() }).toEqual({ seed, deaths: [] })
  }
})

test('two halves cut apart for two minutes become one room again by themselves', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const world = simulate({ peers: 32, seed, link: { loss: 0.01 } })
    world.settle(minute)
    const names = world.names()
    const [left, right] = [names.slice(0, 16), names.slice(16)]
    world.setState('p0', { side: 'left' })
    world.partition(left, right)
    world.setState('p20', { side: 'right' })
    world.run(2 * minute)
    expect(sizes(world)).toEqual(Array(32).fill(16))
    world.heal()
    world.settle(6 * minute)
    expect(world.peer('p1').member(world.peer('p20').id)?.state).toEqual({ side: 'right' })
    world.run(minute)
    expect({ seed, true: world.isTrue(), agrees: world.agrees() }).toEqual({ seed, true: true, agrees: true })
  }
})

test('who crashes while the room is cut in two is no ghost after it has healed', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 16, seed })
    world.settle(minute)
    const names = world.names()
    world.partition(names.slice(0, 8), names.slice(8))
    world.run(10_000)
    world.crash('p3')
    world.leave('p11')
    world.run(2 * minute)
    world.heal()
    world.settle(6 * minute)
    world.run(2 * minute)
    expect(sizes(world)).toEqual(Array(14).fill(14))
  }
})

test('a partition into four is healed too', () => {
  const world = simulate({ peers: 32, seed: 9 })
  world.settle(minute)
  const names = world.names()
  world.partition(names.slice(0, 8), names.slice(8, 16), names.slice(16, 24), names.slice(24))
  world.run(3 * minute)
  expect(sizes(world)).toEqual(Array(32).fill(8))
  world.heal()
  world.settle(6 * minute)
})

function sizes(world: World): number[] {
  return [...world.views().values()].map((members) => members.length)
}
