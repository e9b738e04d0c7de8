import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RoundTrip } from './rtt.ts'

test('before anything was measured, nothing is claimed', () => {
  const roundTrip = new RoundTrip()
  expect([roundTrip.smoothedMs, roundTrip.timeoutMs]).toEqual([undefined, undefined])
})

// RFC 6298: section 2.2 for the first measurement R, 2.3 for each further one with alpha 1/8, beta 1/4 and K = 4, the
// variation first. By hand:
//
//     R = 100   SRTT = 100                           RTTVAR = 50                              SRTT + 4 RTTVAR = 300
//     R = 180   RTTVAR = 3/4 x 50 + 1/4 x 80 = 57.5  SRTT = 7/8 x 100 + 1/8 x 180 = 110       340
//     R = 30    RTTVAR = 43.125 + 20 = 63.125        SRTT = 96.25 + 3.75 = 100                352.5
test('round trips are smoothed as RFC 6298 says, worked out by hand', () => {
  const roundTrip = new RoundTrip()
  const found = [100, 180, 30].map((ms) => {
    roundTrip.take(ms)
    return [roundTrip.smoothedMs, roundTrip.timeoutMs]
  })
  expect(found).toEqual([
    [100, 300],
    [110, 340],
    [100, 352.5],
  ])
})

const trips = fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 50 })

test('the smoothed round trip lies among those measured, and the time allowed is never less', () => {
  fc.assert(
    fc.property(trips, (measured) => {
      const roundTrip = new RoundTrip()
      for (const ms of measured) roundTrip.take(ms)
      const smoothedMs = roundTrip.smoothedMs!
      expect(smoothedMs).toBeGreaterThanOrEqual(Math.min(...measured) - 1e-6)
      expect(smoothedMs).toBeLessThanOrEqual(Math.max(...measured) + 1e-6)
      expect(roundTrip.timeoutMs).toBeGreaterThanOrEqual(smoothedMs)
    }),
  )
})

test('a way whose length has changed is known anew after some dozens of round trips, with little to spare', () => {
  fc.assert(
    fc.property(trips, fc.integer({ min: 1, max: 5_000 }), (before, after) => {
      const roundTrip = new RoundTrip()
      for (const ms of before) roundTrip.take(ms)
      for (let i = 0; i < 150; i++) roundTrip.take(after)
      expect(Math.abs(roundTrip.smoothedMs! - after)).toBeLessThan(1)
      expect(roundTrip.timeoutMs).toBeLessThan(after + 2)
    }),
  )
})
