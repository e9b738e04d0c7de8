/** Own state on its way out, in virtual time. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ShoalError, type StateValue } from '../core/index.ts'
import { type Peer, peerIn, type Registration, simulate, type World } from './sim.ts'

test('a key is published at once, then at most every 100 ms, and its newest value goes', () => {
  const { world, peer, seen } = room()
  for (let n = 1; n <= 50; n++) {
    peer.setState({ cursor: n })
    expect(peer.state.cursor).toBe(n)
    world.run(10)
  }
  world.run(200)
  const values = seen.map(({ state }) => state.cursor)
  expect(values[0]).toBe(1)
  expect(values.at(-1)).toBe(50)
  expect(values.length).toBe(6)
  const gaps = seen.slice(1).map(({ at }, i) => at - seen[i]!.at)
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100)
})

test('a key that waits holds up no other key, but the keys of one patch go together', () => {
  const { world, peer, seen } = room()
  peer.setState({ cursor: 1 })
  peer.setState({ cursor: 2 })
  peer.setState({ color: 'teal' })
  expect(seen.at(-1)!.state).toEqual({ cursor: 1, color: 'teal' })
  world.run(200)
  peer.setState({ x: 1 })
  peer.setState({ x: 2, y: 2 })
  expect(seen.at(-1)!.state.x).toBe(1)
  expect(seen.at(-1)!.state.y).toBeUndefined()
  world.run(200)
  expect(seen.at(-1)!.state).toEqual({ cursor: 2, color: 'teal', x: 2, y: 2 })
  expect(seen.every(({ state }) => state.y === undefined || state.x === state.y)).toBe(true)
})

test('what waits counts against the limits when it is set, and a patch that is refused changes nothing', () => {
  const { world, peer } = room()
  const long = 'x'.repeat(900)
  for (let n = 0; n < 17; n++) peer.setState({ [`k${n}`]: '' })
  for (let n = 0; n < 17; n++) peer.setState({ [`k${n}`]: long })
  const before = peer.state
  expect(() => peer.setState({ other: 1, k17: long, k18: long })).toThrow(
    expect.objectContaining({ code: 'state_too_large' }),
  )
  expect(() => peer.setState({ other: 1, bad: Number.NaN })).toThrow(expect.objectContaining({ code: 'bad_value' }))
  expect(() => peer.setState({ other: 1, '$service/x': 1 })).toThrow(expect.objectContaining({ code: 'reserved_key' }))
  expect(peer.state).toBe(before)
  world.run(200)
  expect(peer.self.state).toEqual(before)
})

test('room that is made by what still waits can be used at once, whichever of the two has its turn first', () => {
  const { world, peer } = room()
  const long = 'x'.repeat(900)
  for (let n = 0; n < 16; n++) peer.setState({ [`k${n}`]: long })
  peer.setState({ other: 1 })
  world.run(200)
  peer.setState({ other: 2 })
  world.run(50)
  peer.setState({ k0: `y${long}` })
  peer.setState({ k0: undefined })
  peer.setState({ other: long })
  // Its turn is now, and it takes the room that `other` will have to find at its own.
  peer.setState({ third: long })
  world.run(500)
  expect(peer.self.state).toEqual(peer.state)
  expect(Object.keys(peer.state)).toHaveLength(17)
  peer.setState({ k2: `y${long}` })
  peer.setState({ k2: undefined })
  peer.register({ service: 'web', meta: { note: 'z'.repeat(700) } })
  world.run(500)
  expect(peer.self.state).toEqual(peer.state)
  expect(peer.lookup('web')).toHaveLength(1)
})

test('a state that is full stays publishable however long its numbers grow', () => {
  const { world, peer } = room()
  const long = 'x'.repeat(900)
  for (let n = 0; n < 17; n++) peer.setState({ [`k${n}`]: long })
  world.run(200)
  for (let length = 900; length > 0 && peer.state.fill === undefined; length--) {
    try {
      peer.setState({ fill: 'x'.repeat(length) })
    } catch (error) {
      expect(error).toMatchObject({ code: 'state_too_large' })
    }
  }
  expect(peer.state.fill).toBeDefined()
  for (let n = 0; n < 1_000; n++) {
    peer.setState({ k0: String(n).padEnd(900, 'x') }, { volatile: n % 3 > 0 })
    world.run(n % 100 === 99 ? 5_000 : 40)
  }
  world.run(5_000)
  expect(peer.self.state).toEqual(peer.state)
  expect(peer.explain(peer.id)!.entries.bytes).toBeLessThanOrEqual(16_384)
})

test('the keys of a patch go together also where one of them waits already, and none waits longer than twice its time', () => {
  const { world, peer, seen } = room()
  peer.setState({ a: 0, c: 0 })
  world.run(50)
  peer.setState({ b: 0 })
  peer.setState({ a: 1, c: 1 })
  peer.setState({ a: 2, b: 2 })
  world.run(300)
  const states = seen.map(({ state: { a, b, c } }) => `${a} ${b} ${c}`)
  expect(states).toEqual(['0 undefined 0', '0 0 0', '2 2 1'])
  const from = world.now
  peer.setState({ a: 3 })
  for (let n = 0; n < 30; n++) {
    peer.setState({ [`k${n}`]: n })
    peer.setState({ a: 4 + n, [`k${n}`]: -n })
    world.run(20)
  }
  const gaps = seen.filter(({ at }) => at > from).map(({ state }) => state.a)
  expect(new Set(gaps).size).toBeGreaterThan(3)
})

test('what the caller does with its own value afterwards is not published', () => {
  const { world, peer } = room()
  peer.setState({ at: [0] })
  const at = [1]
  peer.setState({ at })
  at[0] = 2
  expect(peer.state).toEqual({ at: [1] })
  world.run(200)
  expect(peer.self.state).toEqual({ at: [1] })
})

test('a key that is deleted while it waits is gone at once for its owner, and for the others in its turn', () => {
  const { world, peer, seen } = room()
  peer.setState({ a: 1 })
  peer.setState({ a: undefined })
  expect(peer.state).toEqual({})
  expect(peer.self.state).toEqual({ a: 1 })
  world.run(200)
  expect(seen.at(-1)!.state).toEqual({})
})

test('what waits is published before the farewell', async () => {
  const { peer } = room()
  peer.setState({ a: 1 })
  peer.setState({ a: 2 })
  await peer.leave()
  expect(peer.self.state).toEqual({ a: 2 })
})

test('whatever is set in whatever order, the last word is published, and reading shows it at once', () => {
  const value = fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 3 }))
  const patch = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), value)
  const step = fc.record({ patch, volatile: fc.boolean(), pauseMs: fc.integer({ min: 0, max: 150 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const { world, peer } = room()
      const expected = new Map<string, StateValue>()
      for (const { patch, volatile, pauseMs } of steps) {
        peer.setState(patch, { volatile })
        for (const [key, value] of Object.entries(patch)) {
          if (value === undefined) expected.delete(key)
          else expected.set(key, value)
        }
        expect(new Map(Object.entries(peer.state))).toEqual(expected)
        expect(peer.state).toBe(peer.state)
        world.run(pauseMs)
      }
      world.run(300)
      expect(new Map(Object.entries(peer.self.state))).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

test('whatever fills the limits, what was taken is published in its turn, and the other member holds the same', () => {
  const key = fc.constantFrom(...'abcdefghijklmnopqrstuvw')
  const text = fc.oneof(fc.constantFrom(0, 900), fc.integer({ min: 0, max: 940 })).map((length) => 'x'.repeat(length))
  const patch = fc.dictionary(key, fc.option(text, { nil: undefined }), { maxKeys: 4 })
  const step = fc.record({
    patch,
    volatile: fc.boolean(),
    service: fc.option(fc.integer({ min: 1, max: 800 }), { freq: 4 }),
    pauseMs: fc.constantFrom(0, 0, 7, 60, 101, 2_500),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
      const { world, peer } = room()
      const expected = new Map<string, StateValue>()
      const held: Registration[] = []
      for (const { patch, volatile, service, pauseMs } of steps) {
        const isTaken = isPublished(() => peer.setState(patch, { volatile }))
        for (const [key, value] of isTaken ? Object.entries(patch) : []) {
          if (value === undefined) expected.delete(key)
          else expected.set(key, value)
        }
        expect(new Map(Object.entries(peer.state))).toEqual(expected)
        if (service !== null && held.length > 3) held.shift()!.deregister()
        if (service !== null) {
          const meta = { note: 'y'.repeat(service) }
          isPublished(() => held.push(peer.register({ service: 'web', port: service + held.length * 800, meta })))
        }
        world.run(pauseMs)
      }
      world.run(10_000)
      expect(new Map(Object.entries(peer.self.state))).toEqual(expected)
      expect(world.agrees()).toBe(true)
      expect(peerIn(world, 'p1').member(peer.id)?.state).toEqual(peer.state)
    }),
    { numRuns: 40 },
  )
})

test('a service is refused where what waits would leave no room for it, and not when its turn has come', () => {
  const { world, peer } = room()
  const long = 'x'.repeat(900)
  for (let n = 0; n < 17; n++) peer.setState({ [`k${n}`]: '' })
  for (let n = 0; n < 17; n++) peer.setState({ [`k${n}`]: long })
  const meta = { note: 'y'.repeat(700) }
  expect(() => peer.register({ service: 'web', meta })).toThrow(expect.objectContaining({ code: 'state_too_large' }))
  world.run(200)
  expect(peer.self.state).toEqual(peer.state)
  expect(peer.lookup('web')).toEqual([])
})

test('a volatile value that has come to rest is agreed on by all, though every packet of it was lost', () => {
  const world = simulate({ peers: 6, seed: 11 })
  world.settle(10_000)
  const peer = peerIn(world, 'p0')
  world.setLinkOf('p3', { lossIn: 1 })
  peer.setState({ cursor: 1 }, { volatile: true })
  world.run(1_500)
  world.setLinkOf('p3', { lossIn: 0 })
  const atOther = () => peerIn(world, 'p3').member(peer.id)!.state.cursor
  expect(atOther()).toBeUndefined()
  world.run(15_000)
  expect(atOther()).toBe(1)
  expect(world.agrees()).toBe(true)
})

test('while it moves, a volatile key is no matter of agreement, and one that rests costs one more publication', () => {
  const { world, peer } = room()
  const digest = () => peer.consistency().digest
  const before = digest()
  for (let n = 1; n <= 60; n++) {
    peer.setState({ cursor: n }, { volatile: true })
    world.run(50)
    expect(digest()).toBe(before)
  }
  const published = () => world.peer('p0').self().incarnation
  const incarnation = published()
  world.run(5_000)
  const rested = digest()
  expect(rested).not.toBe(before)
  peer.setState({ cursor: 60 }, { volatile: true })
  world.run(10_000)
  expect(digest()).toBe(rested)
  expect(published()).toBe(incarnation)
})

/** False where it was refused for want of room. */
function isPublished(run: () => void): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof ShoalError && ['state_too_large', 'already_registered'].includes(error.code)) return false
    throw error
  }
}

interface Seen {
  at: number
  state: Readonly<Record<string, StateValue>>
}

/** A peer in a room of two, and every state that it has published. */
function room(): { world: World; peer: Peer; seen: Seen[] } {
  const world = simulate({ peers: 2, seed: 7 })
  world.settle(10_000)
  const peer = peerIn(world, 'p0')
  const seen: Seen[] = []
  peer.on('update', ({ id, state }) => {
    if (id === peer.id) seen.push({ at: world.now, state })
  })
  return { world, peer, seen }
}
