/** Tabs of Firefox and of Chromium, and a process, in one room. Skipped where there is no Firefox. */

import { App } from './app.ts'
import { Firefox, findFirefox } from './firefox.ts'
import { expect, test } from './fixtures.ts'
import { atAll, statusesAtAll } from './view.ts'
import type { World } from './world.ts'

const path = findFirefox()
const trouble = path === undefined ? 'there is no Firefox on the PATH, nor does FIREFOX_PATH name one' : undefined
// Once, and not again by each worker that reads this file.
if (trouble !== undefined && process.env.TEST_WORKER_INDEX === undefined) {
  console.log(`e2e/firefox.test.ts: skipped, for ${trouble}`)
}
test.skip(trouble !== undefined, trouble ?? '')

/** It does what is asked by messages, and answers what it sees. */
const page = (world: World) => `
  import { join } from '/shoal.js'
  const peer = await join(${JSON.stringify({ room: world.room, signaling: world.signaling, name: 'Fox' })})
  peer.onQuery('view', () => peer.members().map(({ name, status, via, state }) => ({ name, status, via, state })))
  peer.onMessage('go', () => location.replace('about:blank'))
  peer.onConnection((connection) => {
    let bytes = 0
    connection.on('data', (piece) => {
      bytes += piece.length
      if (bytes === 1_000_000) connection.write('all ' + bytes)
    })
  })
  peer.setState({ engine: navigator.userAgent.includes('Gecko/') ? 'Gecko' : navigator.userAgent })`

test('a Firefox tab is linked with Chromium and a process, talks to both, leaves by word and is missed without', async ({
  world,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const ana = await world.openTab('Ana')
  const app = await App.serve(page(world))
  let firefox = new Firefox(path!, app.url)
  try {
    const foxAt = async () => (await ana.view()).find(({ name, status }) => name === 'Fox' && status === 'alive')
    await expect
      .poll(async () => {
        firefox.assertRunning()
        return (await foxAt())?.state
      })
      .toEqual({ engine: 'Gecko' })
    const { id } = (await foxAt())!
    await expect.poll(() => ana.linked()).toBe(2)
    await ana.setState({ mood: 'glad' })
    const ask = () =>
      ana.page.evaluate(async (id) => {
        const { peer } = globalThis.shoal
        for await (const { from, data } of peer.query('view')) if (from === id) return data
        return 'no answer'
      }, id)
    const other = (name: string) => ({ name, status: 'alive', via: 'direct' })
    await expect
      .poll(ask)
      .toEqual(
        expect.arrayContaining([
          expect.objectContaining({ ...other('Ana'), state: expect.objectContaining({ mood: 'glad' }) }),
          expect.objectContaining(other('gate')),
          expect.objectContaining(other('Fox')),
        ]),
      )
    expect(await ana.page.evaluate((id) => globalThis.shoal.peer.send(id, 'hello'), id)).toBe(true)
    const said = await ana.page.evaluate(async (id) => {
      const connection = await globalThis.shoal.peer.connect(id)
      const answer = new Promise((resolve) => connection.once('data', resolve))
      for (let i = 0; i < 20; i++) connection.write(new Uint8Array(50_000))
      return String(await answer)
    }, id)
    expect(said).toBe('all 1000000')

    await ana.page.evaluate(() => globalThis.shoal.peer.publish('go', true))
    const gone = (statuses: string) => atAll([ana, gate], `Ana alive, ${statuses}, gate alive`)
    await expect.poll(() => statusesAtAll([ana, gate])).toEqual(gone('Fox left'))
    await firefox.kill()
    firefox = new Firefox(path!, app.url)
    await expect.poll(async () => (await foxAt())?.id).toBeDefined()
    await expect.poll(() => ana.linked()).toBe(2)
    await firefox.kill()
    const sorted = async () => (await statusesAtAll([ana])).Ana!.split(', ').sort()
    await expect.poll(sorted).toEqual(['Ana alive', 'Fox dead', 'Fox left', 'gate alive'])
  } finally {
    await firefox.kill()
    app.close()
  }
})
