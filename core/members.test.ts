import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { emptyDigest, toggle } from './digest.ts'
import { alphabet, idFromBytes, type PeerId } from './ids.ts'
import type { MemberStatus } from './member.ts'
import { Members } from './members.ts'
import { randomBytes, seededRandom } from './random.ts'
import { type EntryRecord, encodeRumour } from './rumour.ts'

/** Ids that share prefixes of every length, as those of a large room do. */
const random = seededRandom(5)
const ids = Array.from({ length: 24 }, (_, i) => {
  const bytes = randomBytes(random, 16)
  if (i % 3 > 0) bytes.fill(0xaa, 0, (i % 3) * 5)
  return idFromBytes(bytes)
})

const step = fc.record({
  id: fc.constantFrom(...ids),
  status: fc.constantFrom<MemberStatus | 'forget'>('alive', 'alive', 'suspect', 'dead', 'left', 'forget'),
  incarnation: fc.nat(3),
  entry: fc.option(fc.nat(5)),
})

test('the snapshot of those present stays the same array while only those who are gone change', () => {
  const members = new Members()
  const [one, other] = [new Belief(ids[0]!, 0), new Belief(ids[1]!, 0)]
  for (const belief of [one, other]) members.update(belief)
  other.status = 'dead'
  members.update(other)
  const present = members.snapshot(false)
  const all = members.snapshot(true)
  other.status = 'left'
  members.update(other)
  expect(members.snapshot(false)).toBe(present)
  expect(members.snapshot(true)).not.toBe(all)
})

test('order, ranges, digest and counts are those of a plain list of all beliefs', () => {
  const prefixes = ['', ...ids.flatMap((id) => [id.slice(0, 1), id.slice(0, 6), id])]
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(...prefixes),
      fc.constantFrom('', ...ids),
      (steps, prefix, after) => {
        const members = new Members()
        const plain = new Map<PeerId, Belief>()
        for (const one of steps) apply(members, plain, one)
        const present = [...plain.values()].filter((belief) => belief.present).sort((a, b) => (a.id < b.id ? -1 : 1))
        const under = present.filter(({ id }) => id.startsWith(prefix))
        expect(members.presentIds()).toEqual(present.map(({ id }) => id))
        expect([...members.present()]).toEqual(present)
        expect([members.size, members.gone]).toEqual([present.length, plain.size - present.length])
        expect(members.digest).toEqual(digestOf(present))
        expect(members.range(prefix)).toEqual({ hash: digestOf(under), count: under.length })
        expect([...members.idsUnder(prefix, after)]).toEqual(under.map(({ id }) => id).filter((id) => id > after))
        for (const id of ids) {
          const belief = plain.get(id)
          expect(members.shortHash(id)).toBe(belief?.present ? belief.hash().lo : undefined)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('the 64 parts under a prefix add up to the whole', () => {
  const members = new Members()
  for (const id of ids) members.update(new Belief(id, 0))
  const sum = { hi: 0, lo: 0 }
  let count = 0
  for (const character of alphabet) {
    const part = members.range(character)
    toggle(sum, part.hash)
    count += part.count
  }
  expect({ hash: sum, count }).toEqual(members.range(''))
})

test('a snapshot is frozen and the same object until something in it changes', () => {
  const members = new Members()
  const [one, two] = [new Belief(ids[0]!, 0), new Belief(ids[1]!, 0)]
  members.update(one)
  members.update(two)
  const before = members.snapshot(false)
  expect(Object.isFrozen(before) && before.every(Object.isFrozen)).toBe(true)
  expect(members.snapshot(false)).toBe(before)
  two.status = 'suspect'
  members.update(two)
  const after = members.snapshot(false)
  expect(after).not.toBe(before)
  // The member that did not change is the same one, so that nothing that shows it is drawn anew.
  expect(after.find(({ id }) => id === one.id)).toBe(before.find(({ id }) => id === one.id))
  expect(before.find(({ id }) => id === two.id)!.status).toBe('alive')
})

test('those who are gone are seen with `gone` only, until they are forgotten', () => {
  const members = new Members()
  const belief = new Belief(ids[0]!, 0)
  members.update(belief)
  belief.status = 'left'
  members.update(belief)
  expect(members.snapshot(false)).toEqual([])
  const all = members.snapshot(true)
  expect(all).toMatchObject([{ id: ids[0], status: 'left' }])
  expect(members.snapshot(true)).toBe(all)
  members.forget(belief.id)
  expect(members.snapshot(true)).toEqual([])
  expect(members.digest).toEqual(emptyDigest)
})

test('an address leads to the present member whose record has it, and a restart moves in', () => {
  const members = new Members()
  const before = resident(ids[0]!, ['udp:10.0.0.1:7'])
  const after = resident(ids[1]!, ['udp:10.0.0.1:7', 'rtc:x'])
  members.update(before)
  expect(members.at('udp:10.0.0.1:7')).toBe(before)
  members.update(after)
  expect(members.at('udp:10.0.0.1:7')).toBe(before)
  members.moveIn(after)
  expect(members.at('udp:10.0.0.1:7')).toBe(after)
  // News of the one that lived there before do not bring it back.
  members.update(before)
  expect(members.at('udp:10.0.0.1:7')).toBe(after)
  before.status = 'dead'
  members.update(before)
  expect(members.at('udp:10.0.0.1:7')).toBe(after)
  members.forgetEndpoints(after)
  after.record = { ...after.record!, endpoints: ['rtc:x'] }
  members.update(after)
  expect(members.at('udp:10.0.0.1:7')).toBeUndefined()
  expect(members.at('rtc:x')).toBe(after)
  after.status = 'left'
  members.update(after)
  expect(members.at('rtc:x')).toBeUndefined()
})

test('what is held against the member at an address is found even when that member is gone', () => {
  const members = new Members()
  const belief = resident(ids[0]!, ['udp:10.0.0.1:7'])
  members.update(belief)
  expect(members.claimAt('udp:10.0.0.1:7')).toBeUndefined()
  belief.status = 'dead'
  belief.claimBytes = new Uint8Array([1])
  members.update(belief)
  expect(members.claimAt('udp:10.0.0.1:7')).toBe(belief.claimBytes)
  expect(members.claimAt('udp:10.0.0.2:7')).toBeUndefined()
})

test('of several processes that had one address, the claim against the last accused is found', () => {
  const members = new Members()
  const [first, second] = [resident(ids[0]!, ['udp:10.0.0.1:7']), resident(ids[1]!, ['udp:10.0.0.1:7'])]
  for (const [i, belief] of [first, second].entries()) {
    belief.status = 'dead'
    belief.claimBytes = new Uint8Array([i])
    members.update(belief)
  }
  expect(members.claimAt('udp:10.0.0.1:7')).toBe(second.claimBytes)
  members.forget(first.id)
  expect(members.claimAt('udp:10.0.0.1:7')).toBe(second.claimBytes)
  second.status = 'alive'
  second.claimBytes = undefined
  members.update(second)
  expect(members.claimAt('udp:10.0.0.1:7')).toBeUndefined()
})

test('members picked at random are different ones that suit, as many as there are', () => {
  const members = new Members()
  for (const id of ids) members.update(new Belief(id, 0))
  const some = new Set(ids.slice(0, 5))
  for (const [count, suits] of [
    [1, () => true],
    [4, () => true],
    [24, () => true],
    [30, () => true],
    [3, (belief: Belief) => some.has(belief.id)],
    [9, (belief: Belief) => some.has(belief.id)],
    [2, () => false],
  ] as const) {
    const suitable = members.present().filter(suits)
    for (let i = 0; i < 50; i++) {
      const picked = members.pick(count, random, suits)
      expect(picked).toHaveLength(Math.min(count, suitable.length))
      expect(new Set(picked).size).toBe(picked.length)
      expect(picked.every((belief) => suitable.includes(belief))).toBe(true)
    }
  }
})

test('everybody who suits is picked equally often, be they few or many', () => {
  const members = new Members()
  for (const id of ids) members.update(new Belief(id, 0))
  for (const suitable of [ids, ids.slice(0, 3)]) {
    const counts = new Map<PeerId, number>()
    const rounds = 2000
    for (let i = 0; i < rounds; i++) {
      for (const { id } of members.pick(2, random, (belief) => suitable.includes(belief.id))) {
        counts.set(id, (counts.get(id) ?? 0) + 1)
      }
    }
    const expected = (2 * rounds) / suitable.length
    for (const id of suitable) expect(Math.abs(counts.get(id)! - expected)).toBeLessThan(5 * Math.sqrt(expected))
  }
})

test('in a room of 10,000 a few draws are enough to pick four', () => {
  const members = new Members()
  for (let i = 0; i < 10_000; i++) members.update(new Belief(idFromBytes(randomBytes(random, 16)), 0))
  let looks = 0
  members.pick(4, random, ({ id }) => ++looks > 0 && id.charCodeAt(5) % 2 === 1)
  expect(looks).toBeLessThanOrEqual(32)
})

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

function apply(members: Members, plain: Map<PeerId, Belief>, { id, status, incarnation, entry }: Step): void {
  const belief = plain.get(id) ?? new Belief(id, 0)
  if (status === 'forget') {
    if (belief.present || !plain.has(id)) return
    members.forget(id)
    plain.delete(id)
    return
  }
  belief.status = status
  belief.incarnation = incarnation
  if (entry !== null) {
    const record: EntryRecord = { type: 'entry', id, key: 'k', version: entry, volatile: false, value: entry }
    belief.entries.set(record, encodeRumour(record))
  }
  plain.set(id, belief)
  members.update(belief)
}

function digestOf(beliefs: readonly Belief[]) {
  const digest = { hi: 0, lo: 0 }
  for (const belief of beliefs) toggle(digest, belief.hash())
  return digest
}

function resident(id: PeerId, endpoints: string[]): Belief {
  const belief = new Belief(id, 0)
  belief.record = { type: 'alive', id, incarnation: 1, name: '', user: null, mode: 'server', endpoints, floor: 0 }
  return belief
}
