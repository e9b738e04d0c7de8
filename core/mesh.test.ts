import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hopsMax, prefixBytes } from './codec.ts'
import { packetBytesMax } from './host.ts'
import { idPrefix, type PeerId } from './ids.ts'
import { seededRandom } from './random.ts'
import { type Hop, Meshwork, packetOf, type Resident } from './sim/meshwork.ts'
import { idsOf } from './sim/standpoint.ts'

const nack = { kind: 'nack' as const, seq: 7 }
const inside = packetOf(nack).subarray(prefixBytes)

// On its way

test('a packet is carried hop by hop along the path its sender wrote, and is taken as if it had come by a link', () => {
  const town = new Meshwork(40, 1)
  for (const distance of [1, 2, 3]) {
    const [one, other] = town.apart(distance)
    town.hops.length = 0
    const path = town.send(one, other.id)!
    town.run()
    expect(path).toHaveLength(distance)
    expect(town.hops.map(({ to }) => to)).toEqual(path)
    expect(other.taken).toEqual([{ from: one.id, header: nack }])
    for (const id of path.slice(0, -1)) {
      expect(town.of(id).taken).toEqual([])
      expect(town.of(id).counts.get('routes_carried')).toBe(1)
    }
    for (const resident of town.residents) {
      resident.taken.length = 0
      resident.counts.clear()
    }
  }
})

test('what comes back takes the way that it came by', () => {
  const town = new Meshwork(60, 2)
  const [one, other] = town.apart(3)
  const path = town.send(one, other.id)!
  town.run()
  expect(town.send(other, one.id)).toEqual([...path.slice(0, -1).reverse(), one.id])
  town.run()
  expect(one.taken).toEqual([{ from: other.id, header: nack }])
})

test('one that its target does not know yet gets an answer all the same', () => {
  const town = new Meshwork(40, 3)
  const [one, other] = town.apart(2)
  other.stand.bury(one.id)
  expect(town.send(other, one.id)).toBeUndefined()
  town.send(one, other.id)
  town.run()
  town.send(other, one.id)
  town.run()
  expect(one.taken).toEqual([{ from: other.id, header: nack }])
})

test('where nobody leads there nothing is sent', () => {
  const town = new Meshwork(20, 4)
  const [stranger] = idsOf(1, 99)
  expect(town.send(town.residents[0]!, stranger!)).toBeUndefined()
  expect(town.hops).toEqual([])
})

// Around what is missing

test('around a link that is missing another way is found from where the packet is, by nobody it has passed', () => {
  const town = new Meshwork(60, 5)
  const [one, other] = town.apart(3)
  const path = town.send(one, other.id)!
  // The sender does not know that this link is gone.
  town.cut(path[0]!, path[1]!)
  town.run()
  expect(other.taken).toEqual([{ from: one.id, header: nack }])
  const passed = town.hops.map(({ to }) => to)
  expect(passed.slice(0, 1)).toEqual(path.slice(0, 1))
  expect(passed).not.toContain(path[1]!)
  expectNoLoop(town.hops, one.id)
  expect(town.of(path[0]!).counts.get('routes_mended')).toBe(1)
  // The way back is the one it took in the end.
  expect(town.send(other, one.id)).toEqual([...passed.slice(0, -1).reverse(), one.id])
})

test('where only the last link is missing, others that are linked to the target lead there', () => {
  const town = new Meshwork(60, 6)
  const [one, other] = town.apart(2)
  const path = town.send(one, other.id)!
  town.cut(path[0]!, other.id)
  town.run()
  expect(other.taken).toEqual([{ from: one.id, header: nack }])
})

test('where there is no way around, the sender is told by the way the packet came', () => {
  const town = new Meshwork(60, 7)
  const [one, other] = town.apart(3)
  const path = town.send(one, other.id)!
  const end = town.of(path[1]!)
  for (const id of end.stand.neighbours()) if (id !== path[0]) town.cut(end.id, id)
  town.run()
  expect(other.taken).toEqual([])
  expect(end.counts.get('routes_ended')).toBe(1)
  expect(one.taken).toEqual([{ from: end.id, header: { kind: 'astray', to: other.id } }])
})

test('a notice that finds no way itself is dropped, and no notice is sent about it', () => {
  const town = new Meshwork(60, 7)
  const [one, other] = town.apart(3)
  const path = town.send(one, other.id)!
  const end = town.of(path[1]!)
  town.loses = ({ to }) => {
    // When the packet is there, the way back is gone too.
    if (to === end.id) for (const id of [...end.stand.paths.overlay('rtc')!.links()]) town.cut(end.id, id)
    return false
  }
  town.run()
  expect(town.hops.map(({ to }) => to)).toEqual(path.slice(0, 2))
  expect(town.residents.flatMap(({ taken }) => taken)).toEqual([])
})

test('a notice that is stopped on its way is dropped there, and no notice is sent about it', () => {
  const town = new Meshwork(60, 7)
  const [one, other] = town.apart(3)
  const path = town.send(one, other.id)!
  const [carrier, end] = path.map((id) => town.of(id)) as [Resident, Resident]
  /** Leaves one nothing but its link to the other. */
  const strand = (one: Resident, other: Resident) => {
    for (const id of [...one.stand.paths.overlay('rtc')!.links()]) if (id !== other.id) town.cut(one.id, id)
  }
  town.loses = ({ to }) => {
    if (to === end.id) strand(end, carrier)
    else if (town.hops.length > 1) strand(carrier, end)
    return false
  }
  town.run()
  expect(town.hops.map(({ to }) => to)).toEqual([carrier.id, end.id, carrier.id])
  expect(carrier.counts.get('routes_ended')).toBe(1)
  expect(town.residents.flatMap(({ taken }) => taken)).toEqual([])
})

test('whatever links are missing, a packet arrives once and in no loop, or its sender is told that it did not', () => {
  const fates = new Map<string, number>()
  const scene = fc.record({
    seed: fc.nat(20),
    size: fc.integer({ min: 13, max: 40 }),
    from: fc.nat(),
    to: fc.nat(),
    missing: fc.double({ min: 0, max: 0.9, noNaN: true }),
  })
  fc.assert(
    fc.property(scene, ({ seed, size, from, to, missing }) => {
      const town = new Meshwork(size, seed)
      const one = town.residents[from % size]!
      const other = town.residents[to % size]!
      if (one === other) return
      const random = seededRandom(seed)
      for (const { id, stand } of town.residents) {
        for (const peer of [...stand.paths.overlay('rtc')!.links()]) {
          if (id < peer && random() < missing) town.cut(id, peer)
        }
      }
      const path = town.send(one, other.id)
      town.run()
      const there = town.hops.filter(({ header }) => header.kind === 'route' && header.to === other.id)
      expectNoLoop(there, one.id)
      expect(there.length).toBeLessThanOrEqual(hopsMax)
      const told = one.taken.filter(({ header }) => header.kind === 'astray').length
      const fate = path === undefined ? 'no path' : other.taken.length > 0 ? 'arrived' : 'told'
      expect(other.taken.length + told).toBe(fate === 'no path' ? 0 : 1)
      fates.set(fate, (fates.get(fate) ?? 0) + 1)
    }),
    { numRuns: 250 },
  )
  expect([...fates.keys()].sort()).toEqual(['arrived', 'no path', 'told'])
})

// How much

test('one source may have a burst carried and then so many a second, and others are not held back by it', () => {
  const town = new Meshwork(40, 8)
  const [one, other] = town.apart(2)
  const [hop] = town.send(one, other.id)!
  town.run()
  const carrier = town.of(hop!)
  const carried = (from: PeerId, packets: number) => {
    const before = carrier.counts.get('routes_carried')!
    for (let i = 0; i < packets; i++) town.hand(carrier, from, routed({ from, to: other.id, path: [hop!, other.id] }))
    return carrier.counts.get('routes_carried')! - before
  }
  expect(carried(one.id, 200)).toBe(59)
  expect(carrier.counts.get('routes_refused')).toBe(141)
  const [, second] = carrier.stand.neighbours().filter((id) => id !== one.id && id !== other.id)
  expect(carried(second!, 30)).toBe(30)
  town.now += 1_000
  expect(carried(one.id, 200)).toBe(20)
  town.now += 60_000
  expect(carried(one.id, 200)).toBe(60)
})

test('what one member carries for all together is bounded too, and comes back with time', () => {
  const town = new Meshwork(40, 8)
  const [one, other] = town.apart(2)
  const [hop] = town.send(one, other.id)!
  town.run()
  const carrier = town.of(hop!)
  const carried = () => {
    const before = carrier.counts.get('routes_carried')!
    // Names cost nothing, so each packet has its own.
    for (const from of idsOf(1_500, 77))
      town.hand(carrier, from, routed({ from, to: other.id, path: [hop!, other.id] }))
    return carrier.counts.get('routes_carried')! - before
  }
  expect(carried()).toBe(599)
  town.now += 1_000
  expect(carried()).toBe(200)
})

// Hostile paths

test('a packet for somebody else, or in our own name, is counted and goes nowhere', () => {
  const town = new Meshwork(40, 9)
  const [one, other] = town.apart(2)
  const [hop] = town.send(one, other.id)!
  town.run()
  town.hops.length = 0
  other.taken.length = 0
  const carrier = town.of(hop!)
  const [stranger] = idsOf(1, 99)
  for (const route of [
    { from: one.id, to: other.id, path: [stranger!, other.id], at: 0 },
    { from: one.id, to: other.id, path: [hop!, other.id], at: 1 },
    { from: carrier.id, to: other.id, path: [hop!, other.id], at: 0 },
  ]) {
    town.hand(carrier, one.id, routed(route))
  }
  expect(carrier.counts.get('routes_foreign')).toBe(3)
  // The path ends here, and what it ends with is not this peer.
  town.hand(carrier, one.id, routed({ from: one.id, to: other.id, path: [hop!], at: 0 }))
  town.run()
  expect(town.hops).toEqual([])
  expect(carrier.taken).toEqual([])
})

test('a path that leads back and forth ends at the hop limit, whoever wrote it', () => {
  const town = new Meshwork(40, 10)
  const one = town.residents[0]!
  const [a, b] = one.stand.neighbours()
  town.hops.length = 0
  const links = [...town.of(a!).stand.paths.overlay('rtc')!.links()]
  const back = links[0]!
  const path = Array.from({ length: hopsMax }, (_, i) => (i % 2 === 0 ? a! : back))
  town.hand(town.of(a!), one.id, routed({ from: one.id, to: b!, path }))
  town.run()
  expect(town.hops.length).toBeLessThan(hopsMax)
  expect(town.residents.flatMap(({ taken }) => taken)).toEqual([])
})

test('whatever a path says, a packet makes no more hops than it has members, and nothing is sent where no link is', () => {
  const town = new Meshwork(30, 11)
  const members = town.residents.map(({ id }) => id)
  const anybody = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...members) }, fc.constantFrom(...idsOf(3, 99)))
  let moved = 0
  fc.assert(
    fc.property(
      anybody,
      anybody,
      fc.array(anybody, { minLength: 1, maxLength: hopsMax }),
      fc.nat(),
      (from, to, path, place) => {
        town.now += 60_000
        town.hops.length = 0
        const at = place % path.length
        const first = town.residents.find(({ id }) => id === path[at]) ?? town.residents[0]!
        town.hand(first, from, routed({ from, to, path, at }))
        town.run()
        moved += town.hops.length
        // There as far as it gets, and a notice back.
        expect(town.hops.length).toBeLessThanOrEqual(2 * hopsMax)
      },
    ),
    { numRuns: 500 },
  )
  expect(moved).toBeGreaterThan(0)
})

test('what is too long with the way around in its wrapping is dropped and counted', () => {
  const town = new Meshwork(60, 6)
  const [one, other] = town.apart(2)
  const path = town.send(one, other.id)!
  town.run()
  const carrier = town.of(path[0]!)
  town.cut(carrier.id, other.id)
  town.hops.length = 0
  const header = { kind: 'route' as const, from: one.id, to: other.id, path: path.map(idPrefix), at: 0 }
  const room = packetBytesMax - packetOf(header).length
  for (const spare of [0, 4 * (hopsMax - path.length)]) {
    const bare = packetOf({ kind: 'signal', seq: 2 ** 32 - 1, data: new Uint8Array(300) }).length - prefixBytes - 300
    const signal = packetOf({ kind: 'signal', seq: 2 ** 32 - 1, data: new Uint8Array(room - spare - bare) })
    const packet = packetOf(header, signal.subarray(prefixBytes))
    expect(packet).toHaveLength(packetBytesMax - spare)
    town.hand(carrier, one.id, packet)
    town.run()
    expect(other.signals).toHaveLength(spare === 0 ? 0 : 1)
    expect(carrier.counts.get('routes_too_long')).toBe(1)
  }
})

/** A bare packet on a path of anybody's making. */
function routed(route: { from: PeerId; to: PeerId; path: readonly PeerId[]; at?: number }): Uint8Array {
  const { from, to, path, at = 0 } = route
  return packetOf({ kind: 'route', from, to, path: path.map(idPrefix), at }, inside)
}

function expectNoLoop(hops: readonly Hop[], from: PeerId): void {
  const visited = [from, ...hops.map(({ to }) => to)]
  expect(new Set(visited).size).toBe(visited.length)
}
