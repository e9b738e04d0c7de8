import fc from 'fast-check'
import { expect, test } from 'vitest'
import { leapMax, Numbers, windowSize } from './numbers.ts'

test('each number is new once, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 600 }), (given) => {
      const numbers = new Numbers(given[0] ?? 1)
      const plain = new Set<number>()
      for (const number of given) {
        expect(numbers.has(number)).toBe(plain.has(number))
        numbers.add(number)
        plain.add(number)
      }
    }),
  )
})

test('as the greatest moves on, what is told is what a list of all would tell, and what is too old counts as seen', () => {
  const steps = fc.array(fc.integer({ min: -windowSize - 40, max: windowSize + 200 }), { maxLength: 300 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 2 ** 32 - leapMax }), (given, first) => {
      const numbers = new Numbers(first)
      const plain = new Set<number>()
      let top = first
      for (const step of given) {
        const number = Math.max(0, Math.min(2 ** 32 - 1, top + step))
        expect(numbers.has(number)).toBe(plain.has(number) || number <= top - windowSize)
        numbers.add(number)
        plain.add(number)
        top = Math.max(top, number)
        expect(numbers.has(number)).toBe(true)
      }
    }),
  )
})

test('behind a leap in either direction a new row begins', () => {
  const numbers = new Numbers(10)
  numbers.add(10)
  const far = 10 + leapMax + 1
  expect(numbers.has(far)).toBe(false)
  numbers.add(far)
  expect([numbers.has(far), numbers.has(10)]).toEqual([true, false])
  numbers.add(10)
  expect([numbers.has(far), numbers.has(10), numbers.has(11)]).toEqual([false, true, false])
})

test('a leap that is just near enough moves the window, and what was before it is too old', () => {
  const numbers = new Numbers(10)
  numbers.add(10)
  numbers.add(10 + leapMax)
  expect([numbers.has(10), numbers.has(11)]).toEqual([true, true])
})
