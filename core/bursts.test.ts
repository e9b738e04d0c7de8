import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bursts } from './bursts.ts'

const config = { coalesceMs: 10, gossipIntervalMs: 40 }

test('the first rumour waits a moment for company, and the company asks for no moment of its own', () => {
  const bursts = new Bursts(config)
  expect(bursts.ask(1_000)).toBe(1_010)
  expect(bursts.ask(1_004)).toBeUndefined()
  expect(bursts.ask(1_009)).toBeUndefined()
})

test('while rumours wait, one burst follows the other at the interval', () => {
  const bursts = new Bursts(config)
  let at = bursts.ask(0)!
  const sent: number[] = []
  for (let i = 0; i < 4; i++) {
    expect(bursts.begin(at, at)).toBe(true)
    sent.push(at)
    at = bursts.ask(at)!
  }
  expect(sent).toEqual([10, 50, 90, 130])
})

test('a rumour that comes up long after the last burst waits a moment only', () => {
  const bursts = new Bursts(config)
  bursts.begin(bursts.ask(0)!, 10)
  expect(bursts.ask(500)).toBe(510)
})

test('a moment that is no longer valid begins nothing, and none begins twice', () => {
  const bursts = new Bursts(config)
  const at = bursts.ask(0)!
  expect(bursts.begin(at - 1, at)).toBe(false)
  expect(bursts.begin(at, at)).toBe(true)
  expect(bursts.begin(at, at)).toBe(false)
})

test('a burst that begins late puts the next one off', () => {
  const bursts = new Bursts(config)
  expect(bursts.begin(bursts.ask(0)!, 300)).toBe(true)
  expect(bursts.ask(301)).toBe(340)
})

test('whenever rumours come up, none waits longer than the interval or the moment, and bursts keep their distance', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { minLength: 1, maxLength: 50 }), (pauses) => {
      const bursts = new Bursts(config)
      let [now, due, last] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (const pause of pauses) {
        now += pause
        if (due <= now) {
          expect(due - last).toBeGreaterThanOrEqual(config.gossipIntervalMs)
          expect(bursts.begin(due, due)).toBe(true)
          last = due
          due = Number.POSITIVE_INFINITY
        }
        due = Math.min(due, bursts.ask(now) ?? due)
        expect(due - now).toBeLessThanOrEqual(config.gossipIntervalMs)
      }
    }),
  )
})
