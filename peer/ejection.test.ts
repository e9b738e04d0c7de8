import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ejections } from './ejection.ts'

const many = 10

test('the third failure in a row ejects, and a success in between begins the count anew', () => {
  const ejections = new Ejections()
  const failing = [false, false, true, false, false]
  expect(failing.map((ok) => ejections.report('a', ok, many, 0))).toEqual([false, false, false, false, false])
  expect(ejections.report('a', false, many, 0)).toBe(true)
  expect(ejections.has('a')).toBe(true)
})

test('it comes back after a second, and one more failure each time doubles that, up to a minute', () => {
  const ejections = new Ejections()
  ejections.report('a', false, many, 0)
  ejections.report('a', false, many, 0)
  const lasted: number[] = []
  let now = 0
  for (let n = 0; n < 9; n++) {
    expect(ejections.report('a', false, many, now)).toBe(true)
    lasted.push(ejections.nextAt - now)
    expect(ejections.release(many, ejections.nextAt - 1)).toEqual([])
    now = ejections.nextAt
    expect(ejections.release(many, now)).toEqual(['a'])
    expect(ejections.nextAt).toBe(Number.POSITIVE_INFINITY)
  }
  expect(lasted).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000))
  ejections.report('a', true, many, now)
  expect([false, false].map((ok) => ejections.report('a', ok, many, now))).toEqual([false, false])
  expect(ejections.report('a', false, many, now)).toBe(true)
  expect(ejections.nextAt - now).toBe(1_000)
})

test('failures of one that is passed over already change nothing, a success brings it back at once', () => {
  const ejections = ejecting('a')
  expect(ejections.report('a', false, many, 500)).toBe(false)
  expect(ejections.nextAt).toBe(1_000)
  expect(ejections.report('a', true, many, 500)).toBe(true)
  expect(ejections.has('a')).toBe(false)
})

test('a service of one or none is never passed over', () => {
  const ejections = new Ejections()
  for (let n = 0; n < 10; n++) expect(ejections.report('a', false, 1, 0)).toBe(false)
  expect(ejections.has('a')).toBe(false)
})

test('whatever is reported, at most half of a service is passed over, be it that instances go', () => {
  const step = fc.record({
    id: fc.nat(9).map(String),
    ok: fc.oneof({ weight: 1, arbitrary: fc.constant(true) }, { weight: 9, arbitrary: fc.constant(false) }),
    waitMs: fc.nat(100),
    gone: fc.nat(60),
  })
  let most = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 80, maxLength: 120 }), (steps) => {
      const ejections = new Ejections()
      const listed = new Set(Array.from({ length: 10 }, (_, i) => `${i}`))
      let now = 0
      for (const { id, ok, waitMs, gone } of steps) {
        now += waitMs
        if (gone === 0 && listed.delete(id)) ejections.forget(id)
        else if (listed.has(id)) ejections.report(id, ok, listed.size, now)
        ejections.release(listed.size, now)
        const out = [...listed].filter((one) => ejections.has(one)).length
        most = Math.max(most, out)
        expect(2 * out).toBeLessThanOrEqual(listed.size)
        expect(ejections.nextAt).toBeGreaterThan(now)
      }
    }),
  )
  expect(most).toBeGreaterThan(2)
})

test('an instance that went is forgotten, and one of its id begins anew', () => {
  const ejections = ejecting('a')
  ejections.forget('a')
  expect(ejections.has('a')).toBe(false)
  expect(ejections.report('a', false, many, 0)).toBe(false)
})

function ejecting(id: string): Ejections {
  const ejections = new Ejections()
  for (let n = 0; n < 3; n++) ejections.report(id, false, many, 0)
  return ejections
}
