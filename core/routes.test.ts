import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hopsMax } from './codec.ts'
import { idPrefix, type PeerId } from './ids.ts'
import { seededRandom } from './random.ts'
import { Routes } from './routes.ts'
import { idsOf, Standpoint } from './sim/standpoint.ts'

const nobody: ReadonlySet<number> = new Set()

const scene = fc.record({
  size: fc.integer({ min: 2, max: 300 }),
  seed: fc.nat(1_000),
  which: fc.nat(),
  links: fc.nat(7),
})

test('a path is a chain of neighbours from an open link to the target, by nobody twice and within the hop limit', () => {
  let longest = 0
  fc.assert(
    fc.property(scene, ({ size, seed, which, links }) => {
      const { stand, routes, others } = roomOf(size, seed)
      stand.link(...stand.neighbours().slice(0, 1 + links))
      const to = others[which % others.length]!
      const path = routes.find(to, nobody)!
      expectChain(stand, path, to)
      longest = Math.max(longest, path.length)
    }),
    { numRuns: 300 },
  )
  // Most rooms are no mesh, so ways have to be looked for.
  expect(longest).toBeGreaterThan(2)
})

test('a room of 300 has a path to each of its members, and none of them is longer than six hops', () => {
  const { stand, routes, others } = roomOf(300, 1)
  stand.link(...stand.neighbours())
  const lengths = others.map((to) => {
    const path = routes.find(to, nobody)!
    expectChain(stand, path, to)
    return path.length
  })
  expect(Math.max(...lengths)).toBeLessThanOrEqual(6)
  expect(lengths.filter((length) => length === 1)).toHaveLength(stand.neighbours().length)
})

test('a path keeps clear of those to avoid, of suspects and of frozen pages, but for the target itself', () => {
  let found = 0
  let none = 0
  const share = fc.integer({ min: 0, max: 9 })
  fc.assert(
    fc.property(scene, share, share, share, ({ size, seed, which, links }, avoided, suspected, frozen) => {
      const { stand, routes, others } = roomOf(size, seed)
      stand.link(...stand.neighbours().slice(0, 1 + links))
      const to = others[which % others.length]!
      const random = seededRandom(seed)
      const shunned = new Set<number>()
      const avoid = new Set<number>()
      for (const id of others) {
        const [one, other, third] = [random() * 20, random() * 20, random() * 20]
        if (other < suspected) stand.suspect(id)
        if (third < frozen) stand.setMode(id, 'frozen')
        if (one < avoided) avoid.add(idPrefix(id))
        if (one < avoided || other < suspected || third < frozen) shunned.add(idPrefix(id))
      }
      avoid.delete(idPrefix(to))
      shunned.delete(idPrefix(to))
      const path = routes.find(to, avoid)
      if (path === undefined) {
        none++
        expect(isReachable(stand, to, shunned)).toBe(false)
        return
      }
      found++
      expectChain(stand, path, to)
      for (const prefix of path) expect(shunned.has(prefix)).toBe(false)
    }),
    { numRuns: 300 },
  )
  expect(found).toBeGreaterThan(20)
  expect(none).toBeGreaterThan(20)
})

test('where the way that is left is longer than allowed there is none', () => {
  const { stand, routes, others } = roomOf(300, 2)
  stand.link(...stand.neighbours())
  for (const to of others.slice(0, 60)) {
    // The shortest there is: whatever is longer is found with that much room, and not with less.
    const shortest = hopsTo(stand, to)
    for (let most = 1; most < shortest; most++) expect(routes.find(to, nobody, most)).toBeUndefined()
    for (const most of [shortest, shortest + 1, hopsMax]) {
      const path = routes.find(to, nobody, most)!
      expect(path.length).toBeLessThanOrEqual(most)
      expectChain(stand, path, to)
    }
  }
})

test('no path leads to the unknown, the gone, those without such a channel, or anywhere without a link', () => {
  const { stand, routes, others } = roomOf(40, 3)
  expect(others.map((to) => routes.find(to, nobody))).toEqual(others.map(() => undefined))
  stand.link(...stand.neighbours())
  const [server, stranger] = idsOf(2, 99)
  stand.meet([server!], ['udp'])
  const dead = others.find((id) => !stand.neighbours().includes(id))!
  expect(routes.find(dead, nobody)).toBeDefined()
  stand.bury(dead)
  for (const to of [server!, stranger!, dead]) expect(routes.find(to, nobody)).toBeUndefined()
})

test('paths to one member are not always the same: a hop that is gone does not swallow every attempt', () => {
  const { stand, routes, others } = roomOf(100, 4)
  stand.link(...stand.neighbours())
  const far = others.filter((id) => !stand.neighbours().includes(id))
  const waysTo = (to: PeerId) => new Set(Array.from({ length: 40 }, () => String(routes.find(to, nobody))))
  const several = far.filter((to) => waysTo(to).size > 1)
  // To some there is only one that is short.
  expect(several.length).toBeGreaterThan(far.length / 2)
})

// Ways back

test('the way something came is the way back, though the view knows nobody there', () => {
  const { stand, routes, others } = roomOf(40, 5)
  const [link] = stand.neighbours()
  stand.link(link!)
  const [stranger] = idsOf(1, 99)
  const back = [idPrefix(link!), idPrefix(others[5]!), idPrefix(stranger!)]
  routes.remember(stranger!, back)
  expect(routes.find(stranger!, nobody)).toEqual(back)
  expect(routes.find(stranger!, new Set([back[1]!]))).toBeUndefined()
  expect(routes.find(stranger!, nobody, 2)).toBeUndefined()
})

test('a way back whose first link is gone is no way', () => {
  const { stand, routes, others } = roomOf(40, 5)
  const [link, other] = stand.neighbours()
  stand.link(link!, other!)
  const to = others.find((id) => !stand.neighbours().includes(id))!
  routes.remember(to, [idPrefix(link!), idPrefix(to)])
  expect(routes.find(to, nobody)).toEqual([idPrefix(link!), idPrefix(to)])
  stand.cut(link!)
  const path = routes.find(to, nobody)!
  expectChain(stand, path, to)
  expect(path[0]).toBe(idPrefix(other!))
})

test('ways back are forgotten after five to ten periods, and when there are too many of them', () => {
  const { stand, routes } = roomOf(20, 6)
  const [link] = stand.neighbours()
  stand.link(link!)
  const strangers = idsOf(600, 99)
  const knows = (id: PeerId) => routes.find(id, nobody) !== undefined
  routes.remember(strangers[0]!, [idPrefix(link!)])
  for (let period = 0; period < 5; period++) {
    expect(knows(strangers[0]!)).toBe(true)
    routes.turn()
  }
  for (let period = 0; period < 5; period++) routes.turn()
  expect(knows(strangers[0]!)).toBe(false)
  for (const stranger of strangers) routes.remember(stranger, [idPrefix(link!)])
  expect(strangers.filter(knows).length).toBeLessThanOrEqual(512)
  expect(strangers.slice(-256).every(knows)).toBe(true)
})

/** One of a room of tabs, who knows everybody and has no link yet. */
function roomOf(size: number, seed: number) {
  const ids = idsOf(size, seed)
  const self = ids.splice(seed % size, 1)[0]!
  const stand = new Standpoint(self, ['rtc'])
  stand.meet(ids, ['rtc'])
  return { stand, routes: new Routes('rtc', self, stand.members, stand.paths, seededRandom(seed)), others: ids }
}

function expectChain(stand: Standpoint, path: readonly number[], to: PeerId): void {
  const members = new Map(stand.members.present().map((belief) => [belief.prefix, belief]))
  const chain = path.map((prefix) => members.get(prefix)!)
  expect(stand.paths.overlay('rtc')!.has(chain[0]!.id)).toBe(true)
  expect(chain.at(-1)!.id).toBe(to)
  expect(chain.length).toBeLessThanOrEqual(hopsMax)
  expect(new Set([stand.self, ...chain.map(({ id }) => id)]).size).toBe(chain.length + 1)
  for (let i = 1; i < chain.length; i++) {
    expect(stand.paths.vicinity.ofOther('rtc', chain[i - 1]!).all).toContain(chain[i]!.id)
  }
}

/** By looking everywhere, a step at a time. */
function hopsTo(stand: Standpoint, to: PeerId, shunned: ReadonlySet<number> = nobody): number {
  const suits = (ids: Iterable<PeerId>) => [...ids].filter((id) => id === to || !shunned.has(idPrefix(id)))
  let edge = suits(stand.paths.overlay('rtc')!.links())
  const reached = new Set([stand.self, ...edge])
  for (let hops = 1; edge.length > 0; hops++) {
    if (edge.includes(to)) return hops
    const next = edge.flatMap((id) => suits(stand.paths.vicinity.ofOther('rtc', stand.belief(id)).all))
    edge = [...new Set(next)].filter((id) => !reached.has(id))
    for (const id of edge) reached.add(id)
  }
  return Number.POSITIVE_INFINITY
}

function isReachable(stand: Standpoint, to: PeerId, shunned: ReadonlySet<number>): boolean {
  return hopsTo(stand, to, shunned) <= hopsMax
}
