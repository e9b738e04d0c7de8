import { expect, test } from 'vitest'
import type { Instance } from '../core/index.ts'
import { peerIn, type ServiceChange, simulate, type World } from './sim.ts'
import { burstMs } from './watch.ts'

test('the first item is what is there, the next what has changed', async () => {
  const world = room()
  const client = peerIn(world, 'p0')
  const web = peerIn(world, 'p1').register({ service: 'web', port: 80 })
  world.run(1_000)
  const items = reader(world, 'web')
  expect(told(await items.next())).toBe('+p1')
  const second = items.next()
  peerIn(world, 'p2').register({ service: 'web' })
  web.setHealth('warning')
  world.run(1_000)
  expect(told(await second)).toBe('+p2 ~p1')
  const third = items.next()
  web.deregister()
  world.run(1_000)
  const { value } = await third
  expect(told({ value })).toBe('-p1')
  expect(value!.instances).toBe(client.lookup('web'))
  expect(Object.isFrozen(value) && Object.isFrozen(value!.removed)).toBe(true)
})

test('of what is nowhere the first item is empty', async () => {
  const { value } = await reader(room(), 'nothing').next()
  expect(value).toEqual({ added: [], removed: [], changed: [], instances: [] })
})

test('changes of one burst are one item, at its end', async () => {
  const world = room()
  const items = reader(world, 'web')
  await items.next()
  let item: ServiceChange | undefined
  void items.next().then(({ value }) => {
    item = value ?? undefined
  })
  await soon()
  const client = peerIn(world, 'p0')
  client.register({ service: 'web', port: 1 })
  world.run(burstMs - 20)
  client.register({ service: 'web', port: 2 })
  client.register({ service: 'other', port: 2 })
  await soon()
  expect(item).toBeUndefined()
  world.run(20)
  await soon()
  expect(item?.added.map(({ port }) => port)).toEqual([1, 2])
})

test('a reader that is busy gets one item for all it missed, and nothing of what came and went', async () => {
  const world = room()
  const stays = peerIn(world, 'p1').register({ service: 'web', port: 1 })
  world.run(1_000)
  const items = reader(world, 'web')
  expect(told(await items.next())).toBe('+p1')
  for (let i = 0; i < 5; i++) {
    const passing = peerIn(world, 'p2').register({ service: 'web', port: 100 + i })
    stays.setHealth(i % 2 === 0 ? 'warning' : 'critical')
    world.run(1_000)
    passing.deregister()
    world.run(1_000)
  }
  const next = items.next()
  world.run(burstMs)
  const { value } = await next
  expect(told({ value })).toBe('~p1')
  expect(value!.changed[0]!.health).toBe('warning')
})

test('neither other services nor cursors wake a reader, and neither does what is as it was at the end of the burst', async () => {
  const world = room()
  const client = peerIn(world, 'p0')
  const web = peerIn(world, 'p1').register({ service: 'web' })
  world.run(1_000)
  const items = reader(world, 'web')
  await items.next()
  let woken = false
  const next = items.next().then((item) => {
    woken = true
    return item
  })
  await soon()
  const reminded = () => client.counters().timers
  const timers = reminded()
  for (let i = 0; i < 20; i++) {
    client.setState({ cursor: i })
    client.register({ service: 'db', port: 1 + i })
  }
  // Nothing waits for the end of a burst that is none of the reader's: what was added is to spread the news, and the cursor's turn.
  expect(reminded()).toBeLessThanOrEqual(timers! + 2)
  const passing = client.register({ service: 'web', port: 7 })
  passing.deregister()
  world.run(5_000)
  await soon()
  expect(woken).toBe(false)
  web.drain()
  world.run(1_000)
  expect(told(await next)).toBe('~p1')
})

test('with a condition only those that meet it are told of', async () => {
  const world = room()
  const web = peerIn(world, 'p1').register({ service: 'web', tags: ['eu'] })
  world.run(1_000)
  const items = reader(world, 'web', { passing: true, tag: 'eu' })
  expect(told(await items.next())).toBe('+p1')
  const next = items.next()
  peerIn(world, 'p2').register({ service: 'web', tags: ['us'] })
  web.drain()
  world.run(1_000)
  expect(told(await next)).toBe('-p1')
})

test('a loop ends by break, and another over the same begins anew', async () => {
  const world = room()
  peerIn(world, 'p0').register({ service: 'web' })
  const watched = peerIn(world, 'p0').watch('web')
  for (let i = 0; i < 3; i++) {
    for await (const item of watched) {
      expect(told({ value: item })).toBe('+p0')
      break
    }
  }
})

test('a loop that is ended while an item is waited for ends at once, and whoever waited is told', async () => {
  const world = room()
  const items = reader(world, 'web')
  await items.next()
  const [one, other] = [items.next(), items.next()]
  expect(await items.return!()).toEqual({ value: undefined, done: true })
  expect([await one, await other, await items.next()].map(({ done }) => done)).toEqual([true, true, true])
})

test('who asks for several items at once gets them in their order', async () => {
  const world = room()
  const items = reader(world, 'web')
  const asked = [items.next(), items.next(), items.next()]
  for (const port of [1, 2]) {
    peerIn(world, 'p0').register({ service: 'web', port })
    world.run(burstMs + 20)
  }
  const told = (await Promise.all(asked)).map(({ value }) => value?.added.map(({ port }: Instance) => port))
  expect(told).toEqual([[], [1], [2]])
})

test('a loop that somebody else ends does so at once, though its reader waits', async () => {
  const world = room()
  const items = reader(world, 'web')
  await items.next()
  const [next, end] = [items.next(), items.return!()]
  expect(await Promise.all([next, end])).toEqual([
    { value: undefined, done: true },
    { value: undefined, done: true },
  ])
  peerIn(world, 'p1').register({ service: 'web' })
  world.run(1_000)
  expect(await items.next()).toEqual({ value: undefined, done: true })
})

test('several readers of one service each hear all of it', async () => {
  const world = room()
  const [one, other] = [reader(world, 'web'), reader(world, 'web')]
  await Promise.all([one.next(), other.next()])
  const both = [one.next(), other.next()]
  await soon()
  peerIn(world, 'p0').register({ service: 'web' })
  world.run(burstMs)
  expect((await Promise.all(both)).map(told)).toEqual(['+p0', '+p0'])
})

test('an abort ends a loop with its reason, be it before or while it waits', async () => {
  const world = room()
  const aborted = peerIn(world, 'p0').watch('web', { signal: AbortSignal.abort(new Error('enough')) })
  await expect(aborted[Symbol.asyncIterator]().next()).rejects.toThrow('enough')
  const controller = new AbortController()
  const items = reader(world, 'web', { signal: controller.signal })
  await items.next()
  const next = items.next()
  controller.abort()
  await expect(next).rejects.toMatchObject({ name: 'AbortError' })
  expect(await items.next()).toEqual({ value: undefined, done: true })
})

test('loops end when the peer leaves, and one that is begun afterwards tells what was known last', async () => {
  const world = room()
  const client = peerIn(world, 'p0')
  peerIn(world, 'p1').register({ service: 'web' })
  world.run(1_000)
  const items = reader(world, 'web')
  await items.next()
  const next = items.next()
  await client.leave()
  expect(await next).toEqual({ value: undefined, done: true })
  const seen: string[] = []
  for await (const item of client.watch('web')) seen.push(told({ value: item }))
  expect(seen).toEqual(['+p1'])
})

test('the beginning and the end of a panic are told of', async () => {
  const world = simulate({ peers: 6, seed: 3 })
  world.settle(20_000)
  for (const name of world.names().slice(1)) peerIn(world, name).register({ service: 'web' })
  world.settle(20_000)
  const items = reader(world, 'web')
  expect((await items.next()).value!.added).toHaveLength(5)
  for (const name of ['p2', 'p3', 'p4', 'p5']) world.crash(name)
  let lastKnown: readonly Instance[] = []
  for (let i = 0; i < 20 && lastKnown.length < 4; i++) {
    const next = items.next()
    world.run(20_000)
    lastKnown = (await next).value!.instances.filter((one: Instance) => one.lastKnown)
  }
  expect(lastKnown.map(({ name }) => name).sort()).toEqual(['p2', 'p3', 'p4', 'p5'])
  const end = items.next()
  await soon()
  world.run(310_000)
  expect(told(await end)).toBe('-p2 -p3 -p4 -p5')
})

function reader(
  world: World,
  service: string,
  options: { passing?: boolean; tag?: string; signal?: AbortSignal } = {},
) {
  return peerIn(world, 'p0').watch(service, options)[Symbol.asyncIterator]()
}

/** Names of members with what happened to their instances. */
function told({ value }: { value?: ServiceChange | undefined }): string {
  const names = (sign: string, some: readonly Instance[]) => some.map(({ name }) => `${sign}${name}`).sort()
  const { added, removed, changed } = value!
  return [...names('+', added), ...names('-', removed), ...names('~', changed)].join(' ')
}

/** Lets what is promised by now be done. */
function soon(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function room(): World {
  const world = simulate({ peers: 3, seed: 1 })
  world.settle(20_000)
  return world
}
