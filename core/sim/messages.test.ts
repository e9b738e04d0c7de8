/** Messages in rooms where packets are lost, members share no channel, and some are not what they say. */

import { expect, test } from 'vitest'
import { decodePacket, type Header } from '../codec.ts'
import { defaultConfig } from '../config.ts'
import { roomTag } from '../digest.ts'
import type { SwimEvent } from '../host.ts'
import { idFromBytes, type PeerId } from '../ids.ts'
import { randomBytes, seededRandom } from '../random.ts'
import type { MessageRecord } from '../rumour.ts'
import type { Connection } from './connection.ts'
import { forge } from './forgery.ts'
import { simulate, simulatedRoom, type World } from './index.ts'

const server = ['udp']
const tab = ['rtc', 'relay']
const gateway = ['udp', 'rtc', 'relay']

// To a topic

test.each([
  [50, 0.05, 1],
  [200, 0.05, 0.999],
])(
  'of what is published among %i members with 5 %% loss, each gets its share, and nothing twice',
  (peers, loss, share) => {
    for (const seed of [1, 2, 3]) {
      const world = simulate({ peers, seed, acquainted: true, link: { loss } })
      const ears = new Ears(world)
      for (let n = 0; n < 40; n++) {
        ears.publish(`p${(n * 7) % peers}`, 'news', n)
        world.run(100)
      }
      world.run(5_000)
      const got = ears.messages()
      expect(got.length / (20 * (peers - 1))).toBeGreaterThanOrEqual(share)
      expect(new Set(got).size).toBe(got.length)
    }
  },
)

test('a burst as large as a member may send reaches everybody but for one message in two hundred, and nothing twice', () => {
  for (const seed of [1, 2]) {
    const world = simulate({ peers: 40, seed, acquainted: true, link: { loss: 0.05 } })
    const ears = new Ears(world)
    for (let n = 0; n < 200; n++) ears.publish('p3', 'news', n)
    world.run(10_000)
    const got = ears.messages()
    expect(got.length).toBeGreaterThanOrEqual(0.995 * 200 * 39)
    expect(new Set(got).size).toBe(got.length)
  }
})

test('what is published in a mesh of tabs without a server reaches all, across lost packets', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 60, seed, kinds: tab, linked: true, link: { loss: 0.05 } })
    world.setSignaling(false)
    world.run(5_000)
    const ears = new Ears(world)
    for (let n = 0; n < 20; n++) {
      ears.publish('p7', 'news', n)
      world.run(100)
    }
    world.run(5_000)
    expect(ears.messages().sort()).toEqual(ears.expected('p7', 20).sort())
  }
})

test('what a tab publishes is heard by servers, and the other way round', () => {
  for (const seed of [1, 2, 3]) {
    const world = twoIslands(seed)
    const ears = new Ears(world)
    ears.publish('p8', 'news', 0)
    world.run(2_000)
    ears.publish('p1', 'news', 1)
    world.run(2_000)
    expect(ears.messages()).toHaveLength(2 * 10)
    expect(new Set(ears.messages()).size).toBe(20)
  }
})

test('a message is no part of the view: digests and syncs know nothing of it', () => {
  const world = simulate({ peers: 10, seed: 1, acquainted: true })
  world.run(2_000)
  const before = world.peer('p0').consistency().digest
  new Ears(world).publish('p0', 'news', 1)
  world.run(2_000)
  expect(world.peer('p0').consistency().digest).toBe(before)
  expect(world.loadOf('p5').rumours).toBe(0)
})

// To one member

test('with 5 % loss a message reaches its member, and its sender knows it', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 50, seed, acquainted: true, link: { loss: 0.05 } })
    const ears = new Ears(world)
    for (let n = 1; n <= 200; n++) {
      ears.send(`p${n % 50}`, `p${(n * 11 + 1) % 50}`, n)
      world.run(30)
    }
    world.run(4_000)
    expect(ears.receipts()).toEqual(Array(200).fill(true))
    expect(ears.messages()).toHaveLength(200)
    expect(new Set(ears.messages()).size).toBe(200)
  }
})

test('a receipt never lies: what arrived was heard, and where half of the packets are lost some say that they do not know', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 10, seed, acquainted: true, link: { loss: 0.5 } })
    const ears = new Ears(world)
    for (let n = 1; n <= 100; n++) {
      ears.send('p1', `p${2 + (n % 8)}`, n)
      world.run(50)
    }
    world.run(4_000)
    const heard = new Set(ears.messages().map((text) => Number(text.split(' ').at(-1))))
    const arrived = ears.arrived()
    expect(arrived.length).toBeGreaterThan(20)
    expect(arrived.length).toBeLessThan(100)
    for (const ref of arrived) expect(heard).toContain(ref)
    expect(ears.receipts()).toHaveLength(100)
    expect(heard.size).toBe(ears.messages().length)
  }
})

test('over a mesh without a server every member reaches every other, linked or not', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 40, seed, kinds: tab, linked: true })
    world.setSignaling(false)
    world.run(5_000)
    const ears = new Ears(world)
    for (let n = 1; n < 40; n++) ears.send('p0', `p${n}`, n)
    world.run(4_000)
    expect(ears.receipts()).toEqual(Array(39).fill(true))
    expect(world.linksOf('p0').open).toBeLessThan(30)
  }
})

test('where the first hop of a way swallows a message, another attempt goes by another', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 40, seed, kinds: tab, linked: true })
    world.setSignaling(false)
    world.run(5_000)
    const ears = new Ears(world)
    const linked = new Set(
      world
        .peer('p0')
        .links()
        .map(({ peer }) => peer),
    )
    const far = world.names().find((name) => name !== 'p0' && !linked.has(world.idOf(name)))!
    const hops: string[] = []
    world.onPacket((from, to, _kind, packet) => {
      const { header } = decodePacket(packet, roomTag(simulatedRoom))!
      if (from !== 'p0' || header.kind !== 'route' || header.to !== world.idOf(far)) return
      if (hops.length === 0) world.setLinkOf(to, { lossOut: 1 })
      hops.push(to)
    })
    ears.send('p0', far, 1)
    world.run(3_000)
    expect(ears.receipts()).toEqual([true])
    expect(hops[1]).not.toBe(hops[0])
  }
})

test('a tab and a server that share no channel reach each other by way of a gateway, and the sender is who it says', () => {
  for (const seed of [1, 2, 3]) {
    const world = twoIslands(seed)
    const ears = new Ears(world)
    ears.send('p8', 'p1', 1)
    ears.send('p1', 'p9', 2)
    world.run(300)
    expect(ears.messages().sort()).toEqual(['p1 hears p8 undefined 1', 'p9 hears p1 undefined 2'])
    expect(ears.receipts()).toEqual([true, true])
    expect(world.peer('p5').counters().letters_carried).toBe(4)
  }
})

test('of two gateways one may be silent: the other carries it', () => {
  for (const seed of [1, 2, 3, 4]) {
    const world = twoIslands(seed)
    world.join('second', { kinds: gateway, seeds: ['p0'] })
    world.settle(30_000)
    const ears = new Ears(world)
    world.crash('p5')
    for (let n = 1; n <= 10; n++) ears.send('p8', 'p1', n)
    world.run(4_000)
    expect(ears.receipts()).toEqual(Array(10).fill(true))
    expect(ears.messages()).toHaveLength(10)
  }
})

test('across three islands two gateways carry it, each of them nearer than the one before', () => {
  for (const seed of [1, 2, 3]) {
    const kinds = (i: number) => [['udp'], ['udp', 'sim'], ['sim', 'lan'], ['lan']][i % 4]!
    const world = simulate({ peers: 12, seed, kinds, acquainted: true })
    world.run(3_000)
    const ears = new Ears(world)
    ears.send('p0', 'p3', 1)
    ears.send('p7', 'p4', 2)
    world.run(3_500)
    expect(ears.messages().sort()).toEqual(['p3 hears p0 undefined 1', 'p4 hears p7 undefined 2'])
    expect(ears.receipts()).toEqual([true, true])
  }
})

test('a pair whose own way is blocked reaches each other by a third', () => {
  for (const seed of [1, 2, 3]) {
    const world = simulate({ peers: 8, seed, acquainted: true })
    world.block('p1', 'p2')
    world.block('p2', 'p1')
    const ears = new Ears(world)
    ears.send('p1', 'p2', 1)
    world.run(2_000)
    expect(ears.messages()).toEqual(['p2 hears p1 undefined 1'])
    expect(ears.receipts()).toEqual([true])
  }
})

test('to the other side of a partition, the receipt says that it does not know', () => {
  const world = simulate({ peers: 10, seed: 1, acquainted: true })
  const names = world.names()
  world.partition(names.slice(0, 5), names.slice(5))
  const ears = new Ears(world)
  ears.send('p1', 'p7', 1)
  world.run(3_100)
  expect(ears.receipts()).toEqual([false])
  expect(ears.messages()).toEqual([])
})

// Hostile

test('a letter in the name of another, or from nobody, is not believed and not passed on', () => {
  const world = simulate({ peers: 6, seed: 1, acquainted: true })
  const ears = new Ears(world)
  const letter = (from: string, to: string, hops = 0): Uint8Array =>
    forge([], {
      kind: 'letter',
      from: world.idOf(from),
      to: world.idOf(to),
      seq: 7,
      hops,
      role: 'message',
      re: 0,
      data: null,
    })
  world.inject('p2', world.endpoint('p1'), letter('p3', 'p2'))
  world.inject('p2', 'sim:nobody', letter('p3', 'p2'))
  world.inject('p2', 'sim:nobody', letter('p3', 'p2', 1))
  world.inject('p2', world.endpoint('p1'), letter('p3', 'p4'))
  world.inject('p2', world.endpoint('p2'), letter('p2', 'p4'))
  world.run(1_000)
  expect(ears.messages()).toEqual([])
  expect(world.peer('p2').counters().letters_foreign).toBe(5)
  // Its own word, as a check that the rest is well made.
  world.inject('p2', world.endpoint('p1'), letter('p1', 'p2'))
  world.run(1_000)
  expect(ears.messages()).toEqual(['p2 hears p1 undefined undefined'])
})

test('a letter that is replayed is acknowledged and not heard again', () => {
  const world = simulate({ peers: 4, seed: 1, acquainted: true })
  const ears = new Ears(world)
  const replayed: Uint8Array[] = []
  world.onPacket((_from, _to, _kind, packet) => {
    if (decodePacket(packet, roomTag(simulatedRoom))!.header.kind === 'letter') replayed.push(new Uint8Array(packet))
  })
  ears.send('p0', 'p1', 1)
  world.run(500)
  for (let i = 0; i < 20; i++) world.inject('p1', world.endpoint('p0'), replayed[0]!)
  world.run(500)
  expect(ears.messages()).toHaveLength(1)
  expect(world.peer('p1').counters().letters_known).toBe(20)
})

test('of more letters than can be remembered those beyond are not taken, and what is repeated is never heard twice', () => {
  const world = simulate({ peers: 40, seed: 1, acquainted: true })
  const ears = new Ears(world)
  // Its acks are lost, so everything is sent four times.
  world.setLinkOf('p0', { lossOut: 1 })
  for (let i = 1; i < 40; i++) for (let n = 0; n < 250; n++) ears.send(`p${i}`, 'p0', n)
  world.run(4_000)
  const heard = ears.messages()
  expect(heard.length).toBeGreaterThan(7_900)
  expect(new Set(heard).size).toBe(heard.length)
})

test('an ack of anybody but the member itself counts for nothing', () => {
  const world = simulate({ peers: 4, seed: 1, acquainted: true })
  const ears = new Ears(world)
  world.block('p0', 'p1')
  world.onPacket((from, _to, _kind, packet) => {
    const header = decodePacket(packet, roomTag(simulatedRoom))!.header
    if (from !== 'p0' || header.kind !== 'letter') return
    const ack: Header = { ...header, from: world.idOf('p2'), to: world.idOf('p0'), role: 'ack', data: null }
    world.inject('p0', world.endpoint('p2'), forge([], ack))
  })
  world.block('p2', 'p1')
  world.block('p3', 'p1')
  ears.send('p0', 'p1', 1)
  world.run(3_100)
  expect(ears.receipts()).toEqual([false])
})

test('a message that is replayed for as long as anybody likes is heard once', () => {
  const world = simulate({ peers: 10, seed: 1, acquainted: true })
  const ears = new Ears(world)
  ears.publish('p0', 'news', 1)
  world.run(1_000)
  for (let i = 0; i < 60; i++) {
    world.inject('p5', world.endpoint('p1'), forge([record(world.idOf('p0'), 1)]))
    world.run(500)
  }
  expect(ears.messages().sort()).toEqual(ears.expected('p0', 1, 1))
})

test('a number forged far ahead silences its owner for nobody: it goes on above it, or the two are told apart', () => {
  for (const ahead of [500, 1_000_000, 4_000_000_000]) {
    const world = simulate({ peers: 10, seed: 1, acquainted: true })
    const ears = new Ears(world)
    ears.publish('p0', 'news', 1)
    world.run(1_000)
    world.inject('p5', world.endpoint('p1'), forge([record(world.idOf('p0'), ahead)]))
    world.run(1_000)
    for (let n = 2; n < 5; n++) {
      ears.publish('p0', 'news', n)
      world.run(500)
    }
    const mine = ears.messages().filter((text) => !text.endsWith('forged'))
    expect(mine.sort()).toEqual(ears.expected('p0', 4, 1).sort())
  }
})

test('numbers forged to the very last silence their owner for nobody: behind the last comes the first', () => {
  const world = simulate({ peers: 4, seed: 1, acquainted: true })
  const ears = new Ears(world)
  ears.publish('p0', 'news', 1)
  world.run(1_000)
  for (let ahead = 2 ** 20; ahead < 2 ** 32; ahead += 2 ** 20) {
    world.inject('p0', world.endpoint('p1'), forge([record(world.idOf('p0'), ahead)]))
  }
  world.inject('p0', world.endpoint('p1'), forge([record(world.idOf('p0'), 2 ** 32 - 2)]))
  world.run(1_000)
  for (let n = 2; n < 6; n++) {
    ears.publish('p0', 'news', n)
    world.run(500)
  }
  expect(ears.messages().sort()).toEqual(ears.expected('p0', 5, 1).sort())
})

test('one that floods the room is heard as far as its share goes, and keeps nobody else from being heard', () => {
  const world = simulate({ peers: 20, seed: 1, acquainted: true })
  const ears = new Ears(world)
  const flooder = world.idOf('p1')
  let seq = 0
  for (let i = 0; i < 100; i++) {
    for (let k = 0; k < 4; k++) {
      const rumours = Array.from({ length: 20 }, () => record(flooder, ++seq))
      world.inject(`p${2 + ((i + k) % 18)}`, world.endpoint('p1'), forge(rumours))
    }
    if (i % 10 === 0) ears.publish('p0', 'news', i)
    world.run(100)
  }
  world.run(20_000)
  const heardBy = (name: string, of: string) =>
    ears.messages().filter((text) => text.startsWith(`${name} hears ${of} `)).length
  for (const name of world.names()) {
    if (name !== 'p0') expect(heardBy(name, 'p0')).toBe(10)
    if (name !== 'p1') expect(heardBy(name, 'p1')).toBeLessThanOrEqual(300 + 60 * 11)
    expect(world.loadOf(name).rumours).toBeLessThanOrEqual(defaultConfig.rumoursMax)
  }
  expect(world.deaths()).toEqual([])
})

test('whoever borrows the names of all is bounded by what is taken of all together', () => {
  const world = simulate({ peers: 60, seed: 1, acquainted: true })
  const ears = new Ears(world)
  const names = world.names().slice(2)
  for (let i = 0; i < 15; i++) {
    for (const name of names) {
      const rumours = Array.from({ length: 20 }, (_, n) => record(world.idOf(name), 1 + i * 20 + n))
      world.inject('p1', world.endpoint('p0'), forge(rumours))
    }
  }
  world.run(0)
  expect(ears.messages().filter((text) => text.startsWith('p1 '))).toHaveLength(4_000)
})

test('made-up senders share one allowance, however many they are', () => {
  const world = simulate({ peers: 10, seed: 1, acquainted: true })
  const ears = new Ears(world)
  const random = seededRandom(9)
  for (let i = 0; i < 100; i++) {
    const rumours = Array.from({ length: 20 }, () => record(idFromBytes(randomBytes(random, 16)), 1))
    world.inject('p5', world.endpoint('p1'), forge(rumours))
    world.run(10)
  }
  world.run(2_000)
  expect(ears.messages().filter((text) => text.startsWith('p5')).length).toBeLessThanOrEqual(60 + 20)
  expect(world.peer('p5').counters().messages_refused).toBeGreaterThan(1_900)
})

test('what one member has carried for it is bounded, and others are still served', () => {
  const world = twoIslands(1)
  const ears = new Ears(world)
  const [from, to] = [world.idOf('p1'), world.idOf('p8')]
  for (let i = 0; i < 3_000; i++) {
    const letter: Header = { kind: 'letter', from, to, seq: i, hops: 0, role: 'message', re: 0, data: null }
    world.inject('p5', world.endpoint('p1', 'udp'), forge([], letter))
  }
  ears.send('p2', 'p9', 1)
  world.run(2_000)
  const { letters_carried: carried = 0, letters_refused: refused = 0 } = world.peer('p5').counters()
  expect(refused).toBeGreaterThanOrEqual(2_400)
  // Acks go back by the same member.
  expect(carried).toBeLessThanOrEqual(2 * 500 + 2)
  expect(ears.receipts()).toEqual([true])
})

/** What everybody hears, in words. */
class Ears {
  readonly #world: World
  readonly #heard: string[] = []
  readonly #told: { ref: number; arrived: boolean }[] = []
  readonly #connections: ReadonlyMap<string, Connection>
  readonly #names: ReadonlyMap<PeerId, string>

  constructor(world: World) {
    this.#world = world
    const names = world.names()
    this.#names = new Map(names.map((name) => [world.idOf(name), name]))
    this.#connections = new Map(names.map((name) => [name, world.connect(name, (event) => this.#hear(name, event))]))
  }

  publish(name: string, topic: string, data: unknown): void {
    this.#call(name, (now) => this.#world.peer(name).publish(topic, data, now))
  }

  /** The data is the number of the receipt. */
  send(from: string, to: string, ref: number): void {
    this.#call(from, (now) => this.#world.peer(from).send(ref, this.#world.idOf(to), ref, now))
  }

  messages(): string[] {
    return [...this.#heard]
  }

  receipts(): boolean[] {
    return this.#told.map(({ arrived }) => arrived)
  }

  arrived(): number[] {
    return this.#told.filter(({ arrived }) => arrived).map(({ ref }) => ref)
  }

  /** What everybody else hears of this many, numbered from `first`. */
  expected(by: string, count: number, first = 0): string[] {
    const others = this.#world.names().filter((name) => name !== by)
    return others.flatMap((name) => Array.from({ length: count }, (_, n) => `${name} hears ${by} news ${first + n}`))
  }

  #call(name: string, run: (now: number) => void): void {
    this.#connections.get(name)!.call((_swim, now) => run(now))
  }

  #hear(by: string, event: SwimEvent): void {
    if (event.type === 'receipt') this.#told.push(event)
    if (event.type !== 'message') return
    const { from, topic, data } = event.message
    this.#heard.push(`${by} hears ${this.#nameOf(from)} ${topic} ${String(data)}`)
  }

  #nameOf(id: PeerId): string {
    return this.#names.get(id) ?? 'a stranger'
  }
}

function record(id: string, seq: number): MessageRecord {
  return { type: 'message', id, seq, topic: 'news', data: 'forged', answerMs: 0 }
}

/** p0 to p4 are servers, p5 the gateway, p6 to p10 tabs. */
function twoIslands(seed: number): World {
  const kinds = (i: number) => (i < 5 ? server : i === 5 ? gateway : tab)
  const world = simulate({ peers: 11, seed, kinds })
  world.settle(60_000)
  return world
}
