/** The overlay on the demo page: what it shows of a real room, and that it leaves nothing behind. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixtures.ts'
import { root } from './process.ts'
import type { Tab } from './tab.ts'

declare global {
  /** Listeners on what outlives an element: the page, the window, media queries, the peer. */
  var lasting: number
  /** How often the overlay has drawn. */
  var drawings: number
}

test('the overlay draws the links of a tab, and tells why a crashed one is believed dead', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  await world.startAgent('api-1', { join: gate })
  const ana = await world.openTab('Ana')
  await world.openTab('Ben')
  const cy = await world.openTab('Cy')
  await expect.poll(() => ana.linked()).toBe(3)

  await ana.page.getByRole('button', { name: 'Why?' }).click()
  const map = ana.page.getByRole('application', { name: 'Map of the room' })
  await expect(map).toHaveAccessibleName(/^Map of the room: 5 alive; this peer has 3 open links\./)
  await expect(standing(ana, 'members')).toHaveText('5')
  expect(await inkOf(ana)).toBeGreaterThan(500)

  await choose(ana, 'Cy')
  await expect(reason(ana)).toHaveText(/answered this peer .* ago over rtc$/)
  await expect(fact(ana, 'link')).toHaveText('rtc open')
  await choose(ana, 'api-1')
  await expect(reason(ana)).toHaveText(/known by hearsay only: its neighbour gate watches it$/)

  await choose(ana, 'Cy')
  await cy.crash()
  await expect(reason(ana)).toHaveText(/declared dead by \S.* \d\.\d s ago, after .+ had suspected it$/)
  await expect(map).toHaveAccessibleName(/4 alive, 1 dead;/)
  await map.press('Escape')
  await expect(ana.page.getByText('Point at a member')).toBeVisible()
})

test('a pointer on a member shows it, a click keeps it shown, and the panel stays where it is', async ({ world }) => {
  await world.startSignal()
  const ana = await world.openTab('Ana')
  await world.openTab('Ben')
  await expect.poll(() => ana.linked()).toBe(1)
  await ana.page.getByRole('button', { name: 'Why?' }).click()
  const map = ana.page.getByRole('application', { name: 'Map of the room' })
  await expect(map).toHaveAccessibleName(/2 alive/)
  const { x, y, width, height } = (await map.boundingBox())!
  // Two stand one above the other: this peer at the top, the other at the bottom of the circle.
  const radius = Math.min(width / 2 - 62, height / 2 - 26)
  await ana.page.mouse.move(x + width / 2, y + height / 2 + radius)
  await expect(reason(ana)).toHaveText(/^Ben\s*answered/)
  expect(await map.boundingBox()).toEqual({ x, y, width, height })
  await ana.page.mouse.move(x + 5, y + 5)
  await expect(reason(ana)).toHaveCount(0)
  await ana.page.mouse.click(x + width / 2, y + height / 2 - radius)
  await ana.page.mouse.move(x + 5, y + 5)
  await expect(reason(ana)).toHaveText(/^Ana\s*this is the peer that was asked/)
})

test('collapsed it draws nothing, and closed it leaves no listener, no timer and no element', async ({ world }) => {
  await world.startSignal()
  const tab = await world.openTab('Ana', { before: countLasting })
  await tab.page.evaluate(countPeerListeners)
  const why = tab.page.getByRole('button', { name: 'Why?' })
  const held = () =>
    tab.page.evaluate(() => ({ listeners: globalThis.lasting, elements: document.body.children.length }))
  const drawings = () => tab.page.evaluate(() => globalThis.drawings)
  const before = await held()
  for (let i = 0; i < 3; i++) {
    await why.click()
    await expect(standing(tab, 'members')).toHaveText('1')
    // The page, a media query, the window; and of the peer its view and its status.
    expect((await held()).listeners).toBe(before.listeners + 5)
    await why.click()
    expect(await held()).toEqual(before)
  }
  await drawsNothing()

  await why.click()
  const drawn = await drawings()
  await expect.poll(drawings).toBeGreaterThan(drawn + 1)
  const title = tab.page.getByRole('button', { name: /^Shoal\s*joined$/ })
  await title.click()
  await expect(title).toHaveAttribute('aria-expanded', 'false')
  await drawsNothing()
  await expect(tab.page.getByRole('application', { name: 'Map of the room' })).toBeHidden()
  await title.press('Enter')
  await expect(tab.page.getByRole('application', { name: 'Map of the room' })).toBeVisible()

  /** For as long as it would have drawn a few times, with changes to draw. */
  async function drawsNothing() {
    const last = await drawings()
    await tab.setState({ mood: 'glad' })
    await tab.probeRounds(3)
    await tab.setState({ mood: 'calm' })
    expect(await drawings()).toBe(last)
  }
})

test('the overlay comes as one file of its own, and a strict Content-Security-Policy has nothing against it', async ({
  page,
}) => {
  const script = `
    import { showOverlay } from '/overlay.js'
    const self = { id: 'a', name: 'Ana', status: 'alive', mode: 'visible', via: 'direct', since: 0 }
    globalThis.overlay = showOverlay({
      id: 'a', status: 'joined', reason: 'alone', members: () => [self], neighbours: () => [], links: () => [],
      explain: () => undefined, consistency: () => ({ agreeing: 0, asked: 0 }), counters: () => ({}),
      subscribe: () => () => {}, on: () => () => {},
    }, { corner: 'top-left' })
    try { showOverlay({}, { corner: 'middle' }) } catch (error) { globalThis.refused = error.message }`
  const files: Record<string, string> = {
    '/': '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>',
    '/main.js': script,
    '/overlay.js': await readFile(join(root, 'dist/browser/overlay.js'), 'utf8'),
  }
  const faults: string[] = []
  page.on('console', (message) => faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(error.message))
  await page.route('http://overlay.test/**', (route) => {
    const path = new URL(route.request().url()).pathname
    return route.fulfill({
      body: files[path] ?? '',
      contentType: path === '/' ? 'text/html' : 'text/javascript',
      headers: { 'content-security-policy': "default-src 'none'; script-src 'self'; img-src data:" },
    })
  })
  await page.goto('http://overlay.test/')
  const map = page.getByRole('application', { name: 'Map of the room: 1 alive' })
  const box = (await map.boundingBox())!
  expect(box.x).toBeLessThan(40)
  expect(box.height).toBeGreaterThan(200)
  expect(await page.evaluate(() => (globalThis as { refused?: string }).refused)).toBe(
    'corner: expected bottom-right, bottom-left, top-right, top-left, got "middle"',
  )
  await page.evaluate(() => (globalThis as unknown as { overlay: { close(): void } }).overlay.close())
  await expect(map).toHaveCount(0)
  expect(faults).toEqual([])
})

/** A fact about this peer. */
function standing(tab: Tab, name: string) {
  return tab.page.locator(`.standing dt:text-is("${name}") + dd`)
}

/** A fact about the member that is chosen, and the sentence that sums it up. */
function fact(tab: Tab, name: string) {
  return tab.page.locator(`.about dt:text-is("${name}") + dd`)
}

function reason(tab: Tab) {
  return tab.page.locator('.about .because')
}

/** By the keyboard: round the circle until it is the one. */
async function choose(tab: Tab, name: string): Promise<void> {
  const map = tab.page.getByRole('application', { name: 'Map of the room' })
  await map.press('Escape')
  await expect(async () => {
    await map.press('ArrowRight')
    expect(await reason(tab).locator('b').allTextContents()).toEqual([name])
  }).toPass({ intervals: [10] })
}

/** Pixels that something was drawn on. */
function inkOf(tab: Tab): Promise<number> {
  return tab.page.getByRole('application', { name: 'Map of the room' }).evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement
    const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
    let ink = 0
    for (let i = 3; i < data.length; i += 4) if (data[i]! > 0) ink++
    return ink
  })
}

/** Runs in the page, ahead of it. */
function countLasting(): void {
  globalThis.lasting = 0
  globalThis.drawings = 0
  const { addEventListener, removeEventListener } = EventTarget.prototype
  const outlives = (target: EventTarget) => target === window || target === document || target instanceof MediaQueryList
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    const target = this ?? window
    if (outlives(target)) {
      globalThis.lasting++
      if (typeof options === 'object') options.signal?.addEventListener('abort', () => globalThis.lasting--)
    }
    addEventListener.call(target, type, listener, options)
  }
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    const target = this ?? window
    if (outlives(target)) globalThis.lasting--
    removeEventListener.call(target, type, listener, options)
  }
  const { clearRect } = CanvasRenderingContext2D.prototype
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    if (this.canvas.id !== 'pond') globalThis.drawings++
    clearRect.apply(this, box)
  }
}

/** Runs in the page, once its peer has joined. */
function countPeerListeners(): void {
  const { peer } = globalThis.shoal
  const counted = (end: () => void) => {
    globalThis.lasting++
    return () => {
      globalThis.lasting--
      end()
    }
  }
  const [subscribe, on] = [peer.subscribe.bind(peer), peer.on.bind(peer)]
  peer.subscribe = (listener) => counted(subscribe(listener))
  peer.on = (type, listener) => counted(on(type, listener))
}
