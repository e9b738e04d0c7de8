import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { sameDigest } from './digest.ts'
import { idFromBytes } from './ids.ts'
import type { MemberStatus, StateValue } from './member.ts'
import { encodeRumour } from './rumour.ts'
import { serviceKey, servicePrefix, serviceRecord, serviceToValue } from './services.ts'

const id = idFromBytes(new Uint8Array(16).fill(3))

test('a snapshot says what the record says and is frozen, down to its lists', () => {
  const member = known().snapshot()
  expect(member).toEqual({
    id,
    name: 'ann',
    user: 'u-1',
    status: 'alive',
    mode: 'hidden',
    incarnation: 4,
    state: {},
    services: [],
    endpoints: ['udp:10.0.0.7:7946', 'rtc:x'],
    via: 'gossip',
    since: 1_000,
    lastHeard: 0,
  })
  for (const part of [member, member.state, member.services, member.endpoints]) expect(Object.isFrozen(part)).toBe(true)
})

test('one of whom only a farewell is known has no name, and is no error', () => {
  const belief = new Belief(id, 0)
  belief.status = 'left'
  expect(belief.snapshot()).toMatchObject({ id, name: '', status: 'left', endpoints: [], services: [] })
})

test('a snapshot stays the same object until the belief is touched', () => {
  const belief = known()
  const before = belief.snapshot()
  belief.lastHeard = 7
  expect(belief.snapshot()).toBe(before)
  belief.touch()
  expect(belief.snapshot()).toMatchObject({ lastHeard: 7 })
})

test('suspicion is no part of the digest; incarnations and lasting entries are', () => {
  const belief = known()
  const before = belief.hash()
  belief.status = 'suspect'
  publish(belief, 'cursor', 1, [1, 2], true)
  expect(sameDigest(belief.hash(), before)).toBe(true)
  publish(belief, 'color', 2, 'teal')
  expect(sameDigest(belief.hash(), before)).toBe(false)
  const other = known()
  other.incarnation++
  expect(sameDigest(other.hash(), before)).toBe(false)
})

test.each<[string[], string | undefined]>([
  [['udp:10.0.0.7:7946'], '10.0.0.7'],
  [['rtc:x', 'udp:[2001:db8::7]:7946'], '2001:db8::7'],
  [['rtc:x'], undefined],
])('an instance of a member at %j has the address %s unless it was registered with one', (endpoints, address) => {
  const belief = known(endpoints)
  offer(belief, { service: 'web', port: 80 })
  offer(belief, { service: 'db', address: 'db.example', port: 5432 })
  const [db, web] = belief.snapshot().services
  expect(web!.address).toBe(address)
  expect(db!.address).toBe('db.example')
})

test('an instance is named by member, service and port, and carries what was registered', () => {
  const belief = known()
  offer(belief, { service: 'web', port: 80, tags: ['eu'], meta: { v: '2' }, weight: 3 })
  belief.updatedAt = 1_000
  belief.time = { now: 3_500 }
  expect(belief.snapshot().services).toEqual([
    {
      service: 'web',
      id: `${id}/web:80`,
      member: id,
      name: 'ann',
      address: '10.0.0.7',
      port: 80,
      tags: ['eu'],
      meta: { v: '2' },
      weight: 3,
      health: 'passing',
      status: 'alive',
      ageMs: 2_500,
    },
  ])
})

test('services and their instances stay the same while other things change, and so do those beside one that changed', () => {
  const belief = known()
  offer(belief, { service: 'web', port: 80 })
  offer(belief, { service: 'db' })
  const before = belief.services
  const [db, web] = before
  publish(belief, 'cursor', 5, [1, 2], true)
  belief.record = { ...belief.record!, mode: 'frozen', incarnation: 5 }
  belief.touch()
  expect(belief.snapshot().services).toBe(before)
  offer(belief, { service: 'web', port: 80, weight: 2 })
  expect(belief.services).not.toBe(before)
  expect(belief.services[0]).toBe(db)
  expect(belief.services[1]).not.toBe(web)
  expect(belief.services[1]).toMatchObject({ weight: 2 })
})

test('touching tells of services only where they, the member, or what is thought of it may have changed', () => {
  const belief = known()
  expect(belief.touch()).toBe(false)
  belief.status = 'suspect'
  expect(belief.touch()).toBe(false)
  belief.status = 'alive'
  expect(offer(belief, { service: 'web' })).toBe(true)
  expect(belief.touch()).toBe(false)
  expect(publish(belief, 'cursor', 9, 1)).toBe(false)
  belief.status = 'suspect'
  expect(belief.touch()).toBe(true)
  belief.record = { ...belief.record!, name: 'ben' }
  expect(belief.touch()).toBe(true)
  expect(belief.services[0]).toMatchObject({ name: 'ben', status: 'suspect' })
  belief.entries.forgetUpTo(Number.POSITIVE_INFINITY)
  expect(belief.touch()).toBe(true)
  expect(belief.services).toEqual([])
})

test('the age of an instance counts from the last word of its member, and is told as of the moment it is read', () => {
  const belief = known()
  offer(belief, { service: 'web' })
  const time = { now: 5_000 }
  belief.time = time
  belief.updatedAt = 2_000
  const [web] = belief.services
  expect(web!.ageMs).toBe(3_000)
  belief.lastHeard = 4_500
  expect(web!.ageMs).toBe(500)
  time.now = 7_000
  expect({ ...web }).toMatchObject({ ageMs: 2_500 })
  belief.own = true
  expect(web!.ageMs).toBe(0)
})

test('a service under the key of another is none', () => {
  const belief = known()
  const value = serviceToValue(serviceRecord({ service: 'web', port: 80 }))
  publish(belief, `${servicePrefix}db`, 1, value)
  publish(belief, `${servicePrefix}web:81`, 2, value)
  expect(belief.services).toEqual([])
})

test.each<[MemberStatus, string]>([
  ['dead', 'suspect'],
  ['left', 'draining'],
])('what a member that is %s has offered is last-known, and %s', (status, shown) => {
  const belief = known()
  offer(belief, { service: 'web' })
  expect(belief.services[0]).not.toHaveProperty('lastKnown')
  belief.status = status
  belief.touch()
  expect(belief.services).toMatchObject([{ status: shown, lastKnown: true }])
})

test.each<[MemberStatus, boolean, string]>([
  ['alive', false, 'alive'],
  ['suspect', false, 'suspect'],
  ['alive', true, 'draining'],
  ['suspect', true, 'draining'],
])('an instance of a member that is %s (draining: %s) is %s', (status, draining, shown) => {
  const belief = known()
  offer(belief, { service: 'web' }, { draining })
  belief.status = status
  expect(belief.snapshot().services.map((instance) => instance.status)).toEqual([shown])
})

test('what another peer wrote under the prefix of services without its being one is passed over', () => {
  const belief = known()
  publish(belief, `${servicePrefix}odd`, 1, { not: 'a service' })
  offer(belief, { service: 'web' })
  expect(belief.snapshot().services.map(({ service }) => service)).toEqual(['web'])
})

test('a round trip is smoothed, and only a change worth showing asks for a new snapshot', () => {
  const belief = known()
  expect(belief.roundTrip).toBeUndefined()
  expect(belief.snapshot().rttMs).toBeUndefined()
  expect(belief.measure(80)).toBe(true)
  expect(belief.measure(88)).toBe(false)
  expect(belief.roundTrip!.smoothedMs).toBe(81)
  belief.touch()
  expect(belief.snapshot().rttMs).toBe(80)
  expect(belief.measure(800)).toBe(true)
  belief.touch()
  expect(belief.snapshot().rttMs).toBeCloseTo(81 + (800 - 81) / 8, 1)
})

test('many small changes of a round trip are shown once they add up', () => {
  const belief = known()
  belief.measure(100)
  const shown = Array.from({ length: 100 }, (_, i) => belief.measure(101 + i))
  expect(shown.indexOf(true)).toBeGreaterThan(10)
  expect(shown.filter((worth) => worth).length).toBeLessThan(5)
})

test('one that keeps coming back from the dead is shown as suspect, its services too, though it is alive', () => {
  const belief = known()
  offer(belief, { service: 'web' })
  belief.punish(1.5, 0)
  expect(belief.shown).toBe('alive')
  belief.punish(1.5, 40_000)
  belief.touch()
  expect(belief.status).toBe('alive')
  expect(belief.snapshot()).toMatchObject({ status: 'suspect', services: [{ status: 'suspect' }] })
  belief.status = 'dead'
  expect(belief.shown).toBe('dead')
  belief.status = 'alive'
  expect(belief.settle(40_000)).toBe(false)
  expect(belief.settle(720_000)).toBe(true)
  expect(belief.shown).toBe('alive')
})

test('where a member stands on a ring depends on its id and the ring alone', () => {
  const { places } = known()
  expect(new Belief(id, 9).places).toEqual(places)
  expect(new Set(places).size).toBe(4)
})

function known(endpoints = ['udp:10.0.0.7:7946', 'rtc:x']): Belief {
  const belief = new Belief(id, 1_000)
  belief.incarnation = 4
  belief.record = { type: 'alive', id, incarnation: 4, name: 'ann', user: 'u-1', mode: 'hidden', endpoints, floor: 0 }
  return belief
}

function offer(
  belief: Belief,
  options: Parameters<typeof serviceRecord>[0],
  change: { draining?: boolean } = {},
): boolean {
  const record = { ...serviceRecord(options), ...change }
  return publish(belief, serviceKey(record), belief.entries.size + 1, serviceToValue(record))
}

function publish(belief: Belief, key: string, version: number, value: StateValue, volatile = false): boolean {
  const record = { type: 'entry' as const, id, key, version, volatile, value }
  belief.entries.set(record, encodeRumour(record))
  return belief.touch()
}
