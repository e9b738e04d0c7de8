/**
 * What merging promises, for whole views: which facts depend on what was heard alone, and not on when, how often or in
 * which order. Rumours go in as they do in operation, by `View.receive`.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Belief } from './belief.ts'
import { decodeRumour } from './codec.ts'
import { defaultConfig } from './config.ts'
import { toggle } from './digest.ts'
import { idFromBytes, type PeerId } from './ids.ts'
import { supersedes } from './precedence.ts'
import { type Accusation, type AliveRecord, type EntryRecord, encodeRumour, type Rumour } from './rumour.ts'
import { Self } from './self.ts'
import { View, type ViewOwner } from './view.ts'

const self = idOf(1)
const owners = [idOf(2), idOf(3), idOf(4)]
const moment = 1_000

// What owners say

/** All that an honest owner wrote: one record an incarnation, one entry a version, floors that rise, a farewell at most. */
const life = (id: PeerId) =>
  fc
    .tuple(
      fc.array(fc.constantFrom('set', 'set', 'set', 'delete', 'cursor', 'raise', 'compact'), { maxLength: 10 }),
      fc.boolean(),
    )
    .map(([steps, leaves]) => {
      const records: Rumour[] = []
      const held = new Map<string, EntryRecord>()
      let incarnation = 0
      let version = 0
      let floor = 0
      const publish = () => records.push({ ...greeting(id), incarnation: ++incarnation, floor })
      const write = (key: string, value: string | undefined, volatile = false) => {
        const record: EntryRecord = { type: 'entry', id, key, version: ++version, volatile, value }
        held.set(key, record)
        records.push(record)
      }
      publish()
      for (const [i, step] of steps.entries()) {
        if (step === 'set') write(`key ${i % 3}`, `value ${i}`)
        else if (step === 'delete') write(`key ${i % 3}`, undefined)
        else if (step === 'cursor') write('cursor', `at ${i}`, true)
        else if (step === 'raise') publish()
        else {
          floor = version
          const kept = [...held.values()].filter(({ value }) => value !== undefined)
          held.clear()
          for (const { key, value, volatile } of kept) write(key, value as string, volatile)
          publish()
        }
      }
      if (leaves) records.push({ type: 'left', id, incarnation })
      return records
    })

/** Some of what three owners wrote: the rest is lost. */
const heard = fc.tuple(...owners.map(life)).chain((lives) => fc.shuffledSubarray(lives.flat()))

/** Twins: an owner at fault has written different things under one number, and farewells that it outlived. */
const forged: fc.Arbitrary<Rumour> = fc.oneof(
  fc
    .record({
      id: fc.constantFrom(...owners),
      incarnation: fc.nat(4),
      name: fc.constantFrom('x', 'y'),
      floor: fc.nat(4),
    })
    .map((record): Rumour => ({ ...greeting(record.id), ...record })),
  fc.record({ type: fc.constant('left' as const), id: fc.constantFrom(...owners), incarnation: fc.nat(4) }),
  fc.record({
    type: fc.constant('entry' as const),
    id: fc.constantFrom(...owners),
    key: fc.constantFrom('a', 'b'),
    version: fc.nat(6),
    volatile: fc.boolean(),
    value: fc.constantFrom('x', 'y', undefined),
  }),
)

const accusation: fc.Arbitrary<Accusation> = fc.record({
  type: fc.constantFrom('suspect' as const, 'dead' as const),
  id: fc.constantFrom(...owners),
  incarnation: fc.nat(5),
  accuser: fc.constantFrom(...owners, idOf(5), idOf(6)),
})

/** Two deliveries of the same: in any order, each of them at least once, some again and again. */
const deliveries = <T>(all: fc.Arbitrary<readonly T[]>): fc.Arbitrary<[T[], T[]]> =>
  all.chain((items) => fc.tuple(delivery(items), delivery(items)))

function delivery<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc
    .subarray([...items])
    .chain((again) => fc.shuffledSubarray([...items, ...again], { minLength: items.length + again.length }))
}

// Whom it does not matter to in which order they hear it

test('who is here and who left follows from what was heard, in whatever order, from the first hearing on', () => {
  const claims = fc.array(
    forged.filter(({ type }) => type !== 'entry'),
    { maxLength: 10 },
  )
  fc.assert(
    fc.property(deliveries(claims), ([one, other]) => {
      const first = viewOf(one)
      expect(standings(viewOf(other))).toEqual(standings(first))
      for (const belief of others(first)) {
        const said = one.filter((rumour) => rumour.type !== 'entry' && rumour.id === belief.id) as AliveRecord[]
        expect(belief.incarnation).toBe(Math.max(...said.map(({ incarnation }) => incarnation)))
      }
    }),
    { numRuns: 500 },
  )
})

test('of members that are known, records, entries and digest follow from what was heard, in whatever order', () => {
  fc.assert(
    fc.property(deliveries(heard), ([one, other]) => {
      // An entry of somebody unknown is dropped, so the greeting comes first; from then on nothing depends on order.
      const greetings = owners.map(greeting)
      expectSame(viewOf([...greetings, ...one]), viewOf([...greetings, ...other]))
    }),
    { numRuns: 500 },
  )
})

test('even of owners at fault and in any order, a second hearing of it all settles everything', () => {
  const all = fc.tuple(heard, fc.array(forged, { maxLength: 8 })).map(([honest, rest]) => [...honest, ...rest])
  fc.assert(
    fc.property(deliveries(all), ([one, other]) => {
      const settled = viewOf([...one, ...other])
      expectSame(settled, viewOf([...other, ...one]))
      const before = factsOf(settled)
      hearAll(settled, one)
      expect(factsOf(settled)).toEqual(before)
    }),
    { numRuns: 500 },
  )
})

test('what a view tells on is all that matters: who hears only that, in whatever order, comes to the same', () => {
  const both = heard.chain((all) => fc.tuple(delivery(all), fc.infiniteStream(fc.nat())))
  fc.assert(
    fc.property(both, ([all, draws]) => {
      const told: Rumour[] = []
      const one = viewOf([...owners.map(greeting)])
      const listening = viewOf([...owners.map(greeting)], told)
      hearAll(listening, all)
      hearAll(one, shuffled(told, draws))
      expectSame(one, listening)
    }),
    { numRuns: 500 },
  )
})

// Accusations

/*
 * An accusation counts only where its incarnation is the one held, so it may come too early or too late, and a death
 * ripens with time. Two things are left that no order changes: accusations move nothing but the status between alive
 * and suspect at the moment they come, and once the records are in, it only matters which of them have been heard.
 */

test('accusations of one moment kill nobody and change no incarnation, record, entry or digest, whenever they come', () => {
  const all = fc.tuple(present(heard), fc.array(accusation, { maxLength: 12 }))
  fc.assert(
    fc.property(
      all.chain(([records, accusations]) => fc.tuple(fc.constant(records), delivery([...records, ...accusations]))),
      ([records, mixed]) => {
        const greetings = owners.map(greeting)
        const without = viewOf([...greetings, ...records])
        const accused = viewOf([...greetings, ...mixed])
        expect(accused.members.digest).toEqual(without.members.digest)
        const unsuspected = { status: 'unsuspected' }
        expect(factsOf(accused).map((fact) => ({ ...fact, ...unsuspected }))).toEqual(
          factsOf(without).map((fact) => ({ ...fact, ...unsuspected })),
        )
        for (const belief of others(accused)) {
          const named = mixed.some((rumour) => isAgainst(rumour, belief))
          expect(named ? ['alive', 'suspect'] : ['alive']).toContain(belief.status)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('with the records in, whoever is accused at the incarnation held is suspect, and nobody else', () => {
  const all = fc.tuple(present(heard), fc.array(accusation, { maxLength: 12 }))
  fc.assert(
    fc.property(
      all.chain(([records, accusations]) => fc.tuple(fc.constant(records), deliveries(fc.constant(accusations)))),
      ([records, [one, other]]) => {
        const known = [...owners.map(greeting), ...records]
        const first = viewOf([...known, ...one])
        expectSame(first, viewOf([...known, ...other]))
        for (const belief of others(first)) {
          expect(belief.status).toBe(one.some((rumour) => isAgainst(rumour, belief)) ? 'suspect' : 'alive')
        }
      },
    ),
    { numRuns: 500 },
  )
})

// Whatever is heard, whenever

const anything = fc.array(
  fc.record({ rumour: fc.oneof(forged, accusation), waitMs: fc.oneof(fc.constant(0), fc.nat(20_000)) }),
  { maxLength: 40 },
)

/** What chance brings about too rarely: a suspicion that is held for long enough to make a death believed. */
const death = [
  { rumour: greeting(owners[0]!), waitMs: 0 },
  ...(['suspect', 'dead'] as const).map((type) => {
    return {
      rumour: { type, id: owners[0]!, incarnation: greeting(owners[0]!).incarnation, accuser: idOf(5) },
      waitMs: 20_000,
    }
  }),
]

test('no belief ever goes back: neither its incarnation, nor its status within one, nor the version of an entry', () => {
  const reached = new Set<string>()
  fc.assert(
    fc.property(anything, (steps) => {
      const view = viewOf([])
      let now = moment
      for (const { rumour, waitMs } of steps) {
        now += waitMs
        const belief = view.members.get(rumour.id)
        const before = belief && { incarnation: belief.incarnation, status: belief.status }
        const versions = new Map(belief?.entries.since(0).map(([key, { version }]) => [key, version]))
        view.receive(rumour, encodeRumour(rumour), now)
        const after = view.members.get(rumour.id)
        if (after === undefined) continue
        reached.add(after.status)
        expect(before && supersedes(before, after)).not.toBe(true)
        for (const [key, { version }] of after.entries.since(0)) {
          expect(version).toBeGreaterThanOrEqual(versions.get(key) ?? 0)
        }
      }
    }),
    { numRuns: 500, examples: [[death]] },
  )
  // Deaths told by others ripen in the time that passes, or the test would be about less than it says.
  expect([...reached].sort()).toEqual(['alive', 'dead', 'left', 'suspect'])
})

test('the digest is at every moment that of the beliefs held', () => {
  fc.assert(
    fc.property(anything, (steps) => {
      const view = viewOf([])
      let now = moment
      for (const { rumour, waitMs } of steps) {
        now += waitMs
        view.receive(rumour, encodeRumour(rumour), now)
        const digest = { hi: 0, lo: 0 }
        for (const belief of view.members.all()) if (belief.present) toggle(digest, belief.hash())
        expect(view.members.digest).toEqual(digest)
      }
    }),
    { numRuns: 300 },
  )
})

test('whatever others say of a peer, what it holds of itself stays as it said it', () => {
  fc.assert(
    fc.property(anything, (steps) => {
      const view = viewOf([])
      const own = view.members.get(self)!
      const before = [own.status, own.incarnation, own.recordBytes, own.entries.size]
      let now = moment
      for (const { rumour, waitMs } of steps) {
        now += waitMs
        const ofSelf = { ...rumour, id: self }
        view.receive(ofSelf, encodeRumour(ofSelf), now)
        expect([own.status, own.incarnation, own.recordBytes, own.entries.size]).toEqual(before)
      }
    }),
    { numRuns: 300 },
  )
})

/** A view that has heard these at one moment. What it tells on from then goes to `told`. */
function viewOf(rumours: readonly Rumour[], told?: Rumour[]): View {
  const listeners: Partial<ViewOwner> = {
    usualRttMs: 0,
    spread: (_subject, bytes) => {
      if (listening) told?.push(decodeRumour(bytes)!)
    },
  }
  let listening = false
  // Whatever else a view tells its owner is no matter here.
  const owner = new Proxy(listeners, { get: (all, name) => Reflect.get(all, name) ?? (() => {}) }) as ViewOwner
  const view = new View(self, defaultConfig, owner)
  new Self({ id: self, name: 'self', user: null, mode: 'server', endpoints: [] }, view.members, () => {}, 0)
  hearAll(view, rumours)
  listening = true
  return view
}

function hearAll(view: View, rumours: readonly Rumour[]): void {
  for (const rumour of rumours) view.receive(rumour, encodeRumour(rumour), moment)
}

function expectSame(one: View, other: View): void {
  expect(factsOf(other)).toEqual(factsOf(one))
  expect(other.members.digest).toEqual(one.members.digest)
  expect(other.members.presentIds()).toEqual(one.members.presentIds())
  expect(other.members.snapshot(false)).toEqual(one.members.snapshot(false))
}

/** What views have to agree on. Of one that is gone that is its claim: nobody passes the rest on any more. */
function factsOf(view: View) {
  return others(view).map((belief) => {
    const { id, status, incarnation, recordBytes } = belief
    const entries = new Map(belief.entries.since(0).map(([key, { bytes }]) => [key, bytes]))
    return { id, status, incarnation, ...(belief.present && { recordBytes, entries }) }
  })
}

function standings(view: View) {
  return others(view).map(({ id, status, incarnation, present, recordBytes }) => {
    return { id, status, incarnation, ...(present && { recordBytes }) }
  })
}

function others(view: View): Belief[] {
  return [...view.members.all()].filter(({ id }) => id !== self).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Without the farewells: only who is present can be accused. */
function present(records: fc.Arbitrary<Rumour[]>): fc.Arbitrary<Rumour[]> {
  return records.map((all) => all.filter(({ type }) => type !== 'left'))
}

function isAgainst(rumour: Rumour, belief: Belief): boolean {
  const accuses = rumour.type === 'suspect' || rumour.type === 'dead'
  return accuses && rumour.id === belief.id && rumour.incarnation === belief.incarnation
}

function greeting(id: PeerId): AliveRecord {
  return {
    type: 'alive',
    id,
    incarnation: 1,
    name: 'n',
    user: null,
    mode: 'server',
    endpoints: [`udp:${id}`],
    floor: 0,
  }
}

function shuffled<T>(items: readonly T[], draws: fc.Stream<number>): T[] {
  const keyed = items.map((item) => ({ item, key: draws.next().value ?? 0 }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}

function idOf(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
