import { expect, test } from 'vitest'
import { peerIn, simulate, type World } from '../peer/sim.ts'
import { Cartographer, type OverlayPeer, type RoomMap } from './overlay-map.ts'

test('everybody stands on the circle once, this peer at the top, and next to each other who are next on the first ring', () => {
  const world = tabs(30)
  const peer = peerIn(world, 'p4')
  const { spots } = new Cartographer(peer).draw()
  expect(spots.map(({ member }) => member.id).sort()).toEqual(peer.members().map(({ id }) => id))
  expect(spots[0]).toMatchObject({ self: true, angle: 0, member: { id: peer.id } })
  expect(spots.filter(({ self }) => self)).toHaveLength(1)
  spots.slice(1).forEach(({ member }, i) => {
    expect(peer.neighbours(spots[i]!.member.id)[0]).toBe(member.id)
  })
})

test('a thin line joins each two who are neighbours, once, and a thick one this peer and each it has a link to', () => {
  const world = tabs(30)
  const peer = peerIn(world, 'p4')
  const map = new Cartographer(peer).draw()
  const pairs = map.expected.map((line) => namesOf(map, line).sort().join(' '))
  const truth = peer
    .members()
    .flatMap(({ id, name }) => peer.neighbours(id).map((other) => [name, peer.member(other)!.name].sort().join(' ')))
  expect(new Set(pairs).size).toBe(pairs.length)
  expect(new Set(pairs)).toEqual(new Set(truth))
  expect(map.open.map((line) => namesOf(map, line)[0])).toEqual(map.open.map(() => 'p4'))
  expect(map.open).toHaveLength(world.linksOf('p4').open)
})

test('rooms of tabs and servers are drawn whole: nobody is left out, and gateways stand in both', () => {
  const kinds = (i: number) => (i === 0 ? ['rtc', 'udp'] : i % 2 ? ['udp'] : ['rtc'])
  const world = simulate({ peers: 30, seed: 1, kinds, linked: true })
  world.run(3_000)
  const map = new Cartographer(peerIn(world, 'p2')).draw()
  expect(map.spots).toHaveLength(30)
  const ofGateway = map.expected.map((line) => namesOf(map, line)).filter((names) => names.includes('p0'))
  const numbers = ofGateway.map((names) => Number(names.find((name) => name !== 'p0')!.slice(1)))
  expect(new Set(numbers.map((i) => i % 2))).toEqual(new Set([0, 1]))
})

test('whoever died stays where it stood for two minutes, and whoever left for a quarter of one', () => {
  const world = tabs(8)
  const cartographer = new Cartographer(peerIn(world, 'p0'))
  const before = order(cartographer.draw())
  const [leaver, , crasher] = before.slice(2)
  world.crash(crasher!)
  world.runUntil(() => world.status('p0', crasher!) === 'dead', 60_000)
  world.leave(leaver!)
  world.run(2_000)
  const map = cartographer.draw()
  expect(order(map)).toEqual(before)
  expect(map.spots.find(({ member }) => member.name === crasher)!.member.status).toBe('dead')
  const numbers = map.spots.flatMap(({ member }, i) => (member.status === 'alive' ? [] : [i]))
  expect(map.expected.flat().filter((i) => numbers.includes(i))).toEqual([])
  world.run(15_000)
  expect(order(cartographer.draw())).toEqual(before.filter((name) => name !== leaver))
  world.run(120_000)
  expect(order(cartographer.draw())).toEqual(before.filter((name) => name !== leaver && name !== crasher))
})

test('of those who are gone only the newest are looked at, however many are remembered', () => {
  const world = tabs(3)
  const peer = peerIn(world, 'p0')
  const [own] = peer.members()
  const gone = Array.from({ length: 4_000 }, (_, i) => ({
    ...own!,
    id: `gone-${i}`,
    status: 'dead' as const,
    since: i,
  }))
  let explained = 0
  const crowded: OverlayPeer = {
    id: peer.id,
    status: 'joined',
    reason: '',
    members: (options) => (options?.gone ? [...peer.members(), ...gone] : peer.members()),
    neighbours: (id) => peer.neighbours(id),
    links: () => [],
    explain: () => {
      explained++
      return { ...peer.explain(peer.id)!, sinceMs: 0 }
    },
    consistency: () => peer.consistency(),
    counters: () => ({}),
    subscribe: () => () => {},
    on: () => () => {},
  }
  const map = new Cartographer(crowded).draw()
  expect(explained).toBe(32)
  expect(map.spots).toHaveLength(35)
  expect(order(map).length).toBe(35)
  expect(map.spots.map(({ member }) => member.id)).toContain('gone-3999')
})

test('who stands next to whom is computed anew only when somebody comes or goes', () => {
  const world = tabs(20)
  const peer = peerIn(world, 'p0')
  let asked = 0
  const counted = new Proxy(peer, {
    get(target, key) {
      if (key === 'neighbours') asked++
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const cartographer = new Cartographer(counted)
  cartographer.draw()
  expect(asked).toBe(20)
  world.setState('p3', { mood: 'fine' })
  world.run(2_000)
  cartographer.draw()
  expect(asked).toBe(20)
  world.leave('p3')
  world.run(2_000)
  cartographer.draw()
  expect(asked).toBe(39)
})

function tabs(peers: number): World {
  const world = simulate({ peers, seed: 6, kinds: ['rtc', 'relay'], linked: true })
  world.run(3_000)
  return world
}

function order(map: RoomMap): string[] {
  return map.spots.map(({ member }) => member.name)
}

function namesOf(map: RoomMap, line: readonly number[]): string[] {
  return line.map((i) => map.spots[i]!.member.name)
}
