/** A page that joins and leaves again and again, as single-page applications do with every turn of theirs, keeps nothing. */

import { type CDPSession, expect } from 'playwright/test'
import { App } from './app.ts'
import { test } from './fixtures.ts'
import { countHoldings, type Holdings } from './holdings.ts'
import type { Tab } from './tab.ts'
import type { World } from './world.ts'

declare global {
  /** Joins, waits for a link, uses the peer and leaves, so many times; rejects where something outlives its peer. */
  var turns: (count: number) => Promise<void>
  /** In how many turns the page had connections of its own. */
  var connected: number
}

/**
 * What each turn of the page starts, some of it twice: one is ended by the page, and one by the peer that leaves. Whatever
 * waits has to be over after that, since `turns` waits for all of it. Every fifth turn the page is hidden meanwhile, and has
 * connections of its own; every tenth it shows the overlay.
 *
 * A page may make one connection in two seconds, and what is tried here is what is left of them, not how long one waits. So
 * the clock of this page jumps between two turns, as if somebody had looked at it for a while. That of the other page, which
 * stays, cannot: for the second fifty turns it is another page.
 */
const script = (options: object) => `
  import { join, Peer } from '/shoal.js'
  import { showOverlay } from '/overlay.js'
  globalThis.Peer = Peer
  // As long as the page: whatever is hung on it by a turn stays, unless the end of that turn takes it off again.
  const { signal } = new AbortController()
  globalThis.pageSignal = signal
  const show = (state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
    document.dispatchEvent(new Event('visibilitychange'))
  }
  const enter = () => join({ ...${JSON.stringify(options)}, state: { color: 'teal' }, signal })
  const linked = (peer) => new Promise((resolve) => {
    const look = () => {
      if (peer.links().some(({ state }) => state === 'open')) resolve()
    }
    peer.subscribe(look)
    look()
  })
  const read = async (items, enough) => {
    for await (const item of items) if (enough) break
  }
  const rejected = async (promise, code) => {
    const error = await promise.then(() => undefined, (error) => error)
    if (error?.code !== code) throw new Error('expected ' + code + ', got ' + error)
  }
  const listen = (peer) => {
    for (const type of ['join', 'update', 'status', 'userJoin', 'userLeave']) peer.on(type, () => peer.users())
    for (const end of [peer.on('message', () => {}), peer.onMessage(() => {}), peer.onConnection(() => {})]) end()
    peer.onMessage('turn', () => {})
    peer.onConnection((connection) => connection.destroy())
    peer.onQuery('who', () => new Promise(() => {}))
  }
  const talk = (peer, other, turn) => [
    read(peer.watch('page', { signal }), true),
    read(peer.watch('page', { signal })),
    // The first answer is the other's; the own one never comes.
    read(peer.query('who', turn, { signal }), true),
    read(peer.query('who', turn, { timeout: 60_000, signal })),
    peer.send(other, turn),
    peer.publish('turn', turn),
    rejected(peer.settled({ quietMs: 60_000, signal }), 'left'),
  ]
  const move = (peer) => {
    for (let x = 0; x < 3; x++) peer.setState({ cursor: x, note: x }, { volatile: x > 0 })
  }
  // The other page keeps some connections for links in reserve, and refuses then.
  const connect = async (peer, other) => {
    const refused = ({ code }) => {
      if (code !== 'connection_refused') throw new Error(code)
    }
    const first = await peer.connect(other, { signal }).catch(refused)
    const second = await peer.connect(other, { signal }).catch(refused)
    first?.destroy()
    second?.write('this one stays open')
    if (second) globalThis.connected++
  }
  const once = async (turn) => {
    const peer = await enter()
    listen(peer)
    await linked(peer)
    const [other] = peer.links().filter(({ state }) => state === 'open').map(({ id }) => id)
    const overlays = turn % 10 === 0 ? [showOverlay(peer), showOverlay(peer, { corner: 'top-left' })] : []
    const waiting = talk(peer, other, turn)
    await waiting[2]
    if (turn % 5 === 0) show('hidden')
    if (turn % 5 === 0) await connect(peer, other)
    move(peer)
    peer.register({ service: 'page' }).drain()
    overlays.pop()?.close()
    if (turn % 5 === 0) waiting.push(rejected(peer.connect(other, { signal }), 'left'))
    await peer.leave()
    overlays.pop()?.close()
    await Promise.all(waiting)
    show('visible')
  }
  let turnsSoFar = 0
  const now = performance.now.bind(performance)
  performance.now = () => now() + 10_000 * turnsSoFar
  globalThis.connected = 0
  globalThis.turns = async (count) => {
    for (let turn = 1; turn <= count; turn++) {
      await once(turn)
      turnsSoFar++
    }
  }
  globalThis.shoal = { peer: await enter() }
  await linked(globalThis.shoal.peer)`

test('a page that joins and leaves a hundred times keeps no connection, listener, timer, socket, worker or peer', async ({
  world,
}, info) => {
  // A turn takes 0.2 s where nothing else runs.
  test.setTimeout(600_000)
  await world.startSignal()
  const ana = await openOther(world, 'Ana')
  const app = await App.serve(script({ room: world.room, signaling: world.signaling, name: 'App' }))
  try {
    const tab = await world.openTab('App', { url: app.url, before: countHoldings })
    const memory = await Memory.of(tab)
    await tab.page.evaluate(() => globalThis.shoal.peer.leave())
    const turnsOf = async (count: number) => {
      await tab.page.evaluate((count) => globalThis.turns(count), count)
      await expect.poll(() => held(tab)).toEqual({ timers: 0, sockets: 0, connections: 0, workers: 0 })
      return memory.look()
    }

    const before = await turnsOf(1)
    const early = await turnsOf(19)
    expect(await tab.page.evaluate(() => globalThis.connected)).toBe(3)
    await turnsOf(30)
    await isRidOfLinks(ana)
    await ana.close()
    const ben = await openOther(world, 'Ben')
    const late = await turnsOf(50)
    await isRidOfLinks(ben)
    await info.attach('figures', { body: JSON.stringify({ before, early, late }), contentType: 'application/json' })
    // Of 160 connections Chromium keeps up to six that were closed in the middle of something. Were it ours that keeps them,
    // it would be as many as there were turns of a kind, and what hangs on them would stay as well.
    for (const [what, count] of Object.entries(late.instances)) {
      const more = what === 'RTCPeerConnection' ? 12 : 2
      expect(count, `${what}s in memory`).toBeLessThanOrEqual(before.instances[what as Instances] + more)
    }
    expect(late.listeners).toEqual(before.listeners)
    // A peer that is kept costs some 100 kB; 25 kB a turn are allowed for what the engine notes about the code it runs.
    expect(late.heapBytes - early.heapBytes).toBeLessThan(80 * 25_000)
  } finally {
    app.close()
  }
})

/** A page that stays, and is linked with every peer of the other one. */
async function openOther(world: World, name: string): Promise<Tab> {
  const tab = await world.openTab(name, { before: countHoldings })
  await tab.page.evaluate(() => {
    const { peer } = globalThis.shoal
    peer.onQuery('who', () => peer.self.name)
    peer.onConnection(() => {})
  })
  return tab
}

async function isRidOfLinks(tab: Tab): Promise<void> {
  await expect.poll(() => held(tab)).toMatchObject({ sockets: 1, connections: 0, workers: 0 })
  expect((await tab.counters()).rtc_opened).toBeGreaterThanOrEqual(50)
  const memory = await Memory.of(tab)
  expect(await memory.instances('RTCPeerConnection')).toBeLessThanOrEqual(12)
}

function held(tab: Tab): Promise<Holdings> {
  return tab.page.evaluate(() => globalThis.holdings())
}

const instances = [
  'RTCPeerConnection',
  'RTCDataChannel',
  'WebSocket',
  'Worker',
  'MessagePort',
  'Peer',
  'AbortSignal',
  // Of the overlay.
  'HTMLCanvasElement',
] as const
type Instances = (typeof instances)[number]

/** What is in the memory of a page that somebody holds on to. */
interface Kept {
  instances: Record<Instances, number>
  /** Of the objects that outlive a peer. */
  listeners: Record<string, number>
  heapBytes: number
}

class Memory {
  readonly #session: CDPSession

  private constructor(session: CDPSession) {
    this.#session = session
  }

  static async of(tab: Tab): Promise<Memory> {
    return new Memory(await tab.page.context().newCDPSession(tab.page))
  }

  async look(): Promise<Kept> {
    const kept: Kept = { instances: {} as Kept['instances'], listeners: {}, heapBytes: 0 }
    for (const type of instances) kept.instances[type] = await this.instances(type)
    for (const target of ['window', 'document', 'pageSignal']) kept.listeners[target] = await this.#listeners(target)
    await this.#collect()
    kept.heapBytes = (await this.#session.send('Runtime.getHeapUsage')).usedSize
    return kept
  }

  async instances(type: Instances): Promise<number> {
    await this.#collect()
    const prototypeObjectId = await this.#find(`${type}.prototype`)
    const { objects } = await this.#session.send('Runtime.queryObjects', {
      prototypeObjectId,
      objectGroup: 'looked at',
    })
    const { result } = await this.#session.send('Runtime.callFunctionOn', {
      objectId: objects.objectId!,
      functionDeclaration: 'function () { return this.length }',
    })
    await this.#session.send('Runtime.releaseObjectGroup', { objectGroup: 'looked at' })
    return result.value as number
  }

  async #listeners(target: string): Promise<number> {
    const objectId = await this.#find(target)
    return (await this.#session.send('DOMDebugger.getEventListeners', { objectId })).listeners.length
  }

  async #find(expression: string): Promise<string> {
    const { result } = await this.#session.send('Runtime.evaluate', { expression, objectGroup: 'looked at' })
    return result.objectId!
  }

  async #collect(): Promise<void> {
    await this.#session.send('HeapProfiler.collectGarbage')
  }
}
