/** The faults a simulated world offers: that each does what its comment says, no more and no less. */

import { expect, test } from 'vitest'
import { decodePacket } from '../codec.ts'
import { roomTag } from '../digest.ts'
import { forge } from './forgery.ts'
import { simulate, simulatedRoom, type World, type WorldOptions } from './index.ts'

test('peers that are acquainted know one another from the first moment, and nobody was told of it', () => {
  const world = simulate({ peers: 32, seed: 1, acquainted: true })
  expect(world.isTrue() && world.agrees()).toBe(true)
  for (const name of world.names()) expect(world.peer(name).status).toBe('joined')
  world.run(0)
  expect(world.events.filter(({ type }) => type !== 'status')).toEqual([])
  expect([...world.traffic().values()].every(({ packetsOut }) => packetsOut === 0)).toBe(true)
  world.run(10_000)
  expect(world.isTrue() && world.agrees()).toBe(true)
  expect(world.peer('p3').counters().syncs).toBeUndefined()
})

test('peers that are acquainted do not probe in step', () => {
  const world = simulate({ peers: 16, seed: 1, acquainted: true })
  const firstPing = new Map<string, number>()
  world.onPacket((from, _to, _kind, packet) => {
    if (headerOf(packet) === 'ping' && !firstPing.has(from)) firstPing.set(from, Math.floor(world.now / 50))
  })
  world.run(3_000)
  expect(new Set(firstPing.values()).size).toBeGreaterThan(6)
})

test('peers that are acquainted find one another again after both halves have forgotten each other', () => {
  const world = simulate({ peers: 8, seed: 2, acquainted: true, config: { tombstoneMs: 1_000 } })
  world.partition(['p0', 'p1', 'p2', 'p3'])
  world.run(200_000)
  expect(world.status('p1', 'p6')).toBeUndefined()
  world.heal()
  world.settle(700_000)
})

test('a mixed room may begin acquainted: its tabs open their links as ever', () => {
  const kinds = (i: number) => (i === 0 ? ['rtc', 'relay', 'udp'] : i < 3 ? ['udp'] : ['rtc', 'relay'])
  const world = simulate({ peers: 8, seed: 1, acquainted: true, kinds })
  world.run(30_000)
  expect(world.deaths()).toEqual([])
  expect(world.isTrue() && world.agrees()).toBe(true)
  expect(world.peer('p4').member(world.peer('p5').id)?.via).toBe('direct')
})

test('a stall holds back what a peer sends and what is sent to it, and lets all of it through at its end, in order', () => {
  const world = acquainted(8)
  const packets = numbered(world)
  world.stall('p2', 2_000)
  const { packetsIn, packetsOut } = world.traffic().get('p2')!
  world.setState('p2', { mood: 'calm' })
  packets.send(20)
  world.run(1_999)
  expect(world.traffic().get('p2')).toMatchObject({ packetsIn, packetsOut })
  expect(world.loadOf('p2').unread).toBeGreaterThanOrEqual(20)
  // Its timers went on: it has probed, and got no answer.
  expect(world.peer('p2').counters().probes_failed).toBeGreaterThan(0)
  const sent: number[] = []
  world.onPacket((from) => {
    if (from === 'p2') sent.push(world.now)
  })
  expect(packets.received()).toEqual([])
  world.run(1)
  expect(packets.received()).toEqual(packets.sent())
  expect(sent.length).toBeGreaterThan(5)
  expect(new Set(sent).size).toBe(1)
  expect(world.loadOf('p2').unread).toBe(0)
  world.settle(20_000)
  expect(world.peer('p0').member(world.peer('p2').id)?.state).toEqual({ mood: 'calm' })
})

test('a second stall within the first makes it longer, not shorter', () => {
  const world = acquainted(4)
  world.stall('p2', 2_000)
  world.run(500)
  world.stall('p2', 100)
  const { packetsOut } = world.traffic().get('p2')!
  world.run(1_499)
  expect(world.traffic().get('p2')!.packetsOut).toBe(packetsOut)
  world.stall('p2', 1_000)
  world.run(999)
  expect(world.traffic().get('p2')!.packetsOut).toBe(packetsOut)
  world.run(1)
  expect(world.traffic().get('p2')!.packetsOut).toBeGreaterThan(packetsOut)
})

test('what a crashed peer had not got out by then is lost with it', () => {
  const world = acquainted(4)
  world.stall('p2', 3_000)
  world.run(2_000)
  world.crash('p2')
  const { packetsOut } = world.traffic().get('p2')!
  world.run(2_000)
  expect(world.traffic().get('p2')!.packetsOut).toBe(packetsOut)
})

test('a starved peer reads every packet late and in order, while its timers are on time', () => {
  const world = acquainted(8)
  const packets = numbered(world)
  world.starve('p2', { minMs: 500, maxMs: 2_500 })
  packets.send(20)
  world.run(499)
  expect(packets.received()).toEqual([])
  expect(world.loadOf('p2').unread).toBeGreaterThanOrEqual(20)
  world.run(2_001)
  expect(packets.received()).toEqual(packets.sent())
  const { periods } = world.peer('p2').counters()
  world.run(10_000)
  // It takes itself for ill, so its periods grow to eight times their length.
  expect(world.peer('p2').counters().periods! - periods!).toBeGreaterThanOrEqual(1)
  expect(world.peer('p2').counters().absences).toBeUndefined()
})

test('when a peer is no longer starved, what waits is still read first', () => {
  const world = acquainted(4)
  const packets = numbered(world)
  world.starve('p2', { minMs: 1_000, maxMs: 1_000 })
  packets.send(3)
  world.run(10)
  world.starve('p2', undefined)
  packets.send(3)
  world.run(980)
  expect(packets.received()).toEqual([])
  world.run(20)
  expect(packets.received()).toEqual(packets.sent())
  packets.send(1)
  expect(packets.received()).toEqual(packets.sent())
  expect(() => world.starve('p2', { minMs: 5, maxMs: 1 })).toThrow('maxMs: expected at least minMs (5), got 1')
})

test('a deaf peer hears nothing and is heard, a mute one the other way round', () => {
  const world = acquainted(8)
  world.setLinkOf('p2', { lossIn: 1 })
  world.setLinkOf('p5', { lossOut: 1 })
  world.run(50)
  const [deaf, mute] = [world.traffic().get('p2')!, world.traffic().get('p5')!]
  const heard = countArrivals(world)
  world.run(10_000)
  expect(world.traffic().get('p2')!.packetsIn).toBe(deaf.packetsIn)
  expect(world.traffic().get('p2')!.packetsOut).toBeGreaterThan(deaf.packetsOut)
  expect(heard()).toBeGreaterThan(0)
  expect(world.traffic().get('p5')!.packetsIn).toBeGreaterThan(mute.packetsIn)
  world.setLinkOf('p2', {})
  world.setLinkOf('p5', { lossIn: 0, lossOut: 0 })
  world.settle(60_000)
})

test('extra loss of one peer takes its share of the packets', () => {
  const world = acquainted(8)
  world.setLinkOf('p2', { lossIn: 0.8 })
  const { packetsIn } = world.traffic().get('p2')!
  let sent = 0
  world.onPacket((_from, to) => {
    if (to === 'p2') sent++
  })
  world.run(60_000)
  const share = (world.traffic().get('p2')!.packetsIn - packetsIn) / sent
  expect(share).toBeGreaterThan(0.1)
  expect(share).toBeLessThan(0.3)
})

test('a tab that hears nothing opens no links, and those it had time out', () => {
  const world = simulate({ peers: 3, seed: 1, kinds: ['rtc', 'relay'], linkTimeoutMs: 500 })
  world.settle(20_000)
  world.run(2_000)
  const via = () => world.peer('p0').member(world.peer('p2').id)?.via
  expect(via()).toBe('direct')
  world.setLinkOf('p2', { lossIn: 1 })
  world.run(1_000)
  expect(via()).toBe('relayed')
  world.setLinkOf('p2', {})
  world.run(60_000)
  expect(via()).toBe('direct')
  world.settle(20_000)
})

test.for([3_600_000, -3_600_000, 700, -700])('a clock that jumps by %i ms stops nothing', (ms) => {
  const world = acquainted(8)
  world.jumpClock('p2', ms)
  world.run(2_000)
  const { periods } = world.peer('p2').counters()
  world.run(10_000)
  expect(world.peer('p2').counters().periods! - periods!).toBeGreaterThanOrEqual(9)
  expect(world.deaths()).toEqual([])
  world.settle(1_000)
})

test('the load of a peer tells what it holds', () => {
  const world = acquainted(8)
  world.crash('p7')
  world.settle(20_000)
  world.run(20_000)
  const load = world.loadOf('p2')
  expect(load).toMatchObject({ members: 7, tombstones: 1, rumours: 0, unread: 0 })
  expect(load.timers).toBeGreaterThan(0)
  expect(Object.isFrozen(load)).toBe(true)
  world.setState('p2', { mood: 'calm' })
  expect(world.loadOf('p2').rumours).toBeGreaterThan(0)
  world.pause('p2', 5_000)
  world.run(4_000)
  expect(world.loadOf('p2').unread).toBeGreaterThan(0)
})

/** Past the first moments, in which each tells once more that it is there. */
function acquainted(peers: number, options: Partial<WorldOptions> = {}): World {
  const world = simulate({ peers, seed: 1, acquainted: true, ...options })
  world.run(3_000)
  return world
}

/** Packets of p0 to p2 that can be told apart: accusations of p3, of incarnations that only tests know. */
function numbered(world: World) {
  const { id } = world.peer('p3')
  const accuser = world.peer('p0').id
  const sent: number[] = []
  const received: number[] = []
  const { swim } = { swim: world.peer('p2') }
  const receive = swim.receive.bind(swim)
  swim.receive = (packet, from, now) => {
    const rumour = decodePacket(packet, roomTag(simulatedRoom))?.rumours[0]?.rumour
    if (rumour?.type === 'suspect' && rumour.incarnation > 1_000) received.push(rumour.incarnation)
    receive(packet, from, now)
  }
  return {
    sent: () => sent,
    received: () => received,
    send: (count: number) => {
      for (let i = 0; i < count; i++) {
        const incarnation = 2_000 + sent.length
        sent.push(incarnation)
        world.inject('p2', world.endpoint('p0'), forge([{ type: 'suspect', id, incarnation, accuser }]))
      }
    },
  }
}

/** Acks to what a deaf peer sent: somebody hears it. */
function countArrivals(world: World): () => number {
  let acks = 0
  world.onPacket((_from, to, _kind, packet) => {
    if (to === 'p2' && headerOf(packet) === 'ack') acks++
  })
  return () => acks
}

function headerOf(packet: Uint8Array): string | undefined {
  return decodePacket(packet, roomTag(simulatedRoom))?.header.kind
}
