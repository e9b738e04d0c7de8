/** Refutation, indirect probes and forged accusations, one story each. */

import { expect, test } from 'vitest'
import { decodePacket } from '../codec.ts'
import { roomTag } from '../digest.ts'
import { idFromBytes, idPrefix } from '../ids.ts'
import { randomBytes, seededRandom } from '../random.ts'
import { forge } from './forgery.ts'
import { simulate, simulatedRoom, type World } from './index.ts'

const strangerId = idFromBytes(randomBytes(seededRandom(99), 16))

test('a refutation reaches the accuser before the suspicion runs out', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const world = settled(16, seed)
    const before = world.peer('p7').self().incarnation
    accuse(world, 'p2', 'suspect', 'p7')
    expect(world.status('p2', 'p7')).toBe('suspect')
    world.runUntil(() => world.status('p2', 'p7') === 'alive', 3_000)
    world.settle(5_000)
    expect(world.peer('p7').self().incarnation).toBe(before + 1)
    expect(world.peer('p2').member(world.peer('p7').id)?.incarnation).toBe(before + 1)
    expect(world.deaths()).toEqual([])
  }
})

test('indirect probes save a member whose path to and from one other is cut', () => {
  const world = settled(8, 3)
  world.block('p1', 'p2')
  world.block('p2', 'p1')
  const suspicions: string[] = []
  world.onEvent(({ type, by, of }) => {
    if (type === 'suspect') suspicions.push(`${by} ${of}`)
  })
  world.run(120_000)
  expect(suspicions).toEqual([])
  expect(world.isTrue()).toBe(true)
})

test('a way that is cut in one direction only harms nobody either', () => {
  const world = settled(8, 4)
  world.block('p1', 'p2')
  world.run(120_000)
  expect(world.deaths()).toEqual([])
  expect(world.isTrue()).toBe(true)
})

test('a ping-req is relayed: the helper pings, and its ack goes back under the number that was asked for', () => {
  const world = settled(3, 5)
  world.block('p0', 'p1')
  const seen: string[] = []
  world.onPacket((from, to, _kind, packet) => {
    const header = decodePacket(packet, roomTag(simulatedRoom))!.header
    if (header.kind === 'pingReq') seen.push(`${from} asks ${to} with ${header.seq}`)
    if (header.kind === 'ack') seen.push(`${from} acks ${to} with ${header.seq}`)
  })
  world.run(5_000)
  const asked = seen.find((line) => line.startsWith('p0 asks p2'))
  expect(asked).toBeDefined()
  const seq = asked!.split(' with ')[1]
  expect(seen).toContain(`p2 acks p0 with ${seq}`)
  expect(seen).not.toContain(`p1 acks p2 with ${seq}`)
})

test('a forged death of a live member is refuted, and nobody ever holds it dead', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const world = settled(16, seed)
    for (const victim of ['p2', 'p3', 'p4']) accuse(world, victim, 'dead', 'p7')
    world.run(20_000)
    expect(world.deaths()).toEqual([])
    world.settle(1_000)
    expect(world.peer('p7').self().incarnation).toBeGreaterThan(1)
  }
})

test('a forged death that is told again and again counts as one suspicion: the member has its time to refute', () => {
  const world = settled(16, 7)
  for (let i = 0; i < 5; i++) accuse(world, 'p2', 'dead', 'p7')
  expect(world.status('p2', 'p7')).toBe('suspect')
  world.run(10_000)
  expect(world.deaths()).toEqual([])
  expect(world.isTrue()).toBe(true)
})

test('deaths of everybody, forged at everybody and over and over, kill nobody', () => {
  const world = settled(12, 6)
  for (let i = 0; i < 10; i++) {
    for (const at of world.names()) for (const of of world.names()) accuse(world, at, 'dead', of)
    world.run(500)
  }
  expect(world.deaths()).toEqual([])
  world.settle(10_000)
})

test('a forged farewell of a live member is outbid by the member', () => {
  // The world itself would object to a `left` of one that has not, so this one is at an incarnation of its own.
  const world = settled(8, 2)
  const { id, incarnation } = world.peer('p5').self()
  world.inject('p5', world.endpoint('p1'), forge([{ type: 'left', id, incarnation }]))
  world.run(5_000)
  expect(world.peer('p5').self().incarnation).toBe(incarnation + 1)
  expect(world.isTrue()).toBe(true)
})

test('an accusation of an unknown member creates nothing', () => {
  const world = settled(4, 1)
  const before = world.peer('p1').members({ gone: true })
  const accuser = world.peer('p0').id
  const rumours = (['suspect', 'dead'] as const).map((type) => ({ type, id: strangerId, incarnation: 1, accuser }))
  world.inject('p1', world.endpoint('p0'), forge(rumours))
  expect(world.peer('p1').members({ gone: true })).toBe(before)
  expect(world.peer('p1').member(strangerId)).toBeUndefined()
})

test('an entry of an unknown member creates nothing', () => {
  const world = settled(4, 1)
  const entry = { type: 'entry' as const, id: strangerId, key: 'k', version: 1, volatile: false, value: 1 }
  world.inject('p1', world.endpoint('p0'), forge([entry]))
  expect(world.peer('p1').member(strangerId)).toBeUndefined()
})

test('a packet of another room changes nothing and is counted', () => {
  const world = settled(4, 1)
  const peer = world.peer('p1')
  const before = peer.members()
  const { id, incarnation } = world.peer('p2').self()
  const rumour = { type: 'suspect' as const, id, incarnation, accuser: world.peer('p0').id }
  world.inject('p1', world.endpoint('p0'), forge([rumour], { kind: 'gossip' }, 'another room'))
  expect(peer.members()).toBe(before)
  expect(peer.counters().packets_foreign).toBe(1)
})

test('bytes that are no packet change nothing and are counted', () => {
  const world = settled(4, 1)
  const peer = world.peer('p1')
  const before = peer.members()
  const random = seededRandom(7)
  const whole = forge([{ type: 'left', id: world.peer('p2').id, incarnation: 1 }])
  for (let i = 0; i < 200; i++) world.inject('p1', world.endpoint('p0'), randomBytes(random, 1 + (i % 64)))
  for (let cut = 6; cut < whole.length; cut++) world.inject('p1', world.endpoint('p0'), whole.subarray(0, cut))
  expect(peer.members()).toBe(before)
  const { packets_malformed: malformed = 0, packets_foreign: foreign = 0 } = peer.counters()
  // Cut right behind its header, what is left is a packet without rumours.
  expect(malformed + foreign).toBe(200 + whole.length - 6 - 1)
})

test('strangers get no more bytes back than they sent', () => {
  const world = settled(40, 1)
  for (let i = 0; i < 40; i++) world.setState(`p${i}`, { bio: 'x'.repeat(500) })
  world.settle(30_000)
  // A peer that has crashed and is forgotten: its endpoint still takes packets, and is no member's.
  world.join('outsider')
  world.crash('outsider')
  world.settle(60_000)
  const from = world.endpoint('outsider')
  const random = seededRandom(3)
  const answered: number[] = []
  for (let i = 0; i < 200; i++) {
    const header = [
      {
        kind: 'fetch' as const,
        seq: i,
        from: strangerId,
        prefix: '',
        cursor: null,
        known: new Uint8Array(0),
        pad: i * 4,
      },
      { kind: 'ranges' as const, seq: i, from: strangerId, prefix: '', pad: i * 4 },
      { kind: 'ping' as const, seq: i, from: strangerId, to: prefixOf(world, 'p0'), hi: 1, lo: 2 },
    ][Math.floor(random() * 3)]!
    const packet = forge([], header)
    let bytes = 0
    const stop = world.onPacket((by, to, _kind, answer) => {
      if (by === 'p0' && to === 'outsider') bytes += answer.length
    })
    world.inject('p0', from, packet)
    stop()
    expect(bytes).toBeLessThanOrEqual(packet.length)
    answered.push(bytes)
  }
  expect(answered.some((bytes) => bytes > 0)).toBe(true)
})

test('a peer that is still looking for members asks nothing of a stranger who sent less than the question takes', () => {
  const world = settled(2, 1)
  world.join('outsider')
  world.settle(10_000)
  const from = world.endpoint('outsider')
  world.crash('outsider')
  world.partition(['p0', 'p1'])
  const late = world.join('late', { seeds: ['p0'] })
  let bytes = 0
  world.onPacket((by, to, _kind, packet) => {
    if (by === 'late' && to === 'outsider') bytes += packet.length
  })
  const fetch = { kind: 'fetch' as const, seq: 1, from: strangerId, prefix: '', cursor: null, known: new Uint8Array(0) }
  const short = forge([], { ...fetch, pad: 100 })
  world.inject('late', from, short)
  world.run(5_000)
  expect(late.status).toBe('joining')
  expect(bytes).toBeLessThanOrEqual(short.length)
})

test('in a room of two, where nobody can be asked, a crash is noticed all the same', () => {
  for (const seed of [1, 2, 3]) {
    const world = settled(2, seed)
    world.crash('p1')
    world.settle(8_000)
    expect(world.status('p0', 'p1')).toBe('dead')
  }
})

test('64 peers that join at once by one seed are one room within ten seconds, also at 5 % loss', () => {
  for (const seed of [1, 2, 3]) {
    simulate({ peers: 64, seed }).settle(5_000)
    simulate({ peers: 64, seed, link: { loss: 0.05 } }).settle(10_000)
  }
})

test('a seed that starts later than the others is found', () => {
  const world = simulate({ peers: 1, seed: 1 })
  world.join('first', { seeds: ['p0'] })
  world.crash('p0')
  world.run(20_000)
  expect(world.peer('first').status).toBe('joining')
  world.restart('p0', { seeds: [] })
  world.settle(15_000)
  expect(world.peer('first').status).toBe('joined')
})

test('clocks that are hours apart make no difference', () => {
  const world = simulate({ peers: 1, seed: 5 })
  for (let i = 1; i < 12; i++) world.join(`p${i}`, { clockOffsetMs: i * 3_600_000 - 200_000 })
  world.settle(10_000)
  world.crash('p4')
  world.settle(30_000)
  expect(world.deaths()).toEqual([])
})

function settled(peers: number, seed: number): World {
  const world = simulate({ peers, seed })
  world.settle(20_000)
  return world
}

/** Hands `at` an accusation of `of`, at its present incarnation, in the name of a third. */
function accuse(world: World, at: string, type: 'suspect' | 'dead', of: string): void {
  const { id, incarnation } = world.peer(of).self()
  const accuser = world.names().find((name) => name !== at && name !== of)!
  const rumour = { type, id, incarnation, accuser: world.peer(accuser).id }
  world.inject(at, world.endpoint(accuser), forge([rumour]))
}

function prefixOf(world: World, name: string): number {
  return idPrefix(world.peer(name).id)
}
