/** The example `editor`: a real CodeMirror, bound by y-codemirror.next to a Yjs document and to our awareness. */

import type { EditorView } from '@codemirror/view'
import type { Doc } from 'yjs'
import type { Awareness } from '../yjs/index.ts'
import { runExample } from './example.ts'
import { expect, test } from './fixtures.ts'
import type { Tab } from './tab.ts'
import type { World } from './world.ts'

declare global {
  /** What `examples/editor` keeps for tests. */
  var editor: { doc: Doc; awareness: Awareness<Doc>; view: EditorView }
  /** How many periods of the protocol it took for a cursor to go. */
  var wentAfter: number
}

test('what one types all read, and each sees the cursors of the others, with their names', async ({ world }) => {
  const [ana, ben, cy] = await openEditors(world)
  const all = [ana, ben, cy]
  await type(ana, 'Reef')
  await allRead(all, 'Reef')
  await expect.poll(() => cursors(ben)).toEqual({ Ana: 4, Cy: 0 })
  await type(ben, ' notes')
  await allRead(all, 'Reef notes')
  await type(cy, '!')
  await allRead(all, 'Reef notes!')
  await expect.poll(() => cursors(ana)).toEqual({ Ben: 10, Cy: 11 })
  await ben.page.keyboard.press('Home')
  await ben.page.keyboard.press('Shift+ArrowRight')
  await expect.poll(() => cursors(ana)).toEqual({ Ben: 1, Cy: 11 })
  await expect(ana.page.locator('.cm-ySelection', { hasText: /^R$/ })).toBeVisible()
  expect((await ana.page.locator('#people li').allTextContents()).sort()).toEqual(['Ana', 'Ben', 'Cy'])
})

test('the cursor of a crashed tab goes in seconds, and those of others stay', async ({ world }) => {
  const [ana, ben, cy] = await openEditors(world)
  for (const tab of [ana, ben, cy]) await type(tab, '.')
  await allRead([ana, ben, cy], '...')
  for (const tab of [ana, cy]) await expect.poll(async () => Object.keys(await cursors(tab))).toContain('Ben')
  await ana.page.evaluate(() => {
    const periods = () => globalThis.shoal.peer.counters().periods ?? 0
    const began = periods()
    globalThis.editor.awareness.on('change', ({ removed }) => {
      if (removed.length > 0) globalThis.wentAfter = periods() - began
    })
  })
  await ben.crash()
  for (const [tab, other] of [
    [ana, 'Cy'],
    [cy, 'Ana'],
  ] as const) {
    await expect.poll(async () => Object.keys(await cursors(tab))).toEqual([other])
    await expect(tab.page.locator('#people li', { hasText: 'Ben' })).toHaveCount(0)
  }
  // A period is a second, and four are usual. y-protocols takes 30 s.
  expect(await ana.page.evaluate(() => globalThis.wentAfter)).toBeLessThanOrEqual(10)
})

test('a closed tab takes its cursor along, and one that comes later reads and sees everything', async ({ world }) => {
  const [ana, ben, cy, url] = await openEditors(world)
  await type(ana, 'All of it')
  await allRead([ana, ben, cy], 'All of it')
  await type(ben, '.')
  await allRead([ana, ben, cy], 'All of it.')
  await expect.poll(() => cursors(cy)).toEqual({ Ana: 9, Ben: 10 })
  await ben.close()
  await expect.poll(() => cursors(cy)).toEqual({ Ana: 9 })
  const dan = await open(world, 'Dan', url)
  await allRead([ana, cy, dan], 'All of it.')
  await expect.poll(() => cursors(dan)).toEqual({ Ana: 9, Cy: 0 })
})

async function openEditors(world: World): Promise<[Tab, Tab, Tab, string]> {
  const { url } = await runExample(world, ['editor', '--port', '0'])
  const [ana, ben, cy] = [await open(world, 'Ana', url), await open(world, 'Ben', url), await open(world, 'Cy', url)]
  return [ana, ben, cy, url]
}

function open(world: World, name: string, url: string): Promise<Tab> {
  return world.openTab(name, { url: `${url}?${new URLSearchParams({ name, room: world.room })}`, before: drawClient })
}

/**
 * Lets Yjs draw numbers of clients that are alike: what is derived from them, colours above all, has to tell clients apart
 * nevertheless. Only Yjs draws a single number.
 */
function drawClient(): void {
  const draw = crypto.getRandomValues.bind(crypto)
  crypto.getRandomValues = (array) => {
    draw(array)
    if (array instanceof Uint32Array && array.length === 1) array[0]! &= ~0xfff
    return array
  }
}

/** At the end of what is there. */
async function type(tab: Tab, text: string): Promise<void> {
  await tab.page.locator('.cm-content').click()
  await tab.page.keyboard.press('Control+End')
  await tab.page.keyboard.type(text)
}

function read(tab: Tab): Promise<string> {
  return tab.page.evaluate(() => globalThis.editor.view.state.doc.toString())
}

async function allRead(tabs: readonly Tab[], text: string): Promise<void> {
  await expect.poll(() => Promise.all(tabs.map(read))).toEqual(tabs.map(() => text))
}

/** Where the cursors of others are drawn, by the names on them: so many characters of the document stand before it. */
function cursors(tab: Tab): Promise<Record<string, number>> {
  return tab.page.evaluate(() => {
    const { view } = globalThis.editor
    const carets = [...view.dom.querySelectorAll('.cm-ySelectionCaret')]
    return Object.fromEntries(
      carets.map((caret) => [caret.querySelector('.cm-ySelectionInfo')!.textContent, view.posAtDOM(caret)]),
    )
  })
}
