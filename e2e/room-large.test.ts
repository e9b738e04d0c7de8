/** Rooms in which not everybody has a link to everybody. */

import { Crowd, faultsOf } from './crowd.ts'
import { expect, test } from './fixtures.ts'
import type { World } from './world.ts'

// A room of dozens of renderers is as much as two cores carry.
test.describe.configure({ mode: 'default', timeout: 600_000 })

const neighboursMax = 8
const linksMax = 16

test('forty tabs hold one view over eight links each, and a cursor that moves in one moves in all', async ({
  world,
}, info) => {
  const size = 40
  const crowd = await begin(world, size)
  try {
    await crowd.grow(size)
    await everybodyIsHere(crowd)

    const senders = [0, 13, 27, 39].map((i) => crowd.tabs[i]!)
    for (const [i, tab] of senders.entries()) await crowd.moveCursor(tab, [i, i])
    const unmoved = async () =>
      (await Promise.all(senders.map((tab) => crowd.cursorMs(tab)))).flat().includes(undefined)
    await expect.poll(unmoved).toBe(false)

    // Links to those who were neighbours while the room grew are kept for half a minute.
    await expect
      .poll(async () => faultsOf(await crowd.links(), neighboursMax), { timeout: 180_000, intervals: [1000] })
      .toEqual([])
    const most = await Promise.all(crowd.tabs.map(({ page }) => page.evaluate(() => globalThis.seen.linksMost)))
    expect(Math.max(...most)).toBeLessThanOrEqual(linksMax)

    const completeMs = await Promise.all(crowd.tabs.map(({ page }) => page.evaluate(() => globalThis.seen.completeMs)))
    const cursorMs = await Promise.all(senders.map((tab) => crowd.cursorMs(tab)))
    const figures = { linksMost: Math.max(...most), completeMsOfLast: completeMs.at(-1), cursorMs }
    await info.attach('figures', { body: JSON.stringify(figures), contentType: 'application/json' })
  } finally {
    crowd.close()
  }
})

test('without its signalling server a room goes on: state flows, crashes are noticed, and links heal over the mesh', async ({
  world,
}) => {
  const size = 20
  const crowd = await begin(world, size)
  try {
    await crowd.grow(size)
    await everybodyIsHere(crowd)
    const linked = async () => faultsOf(await crowd.links(), linksMax)
    await expect.poll(linked).toEqual([])

    for (const tab of crowd.tabs) tab.allow(/WebSocket/)
    await world.stopSignal()
    const [first] = crowd.tabs
    await crowd.moveCursor(first!, [1, 1])
    await expect.poll(async () => (await crowd.cursorMs(first!)).includes(undefined)).toBe(false)

    const before = await crowd.links()
    for (const tab of crowd.tabs) await tab.watchGone()
    const crashed = [2, 7, 11, 17].map((i) => crowd.tabs[i]!)
    await crowd.crash(crashed)
    await everybodyIsHere(crowd)
    const dead = crashed.map(({ name }) => `${name} dead`).sort()
    for (const tab of crowd.tabs) expect((await tab.gone()).sort()).toEqual(dead)

    // Whoever stood on either side of one that is gone is next to the other now.
    const isNew = (links: Record<string, string[]>) =>
      Object.entries(links).some(([name, own]) => own.some((other) => !before[name]!.includes(other)))
    await expect
      .poll(async () => {
        const links = await crowd.links()
        return [faultsOf(links, linksMax), isNew(links)]
      })
      .toEqual([[], true])
    await crowd.moveCursor(crowd.tabs.at(-1)!, [2, 2])
    await expect.poll(async () => (await crowd.cursorMs(crowd.tabs.at(-1)!)).includes(undefined)).toBe(false)
  } finally {
    crowd.close()
  }
})

async function begin(world: World, size: number): Promise<Crowd> {
  await world.startSignal()
  return Crowd.begin(world, size)
}

/** Every tab takes every tab for present, and nobody else. */
async function everybodyIsHere(crowd: Crowd): Promise<void> {
  const all = crowd.tabs
    .map(({ name }) => name)
    .sort()
    .join(' ')
  const expected = Object.fromEntries(crowd.tabs.map(({ name }) => [name, all]))
  await expect.poll(() => crowd.presentAtAll(), { timeout: 180_000 }).toEqual(expected)
}
