import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MemberStatus } from './member.ts'
import { bytesSupersede, type Claim, supersedes } from './precedence.ts'

const statuses: readonly MemberStatus[] = ['alive', 'suspect', 'dead', 'left']
const claim: fc.Arbitrary<Claim> = fc.record({ incarnation: fc.nat(4), status: fc.constantFrom(...statuses) })
const claims = fc.array(claim, { minLength: 1, maxLength: 8 })

const merged = (belief: Claim, next: Claim) => (supersedes(next, belief) ? next : belief)
const same = (a: Claim, b: Claim) => a.incarnation === b.incarnation && a.status === b.status

test('alive(n) < suspect(n) < dead(n) < left(n) < alive(n + 1)', () => {
  const ascending = [0, 1, 2].flatMap((incarnation) => statuses.map((status) => ({ incarnation, status })))
  ascending.forEach((low, i) => {
    ascending.forEach((high, j) => {
      expect(supersedes(high, low)).toBe(j > i)
    })
  })
})

test('of two claims that differ exactly one supersedes the other', () => {
  fc.assert(
    fc.property(claim, claim, (a, b) => {
      expect(Number(supersedes(a, b)) + Number(supersedes(b, a))).toBe(same(a, b) ? 0 : 1)
    }),
  )
})

test('merging is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(claim, claim, claim, (a, b, c) => {
      expect(merged(a, b)).toEqual(merged(b, a))
      expect(merged(merged(a, b), c)).toEqual(merged(a, merged(b, c)))
      expect(merged(a, a)).toEqual(a)
    }),
  )
})

test('claims in any order and any number of times give the same belief', () => {
  const orders = claims.chain((all) => fc.tuple(fc.constant(all), reordered(all)))
  fc.assert(
    fc.property(orders, ([all, again]) => {
      expect(again.reduce(merged)).toEqual(all.reduce(merged))
    }),
  )
})

test('of two records with one number the greater bytes win, whoever compares', () => {
  const bytes = fc.uint8Array({ maxLength: 4, max: 3 })
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(bytesSupersede(a, b)).toBe(Buffer.compare(a, b) > 0)
    }),
    { numRuns: 1000 },
  )
})

/** Every item at least once, in any order, some again. */
function reordered<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  const indices = items.map((_, i) => i)
  return fc
    .tuple(fc.array(fc.constantFrom(...indices), { maxLength: 6 }), fc.nat())
    .chain(([extra]) => fc.shuffledSubarray([...indices, ...extra], { minLength: indices.length + extra.length }))
    .map((order) => order.map((i) => items[i]!))
}
