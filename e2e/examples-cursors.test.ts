/** `examples/cursors`: what visitors see of each other. */

import { testOf } from './example.ts'
import { expect } from './fixtures.ts'
import type { Tab } from './tab.ts'

const test = testOf('cursors')

const avatars = ({ page }: Tab) => page.locator('#avatars li')
const cursorOf = ({ page }: Tab, who: string) => page.locator('.cursor', { hasText: who })

/** Where the tip of a cursor is, as shares of the mat. */
function tip(tab: Tab, who: string): Promise<number[]> {
  return cursorOf(tab, who).evaluate((cursor) => {
    const [at, mat] = [cursor, cursor.parentElement!].map((element) => element.getBoundingClientRect()) as [
      DOMRect,
      DOMRect,
    ]
    return [(at.left - mat.left) / mat.width, (at.top - mat.top) / mat.height].map(
      (share) => Math.round(share * 100) / 100,
    )
  })
}

async function pointAt({ page }: Tab, x: number, y: number): Promise<void> {
  const mat = (await page.locator('#mat').boundingBox())!
  await page.mouse.move(mat.x + x * mat.width, mat.y + y * mat.height, { steps: 8 })
}

test('a pointer moves on the mats of the others, in its colour, and goes when it leaves', async ({ visit }) => {
  const [ana, ben, cem] = [await visit('Ana Lima'), await visit('Ben'), await visit('Cem')]
  for (const tab of [ana, ben, cem]) await expect(avatars(tab)).toHaveCount(3)
  await pointAt(ana, 0.25, 0.5)
  for (const tab of [ben, cem]) await expect.poll(() => tip(tab, 'Ana Lima')).toEqual([0.25, 0.5])
  await pointAt(ana, 0.75, 0.2)
  for (const tab of [ben, cem]) await expect.poll(() => tip(tab, 'Ana Lima')).toEqual([0.75, 0.2])
  await expect(cursorOf(ana, 'Ana Lima'), 'one has a pointer already').toHaveCount(0)
  const chosen = await ana.page.evaluate(() => localStorage.getItem('me_color'))
  expect(await cursorOf(ben, 'Ana Lima').evaluate(({ style }) => style.getPropertyValue('--color'))).toBe(chosen)

  await ana.page.mouse.move(5, 5)
  for (const tab of [ben, cem]) await expect(cursorOf(tab, 'Ana Lima')).toHaveCount(0)
})

test('two tabs of one user are one avatar, which goes with the last of them', async ({ visit }) => {
  const [ana, ben] = [await visit('Ana'), await visit('Ben')]
  const again = await visit('Ana')
  for (const tab of [ana, ben, again]) await expect(avatars(tab)).toHaveText(tab === ben ? ['B', 'A'] : ['A', 'B'])
  await expect(avatars(ben).last()).toHaveAttribute('title', 'Ana, 2 tabs')
  await pointAt(again, 0.5, 0.5)
  await expect(cursorOf(ana, 'Ana'), 'of one’s other tab').toHaveCount(1)
  await expect(cursorOf(ben, 'Ana')).toHaveCount(1)

  await again.close()
  await expect(cursorOf(ben, 'Ana')).toHaveCount(0)
  await expect(avatars(ben).last()).toHaveAttribute('title', 'Ana')
  await ana.close()
  await expect(avatars(ben)).toHaveText(['B'])
  await expect(ben.page.locator('#status')).toHaveText('1 here')
})
