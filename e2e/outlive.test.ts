/** A room that outlives its signalling server, lets newcomers in meanwhile, and returns to it. */

import { openAppPage } from './app-page.ts'
import { expect, test } from './fixtures.ts'
import { freeTcpPort } from './ports.ts'
import type { Tab } from './tab.ts'
import { atAll, statusesAtAll, type Viewer } from './view.ts'
import type { World } from './world.ts'

/** The browser itself writes this line at every attempt to reach a server that is away. */
const refused = /WebSocket connection to .* failed/

test('without its signalling server a room goes on and lets newcomers in, and its tabs return to it', async ({
  world,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true, flags: ['--serve-signaling', '127.0.0.1:0'] })
  const [ana, ben, cy] = [await openTab(world, 'Ana'), await openTab(world, 'Ben'), await openTab(world, 'Cy')]
  await expectPresent([gate, ana, ben, cy], 'Ana, Ben, Cy, gate')
  for (const tab of [ana, ben, cy]) await expectLinks(tab, 3)
  for (const tab of [ana, ben]) await tab.watchGone()

  await world.stopSignal()

  await ana.setState({ note: 'still here' })
  await expectNote([ben, cy, gate], 'Ana', 'still here')
  await cy.crash()
  const left = [gate, ana, ben]
  await expect.poll(() => statusesAtAll(left)).toEqual(atAll(left, 'Ana alive, Ben alive, Cy dead, gate alive'))

  // Any member can make the invite, and nothing but the invite is needed.
  const invite = await ana.page.evaluate(() => globalThis.shoal.peer.invite())
  const app = await openAppPage()
  try {
    expect(await gate.get('/v1/invite')).toEqual({ invite })
    const dee = await world.openTab('Dee', { url: app.url('Dee', [invite]) })
    await expectPresent([gate, ana, ben, dee], 'Ana, Ben, Dee, gate')
    // Her offers to the other tabs went over the mesh: there is no server that knows both.
    await expectLinks(dee, 3)
    await dee.setState({ note: 'hello' })
    await expectNote([ana, ben, gate], 'Dee', 'hello')
    await expectNote([dee], 'Ana', 'still here')

    // It remembers nobody; those who came by it come back.
    await world.startSignal()
    await expect.poll(() => membersAt(world.signaling), { message: 'all return' }).toBe(3)
    const eve = await openTab(world, 'Eve')
    await expectPresent([gate, ana, ben, dee, eve], 'Ana, Ben, Dee, Eve, gate')
    await eve.setState({ note: 'me too' })
    await expectNote([gate, ana, ben, dee], 'Eve', 'me too')
    for (const tab of [ana, ben]) expect(await tab.gone()).toEqual(['Cy dead'])
  } finally {
    app.close()
  }
})

test('a tab with a list of servers comes by the first that is there, and goes on by the next when that ends', async ({
  world,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true, flags: ['--serve-signaling', '127.0.0.1:0'] })
  const first = await openTab(world, 'Ana')
  const invite = await first.page.evaluate(() => globalThis.shoal.peer.invite())
  const app = await openAppPage()
  try {
    const ben = await world.openTab('Ben', { url: app.url('Ben', [world.signaling, invite]), allow: refused })
    await expectPresent([gate, first, ben], 'Ana, Ben, gate')
    await expect.poll(() => membersAt(world.signaling)).toBe(3)
    await world.stopSignal()
    const cy = await world.openTab('Cy', { url: app.url('Cy', [world.signaling, invite]), allow: refused })
    await expectPresent([gate, first, ben, cy], 'Ana, Ben, Cy, gate')
    await expectLinks(cy, 3)
  } finally {
    app.close()
  }
})

test('tabs on the second server of their list find the newcomers at the first when that is back', async ({ world }) => {
  await world.startSignal()
  const spare = `ws://127.0.0.1:${await freeTcpPort()}`
  const second = world.run('second', ['signal', '--port', new URL(spare).port, '--no-page'])
  await expect.poll(() => second.printed('out').join()).toContain(spare)
  const app = await openAppPage()
  try {
    const invite = `${world.signaling}/?${new URLSearchParams({ room: world.room })}`
    const open = (name: string) => world.openTab(name, { url: app.url(name, [invite, spare]), allow: refused })
    const [ana, ben] = [await open('Ana'), await open('Ben')]
    await expectPresent([ana, ben], 'Ana, Ben')
    await world.stopSignal()
    await expect.poll(() => membersAt(spare), { message: 'both turn to the second' }).toBe(2)

    await world.startSignal()
    const dee = await openTab(world, 'Dee')
    // They would look by themselves, within a minute and a half. Who is on the network anew looks at once.
    await ana.page.evaluate(() => dispatchEvent(new Event('online')))
    await expectPresent([ana, ben, dee], 'Ana, Ben, Dee')
    for (const tab of [ana, ben, dee]) await expectLinks(tab, 2)
    expect(await membersAt(spare), 'nobody is off the second yet').toBe(2)
  } finally {
    app.close()
  }
})

/** A tab on the room's own page, that will see its server go away. */
function openTab(world: World, name: string): Promise<Tab> {
  return world.openTab(name, { allow: refused })
}

async function expectPresent(viewers: readonly Viewer[], names: string): Promise<void> {
  const views = async () => {
    const all = await Promise.all(viewers.map((viewer) => viewer.view()))
    return all.map((view) => view.filter(({ status }) => status === 'alive').map(({ name }) => name))
  }
  await expect.poll(views).toEqual(viewers.map(() => names.split(', ')))
}

async function expectNote(viewers: readonly Viewer[], name: string, note: string): Promise<void> {
  for (const viewer of viewers) {
    const state = async () => (await viewer.view()).find((member) => member.name === name)?.state
    await expect.poll(state, { message: `${viewer.name} sees the note of ${name}` }).toMatchObject({ note })
  }
}

async function expectLinks(tab: Tab, count: number): Promise<void> {
  await expect.poll(() => tab.linked(), { message: `the links of ${tab.name}` }).toBe(count)
}

/** How many are on a signalling server, as it says itself. */
async function membersAt(signaling: string): Promise<number> {
  const health = await fetch(`${signaling.replace(/^ws/, 'http')}/v1/health`)
  return ((await health.json()) as { members: number }).members
}
