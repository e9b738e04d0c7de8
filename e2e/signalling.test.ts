/** The room without its signalling server, and the signalling server without WebRTC. */

import { expect, test } from './fixtures.ts'
import { atAll, statusesAtAll } from './view.ts'

test('nobody is lost while the signalling server is away, and newcomers can join when it is back', async ({
  world,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const api = await world.startAgent('api-1', { join: gate })
  const ana = await world.openTab('Ana')
  const ben = await world.openTab('Ben')
  const everyone = [ana, ben, gate, api]
  const alive = atAll(everyone, 'Ana alive, Ben alive, api-1 alive, gate alive')
  await expect.poll(() => statusesAtAll(everyone)).toEqual(alive)
  for (const tab of [ana, ben]) {
    await expect
      .poll(() => tab.linked(), { message: `${tab.name} has links to all other tabs and the gateway` })
      .toBe(2)
    await tab.watchGone()
    // The browser itself writes this line at every attempt to reconnect.
    tab.allow(/WebSocket connection to .* failed/)
  }

  await world.stopSignal()

  // Longer than it takes to suspect a member and to give it up.
  await Promise.all([ana.probeRounds(10), ben.probeRounds(10)])
  await expect.poll(() => statusesAtAll(everyone)).toEqual(alive)
  await ana.setState({ note: 'still here' })
  await expect
    .poll(async () => (await api.view()).find(({ name }) => name === 'Ana')!.state)
    .toMatchObject({ note: 'still here' })

  await world.startSignal()
  const cy = await world.openTab('Cy')
  const all = [...everyone, cy]
  await expect
    .poll(() => statusesAtAll(all))
    .toEqual(atAll(all, 'Ana alive, Ben alive, Cy alive, api-1 alive, gate alive'))
  for (const tab of [ana, ben]) expect(await tab.gone()).toEqual([])
})

test('tabs that cannot open a WebRTC connection are members all the same, over the relay', async ({ world }) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const api = await world.startAgent('api-1', { join: gate, flags: ['--register', 'payments:8080'] })
  // One has no WebRTC at all; the other has one whose ICE never comes up, as behind a firewall.
  const none = await world.openTab('Ana', {
    before: () => {
      for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) Reflect.deleteProperty(globalThis, name)
    },
  })
  const blocked = await world.openTab('Ben', {
    before: () => {
      const Original = globalThis.RTCPeerConnection
      globalThis.RTCPeerConnection = class extends Original {
        constructor(configuration?: RTCConfiguration) {
          super({ ...configuration, iceServers: [], iceTransportPolicy: 'relay' })
        }
      }
    },
  })
  const everyone = [none, blocked, gate, api]
  await expect
    .poll(() => statusesAtAll(everyone))
    .toEqual(atAll(everyone, 'Ana alive, Ben alive, api-1 alive, gate alive'))

  await none.setState({ mood: 'glad' })
  for (const viewer of [blocked, gate, api]) {
    await expect
      .poll(async () => (await viewer.view()).find(({ name }) => name === 'Ana')!.state)
      .toMatchObject({ mood: 'glad' })
  }
  for (const tab of [none, blocked]) {
    expect(await tab.linked(), `${tab.name} has no link`).toBe(0)
    await expect.poll(() => tab.page.evaluate(() => globalThis.shoal.peer.lookup('payments').length)).toBe(1)
  }
  // And they stay members.
  await Promise.all([none.watchGone(), blocked.watchGone()])
  await Promise.all([none.probeRounds(10), blocked.probeRounds(10)])
  expect([...(await none.gone()), ...(await blocked.gone())]).toEqual([])
})
