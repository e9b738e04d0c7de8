/** `examples/react`: who is here. */

import { startPeer } from '../node/index.ts'
import { testOf } from './example.ts'
import { expect } from './fixtures.ts'
import type { Tab } from './tab.ts'

const test = testOf('react')

const rows = ({ page }: Tab) => page.locator('.board li')
const rowOf = (tab: Tab, who: string) => rows(tab).filter({ hasText: who })

test('a visitor is one row and one member', async ({ visit, world, url }) => {
  const signaling = url.replace('http://localhost', 'ws://127.0.0.1')
  const observer = await startPeer({ room: world.room, name: 'observer', signaling })
  world.peers.push(observer)
  const came: string[] = []
  observer.on('join', ({ name }) => came.push(name))
  const [ana, ben] = [await visit('Ana Lima'), await visit('Ben')]
  for (const tab of [ana, ben]) {
    await expect(tab.page.getByRole('status')).toHaveText('joined')
    await expect(rows(tab)).toHaveCount(2)
  }
  await expect(rows(ana).first(), 'one is the first on one’s own board').toContainText('Ana Lima')
  await expect(rows(ben).first()).toContainText('Ben')
  await expect.poll(() => came.sort(), 'and once has each of them come').toEqual(['Ana Lima', 'Ben'])
})

test('a note is read by the others as it is written, and that it is being written as well', async ({ visit }) => {
  const [ana, ben] = [await visit('Ana'), await visit('Ben')]
  await expect(rowOf(ben, 'Ana')).toBeVisible()
  const typing = rowOf(ben, 'Ana').getByRole('img', { name: 'typing' })
  const field = ana.page.getByLabel('What you are up to')
  await expect(async () => {
    await field.pressSequentially('la ')
    await expect(typing).toBeVisible({ timeout: 1_000 })
  }, 'while she is writing').toPass()
  await field.fill('soup, then the review')
  await expect(field).toHaveValue('soup, then the review')
  await expect(rowOf(ben, 'Ana').locator('.note')).toHaveText('soup, then the review')
  await expect(typing, 'once she has stopped').toBeHidden()
})

test('two tabs of one user are one row, away when neither is looked at, and gone with the last', async ({ visit }) => {
  const [ana, ben] = [await visit('Ana'), await visit('Ben')]
  const again = await visit('Ana')
  const row = rowOf(ben, 'Ana')
  await expect(row).toContainText('2 tabs')
  await expect(rows(ben)).toHaveCount(2)
  await expect(rows(again)).toHaveCount(2)

  await setHidden(again, true)
  await expect(rowOf(again, 'Ben'), 'it is a member all the same').toBeVisible()
  await expect(row).toHaveClass('in')
  await setHidden(ana, true)
  await expect(row).toHaveClass('away')
  await setHidden(ana, false)
  await expect(row).toHaveClass('in')

  await again.close()
  await expect(row).not.toContainText('2 tabs')
  await ana.close()
  await expect(row).toHaveCount(0)
})

test('who is free for a review is known to all, until busy or gone', async ({ visit }) => {
  const [ana, ben, cem] = [await visit('Ana'), await visit('Ben'), await visit('Cem')]
  const free = ({ page }: Tab) => page.locator('.reviews li')
  await expect(rows(cem)).toHaveCount(3)
  for (const tab of [ana, ben]) await tab.page.getByRole('button', { name: 'I am free' }).click()
  for (const tab of [ana, ben, cem])
    await expect.poll(async () => (await free(tab).allTextContents()).sort()).toEqual(['Ana', 'Ben'])
  await ana.page.getByRole('button', { name: 'I am busy' }).click()
  await expect(free(cem)).toHaveText(['Ben'])
  await ben.close()
  await expect(free(cem)).toHaveCount(0)
  await expect(free(ana)).toHaveCount(0)
})

/** As when another tab is in front of it. */
function setHidden({ page }: Tab, hidden: boolean): Promise<void> {
  return page.evaluate(
    (state) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
      document.dispatchEvent(new Event('visibilitychange'))
    },
    hidden ? 'hidden' : 'visible',
  )
}
