/** A room of 40 tabs on a sparse mesh, its signalling server stopped: nothing but links and the links of others. */

import { expect, test } from 'vitest'
import { decodePacket, type Header, prefixBytes } from '../codec.ts'
import { roomTag } from '../digest.ts'
import type { PeerId } from '../ids.ts'
import { simulate, simulatedRoom, type World } from './index.ts'

const tab = ['rtc', 'relay']
const seeds = [1, 2, 3]

test('a change of state reaches all, those without a link to its owner too', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    world.setState('p7', { mood: 'calm' })
    const id = world.peer('p7').id
    const isThere = () => world.names().every((name) => world.peer(name).member(id)?.state.mood === 'calm')
    expect(world.runUntil(isThere, 2_000)).toBeLessThan(1_000)
    expect(wantedLinks(world, 'p7').length).toBeLessThan(39)
  }
})

test('a crash is agreed by all, nobody else is given up, and the links of the dead are replaced', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    const bereft = neighboursOf(world, 'p9')
    world.crash('p9')
    expect(world.runUntil(() => world.isTrue(), 30_000)).toBeLessThan(10_000)
    for (const name of world.names()) expect(world.status(name, 'p9')).toBe('dead')
    // The mesh itself carries what it takes to open the links that are missing.
    world.runUntil(() => bereft.every((name) => world.peer(name).links().every(isOpen)), 30_000)
    expect(world.deaths()).toEqual([])
    expect(world.agrees()).toBe(true)
  }
})

test('a member that crashes together with all of its neighbours is noticed all the same', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    const gone = ['p9', ...neighboursOf(world, 'p9')]
    expect(gone.length).toBeGreaterThan(4)
    for (const name of gone) world.crash(name)
    expect(world.settle(60_000)).toBeLessThan(30_000)
    for (const name of world.names()) {
      for (const one of gone) expect(world.status(name, one)).toBe('dead')
    }
    expect(world.deaths()).toEqual([])
  }
})

test('a link that closes starts a check at once, by the links of others, and no verdict', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    const [one, other] = ['p9', neighboursOf(world, 'p9')[0]!]
    const [id, target] = [world.peer(one).id, world.peer(other).id]
    const pingedAt: number[] = []
    world.onPacket((from, _to, _kind, packet) => {
      const { route, inner } = opened(packet)
      if (from === one && route?.from === id && route.to === target && inner?.kind === 'ping') pingedAt.push(world.now)
    })
    const closedAt = whenClosed(world, one, target)
    const before = world.events.length
    cutPair(world, one, other)
    world.run(60_000)
    // What comes later are dials that fail.
    const [closed] = closedAt()
    expect(closed).toBeGreaterThan(0)
    expect(pingedAt).toContain(closed)
    expect(world.events.slice(before).map(({ type }) => type)).not.toContain('dead')
    expect([world.isTrue(), world.agrees()]).toEqual([true, true])
  }
})

test('two that cannot reach each other at all, though they are neighbours, are vouched for by the others', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    const [one, other] = ['p9', neighboursOf(world, 'p9')[0]!]
    cutPair(world, one, other)
    // Longer than it takes until their link is closed.
    world.run(60_000)
    expect(world.deaths()).toEqual([])
    expect([world.isTrue(), world.agrees()]).toEqual([true, true])
    expect(world.peer(one).member(world.peer(other).id)?.via).toBe('gossip')
    world.setState(other, { x: 1 })
    const id = world.peer(other).id
    expect(world.runUntil(() => world.peer(one).member(id)?.state.x === 1, 2_000)).toBeLessThan(1_000)
  }
})

test('only neighbours are probed, and everybody is', () => {
  const world = serverless(4)
  const probed = new Map(world.names().map((name) => [name, new Set<string>()]))
  world.onPacket((from, to, _kind, packet) => {
    if (opened(packet).inner?.kind === 'ping') probed.get(to)?.add(from)
  })
  world.run(30_000)
  for (const [name, by] of probed) {
    expect(by.size).toBeGreaterThan(0)
    expect(neighboursOf(world, name)).toEqual(expect.arrayContaining([...by]))
  }
})

test('nobody is given up in five minutes in which one packet in a hundred is lost, and no more links are held than wanted', () => {
  const world = serverless(5, { loss: 0.01 })
  world.run(300_000)
  expect(world.deaths()).toEqual([])
  expect([world.isTrue(), world.agrees()]).toEqual([true, true])
  for (const name of world.names()) {
    const wanted = wantedLinks(world, name)
    expect(wanted.length).toBeLessThanOrEqual(8)
    expect(wanted.every(isOpen)).toBe(true)
    expect(world.linksOf(name).open).toBe(wanted.length)
  }
})

test('one that has lost all links but one is given up by nobody, and gets them back by that one', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    const [, ...lost] = neighboursOf(world, 'p9')
    for (const other of lost) cutPair(world, 'p9', other)
    world.runUntil(() => wantedLinks(world, 'p9').filter(isOpen).length === 1, 20_000)
    world.heal()
    world.runUntil(() => wantedLinks(world, 'p9').every(isOpen), 60_000)
    expect(world.deaths()).toEqual([])
    expect([world.isTrue(), world.agrees()]).toEqual([true, true])
  }
})

test('a frozen page that keeps its links is given up by nobody for five minutes, and is back when it thaws', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    freeze(world, 'p9')
    world.pause('p9', 300_000)
    world.run(299_000)
    expect(world.deaths()).toEqual([])
    world.setState('p3', { x: 1 })
    world.run(1_000)
    const { id } = world.peer('p3')
    expect(world.runUntil(() => world.peer('p9').member(id)?.state.x === 1, 5_000)).toBeLessThan(3_000)
    world.run(30_000)
    // It has accused nobody either.
    expect(world.deaths()).toEqual([])
    expect([world.isTrue(), world.agrees()]).toEqual([true, true])
  }
})

test('a frozen page that is ended, and its links with it, is given up', () => {
  for (const seed of seeds) {
    const world = serverless(seed)
    freeze(world, 'p9')
    world.crash('p9')
    world.settle(60_000)
    expect(world.status('p0', 'p9')).toBe('dead')
    expect(world.deaths()).toEqual([])
  }
})

/** All have known each other and been linked for long, and the server has just been stopped. */
function serverless(seed: number, link = {}): World {
  const world = simulate({ peers: 40, seed, kinds: tab, linked: true, link })
  world.run(5_000)
  world.setSignaling(false)
  world.run(5_000)
  return world
}

function wantedLinks(world: World, name: string) {
  return world
    .peer(name)
    .links()
    .filter(({ wanted }) => wanted)
}

function isOpen({ open }: { open: boolean }): boolean {
  return open
}

/** A page says that it is being frozen, and everybody has heard it. */
function freeze(world: World, name: string): void {
  const { id } = world.peer(name)
  world.connect(name, () => {}).call((swim, now) => swim.setMode('frozen', now))
  world.runUntil(() => world.names().every((one) => world.peer(one).member(id)?.mode === 'frozen'), 5_000)
}

/** By name. */
function neighboursOf(world: World, name: string): string[] {
  const nameOf = new Map<PeerId, string>(world.names().map((one) => [world.peer(one).id, one]))
  return wantedLinks(world, name).map(({ peer }) => nameOf.get(peer)!)
}

/** Nothing gets from one to the other any more, and their link times out. */
function cutPair(world: World, one: string, other: string): void {
  world.block(one, other)
  world.block(other, one)
}

/** When the core of a peer hears that its link to another is closed. */
function whenClosed(world: World, name: string, to: PeerId): () => readonly number[] {
  const core = world.peer(name)
  const linkDown = core.linkDown.bind(core)
  const at: number[] = []
  core.linkDown = (kind, peer, now) => {
    if (peer === to) at.push(world.now)
    linkDown(kind, peer, now)
  }
  return () => at
}

/** What a packet says, and what it says that another has to say. */
function opened(packet: Uint8Array): { route?: Header & { kind: 'route' }; inner?: Header | undefined } {
  const tag = roomTag(simulatedRoom)
  const { header, wrapped } = decodePacket(packet, tag)!
  if (header.kind !== 'route') return { inner: header }
  return {
    route: header,
    inner: decodePacket(new Uint8Array([...packet.subarray(0, prefixBytes), ...wrapped]), tag)?.header,
  }
}
