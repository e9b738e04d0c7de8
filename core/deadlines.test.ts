import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines } from './deadlines.ts'

test('deadlines fall due as in a sorted list: by time, and at one moment in the order they were added', () => {
  const step = fc.oneof(fc.record({ at: fc.nat(20) }), fc.record({ now: fc.nat(20) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const heap = new Deadlines<number>()
      let sorted: { at: number; order: number }[] = []
      let order = 0
      for (const one of steps) {
        if ('at' in one) {
          heap.add(one.at, order)
          sorted.push({ at: one.at, order: order++ })
          // Stable: those with one time keep the order they were added in.
          sorted.sort((a, b) => a.at - b.at)
        } else {
          const due = sorted[0] && sorted[0].at <= one.now ? sorted[0] : undefined
          if (due) sorted = sorted.slice(1)
          expect(heap.take(one.now)).toBe(due?.order)
        }
        expect(heap.next).toBe(sorted[0]?.at ?? Number.POSITIVE_INFINITY)
        expect(heap.size).toBe(sorted.length)
      }
    }),
    { numRuns: 500 },
  )
})

test('nothing is due before its time, and nothing at all without deadlines', () => {
  const heap = new Deadlines<string>()
  expect(heap.take(Number.MAX_VALUE)).toBeUndefined()
  heap.add(10, 'ten')
  expect(heap.take(9.999)).toBeUndefined()
  expect(heap.take(10)).toBe('ten')
  expect(heap.next).toBe(Number.POSITIVE_INFINITY)
})
