import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Digest, emptyDigest, hashFact, hashPair, hashText, roomTag, sameDigest, toggle } from './digest.ts'

const facts = fc.array(fc.tuple(fc.string(), fc.nat()), { maxLength: 20 })

test('a digest does not depend on the order of its facts', () => {
  const orders = facts.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })))
  fc.assert(
    fc.property(orders, ([one, two]) => {
      expect(sameDigest(digestOf(one), digestOf(two))).toBe(true)
    }),
  )
})

test('a fact that is taken out again leaves the digest as it was', () => {
  fc.assert(
    fc.property(facts, fc.string(), fc.nat(), (all, text, number) => {
      const digest = digestOf(all)
      toggle(digest, hashFact(hashText(text), number))
      expect(sameDigest(digest, digestOf([...all, [text, number]]))).toBe(true)
      toggle(digest, hashFact(hashText(text), number))
      expect(digest).toEqual(digestOf(all))
    }),
  )
})

test('digests are two unsigned 32-bit halves', () => {
  const isHalf = (half: number) => Number.isInteger(half) && half >= 0 && half <= 0xffffffff
  fc.assert(
    fc.property(facts, ({ length }) => {
      const { hi, lo } = digestOf(Array.from({ length }, (_, i) => [`k${i}`, i * 0x7fffffff] as [string, number]))
      expect(isHalf(hi) && isHalf(lo)).toBe(true)
    }),
  )
  expect(digestOf([])).toEqual(emptyDigest)
})

test('ten thousand members at ten incarnations each have different facts', () => {
  const seen = new Set<string>()
  for (let member = 0; member < 10_000; member++) {
    const base = hashText(`member ${member}`)
    for (let incarnation = 0; incarnation < 10; incarnation++) {
      const { hi, lo } = hashFact(base, incarnation)
      seen.add(`${hi}/${lo}`)
    }
  }
  expect(seen.size).toBe(100_000)
})

test('which member holds which key makes a difference', () => {
  const pair = (a: string, b: string) => hashPair(hashText(a), hashText(b))
  expect(pair('ann', 'bob')).not.toEqual(pair('bob', 'ann'))
  expect(pair('a', 'bc')).not.toEqual(pair('ab', 'c'))
})

test('hashes are part of the wire format: these values may not change without a new protocol version', () => {
  expect(roomTag('lobby')).toBe(366_146_447)
  expect(hashText('AAAAAAAAAAAAAAAAAAAAAA')).toEqual({ hi: 4_274_292_752, lo: 3_343_494_719 })
  expect(hashFact({ hi: 1, lo: 2 }, 3)).toEqual({ hi: 2_580_148_101, lo: 3_516_428_074 })
  expect(hashPair({ hi: 1, lo: 2 }, { hi: 3, lo: 4 })).toEqual({ hi: 1_672_936_759, lo: 1_006_736_619 })
})

function digestOf(all: readonly [string, number][]): Digest {
  const digest = { hi: 0, lo: 0 }
  for (const [text, number] of all) toggle(digest, hashFact(hashText(text), number))
  return digest
}
