import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Belief } from './belief.ts'
import { type Config, defaultConfig } from './config.ts'
import { idFromBytes, type PeerId } from './ids.ts'
import { type AliveRecord, type EntryRecord, encodeRumour, type Rumour } from './rumour.ts'
import { Self } from './self.ts'
import { incarnationJumpMax, View } from './view.ts'

const self = idOf(1)
const ann = idOf(2)
const bob = idOf(3)
const accuser = idOf(4)

test('a record of an unknown member joins it, and tells it on as it came', () => {
  const { view, told, spread } = world()
  const bytes = hear(view, alive(ann, 1))
  expect(view.members.get(ann)).toMatchObject({ status: 'alive', incarnation: 1, via: 'gossip' })
  expect(told).toEqual(['join ann'])
  expect(spread).toEqual([[ann, bytes]])
})

test('what is heard twice changes nothing and is told on once', () => {
  const { view, told, spread } = world()
  for (let i = 0; i < 3; i++) {
    hear(view, alive(ann, 1))
    hear(view, entry(ann, 'k', 1, 'v'))
    hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser })
  }
  expect(told).toEqual(['join ann', 'update ann', 'suspect ann'])
  expect(spread).toHaveLength(3)
})

test('the bytes of a rumour are borrowed: a packet that is written over changes no belief', () => {
  const { view } = world()
  const rumour = alive(ann, 1)
  const bytes = encodeRumour(rumour)
  view.receive(rumour, bytes, 0)
  bytes.fill(0)
  expect(view.members.get(ann)!.recordBytes).toEqual(encodeRumour(rumour))
})

test('a stranger is not taken in at an incarnation that would leave its owner none to outbid with', () => {
  const { view, counts } = world()
  hear(view, alive(ann, 1 + incarnationJumpMax))
  hear(view, { type: 'left', id: bob, incarnation: 1 + incarnationJumpMax })
  expect(view.members.get(ann)).toBeUndefined()
  expect(view.members.get(bob)).toBeUndefined()
  expect(counts).toEqual(['incarnations_refused'])
  hear(view, alive(ann, 1))
  expect(view.members.get(ann)).toMatchObject({ status: 'alive' })
})

test.each(['suspect', 'dead'] as const)('a %s claim about an unknown member creates nothing', (type) => {
  const { view, told, spread } = world()
  hear(view, { type, id: ann, incarnation: 1, accuser })
  expect(view.members.get(ann)).toBeUndefined()
  expect([told, spread]).toEqual([[], []])
})

test.each(['suspect', 'dead'] as const)('a %s claim ahead of the owner says nothing and is counted', (type) => {
  const { view, counts } = world()
  hear(view, alive(ann, 3))
  hear(view, { type, id: ann, incarnation: 4, accuser }, 1e9)
  expect(view.members.get(ann)).toMatchObject({ status: 'alive', incarnation: 3 })
  expect(counts).toEqual(['accusations_ahead'])
})

test.each(['suspect', 'dead'] as const)('a %s claim the owner has outbid says nothing', (type) => {
  const { view } = world()
  hear(view, alive(ann, 3))
  hear(view, { type, id: ann, incarnation: 2, accuser }, 1e9)
  expect(view.members.get(ann)!.status).toBe('alive')
})

test('an entry of an unknown member creates nothing', () => {
  const { view } = world()
  hear(view, entry(ann, 'k', 1, 'v'))
  expect(view.members.get(ann)).toBeUndefined()
})

test('a record with a greater incarnation refutes a suspicion; the same record again does not', () => {
  const { view, told } = world()
  hear(view, alive(ann, 1))
  hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser })
  hear(view, alive(ann, 1))
  expect(view.members.get(ann)!.status).toBe('suspect')
  hear(view, alive(ann, 2))
  expect(view.members.get(ann)).toMatchObject({ status: 'alive', incarnation: 2, claimBytes: undefined })
  expect(told).toEqual(['join ann', 'suspect ann', 'refute ann'])
})

test('another accuser confirms a suspicion, and is told on under a subject of its own', () => {
  const { view, spread, accusers } = world()
  hear(view, alive(bob, 1), 0)
  hear(view, alive(ann, 1), 0)
  spread.length = 0
  const first = hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser }, 2_000)
  const second = hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser: bob }, 4_000)
  expect(spread).toEqual([
    [ann, first],
    [`${ann}!${bob}`, second],
  ])
  expect(accusers).toEqual([[accuser], [accuser, bob]])
  expect(view.members.get(ann)).toMatchObject({ since: 2_000, claimBytes: first })
})

test.each(['unknown', 'dead', 'left'] as const)('an accuser that is %s confirms nothing', (status) => {
  const { view, accusers, told } = world()
  hear(view, alive(ann, 1))
  if (status === 'dead') bring(view, bob, 'dead')
  if (status === 'left') hear(view, { type: 'left', id: bob, incarnation: 1 })
  hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser }, 10_000)
  accusers.length = told.length = 0
  for (const type of ['suspect', 'dead'] as const) hear(view, { type, id: ann, incarnation: 1, accuser: bob }, 10_001)
  expect(view.members.get(ann)).toMatchObject({ status: 'suspect', accusers: [accuser] })
  expect([accusers, told]).toEqual([[], []])
})

test('confirmations beyond those that shorten a suspicion are neither kept nor told on', () => {
  const { view, spread } = world()
  const voices = Array.from({ length: 20 }, (_, i) => idOf(10 + i))
  for (const id of voices) hear(view, alive(id, 1))
  hear(view, alive(ann, 1))
  spread.length = 0
  for (const id of voices) hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser: id })
  expect(view.members.get(ann)!.accusers).toEqual(voices.slice(0, 4))
  expect(spread).toHaveLength(4)
})

test.each(['refuted', 'a death', 'a farewell'])('what was confirmed is told on no more once it is %s', (end) => {
  const { view, withdrawn } = world()
  hear(view, alive(bob, 1))
  hear(view, alive(ann, 1))
  hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser })
  hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser: bob })
  expect(withdrawn).toEqual([])
  if (end === 'refuted') hear(view, alive(ann, 2))
  else if (end === 'a death') view.declareDead(view.members.get(ann)!, 10_000)
  else hear(view, { type: 'left', id: ann, incarnation: 1 })
  expect(withdrawn).toEqual([`${ann}!${bob}`])
  // Who had suspected one that died is kept, to be explained.
  expect(view.members.get(ann)!.accusers).toEqual(end === 'a death' ? [accuser, bob] : [])
})

test("a voice counts once, this peer's own too, and after a refutation all count anew", () => {
  const { view, accusers } = world()
  hear(view, alive(ann, 1))
  const belief = view.members.get(ann)!
  for (const type of ['suspect', 'dead', 'suspect'] as const) hear(view, { type, id: ann, incarnation: 1, accuser })
  for (const now of [1_000, 2_000]) view.suspect(belief, now)
  hear(view, alive(ann, 2), 3_000)
  view.suspect(belief, 4_000)
  expect(accusers).toEqual([[accuser], [accuser, self], [self]])
  expect(belief.since).toBe(4_000)
})

test('a member that came back from the dead several times is shown as suspect until it has been steady', () => {
  const { view, told } = world()
  bring(view, ann, 'dead')
  for (let incarnation = 2; incarnation <= 4; incarnation++) {
    const now = incarnation * 20_000
    hear(view, alive(ann, incarnation), now)
    view.suspect(view.members.get(ann)!, now + 5_000)
    if (incarnation < 4) view.declareDead(view.members.get(ann)!, now + 10_000)
  }
  const belief = view.members.get(ann)!
  told.length = 0
  // It is suspect to applications already, and stays so: neither change is a suspicion or a refutation to them.
  hear(view, alive(ann, 5), 90_000)
  expect(belief).toMatchObject({ status: 'alive', shown: 'suspect' })
  view.suspect(belief, 100_000)
  hear(view, alive(ann, 6), 101_000)
  expect(new Set(told)).toEqual(new Set(['update ann']))
  expect(view.settled(200_000)).toEqual([])
  expect(view.settled(1_000_000)).toEqual([belief])
  expect(belief.shown).toBe('alive')
  expect(view.settled(1_000_000)).toEqual([])
})

test('whoever another takes the address of is told of, and nobody else', () => {
  const { view, displaced } = world()
  hear(view, { ...alive(ann, 1), endpoints: ['udp:a', 'rtc:a'] })
  hear(view, { ...alive(ann, 2), endpoints: ['udp:a', 'rtc:a'] })
  expect(displaced).toEqual([])
  hear(view, { ...alive(bob, 1), endpoints: ['udp:a', 'rtc:b'] })
  expect(displaced).toEqual([ann])
})

test('nobody dies on one voice: a death told of a member thought alive is one more suspicion', () => {
  const { view, told } = world()
  hear(view, alive(ann, 1), 0)
  hear(view, { type: 'dead', id: ann, incarnation: 1, accuser }, 1e9)
  expect(view.members.get(ann)!.status).toBe('suspect')
  expect(told).toEqual(['join ann', 'suspect ann'])
})

test('a death told by another is believed once half the shortest suspicion is over, and no sooner', () => {
  const half = (defaultConfig.suspicionMinMult * defaultConfig.probePeriodMs) / 2
  for (const [waited, status] of [
    [half - 1, 'suspect'],
    [half, 'dead'],
  ] as const) {
    const { view } = world()
    hear(view, alive(ann, 1), 0)
    hear(view, { type: 'suspect', id: ann, incarnation: 1, accuser }, 1_000)
    hear(view, { type: 'dead', id: ann, incarnation: 1, accuser: bob }, 1_000 + waited)
    expect(view.members.get(ann)!.status).toBe(status)
  }
})

test.each(['alive', 'suspect', 'dead'] as const)('a farewell ends a member that is %s, at once', (before) => {
  const { view, told } = world()
  bring(view, ann, before)
  told.length = 0
  hear(view, { type: 'left', id: ann, incarnation: 1 }, 1e6)
  expect(view.members.get(ann)!.status).toBe('left')
  // Those who had given it up are not told a second time that it is gone, but that what is remembered has changed.
  expect(told).toEqual([before === 'dead' ? 'changed ann' : 'leave ann'])
})

test('nothing said of the same incarnation brings back one that left; a greater one does', () => {
  const { view, told } = world()
  hear(view, alive(ann, 2))
  hear(view, { type: 'left', id: ann, incarnation: 2 })
  for (const rumour of [alive(ann, 2), alive(ann, 1), entry(ann, 'k', 9, 'v')]) hear(view, rumour)
  for (const type of ['suspect', 'dead'] as const) hear(view, { type, id: ann, incarnation: 2, accuser }, 1e9)
  expect(view.members.get(ann)!.status).toBe('left')
  hear(view, alive(ann, 3))
  expect(view.members.get(ann)!.status).toBe('alive')
  expect(view.members.get(ann)!.penalty(0)).toBe(0)
  expect(told).toEqual(['join ann', 'leave ann', 'join ann'])
})

test('a farewell that overtakes the greeting is kept, so that the greeting makes no ghost', () => {
  const { view, told } = world()
  hear(view, { type: 'left', id: ann, incarnation: 4 })
  hear(view, alive(ann, 4))
  expect(view.members.get(ann)!.status).toBe('left')
  expect(told).toEqual(['changed undefined'])
})

test('whoever takes a gone member for alive is corrected, but not more often than every five seconds', () => {
  const { view, spread } = world()
  bring(view, ann, 'dead')
  const claim = view.members.get(ann)!.claimBytes!
  spread.length = 0
  for (const now of [100_000, 100_001, 104_999, 105_000]) hear(view, alive(ann, 1), now)
  expect(spread).toEqual([
    [ann, claim],
    [ann, claim],
  ])
})

test('what others say against this peer it outbids, unless it has done so already', () => {
  const { view, accused, own } = world()
  expect(own.incarnation).toBe(1)
  for (const type of ['suspect', 'dead'] as const) {
    hear(view, { type, id: self, incarnation: 0, accuser })
    hear(view, { type, id: self, incarnation: 2, accuser })
  }
  expect(accused).toEqual([])
  hear(view, { type: 'suspect', id: self, incarnation: 1, accuser })
  hear(view, { type: 'dead', id: self, incarnation: 1, accuser })
  hear(view, { type: 'left', id: self, incarnation: 1 })
  hear(view, { type: 'left', id: self, incarnation: 5 })
  hear(view, { ...alive(self, 6), name: 'impostor' })
  expect(accused).toEqual([1, 1, 1, 5, 6])
  expect(view.members.get(self)!.status).toBe('alive')
})

test("this peer's own words that come back to it are no accusation", () => {
  const { view, accused, own } = world()
  for (const value of ['a', 'b', undefined]) {
    own.change([{ key: 'k', value, volatile: false }], 0)
    hear(view, own.belief.record!)
    hear(view, entry(self, 'k', own.belief.entries.get('k')!.version, value))
  }
  hear(view, entry(self, 'k', 1, 'a'))
  expect(accused).toEqual([])
})

test('a jump to an incarnation that leaves the owner no number to refute with is refused', () => {
  const { view, counts, accused } = world()
  hear(view, alive(ann, 1))
  hear(view, alive(ann, 2 + incarnationJumpMax))
  hear(view, { type: 'left', id: ann, incarnation: 2 + incarnationJumpMax })
  hear(view, alive(self, 2 + incarnationJumpMax))
  hear(view, { type: 'left', id: self, incarnation: 2 + incarnationJumpMax })
  expect(view.members.get(ann)).toMatchObject({ status: 'alive', incarnation: 1 })
  expect(accused).toEqual([])
  expect(counts).toEqual(['incarnations_refused', 'incarnations_refused'])
  hear(view, alive(ann, 1 + incarnationJumpMax))
  expect(view.members.get(ann)!.incarnation).toBe(1 + incarnationJumpMax)
})

test('a room that is full takes in nobody more and counts it', () => {
  const { view, counts } = world({ membersMax: 3 })
  hear(view, alive(ann, 1))
  hear(view, alive(bob, 1))
  expect([...view.members.presentIds()].sort()).toEqual([self, ann, accuser].sort())
  expect(counts).toEqual(['members_refused'])
})

test('tombstones are forgotten when they are old, and the oldest of too many', () => {
  const { view } = world({ tombstoneMs: 1_000, tombstonesMax: 2 })
  const gone = [5, 6, 7].map(idOf)
  gone.forEach((id, i) => {
    hear(view, alive(id, 1), 0)
    hear(view, { type: 'left', id, incarnation: 1 }, i * 100)
  })
  view.sweep(300)
  expect(gone.map((id) => view.members.get(id) !== undefined)).toEqual([false, true, true])
  view.sweep(1_101)
  expect(gone.map((id) => view.members.get(id) !== undefined)).toEqual([false, false, true])
  expect(view.members.get(self)).toBeDefined()
})

test("an entry over a member's limits is refused and counted, and the ones before it stay", () => {
  const { view, counts } = world()
  hear(view, alive(ann, 1))
  hear(view, entry(ann, 'large', 1, 'x'.repeat(1000)))
  for (let i = 0; i < 129; i++) hear(view, entry(ann, `k${i}`, i + 2, i))
  expect(view.members.get(ann)!.entries.size).toBe(128)
  expect(counts).toEqual(['entries_refused', 'entries_refused'])
})

// The order rumours come in does not matter

/** What an owner issues: one record an incarnation, floors that only rise, one entry a version. */
const owner = fc.constantFrom(ann, bob)
const record = fc.oneof(
  fc.tuple(owner, fc.nat(3)).map(([id, n]): Rumour => ({ ...alive(id, n), name: `name ${n}`, floor: n })),
  fc.record({ type: fc.constant('left' as const), id: owner, incarnation: fc.nat(3) }),
  fc.tuple(owner, fc.integer({ min: 1, max: 6 })).map(([id, n]): Rumour => entry(id, n % 2 ? 'j' : 'k', n, n)),
)
const accusation = fc.record({
  type: fc.constantFrom('suspect' as const, 'dead' as const),
  id: owner,
  incarnation: fc.nat(3),
  accuser: fc.constant(accuser),
})
const orders = fc
  .array(fc.oneof(record, accusation), { minLength: 1, maxLength: 12 })
  .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 })))

test('views that have heard the same come to the same, whatever the order', () => {
  fc.assert(
    fc.property(orders, ([all, shuffled]) => {
      const one = world().view
      const two = world().view
      for (const rumour of all) hear(one, rumour)
      for (const rumour of shuffled) hear(two, rumour)
      // What came before the record it hangs on was dropped; gossip and sync bring it again.
      for (let round = 0; round < 2; round++) {
        for (const view of [one, two]) for (const rumour of all) hear(view, rumour)
      }
      expect(factsOf(one)).toEqual(factsOf(two))
      expect(one.members.digest).toEqual(two.members.digest)
    }),
    { numRuns: 1000 },
  )
})

test('where an owner has issued two records or entries under one number, all keep the same one', () => {
  const twins = [
    ...['x', 'y', 'z'].map((name): Rumour => ({ ...alive(ann, 2), name })),
    ...['x', 'y', 'z'].map((value): Rumour => entry(ann, 'k', 7, value)),
  ]
  const kept = fc.shuffledSubarray([...twins, ...twins], { minLength: twins.length * 2 })
  fc.assert(
    fc.property(kept, (shuffled) => {
      const { view } = world()
      for (const rumour of [...shuffled, ...twins]) hear(view, rumour)
      const belief = view.members.get(ann)!
      expect([belief.record!.name, belief.entries.get('k')!.value]).toEqual(['z', 'z'])
    }),
  )
})

test('hearing it all once more changes nothing, is told to nobody and is not told on', () => {
  fc.assert(
    fc.property(orders, ([all, shuffled]) => {
      const { view, told, spread } = world()
      for (const rumour of [...all, ...shuffled, ...all]) hear(view, rumour)
      const before = factsOf(view)
      const correctedSince = spread.length
      told.length = 0
      for (const rumour of shuffled) hear(view, rumour)
      expect(factsOf(view)).toEqual(before)
      expect(told).toEqual([])
      expect(spread).toHaveLength(correctedSince)
    }),
    { numRuns: 500 },
  )
})

test('a belief only ever moves up in the order of claims, and an entry only up in version', () => {
  const rank = { alive: 0, suspect: 1, dead: 2, left: 3 }
  const height = (belief: Belief | undefined) => (belief ? belief.incarnation * 4 + rank[belief.status] : -1)
  fc.assert(
    fc.property(orders, ([, shuffled]) => {
      const { view } = world()
      let now = 0
      for (const rumour of shuffled) {
        now += 1_500
        const before = view.members.get(rumour.id)
        const heightBefore = height(before)
        const versions = new Map(before?.entries.since(0).map(([key, { version }]) => [key, version]))
        hear(view, rumour, now)
        const after = view.members.get(rumour.id)
        expect(height(after)).toBeGreaterThanOrEqual(heightBefore)
        for (const [key, { version }] of after?.entries.since(0) ?? []) {
          expect(version).toBeGreaterThanOrEqual(versions.get(key) ?? 0)
        }
      }
    }),
    { numRuns: 500 },
  )
})

interface World {
  view: View
  own: Self
  /** What applications would hear. */
  told: string[]
  spread: [string, Uint8Array][]
  withdrawn: string[]
  /** Of each suspicion and each confirmation, all who accuse by then. */
  accusers: PeerId[][]
  displaced: PeerId[]
  accused: number[]
  counts: string[]
}

/** A view of this peer and one more, whose word counts. */
function world(config: Partial<Config> = {}): World {
  const told: string[] = []
  const spread: [string, Uint8Array][] = []
  const withdrawn: string[] = []
  const accusers: PeerId[][] = []
  const displaced: PeerId[] = []
  const accused: number[] = []
  const counts: string[] = []
  const view = new View(
    self,
    { ...defaultConfig, ...config },
    {
      spread: (subject, bytes) => spread.push([subject, bytes]),
      withdraw: (subjects) => withdrawn.push(...subjects),
      suspected: (belief) => accusers.push([...belief.accusers]),
      displaced: (belief) => displaced.push(belief.id),
      usualRttMs: 0,
      accused: (incarnation) => accused.push(incarnation),
      impersonated: (version) => accused.push(version),
      notify: (type, belief) => told.push(`${type} ${belief.record?.name}`),
      count: (what) => counts.push(what),
    },
  )
  const options = { id: self, name: 'self', user: null, mode: 'server' as const, endpoints: ['udp:127.0.0.1:1'] }
  const own = new Self(options, view.members, () => {}, 0)
  hear(view, alive(accuser, 1))
  told.length = spread.length = 0
  return { view, own, told, spread, withdrawn, accusers, displaced, accused, counts }
}

function hear(view: View, rumour: Rumour, now = 0): Uint8Array {
  const bytes = encodeRumour(rumour)
  view.receive(rumour, bytes, now)
  return bytes
}

/** Lets a member be known at incarnation 1 with a status. */
function bring(view: View, id: PeerId, status: 'alive' | 'suspect' | 'dead'): void {
  hear(view, alive(id, 1))
  const belief = view.members.get(id)!
  if (status !== 'alive') view.suspect(belief, 10)
  if (status === 'dead') view.declareDead(belief, 10_000)
}

function alive(id: PeerId, incarnation: number): AliveRecord {
  const name = id === ann ? 'ann' : id === bob ? 'bob' : 'other'
  return { type: 'alive', id, incarnation, name, user: null, mode: 'server', endpoints: [], floor: 0 }
}

function entry(id: PeerId, key: string, version: number, value?: string | number): EntryRecord {
  return { type: 'entry', id, key, version, volatile: false, value }
}

/** What views have to agree on: of one that is gone only that, since nobody passes the rest on any more. */
function factsOf(view: View): unknown {
  const facts = [...view.members.all()].map(({ id, status, incarnation, present, recordBytes, entries }) => {
    return { id, status, incarnation, ...(present && { recordBytes, entries: entries.since(0) }) }
  })
  return facts.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function idOf(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
