import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Overlay } from './overlay.ts'
import { seededRandom } from './random.ts'

const config = { dialsMax: 2, redialMinMs: 1_000, redialMaxMs: 8_000 }
const self = 'm'
const all = new Set(['a', 'f', 'n', 'q', 's', 'z'])

test('of two peers the smaller id dials, and no more are dialled at once than allowed', () => {
  const overlay = new Overlay(self, config, seededRandom(1))
  expect(overlay.plan(all, 0)).toEqual({ dial: ['n', 'q'], hangUp: [] })
  expect(overlay.plan(all, 0)).toEqual({ dial: [], hangUp: [] })
  overlay.linkUp('n')
  expect(overlay.plan(all, 0)).toEqual({ dial: ['s'], hangUp: [] })
  expect([...overlay.links]).toEqual(['n'])
})

test('a link that others opened needs no dialling', () => {
  const overlay = new Overlay(self, config, seededRandom(1))
  for (const peer of ['a', 'n', 'q']) overlay.linkUp(peer)
  expect(overlay.plan(all, 0).dial).toEqual(['s', 'z'])
})

test('a link to somebody no longer wanted is closed, and a dial to one given up', () => {
  const overlay = new Overlay(self, config, seededRandom(1))
  overlay.linkUp('a')
  overlay.plan(all, 0)
  expect(overlay.plan(new Set(['q']), 0)).toEqual({ dial: [], hangUp: ['a', 'n'] })
  overlay.linkDown('a', 0)
  expect(overlay.plan(new Set(['q']), 1e9)).toEqual({ dial: [], hangUp: [] })
})

test('a failed dial is repeated with pauses that double up to the longest, each shortened by up to a half', () => {
  const overlay = new Overlay(self, config, seededRandom(2))
  const wanted = new Set(['n'])
  let now = 0
  for (const most of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    expect(overlay.plan(wanted, now).dial).toEqual(['n'])
    overlay.linkDown('n', now)
    expect(overlay.plan(wanted, now + most / 2 - 1).dial).toEqual([])
    now += most
  }
  expect(overlay.plan(wanted, now).dial).toEqual(['n'])
})

test('a link that came up starts the pauses from the shortest again', () => {
  const overlay = new Overlay(self, config, seededRandom(3))
  const wanted = new Set(['n'])
  for (let i = 0; i < 5; i++) {
    overlay.plan(wanted, i * 10_000)
    overlay.linkDown('n', i * 10_000)
  }
  overlay.plan(wanted, 100_000)
  overlay.linkUp('n')
  overlay.linkDown('n', 200_000)
  expect(overlay.plan(wanted, 201_000).dial).toEqual(['n'])
})

test('whatever happens, nobody is dialled twice at once, too early, out of turn or without being wanted', () => {
  const peer = fc.constantFrom(...all)
  const event = fc.oneof(
    fc.record({ what: fc.constantFrom('up' as const, 'down' as const), peer }),
    fc.record({ what: fc.constant('plan' as const), wanted: fc.subarray([...all]) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.nat(), (events, seed) => {
      const overlay = new Overlay(self, config, seededRandom(seed))
      const links = new Set<string>()
      const dialling = new Set<string>()
      const downAt = new Map<string, number>()
      events.forEach((one, i) => {
        const now = i * 400
        if (one.what === 'plan') {
          const { dial, hangUp } = overlay.plan(new Set(one.wanted), now)
          expect(hangUp.sort()).toEqual([...links, ...dialling].filter((id) => !one.wanted.includes(id)).sort())
          for (const id of [...dialling]) if (!one.wanted.includes(id)) dialling.delete(id)
          for (const id of [...downAt.keys()]) if (!one.wanted.includes(id)) downAt.delete(id)
          for (const id of dial) {
            expect(one.wanted.includes(id) && id > self && !links.has(id) && !dialling.has(id)).toBe(true)
            expect(now - (downAt.get(id) ?? -config.redialMinMs)).toBeGreaterThanOrEqual(config.redialMinMs / 2)
            dialling.add(id)
          }
          expect(dialling.size).toBeLessThanOrEqual(config.dialsMax)
        } else if (one.what === 'up') {
          overlay.linkUp(one.peer)
          links.add(one.peer)
          dialling.delete(one.peer)
        } else {
          overlay.linkDown(one.peer, now)
          links.delete(one.peer)
          dialling.delete(one.peer)
          downAt.set(one.peer, now)
        }
        expect([...overlay.links].sort()).toEqual([...links].sort())
      })
    }),
    { numRuns: 500 },
  )
})
