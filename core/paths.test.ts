import { expect, test } from 'vitest'
import type { PeerId } from './ids.ts'
import { seededRandom } from './random.ts'
import { idsOf, Standpoint } from './sim/standpoint.ts'

const tab = ['rtc', 'relay']
const gateway = ['udp', 'rtc', 'relay']

// The way to a member

test('of the ways to a member a dense channel comes first, then a link, then the links of others, then the server', () => {
  const { stand, ids } = roomOf(gateway, 40)
  const [server] = idsOf(1, 99)
  stand.meet([server!], gateway)
  expect(stand.paths.to(stand.belief(server!))).toBe(`udp:${server}`)
  stand.paths.setAvailable('udp', false)
  const neighbour = stand.neighbours()[0]!
  const far = ids.find((id) => !stand.neighbours().includes(id))!
  const to = (id: PeerId) => stand.paths.to(stand.belief(id))
  // Without a link only the server leads anywhere.
  expect([to(neighbour), to(far)]).toEqual([`relay:${neighbour}`, `relay:${far}`])
  stand.link(neighbour)
  expect([to(neighbour), to(far)]).toEqual([`rtc:${neighbour}`, `rtc:${far}`])
  expect([`rtc:${neighbour}`, `rtc:${far}`].map((path) => stand.paths.isByOthers(path))).toEqual([false, true])
  stand.paths.setAvailable('relay', false)
  expect(to(far)).toBe(`rtc:${far}`)
  stand.cut(neighbour)
  expect([to(neighbour), to(far)]).toEqual([undefined, undefined])
})

test('the server comes before the links of others where it was the last to bring something, but never before a link', () => {
  const { stand, ids } = roomOf(tab, 40)
  const [one, other] = stand.neighbours() as [PeerId, PeerId]
  const far = ids.find((id) => !stand.neighbours().includes(id))!
  stand.link(one)
  const to = (id: PeerId) => stand.paths.to(stand.belief(id))
  for (const id of [one, other, far]) stand.paths.relay(id)
  expect([to(one), to(other), to(far)]).toEqual([`rtc:${one}`, `relay:${other}`, `relay:${far}`])
  stand.paths.setAvailable('relay', false)
  expect([to(other), to(far)]).toEqual([`rtc:${other}`, `rtc:${far}`])
})

test('whoever has no channel of a kind that we have is out of reach', () => {
  const { stand } = roomOf(tab, 5)
  const [server] = idsOf(1, 99)
  stand.meet([server!], ['udp'])
  stand.link(...stand.neighbours())
  expect(stand.paths.to(stand.belief(server!))).toBeUndefined()
  expect(stand.paths.isNear(stand.belief(server!))).toBe(false)
})

test('what the server brought fades after five to ten periods, and not while it goes on bringing', () => {
  const { stand, ids } = roomOf(tab, 40)
  stand.link(stand.neighbours()[0]!)
  const far = ids.find((id) => !stand.neighbours().includes(id))!
  const isByServer = () => stand.paths.to(stand.belief(far)) === `relay:${far}`
  expect(stand.paths.relay(far)).toBe(true)
  expect(stand.paths.relay(far)).toBe(false)
  const turns = Array.from({ length: 10 }, () => {
    expect(isByServer()).toBe(true)
    return stand.paths.turn()
  })
  // Told once, when there is something to look at again.
  expect(turns).toEqual([...Array(9).fill(false), true])
  expect(isByServer()).toBe(false)
  for (let period = 0; period < 30; period++) {
    stand.paths.relay(far)
    expect(isByServer()).toBe(true)
    stand.paths.turn()
  }
})

test('of those whom the server brought 1,024 are remembered at most, and nobody who is no peer', () => {
  const { stand } = roomOf(tab, 3)
  stand.link(stand.neighbours()[0]!)
  expect(stand.paths.relay('not a peer')).toBe(false)
  const many = idsOf(2_000, 98)
  stand.meet(many, tab)
  for (const id of many) stand.paths.relay(id)
  const byServer = many.filter((id) => stand.paths.to(stand.belief(id)) === `relay:${id}`)
  expect(byServer.length).toBeLessThanOrEqual(1_024)
  expect(byServer).toEqual(expect.arrayContaining(many.slice(-512)))
})

test('another way than a link or the links of others is the server, while it is there', () => {
  const { stand, ids } = roomOf(tab, 40)
  const [id] = ids
  const besides = (path: string) => stand.paths.besides(path, stand.belief(id!))
  expect(besides(`rtc:${id}`)).toBe(`relay:${id}`)
  expect(besides(`relay:${id}`)).toBe(`relay:${id}`)
  expect(stand.paths.byServer(id!)).toBe(`relay:${id}`)
  stand.paths.setAvailable('relay', false)
  expect(besides(`rtc:${id}`)).toBe(`rtc:${id}`)
  expect(stand.paths.byServer(id!)).toBeUndefined()
})

test('a member is shown as direct by a link, as relayed by the server, and as known by gossip by the links of others', () => {
  const { stand, ids } = roomOf(tab, 40)
  const [near] = stand.neighbours() as [PeerId]
  const far = ids.find((id) => !stand.neighbours().includes(id))!
  const via = () => [stand.self, near, far].map((id) => stand.belief(id).via)
  expect(stand.paths.refresh()).toBe(true)
  expect(via()).toEqual(['direct', 'relayed', 'relayed'])
  expect(stand.paths.linkUp('rtc', near)).toBe(true)
  expect(stand.paths.refresh()).toBe(true)
  expect(via()).toEqual(['direct', 'direct', 'gossip'])
  expect(stand.paths.refresh()).toBe(false)
  // A second link changes the way to nobody else, the last one that goes changes all.
  const [, second] = stand.neighbours() as [PeerId, PeerId]
  expect(stand.paths.linkUp('rtc', second)).toBe(false)
  expect(stand.paths.linkDown('rtc', second, 0)).toBe(false)
  expect(stand.paths.linkDown('rtc', near, 0)).toBe(true)
  expect(stand.paths.refresh(near)).toBe(true)
  expect(via()).toEqual(['direct', 'relayed', 'gossip'])
})

// Who is near

test('near are the neighbours, be there a link or not, and whoever there is a link to; nobody else of a large room', () => {
  const { stand, ids } = roomOf(tab, 60)
  const neighbours = stand.neighbours()
  const visitor = ids.find((id) => !neighbours.includes(id))!
  stand.link(neighbours[0]!, visitor)
  expect(near(stand, ids)).toEqual([...neighbours, visitor].sort())
  expect(stand.paths.isNear(stand.belief(stand.self))).toBe(false)
})

test('on a dense channel everybody is near, and by the server alone the neighbours of those who have nothing else', () => {
  const dense = roomOf(['udp'], 60)
  expect(near(dense.stand, dense.ids)).toEqual(dense.ids)
  const relayed = roomOf(['relay'], 60)
  expect(near(relayed.stand, relayed.ids)).toEqual(relayed.stand.neighbours('relay').sort())
  // Among tabs those without WebRTC are near where the rings of the server have them next to this one.
  const { stand } = roomOf(tab, 60)
  const poor = idsOf(20, 99)
  stand.meet(poor, ['relay'])
  const next = poor.filter((id) => stand.neighbours('relay').includes(id))
  expect(next.length).toBeGreaterThan(0)
  expect(near(stand, poor)).toEqual(next)
})

test('those drawn are near, suit, and can be reached, each with the way to it', () => {
  const { stand, ids } = roomOf(tab, 60)
  stand.paths.setAvailable('relay', false)
  const some = (count: number) => stand.paths.some(count, seededRandom(1), ({ id }) => id !== ids[0])
  expect(some(10)).toEqual([])
  const neighbours = stand.neighbours()
  stand.link(...neighbours.slice(0, 3))
  const drawn = some(100)
  expect(drawn.map(({ belief }) => belief.id).sort()).toEqual(neighbours.filter((id) => id !== ids[0]).sort())
  for (const { belief, path } of drawn) expect(path).toBe(`rtc:${belief.id}`)
  expect(some(2)).toHaveLength(2)
  stand.bury(neighbours[0]!)
  expect(some(100).map(({ belief }) => belief.id)).not.toContain(neighbours[0])
})

// Who is told rumours

test('rumours go to those at the other ends of links alone, once there are three of them', () => {
  const { stand } = roomOf(tab, 60)
  const neighbours = stand.neighbours()
  expect(told(stand)).toEqual(neighbours.map((id) => `relay:${id}`).sort())
  stand.link(...neighbours.slice(0, 2))
  const mixed = neighbours.map((id, i) => `${i < 2 ? 'rtc' : 'relay'}:${id}`).sort()
  expect(told(stand)).toEqual(mixed)
  stand.link(neighbours[2]!)
  expect(told(stand)).toEqual(
    neighbours
      .slice(0, 3)
      .map((id) => `rtc:${id}`)
      .sort(),
  )
})

test('a neighbour that talks by the server is told by the server, however many links there are', () => {
  const { stand } = roomOf(tab, 60)
  const [alone, ...others] = stand.neighbours() as [PeerId, ...PeerId[]]
  stand.link(...others)
  expect(told(stand)).not.toContain(`relay:${alone}`)
  stand.paths.relay(alone)
  expect(told(stand)).toEqual([`relay:${alone}`, ...others.map((id) => `rtc:${id}`)].sort())
  stand.paths.setAvailable('relay', false)
  expect(told(stand)).toEqual(others.map((id) => `rtc:${id}`).sort())
})

test('a frozen page is told nothing, by its link or by the server: it syncs when it is back', () => {
  const { stand } = roomOf(tab, 60)
  const [linked, other] = stand.neighbours() as [PeerId, PeerId]
  stand.link(linked)
  for (const id of [linked, other]) stand.setMode(id, 'frozen')
  expect(told(stand).some((path) => path.includes(linked) || path.includes(other))).toBe(false)
  for (const id of [linked, other]) stand.setMode(id, 'hidden')
  expect(told(stand)).toEqual(expect.arrayContaining([`rtc:${linked}`, `relay:${other}`]))
})

test('on the rings of the server only those are told that have nothing better in common with this peer', () => {
  const { stand } = roomOf(tab, 8)
  const [poor] = idsOf(1, 99)
  stand.meet([poor!], ['relay'])
  stand.link(...stand.neighbours())
  expect(stand.paths.targets('relay')).toEqual([{ id: poor, path: `relay:${poor}` }])
  stand.paths.setAvailable('relay', false)
  expect(stand.paths.targets('relay')).toEqual([])
})

// Which links

test('wanted are the neighbours: they are dialled or asked, a link to others is closed after a while', () => {
  const { stand, ids } = roomOf(tab, 60, { dialsMax: 100 })
  const neighbours = stand.neighbours()
  stand.paths.plan(0)
  expect(stand.asked.sort()).toEqual(
    neighbours
      .filter((id) => id > stand.self)
      .map((id) => `dial rtc:${id}`)
      .sort(),
  )
  stand.paths.plan(10_000)
  expect(stand.asked.sort()).toEqual(neighbours.map((id) => `dial rtc:${id}`).sort())
  stand.link(...neighbours)
  const visitor = ids.find((id) => !neighbours.includes(id))!
  stand.link(visitor)
  stand.asked.length = 0
  stand.paths.plan(10_000)
  expect(stand.asked).toEqual([])
  stand.paths.plan(40_000)
  expect(stand.asked).toEqual([`hangUp rtc:${visitor}`])
})

test('links are listed with whether they are open and wanted', () => {
  const { stand, ids } = roomOf(tab, 60)
  const neighbours = stand.neighbours()
  const visitor = ids.find((id) => !neighbours.includes(id))!
  stand.link(neighbours[0]!, visitor)
  const links = [...stand.paths.links()].map(({ kind, peer, open, wanted }) => {
    return `${kind}:${peer} ${open ? 'open' : 'closed'} ${wanted ? 'wanted' : 'unwanted'}`
  })
  expect(links.sort()).toEqual(
    [
      ...neighbours.map((id, i) => `rtc:${id} ${i === 0 ? 'open' : 'closed'} wanted`),
      `rtc:${visitor} open unwanted`,
    ].sort(),
  )
})

test('without a link, and only when dials fail, two of those that the server brings are dialled though no neighbours', () => {
  const { stand, ids } = roomOf(tab, 60, { dialsMax: 100, dialBurst: 1_000 })
  const neighbours = stand.neighbours()
  const others = ids.filter((id) => !neighbours.includes(id))
  for (const id of [...others.slice(-6), neighbours[0]!]) stand.paths.relay(id)
  stand.paths.plan(0)
  stand.paths.plan(10_000)
  expect(stand.asked.sort()).toEqual(neighbours.map((id) => `dial rtc:${id}`).sort())
  stand.asked.length = 0
  stand.cut(neighbours[0]!)
  // Long enough for those that are larger to be asked.
  for (const now of [10_000, 15_000]) stand.paths.plan(now)
  const anchors = stand.asked.filter((what) => others.some((id) => what === `dial rtc:${id}`))
  expect(anchors).toHaveLength(2)
  // With a link they are wanted no longer.
  stand.link(neighbours[1]!)
  stand.asked.length = 0
  stand.paths.plan(16_000)
  expect(stand.asked.sort()).toEqual([...anchors.map((what) => what.replace('dial', 'hangUp'))].sort())
})

/** This peer among others, all with these channels; others in ascending order. */
function roomOf(kinds: readonly string[], size: number, config = {}) {
  const ids = idsOf(size, 4)
  const [self] = ids.splice(size >> 1, 1) as [PeerId]
  const stand = new Standpoint(self, kinds, config)
  stand.meet(ids, kinds.includes('rtc') ? tab : kinds)
  return { stand, ids }
}

function near(stand: Standpoint, ids: readonly PeerId[]): PeerId[] {
  return ids.filter((id) => stand.paths.isNear(stand.belief(id))).sort()
}

function told(stand: Standpoint): string[] {
  return stand.paths
    .targets('rtc')
    .map(({ path }) => path)
    .sort()
}
