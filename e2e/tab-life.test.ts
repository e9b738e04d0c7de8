/** Tabs as they really live, in a browser that holds them back as it does with its users' tabs. */

import { App } from './app.ts'
import { test as base, expect } from './fixtures.ts'
import { type Death, UserBrowser, type UserTab } from './user-browser.ts'
import { atAll, statusesAtAll } from './view.ts'

const test = base.extend<{ chromium: UserBrowser }>({
  chromium: async ({ launchOptions }, use) => {
    const browser = await UserBrowser.start(launchOptions.executablePath!, launchOptions.args!)
    await use(browser)
    await browser.close()
  },
})

// Each test has a browser of its own, beside the one that the others share.
test.describe.configure({ mode: 'default' })

test('of a frozen, a hidden, a killed and a travelling tab exactly the killed one is declared dead, within ten periods', async ({
  world,
  chromium,
}) => {
  test.setTimeout(480_000)
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const open = (name: string) => chromium.open(name, world.pageUrl(name))
  const ana = await open('Ana')
  const ben = await open('Ben')
  const hidden = await open('Hid')
  const frozen = await open('Ice')
  const killed = await open('Kim')
  const traveller = await open('Tom')
  const server = await world.startLocalPeer('api', gate)
  const tabs = [ana, ben, hidden, frozen, killed, traveller]
  const alive = 'Ana alive, Ben alive, Hid alive, Ice alive, Kim alive, Tom alive, api alive, gate alive'
  await expect.poll(() => statusesAtAll([...tabs, gate])).toEqual(atAll([...tabs, gate], alive))
  for (const tab of tabs) await tab.watchDeaths()
  const deathsAtServer: Death[] = []
  server.on('dead', ({ name }) =>
    deathsAtServer.push({ name, at: Date.now(), periods: server.counters().periods ?? 0 }),
  )
  const modeAt = async (viewer: { view(): ReturnType<UserTab['view']> }, name: string) =>
    (await viewer.view()).find((member) => member.name === name)?.mode

  await hidden.hide()
  await expect.poll(() => hidden.fiveTimersMs(), { message: 'its timers are held back' }).toBeGreaterThan(3_000)
  await frozen.hide()
  await frozen.freeze()
  const periods = async () => (await ana.counters()).periods ?? 0
  const frozenSince = await periods()
  for (const viewer of [ana, ben, hidden, gate]) {
    await expect.poll(() => modeAt(viewer, 'Hid')).toBe('hidden')
    await expect.poll(() => modeAt(viewer, 'Ice'), { message: 'the page got it out before it froze' }).toBe('frozen')
  }

  const watching = [ana, ben, hidden, traveller]
  const before = (await Promise.all([...watching, server].map((viewer) => viewer.counters()))).map(
    ({ periods }) => periods ?? 0,
  )
  const killedAt = Date.now()
  killed.kill()
  const deathsAtAll = async () => [...(await Promise.all(watching.map((tab) => tab.deaths()))), deathsAtServer]
  const names = async () => (await deathsAtAll()).map((deaths) => deaths.map(({ name }) => name))
  await expect.poll(names).toEqual([['Kim'], ['Kim'], ['Kim'], ['Kim'], ['Kim']])
  const deaths = (await deathsAtAll()).map(([death]) => death!)
  const slowest = Math.max(...deaths.map(({ at }) => at - killedAt))
  test.info().annotations.push({ type: 'killed, and dead at all', description: `${slowest} ms` })
  for (const [i, { periods }] of deaths.entries()) expect(periods - before[i]!).toBeLessThanOrEqual(10)

  const outward = await traveller.id()
  await traveller.goTo('about:blank')
  const statusAtAna = async (id: string) => (await ana.view()).find((member) => member.id === id)?.status
  await expect.poll(() => statusAtAna(outward)).toBe('left')
  await traveller.goBack()
  const after = await traveller.id()
  expect(after).not.toBe(outward)
  await expect.poll(() => statusAtAna(after)).toBe('alive')
  await traveller.watchDeaths()

  await expect.poll(periods, { timeout: 200_000 }).toBeGreaterThanOrEqual(frozenSince + 40)
  expect(await ana.evaluate(() => globalThis.shoal.peer.members().map(({ name }) => name))).toContain('Ice')

  const thawedAfter = await Promise.all([ana, ben, hidden].map((tab) => tab.watchModes()))
  await frozen.thaw()
  await frozen.show()
  for (const viewer of [ana, ben, hidden, gate]) await expect.poll(() => modeAt(viewer, 'Ice')).toBe('visible')
  for (const [i, tab] of [ana, ben, hidden].entries()) {
    const back = (await tab.modes()).find(({ name, mode }) => name === 'Ice' && mode === 'visible')!
    expect(back.periods - thawedAfter[i]!, `periods until it is back for ${tab.name}`).toBeLessThanOrEqual(3)
  }
  // A newcomer that the server introduces meanwhile can tell the others that it is back before it is through with its flood.
  const skimmed = async () => (await frozen.counters()).packets_skimmed ?? 0
  await expect.poll(skimmed, { message: 'it did not answer all that had been queued' }).toBeGreaterThan(0)

  // Everyone has asked everyone again, and has had the time to change its mind.
  const rounds = await periods()
  await expect.poll(periods).toBeGreaterThanOrEqual(rounds + 10)
  const present = 'Ana alive, Ben alive, Hid alive, Ice alive, Kim dead, Tom alive, Tom left, api alive, gate alive'
  const everyone = [ana, ben, hidden, frozen, gate]
  const shown = async () => {
    const lines = Object.entries(await statusesAtAll(everyone))
    return Object.fromEntries(lines.map(([name, line]) => [name, line.split(', ').sort().join(', ')]))
  }
  await expect.poll(shown).toEqual(atAll(everyone, present))
  for (const tab of [ana, ben, hidden]) expect((await tab.deaths()).map(({ name }) => name)).toEqual(['Kim'])
  // These two were away, and learn of Kim's end when they are back, as of something past or as of news.
  for (const tab of [frozen, traveller]) {
    expect((await tab.deaths()).filter(({ name }) => name !== 'Kim')).toEqual([])
  }
  expect(deathsAtServer.map(({ name }) => name)).toEqual(['Kim'])
})

test('a hidden tab keeps the time of the protocol, although its own timers come once a second', async ({
  world,
  chromium,
}) => {
  await world.startSignal()
  const ana = await chromium.open('Ana', world.pageUrl('Ana'))
  const ben = await chromium.open('Ben', world.pageUrl('Ben'))
  await ben.hide()
  await expect.poll(() => ben.fiveTimersMs(), { message: 'its timers are held back' }).toBeGreaterThan(3_000)

  const before = [await ana.counters(), await ben.counters()]
  const periodsOf = async (tab: UserTab) => (await tab.counters()).periods ?? 0
  await expect.poll(() => periodsOf(ana)).toBeGreaterThanOrEqual((before[0]!.periods ?? 0) + 10)
  const after = await ben.counters()
  expect(after.periods! - before[1]!.periods!).toBeGreaterThanOrEqual(8)
  expect((after.absences ?? 0) - (before[1]!.absences ?? 0), 'it was never late').toBe(0)
})

test('a hidden tab whose page forbids the worker lives on packets: it is never held for dead, and holds nobody for it', async ({
  world,
  chromium,
}) => {
  await world.startSignal()
  const options = { room: world.room, signaling: world.signaling, name: 'App' }
  const script = `
    import { join } from '/shoal.js'
    globalThis.said = []
    const log = { debug: (line) => said.push(line), info() {}, warn() {} }
    globalThis.shoal = { peer: await join({ ...${JSON.stringify(options)}, log }) }`
  const app = await App.serve(script, "worker-src 'none'")
  try {
    const ana = await chromium.open('Ana', world.pageUrl('Ana'))
    const ben = await chromium.open('Ben', world.pageUrl('Ben'))
    const tab = await chromium.open('App', app.url)
    const everyone = [ana, ben, tab]
    await expect.poll(() => statusesAtAll(everyone)).toEqual(atAll(everyone, 'Ana alive, App alive, Ben alive'))
    for (const one of everyone) await one.watchDeaths()
    await tab.hide()
    await expect.poll(() => tab.fiveTimersMs(), { message: 'its timers are held back' }).toBeGreaterThan(3_000)
    const said = () => tab.evaluate(() => (globalThis as unknown as { said: string[] }).said)
    expect(await said()).toContainEqual(expect.stringContaining('no worker'))

    const periodsOf = async (one: UserTab) => (await one.counters()).periods ?? 0
    const before = [await periodsOf(ana), await periodsOf(tab)] as const
    await expect.poll(() => periodsOf(ana)).toBeGreaterThanOrEqual(before[0] + 15)
    await expect.poll(() => statusesAtAll(everyone)).toEqual(atAll(everyone, 'Ana alive, App alive, Ben alive'))
    for (const one of everyone) expect(await one.deaths()).toEqual([])
  } finally {
    app.close()
  }
})

test('a hidden tab that its browser ends to save memory is missed, and comes back as a new member', async ({
  world,
  chromium,
}) => {
  await world.startSignal()
  const ana = await chromium.open('Ana', world.pageUrl('Ana'))
  const ben = await chromium.open('Ben', world.pageUrl('Ben'))
  const lines = () => statusesAtAll([ana])
  await expect.poll(lines).toEqual({ Ana: 'Ana alive, Ben alive' })
  const before = await ben.id()
  await ben.hide()
  ben.kill()
  // With only one to miss it, and hidden as it was, it is given its time.
  await expect.poll(lines).toEqual({ Ana: 'Ana alive, Ben dead' })

  // The browser loads it anew when its user turns to it.
  await ben.load(world.pageUrl('Ben'))
  const after = await ben.id()
  expect(after).not.toBe(before)
  const statuses = async () => Object.fromEntries((await ana.view()).map(({ id, status }) => [id, status]))
  await expect.poll(statuses).toMatchObject({ [before]: 'dead', [after]: 'alive' })
})
