/** One room of tabs and processes, as long as nothing goes wrong in it. */

import { isDeepStrictEqual } from 'node:util'
import { expect, test } from './fixtures.ts'
import type { Tab } from './tab.ts'
import { atAll, type Seen, statuses, statusesAtAll, type Viewer } from './view.ts'

declare global {
  /** What `countUntilLeft` has counted. */
  var leftAfter: number
}

test('three tabs, a gateway and three UDP-only peers all hold the same view of the seven', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true, flags: ['--state', 'role=gateway'] })
  const [api1, api2, db] = await Promise.all([
    world.startAgent('api-1', { join: gate, flags: ['--register', 'payments:8080', '--state', 'zone=a'] }),
    world.startAgent('api-2', { join: gate, flags: ['--register', 'payments:8081', '--state', 'zone=b'] }),
    world.startAgent('db-1', { join: gate, flags: ['--register', 'postgres:5432', '--register', 'metrics:9100'] }),
  ])
  const tabs = [await world.openTab('Ana'), await world.openTab('Ben'), await world.openTab('Cy')]
  await tabs[0]!.setState({ mood: 'glad', lucky: [7, 13] })
  const everyone: Viewer[] = [...tabs, gate, api1!, api2!, db!]

  await expect.poll(() => disagreements(everyone)).toEqual([])

  const view = await db!.view()
  expect(statuses(view)).toBe('Ana alive, Ben alive, Cy alive, api-1 alive, api-2 alive, db-1 alive, gate alive')
  const byName = Object.fromEntries(view.map((member) => [member.name, member]))
  expect(byName.Ana!.state).toMatchObject({ mood: 'glad', lucky: [7, 13] })
  expect(byName['api-1']!.state).toEqual({ zone: 'a' })
  expect(byName.gate!.state).toEqual({ role: 'gateway' })
  expect(byName['db-1']!.services).toEqual([
    { service: 'metrics', port: 9100, health: 'passing' },
    { service: 'postgres', port: 5432, health: 'passing' },
  ])
  expect(view.map(({ mode }) => mode)).toEqual([
    ...['visible', 'visible', 'visible'],
    ...['server', 'server', 'server', 'server'],
  ])
  // What the page shows is that view as well.
  await expect.poll(async () => (await tabs[1]!.rows()).sort()).toEqual(statuses(view).split(', '))
})

test('a service of a UDP-only peer is found by name at every other peer', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const api = await world.startAgent('api-1', { join: gate, flags: ['--register', 'payments:8080'] })
  const db = await world.startAgent('db-1', { join: gate })
  const tab = await world.openTab('Ana')

  await expect
    .poll(() => tab.page.evaluate(() => globalThis.shoal.peer.lookup('payments').map(({ name, port }) => [name, port])))
    .toEqual([['api-1', 8080]])
  await expect
    .poll(async () => JSON.stringify(await db.get('/v1/services/payments')))
    .toContain(`"address":"127.0.0.1"`)
  const { member } = await tab.page.evaluate(() => globalThis.shoal.peer.pick('payments')!)
  expect(member).toBe(await api.id())
})

test('a change of state in a tab reaches a UDP-only peer, and the other way round', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const local = await world.startLocalPeer('db-1', gate)
  const tab = await world.openTab('Ana')
  const stateAtLocal = () => local.members().find(({ name }) => name === 'Ana')?.state
  const stateAtTab = async () => (await tab.view()).find(({ name }) => name === 'db-1')?.state

  await tab.setState({ color: 'teal' })
  await expect.poll(stateAtLocal).toMatchObject({ color: 'teal' })
  await tab.setState({ color: 'red' })
  await expect.poll(stateAtLocal).toMatchObject({ color: 'red' })

  local.setState({ load: 0.5, draining: false })
  await expect.poll(stateAtTab).toEqual({ load: 0.5, draining: false })
  local.setState({ draining: undefined })
  await expect.poll(stateAtTab).toEqual({ load: 0.5 })
})

test('a tab that is closed has left for everybody before anybody would have missed it', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const api = await world.startAgent('api-1', { join: gate })
  const ana = await world.openTab('Ana')
  const [ben, cy] = [await world.openTab('Ben'), await world.openTab('Cy')]
  const others = [ben, cy, gate, api]
  const alive = 'Ana alive, Ben alive, Cy alive, api-1 alive, gate alive'
  await expect.poll(() => statusesAtAll(others)).toEqual(atAll(others, alive))

  for (const tab of [ben, cy]) await countUntilLeft(tab)
  await ana.close()
  await expect.poll(() => statusesAtAll(others)).toEqual(atAll(others, alive.replace('Ana alive', 'Ana left')))
  for (const tab of [ben, cy]) expect(await tab.page.evaluate(() => globalThis.leftAfter)).toBeLessThanOrEqual(3)
})

test('an agent that is asked to stop has left for everybody, tabs included', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const api = await world.startAgent('api-1', { join: gate })
  const ana = await world.openTab('Ana')
  const others = [ana, gate]
  await expect.poll(() => statusesAtAll(others)).toEqual(atAll(others, 'Ana alive, api-1 alive, gate alive'))

  await countUntilLeft(ana)
  expect(await api.process.stop()).toEqual({ code: 0, signal: null })
  await expect.poll(() => statusesAtAll(others)).toEqual(atAll(others, 'Ana alive, api-1 left, gate alive'))
  expect(await ana.page.evaluate(() => globalThis.leftAfter)).toBeLessThanOrEqual(3)
})

/** From now on counts the periods of this tab until somebody has left for it. */
async function countUntilLeft(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => {
    const { peer } = globalThis.shoal
    const periods = () => peer.counters().periods ?? 0
    const began = periods()
    peer.on('leave', () => {
      globalThis.leftAfter = periods() - began
    })
  })
}

/** What each peer says about itself is the truth; lists every view that is not exactly that. */
async function disagreements(everyone: readonly Viewer[]): Promise<{ at: string; view: Seen[]; truth: Seen[] }[]> {
  const views = await Promise.all(everyone.map(async (viewer) => ({ at: viewer.name, view: await viewer.view() })))
  const truth = views
    .map(({ at, view }) => view.find(({ name }) => name === at)!)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return views.map((own) => ({ ...own, truth })).filter(({ view }) => !isDeepStrictEqual(view, truth))
}
