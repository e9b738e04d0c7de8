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
  const before = members.snapshot(0, false)
  expect(Object.isFrozen(before) && before.every(Object.isFrozen)).toBe(true)
  expect(members.snapshot(99, false)).toBe(before)
  two.status = 'suspect'
  members.update(two)
  const after = members.snapshot(99, false)
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
  expect(members.snapshot(0, false)).toEqual([])
  const all = members.snapshot(0, true)
  expect(all).toMatchObject([{ id: ids[0], status: 'left' }])
  expect(members.snapshot(0, true)).toBe(all)
  members.forget(belief.id)
  expect(members.snapshot(0, true)).toEqual([])
  expect(members.digest).toEqual(emptyDigest)
})

test('an address leads to the present member whose record has it, and a restart takes it over', () => {
  const members = new Members()
  const before = resident(ids[0]!, ['udp:10.0.0.1:7'])
  const after = resident(ids[1]!, ['udp:10.0.0.1:7', 'rtc:x'])
  members.update(before)
  expect(members.at('udp:10.0.0.1:7')).toBe(before)
  members.update(after)
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
