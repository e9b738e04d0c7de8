/** Tabs and processes between which the network lets nothing, or little, through. */

import { test as base, expect } from 'playwright/test'
import { type NatRules, natNetworkTrouble } from './nat-network.ts'
import { lostConnectionsAt, NatWorld, othersAt, pairsAt } from './nat-world.ts'

const trouble = natNetworkTrouble()
const required = process.env.SHOAL_NAT_TESTS === 'required'
// Once, and not again by each worker that reads this file.
const isFirst = process.env.TEST_WORKER_INDEX === undefined
if (trouble !== undefined && !required && isFirst) console.log(`e2e/nat.test.ts: skipped, for ${trouble}`)

interface Fixtures {
  /** Makes the world of the test; it is ended with it. */
  between: (rules: NatRules) => NatWorld
}

const test = base.extend<Fixtures>({
  between: async ({ launchOptions }, use, info) => {
    const worlds: NatWorld[] = []
    await use((rules) => {
      const world = new NatWorld(rules, launchOptions.args ?? [])
      worlds.push(world)
      return world
    })
    const faults = (await Promise.all(worlds.map((world) => world.end()))).flat()
    if (info.status !== info.expectedStatus || faults.length > 0) {
      const body = worlds.map((world) => world.transcript()).join('\n\n')
      await info.attach('processes', { body, contentType: 'text/plain' })
    }
    expect(faults, 'no errors on a page, and no process ends by itself').toEqual([])
  },
})

test.skip(trouble !== undefined && !required, trouble ?? '')
test.beforeAll(() => {
  // Where these tests have to run, that the machine cannot is a failure.
  expect(trouble, 'what keeps this machine from network namespaces').toBeUndefined()
})

test('two NATs with STUN are crossed without any server in the way', async ({ between }) => {
  const world = between({ joined: true })
  await world.startTurn()
  await world.startSignal({ stun: true })
  const ana = await world.openTab('a', 'Ana')
  const ben = await world.openTab('b', 'Ben')
  await expect.poll(() => othersAt(ana)).toEqual(['Ben alive direct'])
  await expect.poll(() => othersAt(ben)).toEqual(['Ana alive direct'])
  await expect.poll(() => pairsAt(ana)).toEqual([expect.not.stringContaining('relay')])
})

for (const [what, rules] of [
  ['two NATs without a path between them', {}],
  ['symmetric NATs, which STUN is no help with', { joined: true, symmetric: true }],
  ['homes that let no UDP out', { joined: true, udpBlocked: true }],
] satisfies [string, NatRules][]) {
  test(`${what} leave membership complete through the relay`, async ({ between }) => {
    const world = between(rules)
    await world.startTurn()
    await world.startSignal({ stun: true })
    const ana = await world.openTab('a', 'Ana')
    const ben = await world.openTab('b', 'Ben')
    await expect.poll(() => othersAt(ana)).toEqual(['Ben alive relayed'])
    await expect.poll(() => othersAt(ben)).toEqual(['Ana alive relayed'])
    for (const tab of [ana, ben]) await tab.watchGone()
    await ana.setState({ mood: 'glad' })
    await expect
      .poll(async () => (await ben.view()).find(({ name }) => name === 'Ana')!.state)
      .toMatchObject({ mood: 'glad' })

    // The link has been tried and given up, and nobody has been lost meanwhile.
    await expect.poll(() => lostConnectionsAt(ana)).toBeGreaterThan(0)
    expect(await othersAt(ana)).toEqual(['Ben alive relayed'])
    expect(await othersAt(ben)).toEqual(['Ana alive relayed'])
    expect([...(await ana.gone()), ...(await ben.gone())]).toEqual([])
  })
}

test('a tab and an agent between which there is no path meet through TURN, with passwords out of the welcome', async ({
  between,
}) => {
  const world = between({})
  await world.startTurn()
  await world.startSignal({ turn: 'udp' })
  const ana = await world.openTab('a', 'Ana')
  const ben = await world.openTab('b', 'Ben')
  await world.startAgent('b', 'api')
  await expect.poll(() => othersAt(ana)).toEqual(['Ben alive direct', 'api alive direct'])
  await expect.poll(() => othersAt(ben)).toEqual(['Ana alive direct', 'api alive direct'])
  const atAgent = async () => (await world.membersAtAgent('b')).map(({ name, via }) => `${name} ${via}`).sort()
  await expect.poll(atAgent).toEqual(['Ana direct', 'Ben direct', 'api direct'])
  const throughTurn = expect.stringContaining('relay')
  await expect.poll(() => pairsAt(ana)).toEqual([throughTurn, throughTurn])
})

test('where no UDP gets out, TURN over TCP carries the links', async ({ between }) => {
  const world = between({ joined: true, udpBlocked: true })
  await world.startTurn()
  await world.startSignal({ turn: 'tcp' })
  const ana = await world.openTab('a', 'Ana')
  const ben = await world.openTab('b', 'Ben')
  await expect.poll(() => othersAt(ana)).toEqual(['Ben alive direct'])
  await expect.poll(() => othersAt(ben)).toEqual(['Ana alive direct'])
  for (const tab of [ana, ben]) await expect.poll(() => pairsAt(tab)).toEqual(['relay-relay'])
})

test('a tab that is to show nobody its address sends by TURN alone, though there is a path', async ({ between }) => {
  const world = between({ joined: true })
  await world.startTurn()
  await world.startSignal({ turn: 'udp', stun: true })
  const ana = await world.openTab('a', 'Ana', { iceTransportPolicy: 'relay' })
  const ben = await world.openTab('b', 'Ben')
  await expect.poll(() => othersAt(ana)).toEqual(['Ben alive direct'])
  await expect.poll(() => othersAt(ben)).toEqual(['Ana alive direct'])
  await expect.poll(() => pairsAt(ana)).toEqual([expect.stringMatching(/^relay-/)])
  // Nothing that Ben was told of Ana is an address of hers.
  await expect.poll(() => pairsAt(ben)).toEqual([expect.stringMatching(/-relay$/)])
})

test('with the server gone and no TURN, a tab says that it is cut off and why, and is back with the server', async ({
  between,
}) => {
  const world = between({})
  await world.startSignal()
  const ana = await world.openTab('a', 'Ana')
  const ben = await world.openTab('b', 'Ben')
  await expect.poll(() => othersAt(ana)).toEqual(['Ben alive relayed'])
  await expect.poll(() => othersAt(ben)).toEqual(['Ana alive relayed'])
  for (const tab of [ana, ben]) {
    await tab.watchGone()
  }
  const told = ana.page.evaluate(
    () =>
      new Promise<string>((resolve) =>
        globalThis.shoal.peer.on('status', (status, why) => resolve(`${status}: ${why}`)),
      ),
  )

  await world.stopSignal()
  expect(await told).toMatch(
    /^isolated: no path is left to any of 1 members; the last view is kept; the signalling server ws:\/\/198\.18\.0\.1:8787 is out of reach \(.+\), and no WebRTC connection is open/,
  )
  expect(await othersAt(ana)).toEqual(['Ben alive gossip'])

  await world.startSignal()
  await expect.poll(() => ana.page.evaluate(() => globalThis.shoal.peer.status)).toBe('joined')
  await expect.poll(() => othersAt(ana)).toEqual(['Ben alive relayed'])
  expect([...(await ana.gone()), ...(await ben.gone())]).toEqual([])
})

test('a tab that reaches no server at all goes on looking, and says what for', async ({ between }) => {
  const world = between({})
  const lost = await world.openTab('a', 'Ana', { joinTimeoutMs: 0 })
  const status = () => lost.page.evaluate(() => `${globalThis.shoal.peer.status}: ${globalThis.shoal.peer.reason}`)
  await expect
    .poll(status)
    .toMatch(/^joining: looking for members; the signalling server ws:\/\/198\.18\.0\.1:8787 is out of reach \(.+\)/)

  await world.startSignal()
  await expect.poll(status).toBe('joined: alone in the room so far')
})
