import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { idFromBytes, type PeerId } from './ids.ts'
import { randomBytes, seededRandom, shuffle } from './random.ts'
import { neighboursOf } from './rings.plain.ts'
import { meshMax, Rings, ringsCount } from './rings.ts'

const crowds = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat()).map(([size, seed]) => crowdOf(size, seed))

test('kept up through any comings and goings, the rings are what a look at everybody would show', () => {
  const step = fc.record({ what: fc.constantFrom('come' as const, 'go' as const), which: fc.nat(59) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.nat(59), fc.nat(), (steps, early, seed) => {
      const people = crowdOf(60, seed)
      const rings = new Rings()
      const crowd = new Set(people.slice(0, early))
      for (const member of crowd) rings.add(member)
      for (const { what, which } of steps) {
        // Who is there already comes again, and who is gone goes once more: neither changes anything.
        const member = people[which]!
        if (what === 'come') rings.add(member)
        else rings.remove(member)
        if (what === 'come') crowd.add(member)
        else crowd.delete(member)
        expect(rings.size).toBe(crowd.size)
        const inOrder = people.filter((one) => crowd.has(one))
        if (crowd.size === 0) continue
        for (const one of [member, inOrder[0]!, people[(which + 7) % 60]!]) {
          const [kept, plain] = [rings.of(one), neighboursOf(one, inOrder)]
          expect(kept).toEqual(plain)
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('members on one place of a ring stand in the order of their ids, and each leaves its own place', () => {
  // With places from so few, every ring has many on one place.
  const placed = (id: PeerId, i: number) =>
    Object.defineProperty(new Belief(id, 0), 'places', { value: Array(4).fill(i % 3) })
  const people = crowdOf(40, 5).map(({ id }, i) => placed(id, i))
  const rings = new Rings()
  for (const member of shuffle([...people], seededRandom(2))) rings.add(member)
  for (const gone of [3, 30, 17]) {
    rings.remove(people[gone]!)
    people.splice(gone, 1)
    for (const member of people) expect(rings.of(member)).toEqual(neighboursOf(member, people))
  }
})

test('whoever is a neighbour of another has it for a neighbour', () => {
  fc.assert(
    fc.property(crowds, (crowd) => {
      const all = neighbourhood(crowd)
      for (const [id, neighbours] of all) for (const other of neighbours) expect(all.get(other)).toContain(id)
    }),
    { numRuns: 40 },
  )
})

test('nobody is its own neighbour, and in a room of one nobody has any', () => {
  fc.assert(
    fc.property(crowds, (crowd) => {
      for (const [id, neighbours] of neighbourhood(crowd)) expect(neighbours).not.toContain(id)
    }),
    { numRuns: 20 },
  )
  const [only] = crowdOf(1, 1)
  expect(neighboursOf(only!, [only!])).toEqual({ successors: [], all: new Set() })
})

test('everybody with the same view computes the same neighbours, whoever is looking and whatever it knows besides', () => {
  fc.assert(
    fc.property(crowds, (crowd) => {
      // Another peer's beliefs of the same members are other objects, met at other times.
      const theirs = crowd.map(({ id }) => new Belief(id, 77))
      crowd.forEach((member, i) => {
        expect(neighboursOf(theirs[i]!, theirs)).toEqual(neighboursOf(member, crowd))
      })
    }),
    { numRuns: 40 },
  )
})

test('it makes no difference whether the member asked about is among the crowd or only about to be', () => {
  fc.assert(
    fc.property(crowds, (crowd) => {
      const [member, ...others] = shuffle([...crowd], seededRandom(crowd.length))
      const inOrder = others.sort((a, b) => (a.id < b.id ? -1 : 1))
      expect(neighboursOf(member!, inOrder)).toEqual(neighboursOf(member!, crowd))
    }),
    { numRuns: 40 },
  )
})

test('up to 12 members everybody is a neighbour of everybody', () => {
  for (let size = 2; size <= meshMax; size++) {
    for (const [, neighbours] of neighbourhood(crowdOf(size, size))) expect(neighbours.size).toBe(size - 1)
  }
})

test('in larger rooms nobody has more than eight neighbours, and on each ring exactly one member ahead', () => {
  for (const size of [13, 50, 500]) {
    const crowd = crowdOf(size, size)
    for (const [, neighbours] of neighbourhood(crowd)) {
      expect(neighbours.size).toBeLessThanOrEqual(2 * ringsCount)
      expect(neighbours.size).toBeGreaterThanOrEqual(2)
    }
    for (let step = 0; step < ringsCount; step++) expectPermutation(crowd, step)
  }
})

test('in small rooms too, at each step of the circuits each member is the turn of exactly one other', () => {
  for (let size = 2; size <= meshMax; size++) {
    const crowd = crowdOf(size, 3 * size)
    for (let step = 0; step < size - 1; step++) expectPermutation(crowd, step)
  }
})

test('each ring is one circle through everybody', () => {
  const crowd = crowdOf(100, 4)
  const byId = new Map(crowd.map((member) => [member.id, member]))
  for (let ring = 0; ring < ringsCount; ring++) {
    const passed = new Set<PeerId>()
    let at = crowd[0]!
    while (!passed.has(at.id)) {
      passed.add(at.id)
      at = byId.get(neighboursOf(at, crowd).successors[ring]!)!
    }
    expect(passed.size).toBe(100)
  }
})

test('one that comes or goes changes the neighbours of at most eight others', () => {
  const crowd = crowdOf(200, 5)
  const before = neighbourhood(crowd)
  for (const gone of crowd.slice(0, 20)) {
    const after = neighbourhood(crowd.filter((member) => member !== gone))
    const changed = [...after].filter(([id, neighbours]) => {
      const old = before.get(id)!
      return neighbours.size !== old.size || [...neighbours].some((other) => !old.has(other))
    })
    expect(changed.length).toBeLessThanOrEqual(2 * ringsCount)
    expect(changed.length).toBeGreaterThan(0)
  }
})

test('of 500 members with 40 % of them gone, those that are left hang together still (an expander, Rapid section 4.1)', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const graph = neighbourhood(crowdOf(500, seed))
    const kept = new Set(shuffle([...graph.keys()], seededRandom(seed)).slice(200))
    const reached = walk(graph, kept)
    // Now and then one loses all of its eight; nobody else is cut off.
    const alone = [...kept].filter((id) => ![...graph.get(id)!].some((other) => kept.has(other)))
    expect(reached.size).toBe(kept.size - alone.length)
    expect(alone.length).toBeLessThanOrEqual(3)
  }
})

test('in a room of 500 nobody is more than five links from anybody', () => {
  const graph = neighbourhood(crowdOf(500, 9))
  for (const from of [...graph.keys()].slice(0, 25)) {
    let reached = new Set([from])
    for (let links = 0; links < 5; links++) reached = new Set([...reached].flatMap((id) => [id, ...graph.get(id)!]))
    expect(reached.size).toBe(500)
  }
})

function expectPermutation(crowd: readonly Belief[], step: number): void {
  const turns = crowd.map((member) => neighboursOf(member, crowd).successors[step]!)
  expect(turns.sort()).toEqual(crowd.map(({ id }) => id))
}

function neighbourhood(crowd: readonly Belief[]): Map<PeerId, ReadonlySet<PeerId>> {
  return new Map(crowd.map((member) => [member.id, neighboursOf(member, crowd).all]))
}

/** Who of those kept is reached from the first of them that has a neighbour left. */
function walk(graph: ReadonlyMap<PeerId, ReadonlySet<PeerId>>, kept: ReadonlySet<PeerId>): Set<PeerId> {
  const neighboursLeft = (id: PeerId) => [...graph.get(id)!].filter((other) => kept.has(other))
  const queue = [[...kept].find((id) => neighboursLeft(id).length > 0)!]
  const reached = new Set(queue)
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const other of neighboursLeft(id)) {
      if (!reached.has(other)) queue.push(other)
      reached.add(other)
    }
  }
  return reached
}

/** In the order of ids, as a view has it. */
function crowdOf(size: number, seed: number): Belief[] {
  const random = seededRandom(seed)
  const ids = Array.from({ length: size }, () => idFromBytes(randomBytes(random, 16)))
  return ids.sort().map((id) => new Belief(id, 0))
}

test('members that stand on one place of a ring are neighbours in the order of their ids, the same for all', () => {
  for (const places of [1, 2, 3, 10]) {
    const random = seededRandom(places)
    const ids = Array.from({ length: 40 }, () => idFromBytes(randomBytes(random, 16))).sort()
    const crowd = ids.map((id) => new Belief(id, 0))
    for (const [i, member] of crowd.entries()) {
      Object.defineProperty(member, 'places', { value: [1, 2, 3, 4].map((step) => (i * step) % places) })
    }
    const all = new Map(crowd.map((member) => [member.id, neighboursOf(member, crowd)]))
    for (const [id, neighbours] of all) for (const other of neighbours.all) expect(all.get(other)!.all).toContain(id)
    for (let ring = 0; ring < 4; ring++) {
      expect([...all.values()].map(({ successors }) => successors[ring]!).sort()).toEqual(ids)
    }
  }
})
