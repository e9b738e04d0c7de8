/** Services in simulated rooms: found, chosen, reported, and kept in a panic. */

import { expect, test } from 'vitest'
import { type Instance, seededRandom } from '../core/index.ts'
import { type LookupOptions, type Peer, peerIn, type Registration, simulate, type World } from './sim.ts'

test('a list is the same array, frozen, until something in it changes, and so are its instances', () => {
  const world = fleet(6)
  const client = peerIn(world, 'client')
  const before = client.lookup('api')
  expect(before).toHaveLength(6)
  expect(before.map(({ id }) => id)).toEqual(before.map(({ id }) => id).sort())
  world.setState('s1', { load: 3 })
  world.setState('client', { cursor: 1 })
  world.join('other')
  world.settle(10_000)
  expect(client.lookup('API')).toBe(before)
  expect(client.lookup('api', { tag: 'odd' })).toBe(client.lookup('api', { tag: 'odd' }))
  expect(client.members().find(({ name }) => name === 's1')?.services[0]).toBe(before.find(({ name }) => name === 's1'))
  expect(() => (before as Instance[]).pop()).toThrow(TypeError)
  peerIn(world, 's2').register({ service: 'db' })
  world.run(1_000)
  expect(client.lookup('api')).toBe(before)
  peerIn(world, 's2').register({ service: 'api', port: 99 })
  world.run(1_000)
  const after = client.lookup('api')
  expect(after).toHaveLength(7)
  expect(before.filter((one) => !after.includes(one))).toEqual([])
})

test('a list with a condition stays the same while only others change', () => {
  const world = simulate({ peers: 4, seed: 1 })
  world.settle(20_000)
  const [one, two] = [peerIn(world, 'p1'), peerIn(world, 'p2')]
  const web = one.register({ service: 'web', tags: ['eu'] })
  two.register({ service: 'web', tags: ['us'] })
  world.run(1_000)
  const client = peerIn(world, 'p0')
  const european = client.lookup('web', { tag: 'eu' })
  const american = client.lookup('web', { tag: 'us' })
  const passing = client.lookup('web', { passing: true })
  web.setHealth('warning')
  world.run(1_000)
  expect(client.lookup('web', { tag: 'us' })).toBe(american)
  expect(client.lookup('web', { tag: 'eu' })).not.toBe(european)
  expect(passing.map(({ name }) => name).sort()).toEqual(['p1', 'p2'])
  expect(client.lookup('web', { passing: true }).map(({ name }) => name)).toEqual(['p2'])
})

test('of many questions the ones asked last keep their answers, and all are answered rightly', () => {
  const world = fleet(3)
  const client = peerIn(world, 'client')
  const first = client.lookup('api', { tag: 'odd' })
  for (let i = 0; i < 1_500; i++) {
    expect(client.lookup('api', { tag: `t${i}` })).toEqual([])
    expect(client.lookup('api')).toHaveLength(3)
  }
  const kept = client.lookup('api', { tag: 't1499' })
  expect(client.lookup('api', { tag: 't1499' })).toBe(kept)
  expect(client.lookup('api', { tag: 'odd' })).toEqual(first)
})

test('the age is that of the moment it is read, and shows wherever the instance is written down', () => {
  const world = fleet(3)
  const client = peerIn(world, 'client')
  const [one] = client.lookup('api')
  world.settle(20_000)
  world.crash(one!.name)
  world.run(2_500)
  const young = one!.ageMs
  world.run(1_000)
  expect(one!.ageMs).toBeGreaterThan(young)
  expect(one!.ageMs - young).toBeLessThanOrEqual(2_000)
  expect((JSON.parse(JSON.stringify(one)) as Instance).ageMs).toBe(one!.ageMs)
  expect({ ...one }.ageMs).toBe(one!.ageMs)
  expect(Object.keys(one!)).toContain('ageMs')
})

test('what answers probes is young however long it says nothing new, and what one offers oneself is of age 0', () => {
  const world = fleet(3)
  const instances = peerIn(world, 's0').lookup('api')
  world.run(120_000)
  for (const { ageMs, name } of instances) {
    if (name === 's0') expect(ageMs).toBe(0)
    else expect(ageMs).toBeLessThan(10_000)
  }
})

test('with a key every peer picks the same instance, and keeps it while it is there', () => {
  const world = fleet(8)
  const pickedBy = (name: string, key: string) => peerIn(world, name).pick('api', { policy: 'rendezvous', key })!.id
  const keys = Array.from({ length: 40 }, (_, i) => `customer ${i}`)
  const chosen = keys.map((key) => pickedBy('client', key))
  expect(new Set(chosen).size).toBeGreaterThan(4)
  for (const name of world.names()) expect(keys.map((key) => pickedBy(name, key))).toEqual(chosen)
  const gone = peerIn(world, 'client').lookup('api')[3]!
  world.leave(gone.name)
  world.run(2_000)
  const after = keys.map((key) => pickedBy('client', key))
  for (const [i, id] of chosen.entries()) if (id !== gone.id) expect(after[i]).toBe(id)
  expect(after).not.toContain(gone.id)
})

test('p2c prefers those that answer faster, with unmeasured ones counted as usual', () => {
  const world = fleet(2)
  world.run(30_000)
  const client = peerIn(world, 'client')
  expect(client.members().every(({ rttMs, id }) => id === client.id || rttMs !== undefined)).toBe(true)
  const picked = new Set(Array.from({ length: 20 }, () => client.pick('api', { policy: 'p2c' })!.name))
  expect(picked.size).toBe(1)
  const server = peerIn(world, 's0')
  // Nothing is nearer than oneself.
  expect(server.pick('api', { policy: 'p2c' })?.name).toBe('s0')
})

test('however often instances fail and recover, few timers wait for them', () => {
  const world = fleet(6)
  const client = peerIn(world, 'client')
  const timers = () => client.counters().timers!
  const before = timers()
  const instances = client.lookup('api')
  for (let n = 0; n < 1_000; n++) {
    for (let failures = 0; failures < 3; failures++) client.report(instances[n % 6]!, false)
    client.report(instances[n % 6]!, true)
  }
  expect(timers()).toBeLessThan(before + 5)
})

test('a rule that reports, deregisters and looks up while it is asked breaks no choice', () => {
  const world = fleet(2)
  const client = peerIn(world, 'client')
  for (let n = 0; n < 40; n++) {
    for (const policy of ['weighted', 'random', 'p2c', 'rendezvous'] as const) {
      const own = new Map<string, Registration>()
      for (let port = 1; port <= 6; port++) {
        own.set(`${client.id}/own:${port}`, client.register({ service: 'own', port }))
      }
      const exclude = (instance: Instance) => {
        for (let failures = 0; failures < 3; failures++) client.report(instance, false)
        own.get(instance.id)!.deregister()
        client.pick('own', { policy: 'random' })
        return n % 2 > 0
      }
      const chosen = client.pick('own', { policy, key: String(n), exclude })
      expect(chosen === undefined).toBe(n % 2 > 0)
      for (const registration of own.values()) registration.deregister()
      expect(client.lookup('own')).toEqual([])
    }
    world.run(200)
  }
})

test('a name that nobody can register finds nothing, whatever was asked before', () => {
  const world = fleet(2)
  const client = peerIn(world, 'client')
  client.register({ service: 'a', tags: ['b 0'] })
  expect(client.lookup('a', { tag: 'b 0' })).toHaveLength(1)
  expect(client.lookup('a 0=b')).toEqual([])
})

test('what was tried can be left out, by ids or by a rule, until nothing is left', () => {
  const world = fleet(3)
  const client = peerIn(world, 'client')
  const tried: string[] = []
  for (let i = 0; i < 3; i++) tried.push(client.pick('api', { exclude: tried })!.id)
  expect(new Set(tried).size).toBe(3)
  expect(client.pick('api', { exclude: tried })).toBeUndefined()
  expect(client.pick('api', { exclude: new Set(tried) })).toBeUndefined()
  expect(client.pick('api', { exclude: ({ tags }) => tags.includes('odd') })?.tags).toEqual([])
  expect(client.pick('api', { tag: 'odd' })?.tags).toEqual(['odd'])
})

test('what is left out may be given as it was picked, and what is no instance leaves nothing out unnoticed', () => {
  const client = peerIn(fleet(1), 'client')
  const instance = client.pick('api')!
  for (const exclude of [[instance], new Set([instance]), [instance.id]]) {
    expect(client.pick('api', { exclude })).toBeUndefined()
  }
  for (const [one, got] of [
    [instance.member, `"${instance.member}"`],
    [client.member(instance.member), 'an object'],
    [7, '7'],
    [null, 'null'],
  ]) {
    const message = `expected an instance or its id (instance.id), got ${got}`
    for (const exclude of [[one], new Set([one])]) {
      expect(() => client.pick('api', { exclude: exclude as never })).toThrow(`exclude: ${message}`)
    }
    expect(() => client.report(one as never, true)).toThrow(`report: ${message}`)
  }
})

test.each<[string, object, string]>([
  ['policy', { policy: 'best' }, 'bad_option'],
  ['key', { policy: 'rendezvous' }, 'bad_option'],
  ['key', { policy: 'rendezvous', key: 7 }, 'bad_option'],
  ['exclude', { exclude: 'an id' }, 'bad_option'],
  ['tag', { tag: 7 }, 'bad_option'],
])('a question with a bad %s (%j) is refused by its name', (field, options, code) => {
  const world = fleet(1)
  expect(() => peerIn(world, 'client').pick('api', options)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(`${field}: `) }),
  )
})

test('what is no name, no instance or no outcome is refused', () => {
  const client = peerIn(fleet(1), 'client')
  const bad = (code: string) => expect.objectContaining({ code })
  expect(() => client.lookup(undefined as never)).toThrow(bad('bad_name'))
  expect(() => client.watch(7 as never)).toThrow(bad('bad_name'))
  expect(() => client.report(undefined as never, true)).toThrow(bad('bad_option'))
  expect(() => client.report('nobody/api', 'yes' as never)).toThrow(bad('bad_option'))
  expect(() => client.register({ service: 'web', health: 'fine' as never })).toThrow(bad('bad_option'))
  client.report('nobody/api', false)
  expect(client.register({ service: 'web', health: 'critical' })).toBeDefined()
  expect(client.lookup('web')).toMatchObject([{ health: 'critical' }])
})

test('an instance that keeps failing one client is passed over by that client, for a second', () => {
  const world = fleet(4)
  const client = peerIn(world, 'client')
  const [bad] = client.lookup('api')
  for (let i = 0; i < 3; i++) client.report(i === 0 ? bad! : bad!.id, false)
  const picks = (peer: Peer) => new Set(Array.from({ length: 100 }, () => peer.pick('api')!.id))
  expect(picks(client).has(bad!.id)).toBe(false)
  expect(picks(client).size).toBe(3)
  expect(client.lookup('api')).toContain(bad)
  expect(picks(peerIn(world, 's1')).has(bad!.id)).toBe(true)
  world.run(1_001)
  expect(picks(client).has(bad!.id)).toBe(true)
  client.report(bad!, false)
  expect(picks(client).has(bad!.id)).toBe(false)
  client.report(bad!, true)
  expect(picks(client).has(bad!.id)).toBe(true)
})

test('a report after leaving is heard by nobody and harms nobody', async () => {
  const world = fleet(2)
  const client = peerIn(world, 'client')
  const [one] = client.lookup('api')
  await client.leave()
  client.report(one!, false)
  expect(client.lookup('api')).toHaveLength(2)
  expect(client.pick('api')).toBeDefined()
})

test('a client cut off from most of a fleet goes on answering, and says what is only last known', () => {
  const world = fleet(10)
  const client = peerIn(world, 'client')
  const all = client.lookup('api').map(({ id }) => id)
  const near = ['client', 's0', 's1']
  world.partition(near)
  const held = runUntilDead(world, client, 8)
  expect(held.map(({ id }) => id)).toEqual(all)
  const lost = held.filter(({ lastKnown }) => lastKnown)
  expect(lost.map(({ name }) => name).sort()).toEqual(['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9'])
  expect(new Set(lost.map(({ status }) => status))).toEqual(new Set(['suspect']))
  expect(
    client
      .lookup('api', { passing: true })
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['s0', 's1'])
  // Those that are there are better, and the others are better than none.
  for (let i = 0; i < 50; i++) expect(near).toContain(client.pick('api')!.name)
  const exclude = ({ name }: Instance) => near.includes(name)
  expect(client.pick('api', { exclude })).toMatchObject({ lastKnown: true })
  world.heal()
  world.settle(120_000)
  expect(client.lookup('api').map(({ id }) => id)).toEqual(all)
  expect(client.lookup('api').some(({ lastKnown }) => lastKnown)).toBe(false)
})

test('a panic ends by itself after five minutes', () => {
  const world = fleet(6)
  const client = peerIn(world, 'client')
  client.lookup('api')
  for (const name of ['s2', 's3', 's4', 's5']) world.crash(name)
  expect(runUntilDead(world, client, 4)).toHaveLength(6)
  world.run(290_000)
  expect(client.lookup('api')).toHaveLength(6)
  world.run(20_000)
  expect(client.lookup('api').map(({ name }) => name)).toEqual(
    client.lookup('api', { passing: true }).map(({ name }) => name),
  )
  expect(client.lookup('api')).toHaveLength(2)
})

test('a scale-down by farewell, or by drain and kill, is no panic', () => {
  const world = fleet(10)
  const client = peerIn(world, 'client')
  expect(client.lookup('api')).toHaveLength(10)
  for (const name of ['s2', 's3', 's4', 's5']) world.leave(name)
  world.run(2_000)
  expect(client.lookup('api')).toHaveLength(6)
  for (const name of ['s6', 's7', 's8', 's9']) registrations.get(`${world.idOf(name)}`)!.drain()
  world.run(2_000)
  for (const name of ['s6', 's7', 's8', 's9']) world.crash(name)
  world.settle(120_000)
  expect(
    client
      .lookup('api')
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['s0', 's1'])
})

test('a fleet that was killed and started again at once is found where it is now', () => {
  const world = fleet(6)
  const client = peerIn(world, 'client')
  const before = client.lookup('api').map(({ id }) => id)
  for (let i = 0; i < 6; i++) world.crash(`s${i}`)
  for (let i = 0; i < 6; i++) {
    world.restart(`s${i}`)
    peerIn(world, `s${i}`).register({ service: 'api', port: 80 + i })
  }
  world.settle(120_000)
  const after = client.lookup('api')
  expect(after).toHaveLength(6)
  expect(after.filter(({ id }) => before.includes(id))).toEqual([])
})

test.each([1, 2, 3])('whatever happens, lists say what a look at every member would (seed %d)', (seed) => {
  const world = simulate({ peers: 6, seed })
  world.settle(20_000)
  const client = peerIn(world, 'p0')
  const random = seededRandom(seed)
  const draw = (limit: number) => Math.floor(random() * limit)
  const offers = new Map<string, ReturnType<Peer['register']>>()
  const questions = [{}, { passing: true }, { tag: 't1' }, { passing: true, tag: 't0' }]
  let found = 0
  for (let step = 0; step < 100; step++) {
    const name = `p${1 + draw(5)}`
    const peer = peerIn(world, name)
    const [service, port] = [`s${draw(2)}`, 1 + draw(3)]
    const key = `${peer.id} ${service} ${port}`
    const offer = offers.get(key)
    const deed = draw(12)
    if (deed === 0) world.restart(name)
    else if (deed === 1) peer.setState({ step })
    else if (!offer) offers.set(key, peer.register({ service, port, tags: [`t${draw(2)}`], weight: 1 + draw(9) }))
    else if (deed < 5) offer.setHealth((['passing', 'warning', 'critical'] as const)[draw(3)]!)
    else if (deed < 7) offer.drain()
    else if (deed < 9) {
      offer.deregister()
      offers.delete(key)
    }
    world.run(draw(3_000))
    for (const service of ['s0', 's1', 's2']) {
      for (const question of questions) {
        const { passing, tag }: LookupOptions = question
        const listed = client.lookup(service, question).filter(({ lastKnown }) => !lastKnown)
        const plain = client
          .members()
          .flatMap(({ services }) => services)
          .filter((one) => one.service === service && (tag === undefined || one.tags.includes(tag)))
          .filter(({ health, status }) => !passing || (health === 'passing' && status !== 'draining'))
        expect(new Set(listed)).toEqual(new Set(plain))
        expect(listed.every((one) => plain.includes(one))).toBe(true)
        const picked = client.pick(service, { ...question, policy: (['weighted', 'p2c'] as const)[draw(2)]! })
        expect(picked === undefined || client.lookup(service, question).includes(picked)).toBe(true)
        expect(picked === undefined).toBe(client.lookup(service, question).length === 0)
        found += plain.length
      }
    }
  }
  expect(found).toBeGreaterThan(500)
})

const registrations = new Map<string, ReturnType<Peer['register']>>()

/** Runs until the client believes so many of its room dead; what it lists then. */
function runUntilDead(world: World, client: Peer, count: number): readonly Instance[] {
  const dead = () => client.members({ gone: true }).filter(({ status }) => status === 'dead').length
  world.runUntil(() => dead() >= count, 200_000)
  return client.lookup('api')
}

/** A client, and servers `s0`, `s1` and so on that offer `api` on ports of their own. */
function fleet(servers: number): World {
  const world = simulate({ peers: 0, seed: 5 })
  world.join('client')
  for (let i = 0; i < servers; i++) world.join(`s${i}`)
  world.settle(20_000)
  for (let i = 0; i < servers; i++) {
    const registration = peerIn(world, `s${i}`).register({ service: 'api', port: 80 + i, tags: i % 2 ? ['odd'] : [] })
    registrations.set(world.idOf(`s${i}`), registration)
  }
  world.settle(20_000)
  peerIn(world, 'client').lookup('api')
  return world
}
