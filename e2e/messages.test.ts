/** What members say to one another, between real tabs and processes that share no channel with them. */

import type { Message } from '../core/index.ts'
import { expect, test } from './fixtures.ts'
import type { Tab } from './tab.ts'
import { atAll, statusesAtAll } from './view.ts'

declare global {
  /** What `listen` has collected. */
  var heard: Message[]
}

test('tabs and a UDP-only process say things to each other, to a topic, and ask everybody', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const local = await world.startLocalPeer('db-1', gate)
  const [ana, ben] = [await world.openTab('Ana'), await world.openTab('Ben')]
  const alive = 'Ana alive, Ben alive, db-1 alive, gate alive'
  await expect.poll(() => statusesAtAll([ana, ben, gate])).toEqual(atAll([ana, ben, gate], alive))
  await expect.poll(() => local.members().length).toBe(4)

  const heardByLocal: Message[] = []
  local.onMessage((message) => heardByLocal.push(message))
  for (const tab of [ana, ben]) await listen(tab)
  const [anaId, benId] = [await idOf(ana), await idOf(ben)]

  // To one member: a tab and a process by way of the gateway, both ways, and a tab and another.
  expect(await send(ana, local.id, { text: 'to a process' })).toBe(true)
  expect(await local.send(anaId, { text: 'to a tab' })).toBe(true)
  expect(await send(ana, benId, { text: 'to another tab' })).toBe(true)
  expect(heardByLocal).toEqual([{ from: anaId, data: { text: 'to a process' } }])
  expect(await messagesOf(ana)).toEqual([{ from: local.id, data: { text: 'to a tab' } }])
  expect(await messagesOf(ben)).toEqual([{ from: anaId, data: { text: 'to another tab' } }])

  // To a topic: everybody but the sender.
  await ben.page.evaluate(() => globalThis.shoal.peer.publish('weather', ['fine', 21]))
  const news = { from: benId, topic: 'weather', data: ['fine', 21] }
  await expect.poll(() => heardByLocal.at(-1)).toEqual(news)
  await expect.poll(async () => (await messagesOf(ana)).at(-1)).toEqual(news)
  expect(await messagesOf(ben)).toHaveLength(1)

  // A question to all: every member that can answer does, the asker included.
  local.onQuery('who', (data, { from }) => ({ name: 'db-1', data, from }))
  for (const tab of [ana, ben]) {
    await tab.page.evaluate(() => {
      const { peer } = globalThis.shoal
      peer.onQuery('who', async (data, { from }) => ({ name: peer.self.name, data, from }))
    })
  }
  const answers = await ana.page.evaluate(async () => {
    const found: unknown[] = []
    for await (const { data } of globalThis.shoal.peer.query('who', 7, { timeout: 60_000 })) {
      found.push(data)
      if (found.length === 3) break
    }
    return found as { name: string }[]
  })
  const byName = answers.sort((a, b) => (a.name < b.name ? -1 : 1))
  expect(byName).toEqual(['Ana', 'Ben', 'db-1'].map((name) => ({ name, data: 7, from: anaId })))
})

function idOf(tab: Tab): Promise<string> {
  return tab.page.evaluate(() => globalThis.shoal.peer.id)
}

function listen(tab: Tab): Promise<void> {
  return tab.page.evaluate(() => {
    const heard: Message[] = []
    globalThis.heard = heard
    globalThis.shoal.peer.onMessage((message) => heard.push(message))
  })
}

function messagesOf(tab: Tab): Promise<Message[]> {
  return tab.page.evaluate(() => globalThis.heard)
}

function send(tab: Tab, to: string, data: { text: string }): Promise<boolean> {
  return tab.page.evaluate(({ to, data }) => globalThis.shoal.peer.send(to, data), { to, data })
}
