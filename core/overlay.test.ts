import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Config, defaultConfig } from './config.ts'
import { idPrefix, isPeerId, type PeerId } from './ids.ts'
import { Overlay } from './overlay.ts'
import { seededRandom } from './random.ts'

const config: Config = { ...defaultConfig, dialsMax: 2, redialMinMs: 1_000, redialMaxMs: 8_000 }
const self = idOf('m')
const [a, f, n, q, s, z] = ['a', 'f', 'n', 'q', 's', 'z'].map(idOf) as [string, string, string, string, string, string]
const all = new Set([a, f, n, q, s, z])

// Who dials

test('of two peers the smaller id dials, and no more are dialled at once than allowed', () => {
  const overlay = overlayOf()
  overlay.linkUp(z)
  expect(overlay.plan(all, 0)).toEqual({ dial: [n, q], hangUp: [] })
  expect(overlay.plan(all, 0)).toEqual({ dial: [], hangUp: [] })
  overlay.linkUp(n)
  expect(overlay.plan(all, 0)).toEqual({ dial: [s], hangUp: [] })
  expect([...overlay.links()]).toEqual([z, n])
  expect([overlay.size, overlay.has(n), overlay.has(q)]).toEqual([2, true, false])
})

test('the larger id waits once to twice its time to be dialled, and then asks', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const overlay = overlayOf({}, seed)
    const wanted = new Set([a])
    let asked: number | undefined
    for (let now = 0; now <= 2_000 && asked === undefined; now += 10) {
      if (overlay.plan(wanted, now).dial.length > 0) asked = now
    }
    expect(asked).toBeGreaterThanOrEqual(config.askAfterMs)
    expect(overlay.plan(wanted, 10_000)).toEqual({ dial: [], hangUp: [] })
  }
})

test('who has no link, and whose dials fail, waits for nobody to dial', () => {
  const overlay = overlayOf({ dialsMax: 100 })
  overlay.plan(new Set([n]), 0)
  overlay.linkDown(n, 0)
  expect(overlay.plan(new Set([a, n]), 0).dial).toEqual([a])
  const linked = overlayOf({ dialsMax: 100 })
  linked.linkUp(z)
  linked.plan(new Set([n]), 0)
  linked.linkDown(n, 0)
  expect(linked.plan(new Set([a, n]), 0).dial).toEqual([])
})

test('a link that others opened needs no dialling and no asking', () => {
  const overlay = overlayOf()
  overlay.plan(new Set([a]), 0)
  for (const peer of [a, n, q]) overlay.linkUp(peer)
  expect(overlay.plan(new Set([a, n, q]), 10_000).dial).toEqual([])
  expect(overlay.plan(new Set([a, n, q, s, z]), 10_000).dial).toEqual([s, z])
})

// How often

test('a failed dial is repeated with pauses that double up to the longest, each shortened by up to a half', () => {
  const overlay = overlayOf({}, 2)
  const wanted = new Set([n])
  let now = 0
  for (const most of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    expect(overlay.plan(wanted, now).dial).toEqual([n])
    overlay.linkDown(n, now)
    expect(overlay.plan(wanted, now + most / 2 - 1).dial).toEqual([])
    now += most
  }
  expect(overlay.plan(wanted, now).dial).toEqual([n])
})

test('a link that came up starts the pauses from the shortest again', () => {
  const overlay = overlayOf({}, 3)
  const wanted = new Set([n])
  for (let i = 0; i < 5; i++) {
    overlay.plan(wanted, i * 10_000)
    overlay.linkDown(n, i * 10_000)
  }
  overlay.plan(wanted, 100_000)
  overlay.linkUp(n)
  overlay.linkDown(n, 200_000)
  expect(overlay.plan(wanted, 201_000).dial).toEqual([n])
})

test('over the first link the others are tried at once, whatever failed before and whoever should have dialled', () => {
  const overlay = overlayOf({ dialsMax: 100 })
  const wanted = new Set([a, n, q])
  for (const now of [0, 1_000]) {
    expect(overlay.plan(wanted, now).dial).toEqual([n, q])
    for (const peer of [n, q]) overlay.linkDown(peer, now)
  }
  expect(overlay.plan(wanted, 1_000).dial).toEqual([])
  overlay.linkUp(n)
  expect(overlay.plan(wanted, 1_000).dial).toEqual([a, q])
  // A second link changes nothing more.
  overlay.linkDown(q, 1_000)
  overlay.linkUp(a)
  expect(overlay.plan(wanted, 1_000).dial).toEqual([])
})

test('a bucket of tokens bounds the dials to all: a burst after a pause, then so many a second', () => {
  const overlay = overlayOf({ dialsMax: 1_000, dialBurst: 5, dialsPerSecond: 2, redialMinMs: 0, redialMaxMs: 0 })
  const wanted = new Set(Array.from({ length: 60 }, (_, i) => idOf(`n${i}`)))
  const dialled = [0, 0, 499, 500, 1_500, 60_000].map((now) => overlay.plan(wanted, now).dial.length)
  expect(dialled).toEqual([5, 0, 0, 1, 2, 5])
})

test('where every dial fails at once, ten minutes see no more of them than the bucket gives', () => {
  const overlay = overlayOf({ redialMinMs: 0, redialMaxMs: 0, dialsPerSecond: 1, dialBurst: 64 })
  let dials = 0
  const [seconds, stepMs] = [600, 50]
  for (let now = 0; now <= seconds * 1_000; now += stepMs) {
    for (const peer of overlay.plan(all, now).dial) {
      dials++
      overlay.linkDown(peer, now)
    }
  }
  expect(dials).toBeLessThanOrEqual(64 + seconds)
  expect(dials).toBeGreaterThan(seconds)
})

test('it struggles while a dial that failed has not come through, and not by dialling alone', () => {
  const overlay = overlayOf()
  overlay.plan(all, 0)
  expect(overlay.struggling).toBe(false)
  overlay.linkDown(n, 0)
  expect(overlay.struggling).toBe(true)
  overlay.linkUp(n)
  expect(overlay.struggling).toBe(false)
})

// How long

test('a link that is wanted no longer is kept for a while and then closed', () => {
  const overlay = overlayOf()
  overlay.linkUp(n)
  expect(overlay.plan(new Set([n]), 0).hangUp).toEqual([])
  expect(overlay.plan(new Set(), 1_000).hangUp).toEqual([])
  expect(overlay.plan(new Set(), 1_000 + config.lingerMs - 1).hangUp).toEqual([])
  expect(overlay.plan(new Set(), 1_000 + config.lingerMs).hangUp).toEqual([n])
})

test('a link that is wanted again meanwhile is kept, and its time begins anew', () => {
  const overlay = overlayOf()
  overlay.linkUp(n)
  overlay.plan(new Set(), 0)
  expect(overlay.plan(new Set([n]), 20_000)).toEqual({ dial: [], hangUp: [] })
  expect(overlay.plan(new Set(), config.lingerMs).hangUp).toEqual([])
  expect(overlay.plan(new Set(), 2 * config.lingerMs - 1).hangUp).toEqual([])
  expect(overlay.plan(new Set(), 2 * config.lingerMs).hangUp).toEqual([n])
})

test('a dial to somebody no longer wanted is given up at once', () => {
  const overlay = overlayOf()
  expect(overlay.plan(all, 0).dial).toEqual([n, q])
  expect(overlay.plan(new Set([q]), 0)).toEqual({ dial: [], hangUp: [n] })
  overlay.linkDown(n, 0)
  expect(overlay.plan(new Set([q]), 1e9)).toEqual({ dial: [], hangUp: [] })
})

test('of more links than may be held those unwanted for longest are closed at once, and never a wanted one', () => {
  const overlay = overlayOf({ linksMax: 3 })
  for (const peer of [a, f, n, q]) overlay.linkUp(peer)
  expect(overlay.plan(new Set([a, f, n, q]), 0).hangUp).toEqual([])
  expect(overlay.plan(new Set([a, f, q]), 1_000).hangUp).toEqual([n])
  overlay.linkDown(n, 1_000)
  expect(overlay.plan(new Set([a, f]), 2_000).hangUp).toEqual([])
  overlay.linkUp(s)
  overlay.linkUp(z)
  expect(overlay.plan(new Set([a, f, s]), 3_000).hangUp).toEqual([q, z])
})

test('a linked peer is found by the first bits of its id', () => {
  const overlay = overlayOf()
  overlay.linkUp(a)
  overlay.linkUp(n)
  expect(overlay.byPrefix(idPrefix(n))).toBe(n)
  expect(overlay.byPrefix(idPrefix(q))).toBeUndefined()
  overlay.linkDown(n, 0)
  expect(overlay.byPrefix(idPrefix(n))).toBeUndefined()
})

test('whatever happens, nobody is dialled twice at once, too early, out of turn or unwanted, and nobody wanted is closed', () => {
  const peer = fc.constantFrom(...all)
  const limits = { ...config, dialBurst: 6, dialsPerSecond: 1, lingerMs: 5_000, linksMax: 3 }
  const event = fc.record({
    afterMs: fc.constantFrom(0, 10, 400, 1_500, 6_000),
    one: fc.oneof(
      fc.record({ what: fc.constantFrom('up' as const, 'down' as const), peer }),
      fc.record({ what: fc.constant('plan' as const), wanted: fc.subarray([...all]) }),
    ),
  })
  let closed = 0
  fc.assert(
    fc.property(fc.array(event, { minLength: 20, maxLength: 60 }), fc.nat(), (events, seed) => {
      const overlay = new Overlay(self, limits, seededRandom(seed))
      const links = new Map<PeerId, number | undefined>()
      const dialling = new Set<PeerId>()
      const downAt = new Map<PeerId, number>()
      const missedSince = new Map<PeerId, number>()
      const failing = new Set<PeerId>()
      let now = 0
      let dials = 0
      const plan = (wanted: PeerId[]) => {
        for (const [id, since] of links) links.set(id, wanted.includes(id) ? undefined : (since ?? now))
        for (const id of all) {
          if (links.has(id) || !wanted.includes(id)) missedSince.delete(id)
          else if (!missedSince.has(id)) missedSince.set(id, now)
        }
        const { dial, hangUp } = overlay.plan(new Set(wanted), now)
        const givenUp = [...dialling].filter((id) => !wanted.includes(id))
        const kept = new Map(links)
        for (const id of hangUp) {
          expect(wanted).not.toContain(id)
          kept.delete(id)
        }
        expect(hangUp).toEqual(expect.arrayContaining(givenUp))
        expect(hangUp.every((id) => links.has(id) || givenUp.includes(id))).toBe(true)
        const unwanted = [...kept].flatMap(([id, since]) => (since === undefined ? [] : [{ id, since }]))
        for (const { since } of unwanted) expect(now - since).toBeLessThan(limits.lingerMs)
        if (unwanted.length > 0) expect(kept.size).toBeLessThanOrEqual(limits.linksMax)
        // Before their time only those too many are closed, those unwanted for longest first.
        const early = hangUp.filter((id) => links.has(id) && now - links.get(id)! < limits.lingerMs)
        if (early.length > 0) expect(kept.size).toBeGreaterThanOrEqual(limits.linksMax)
        for (const id of early) for (const { since } of unwanted) expect(links.get(id)).toBeLessThanOrEqual(since)
        closed += early.length
        for (const id of givenUp) dialling.delete(id)
        for (const id of downAt.keys()) if (!wanted.includes(id)) downAt.delete(id)
        for (const id of failing) if (!wanted.includes(id)) failing.delete(id)
        const isLost = links.size === 0 && failing.size > 0
        for (const id of dial) {
          expect(wanted.includes(id) && !links.has(id) && !dialling.has(id)).toBe(true)
          expect(now - (downAt.get(id) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(limits.redialMinMs / 2)
          if (id < self && !downAt.has(id) && !isLost) {
            expect(now - missedSince.get(id)!).toBeGreaterThanOrEqual(limits.askAfterMs)
          }
          dialling.add(id)
        }
        dials += dial.length
        expect(dialling.size).toBeLessThanOrEqual(limits.dialsMax)
        expect(dials).toBeLessThanOrEqual(limits.dialBurst + (now / 1_000) * limits.dialsPerSecond)
        // As the channel tells.
        for (const id of hangUp) if (links.has(id)) down(id)
      }
      const down = (id: PeerId) => {
        overlay.linkDown(id, now)
        links.delete(id)
        dialling.delete(id)
        downAt.set(id, now)
        failing.add(id)
      }
      for (const { afterMs, one } of events) {
        now += afterMs
        if (one.what === 'plan') plan(one.wanted)
        else if (one.what === 'down') down(one.peer)
        else {
          if (links.size === 0) {
            // The first link opens the way to all.
            downAt.clear()
            for (const id of all) missedSince.set(id, Number.NEGATIVE_INFINITY)
          }
          overlay.linkUp(one.peer)
          links.set(one.peer, undefined)
          dialling.delete(one.peer)
          downAt.delete(one.peer)
          failing.delete(one.peer)
        }
        expect([...overlay.links()].sort()).toEqual([...links.keys()].sort())
      }
    }),
    { numRuns: 1_000 },
  )
  expect(closed).toBeGreaterThan(0)
})

function overlayOf(changes: Partial<Config> = {}, seed = 1): Overlay {
  return new Overlay(self, { ...config, ...changes }, seededRandom(seed))
}

/** An id that begins with these characters. */
function idOf(start: string): PeerId {
  const id = start.padEnd(22, 'A')
  expect(isPeerId(id)).toBe(true)
  return id
}
