/** What pages and their users do to tabs: mounted twice, duplicated, many of one user, under a strict policy. */

import { App } from './app.ts'
import { test as base, expect } from './fixtures.ts'
import { countHoldings } from './holdings.ts'
import { Tab } from './tab.ts'
import { atAll, statusesAtAll } from './view.ts'

const test = base.extend<{ serve: (script: string) => Promise<string> }>({
  serve: async ({ browserName: _ }, use) => {
    const apps: App[] = []
    await use(async (script) => {
      const app = await App.serve(script)
      apps.push(app)
      return app.url
    })
    for (const app of apps) app.close()
  },
})

/**
 * As a React effect does it: joins when mounted, and on unmount gives up or leaves. StrictMode mounts, unmounts and mounts
 * again, all at once or, where what is around it is slow, some time into the first join.
 */
const effect = (options: object, unmounted: string) => `
  import { join } from '/shoal.js'
  const mount = () => {
    const unmounting = new AbortController()
    const joined = join({ ...${JSON.stringify(options)}, signal: unmounting.signal })
    joined.then((peer) => { globalThis.shoal = { peer } }, (reason) => { globalThis.gaveUp = reason })
    return () => {
      unmounting.abort('unmounted')
      joined.then((peer) => peer.leave(), () => {})
    }
  }
  const unmount = mount()
  ${unmounted}
  unmount()
  mount()`

const moments = [
  { when: 'at once', until: '' },
  {
    when: 'while it is connecting',
    until: 'while (holdings().sockets === 0) await new Promise(requestAnimationFrame)',
  },
]

for (const { when, until } of moments) {
  test(`a component mounted twice, unmounted ${when}, is one member and leaves nothing open`, async ({
    world,
    serve,
  }) => {
    await world.startSignal()
    const gate = await world.startAgent('gate', { gateway: true })
    const options = { room: world.room, signaling: world.signaling, name: 'App' }
    const url = await serve(effect(options, until))
    const tab = await world.openTab('App', { url, before: countHoldings })
    await expect.poll(() => tab.page.evaluate(() => (globalThis as { gaveUp?: unknown }).gaveUp)).toBe('unmounted')
    const present = async () => (await gate.view()).filter(({ status }) => status === 'alive').map(({ name }) => name)
    await expect.poll(present).toEqual(['App', 'gate'])
    const holdings = () => tab.page.evaluate(() => globalThis.holdings())
    await expect.poll(holdings).toMatchObject({ sockets: 1, connections: 1, workers: 0 })

    // Hidden, it has a worker to keep time; with the peer that goes as well.
    await tab.page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await expect.poll(holdings).toMatchObject({ sockets: 1, connections: 1, workers: 1 })
    await tab.page.evaluate(() => globalThis.shoal.peer.leave())
    await expect.poll(holdings).toEqual({ timers: 0, sockets: 0, connections: 0, workers: 0 })
    await expect.poll(present).toEqual(['gate'])
    expect((await gate.view()).filter(({ status }) => status === 'dead')).toEqual([])
  })
}

test('a page comes back out of the back-forward cache though the signal it joined with has been aborted since', async ({
  world,
  serve,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const options = { room: world.room, signaling: world.signaling, name: 'App' }
  const url = await serve(`
    import { join } from '/shoal.js'
    const joining = new AbortController()
    globalThis.shoal = { peer: await join({ ...${JSON.stringify(options)}, signal: joining.signal }) }
    joining.abort()`)
  const tab = await world.openTab('App', { url })
  const statuses = async () => (await gate.view()).map(({ name, status }) => `${name} ${status}`).sort()
  await expect.poll(statuses).toEqual(['App alive', 'gate alive'])
  await tab.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
  await expect.poll(statuses).toEqual(['App left', 'gate alive'])
  await tab.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
  await expect.poll(statuses).toEqual(['App alive', 'App left', 'gate alive'])
})

test('a duplicated tab is a member of its own, although it has a copy of all that the first one stored', async ({
  world,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const ana = await world.openTab('Ana')
  const opened = ana.page.waitForEvent('popup')
  await ana.page.evaluate(() => {
    const { room } = Object.fromEntries(new URLSearchParams(location.search))
    window.open(`/?${new URLSearchParams({ room: room! })}`)
  })
  const again = new Tab('Ana again', await opened)
  world.tabs.push(again)
  await again.page.waitForFunction(() => globalThis.shoal?.peer?.status === 'joined')
  expect(await again.page.evaluate(() => sessionStorage.getItem('name'))).toBe('Ana')

  const everyone = [ana, again, gate]
  await expect.poll(() => statusesAtAll(everyone)).toEqual(atAll(everyone, 'Ana alive, Ana alive, gate alive'))
  const ids = await Promise.all([ana, again].map((tab) => tab.page.evaluate(() => globalThis.shoal.peer.id)))
  expect(new Set(ids).size).toBe(2)
  await again.page.evaluate(() => globalThis.shoal.peer.leave())
  await expect
    .poll(async () => (await gate.view()).find(({ id }) => id === ids[1])?.status, { message: 'one may go alone' })
    .toBe('left')
  expect((await ana.view()).find(({ id }) => id === ids[0])?.status).toBe('alive')
})

test('many tabs of one user are one user, who is here until the last of them is closed', async ({ world }) => {
  await world.startSignal()
  const watcher = await world.openTab('Ben')
  const open = (name: string) => world.openTab(name, { url: `${world.pageUrl(name)}&user=u-42` })
  const tabs = [await open('Ana 1'), await open('Ana 2'), await open('Ana 3')]
  const users = () =>
    watcher.page.evaluate(() =>
      globalThis.shoal.peer
        .users()
        .filter(({ user }) => user === 'u-42')
        .map(({ members }) => members.map(({ name }) => name).sort()),
    )
  await expect.poll(users).toEqual([['Ana 1', 'Ana 2', 'Ana 3']])
  await tabs[1]!.close()
  await expect.poll(users).toEqual([['Ana 1', 'Ana 3']])
  // The second goes without a word: it is missed, and the user is still here.
  await tabs[0]!.crash()
  await expect.poll(users).toEqual([['Ana 3']])
  await tabs[2]!.close()
  await expect.poll(users).toEqual([])
})
