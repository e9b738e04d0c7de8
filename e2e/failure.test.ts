/** Members that vanish without a word. */

import { expect, test } from './fixtures.ts'
import type { Tab } from './tab.ts'
import { atAll, statusesAtAll } from './view.ts'

test('a killed process and a crashed tab are dead for everybody, and nobody else is', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const api = await world.startAgent('api-1', { join: gate })
  const db = await world.startAgent('db-1', { join: gate })
  const ana = await world.openTab('Ana')
  const ben = await world.openTab('Ben')
  const cy = await world.openTab('Cy')
  const everyone = [ana, ben, cy, gate, api, db]
  const alive = 'Ana alive, Ben alive, Cy alive, api-1 alive, db-1 alive, gate alive'
  await expect.poll(() => statusesAtAll(everyone)).toEqual(atAll(everyone, alive))
  const watching: Tab[] = [ana, cy]
  for (const tab of watching) await tab.watchGone()

  await api.process.kill()
  const withoutApi = everyone.filter((viewer) => viewer !== api)
  const apiDead = alive.replace('api-1 alive', 'api-1 dead')
  await expect.poll(() => statusesAtAll(withoutApi)).toEqual(atAll(withoutApi, apiDead))

  await ben.crash()
  const withoutBoth = withoutApi.filter((viewer) => viewer !== ben)
  const bothDead = apiDead.replace('Ben alive', 'Ben dead')
  await expect.poll(() => statusesAtAll(withoutBoth)).toEqual(atAll(withoutBoth, bothDead))

  for (const tab of watching) expect(await tab.gone()).toEqual(['api-1 dead', 'Ben dead'])
})

test('a killed process that is started again is a new member, and its old id stays dead', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const db = await world.startAgent('db-1', { join: gate })
  const killed = await world.startAgent('api-1', { join: gate, flags: ['--register', 'payments:8080'] })
  const tab = await world.openTab('Ana')
  const everyone = [tab, gate, db]
  await expect
    .poll(() => statusesAtAll(everyone))
    .toEqual(atAll(everyone, 'Ana alive, api-1 alive, db-1 alive, gate alive'))
  const oldId = await killed.id()

  // Under its old name and at its old address, before anybody has missed it: who is probed there answers as another.
  await killed.process.kill()
  const { udpPort } = killed
  const again = await world.startAgent('api-1', { join: gate, flags: ['--register', 'payments:8080'], udpPort })
  const newId = await again.id()
  expect(newId).not.toBe(oldId)

  const bothAtAll = async () => {
    const views = await Promise.all([...everyone, again].map((viewer) => viewer.view()))
    return views.map((view) => Object.fromEntries(view.map(({ id, status }) => [id, status])))
  }
  const deadAndAlive = expect.objectContaining({ [oldId]: 'dead', [newId]: 'alive' })
  await expect.poll(bothAtAll).toEqual([deadAndAlive, deadAndAlive, deadAndAlive, deadAndAlive])

  // Nor does it come back by rumour, sync or healing, for as long as it takes to hear from everybody a few times.
  await tab.probeRounds(6)
  expect(await bothAtAll()).toEqual([deadAndAlive, deadAndAlive, deadAndAlive, deadAndAlive])
  const instances = await tab.page.evaluate(() => globalThis.shoal.peer.lookup('payments').map(({ member }) => member))
  expect(instances).toEqual([newId])
})
