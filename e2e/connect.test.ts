/** Connections of the application between real tabs, and between a tab and a process. */

import { startPeer } from '../node/index.ts'
import type { DirectConnection } from '../peer/direct-connection.ts'
import type { Peer } from '../peer/peer.ts'
import { expect, test } from './fixtures.ts'
import type { Tab } from './tab.ts'

declare global {
  /** What the page under test was given, in the order of arrival. */
  var taken: { connection: DirectConnection; from: string; got: unknown[] }[]
  /** RTCPeerConnections of the page that were not closed. */
  var openConnections: () => number
}

/** Counts the connections of a page, from before its first script. */
function countConnections(): void {
  const all = new Set<RTCPeerConnection>()
  const Platform = RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Platform {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      all.add(this)
    }

    override close(): void {
      all.delete(this)
      super.close()
    }
  }
  globalThis.openConnections = () => all.size
}

test('two tabs talk over a connection of their own, and calls that nobody listens for are refused', async ({
  world,
}) => {
  await world.startSignal()
  const [ana, ben] = [await world.openTab('Ana'), await world.openTab('Ben')]
  const id = await idOf(ana, 'Ben')
  const refused = ana.page.evaluate((id) => globalThis.shoal.peer.connect(id).catch(({ code }) => code), id)
  expect(await refused).toBe('connection_refused')
  await takeAll(ben)
  await ana.page.evaluate(async (id) => {
    const connection = await globalThis.shoal.peer.connect(id)
    connection.write('hello')
    connection.write(new Uint8Array([1, 2, 3]))
  }, id)
  const got = () => ben.page.evaluate(() => globalThis.taken.map(({ from, got }) => ({ from, got })))
  await expect.poll(got).toEqual([{ from: 'Ana', got: ['hello', [1, 2, 3]] }])
})

test('video goes either way over a connection', async ({ world }) => {
  await world.startSignal()
  const [ana, ben] = [await world.openTab('Ana'), await world.openTab('Ben')]
  const id = await idOf(ana, 'Ben')
  await ben.page.evaluate(() => {
    globalThis.shoal.peer.onConnection((connection) => {
      connection.on('stream', (stream) => {
        connection.write(`${stream.getVideoTracks().length} track`)
        const canvas = document.createElement('canvas')
        canvas.getContext('2d')!.fillRect(0, 0, 10, 10)
        connection.addStream(canvas.captureStream())
      })
    })
  })
  const seen = await ana.page.evaluate(async (id) => {
    const connection = await globalThis.shoal.peer.connect(id)
    const canvas = document.createElement('canvas')
    canvas.getContext('2d')!.fillRect(0, 0, 10, 10)
    const said = new Promise((resolve) => connection.once('data', resolve))
    const back = new Promise<MediaStream>((resolve) => connection.once('stream', resolve))
    connection.addStream(canvas.captureStream())
    return [await said, (await back).getVideoTracks().length]
  }, id)
  expect(seen).toEqual(['1 track', 1])
})

test('a tab and a gateway connect from either side', async ({ world }) => {
  await world.startSignal()
  const gate = await startPeer({ room: world.room, name: 'gate', signaling: world.signaling })
  world.peers.push(gate as Peer)
  const tab = await world.openTab('Tab')
  await takeAll(tab)
  await expect.poll(() => gate.members().length).toBe(2)
  const there = await gate.connect(gate.members().find(({ name }) => name === 'Tab')!.id)
  there.write('from the gateway')
  const got = () => tab.page.evaluate(() => globalThis.taken.map(({ got }) => got))
  await expect.poll(got).toEqual([['from the gateway']])

  const said = new Promise((resolve) => {
    gate.onConnection((connection, { name }) => connection.once('data', (piece) => resolve([name, piece])))
  })
  await tab.page.evaluate(async (id) => {
    const connection = await globalThis.shoal.peer.connect(id)
    connection.write('from the tab')
  }, gate.id)
  expect(await said).toEqual(['Tab', 'from the tab'])
})

test('of 30 connections that were opened and closed, and of a tab that left, none is open', async ({ world }) => {
  await world.startSignal()
  const before = countConnections
  const [ana, ben] = [await world.openTab('Ana', { before }), await world.openTab('Ben', { before })]
  const id = await idOf(ana, 'Ben')
  await takeAll(ben)
  await expect.poll(() => ana.linked()).toBe(1)
  await ana.page.evaluate(async (id) => {
    for (let n = 0; n < 30; n++) {
      const connecting = globalThis.shoal.peer.connect(id)
      // Beyond eight at once callers are refused; this is about what becomes of those too.
      const connection = await connecting.catch(() => undefined)
      connection?.write(`${n}`)
      connection?.destroy()
    }
  }, id)
  const open = (tab: Tab) => tab.page.evaluate(() => globalThis.openConnections())
  // What is left is their link.
  for (const tab of [ana, ben]) await expect.poll(() => open(tab)).toBe(1)
  await ana.page.evaluate(() => globalThis.shoal.peer.leave())
  for (const tab of [ana, ben]) await expect.poll(() => open(tab)).toBe(0)
})

/** The id of a member, once this tab has it in its view. */
async function idOf(tab: Tab, name: string): Promise<string> {
  const find = (name: string) => globalThis.shoal.peer.members().find((member) => member.name === name)?.id ?? ''
  await expect.poll(() => tab.page.evaluate(find, name)).not.toBe('')
  return tab.page.evaluate(find, name)
}

/** From now on a tab takes every connection, and keeps what comes over it. */
function takeAll(tab: Tab): Promise<void> {
  return tab.page.evaluate(() => {
    globalThis.taken = []
    globalThis.shoal.peer.onConnection((connection, { name }) => {
      const got: unknown[] = []
      globalThis.taken.push({ connection, from: name, got })
      connection.on('data', (piece) => got.push(typeof piece === 'string' ? piece : [...piece]))
    })
  })
}
