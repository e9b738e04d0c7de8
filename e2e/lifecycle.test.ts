/** A tab's page that goes away and comes back. */

import { expect, test } from './fixtures.ts'
import { atAll, statusesAtAll } from './view.ts'

test('a page that comes out of the back-forward cache is back under a new id, with its state and services', async ({
  world,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const ana = await world.openTab('Ana')
  const idOf = () => ana.page.evaluate(() => globalThis.shoal.peer.id)
  const before = await idOf()
  await ana.setState({ mood: 'glad' })
  await ana.page.evaluate(() => {
    globalThis.shoal.peer.setState({ cursor: [0.5, 0.5] }, { volatile: true })
    globalThis.shoal.peer.register({ service: 'whiteboard' })
  })

  // Chromium keeps no page with an open connection in that cache, so the page is told by hand.
  await ana.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
  await expect.poll(() => statusesAtAll([gate])).toEqual(atAll([gate], 'Ana left, gate alive'))
  await ana.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))

  await expect.poll(async () => (await gate.view()).filter(({ status }) => status === 'alive').length).toBe(2)
  const after = await idOf()
  expect(after).not.toBe(before)
  const anaAtGate = async () => (await gate.view()).find(({ id }) => id === after)
  await expect.poll(anaAtGate).toMatchObject({ status: 'alive', state: { mood: 'glad' } })
  await expect.poll(async () => (await anaAtGate())?.services).toMatchObject([{ service: 'whiteboard' }])
  expect((await anaAtGate())?.state).not.toHaveProperty('cursor')
})

test('a tab says whether it is looked at', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const ana = await world.openTab('Ana')
  const mode = async () => (await gate.view()).find(({ name }) => name === 'Ana')?.mode
  await expect.poll(mode).toBe('visible')

  await ana.page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' })
    document.dispatchEvent(new Event('visibilitychange'))
  })
  await expect.poll(mode).toBe('hidden')

  await ana.page.evaluate(() => document.dispatchEvent(new Event('freeze')))
  await expect.poll(mode).toBe('frozen')
})
