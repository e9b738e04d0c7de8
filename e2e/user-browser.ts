/**
 * Chromium as its users have it: timers of hidden tabs are held back, tabs lie behind each other, and nothing pretends
 * that a page has the focus. Playwright switches all of that off for the pages it looks after, so these tabs are opened
 * behind its back, in the browser's own profile, and driven by the DevTools protocol. It runs headless like the others.
 */

import { chromium, expect } from 'playwright/test'
import { WebSocket } from 'ws'
import type { Member } from '../core/index.ts'
import { freeTcpPort } from './ports.ts'
import { type Seen, seen, type Viewer } from './view.ts'

/** What Playwright passes to keep tests quick, and users do not have. */
const notOfUsers = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
]

interface Answer {
  id?: number
  result?: Record<string, unknown>
  error?: { message: string }
}

export class UserBrowser {
  readonly #close: () => Promise<void>
  readonly #socket: WebSocket
  readonly #asked = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>()
  #last = 0

  private constructor(socket: WebSocket, close: () => Promise<void>) {
    this.#socket = socket
    this.#close = close
    socket.on('message', (text) => this.#answer(JSON.parse(String(text)) as Answer))
    socket.on('close', () => {
      for (const { reject } of this.#asked.values()) reject(new Error('the browser is gone'))
    })
  }

  /** `executablePath` and `args` as for any other browser of these tests. */
  static async start(executablePath: string, args: readonly string[]): Promise<UserBrowser> {
    const port = await freeTcpPort()
    const browser = await chromium.launch({
      executablePath,
      headless: true,
      args: [...args, `--remote-debugging-port=${port}`],
      ignoreDefaultArgs: notOfUsers,
    })
    try {
      const response = await fetch(`http://127.0.0.1:${port}/json/version`)
      const { webSocketDebuggerUrl } = (await response.json()) as { webSocketDebuggerUrl: string }
      const socket = new WebSocket(webSocketDebuggerUrl, { perMessageDeflate: false })
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      return new UserBrowser(socket, () => browser.close())
    } catch (error) {
      await browser.close()
      throw error
    }
  }

  /** Opens a page in a window of its own, where it is seen until it is hidden behind an empty one. */
  async open(name: string, url: string): Promise<UserTab> {
    const { targetId } = await this.send('Target.createTarget', { url, newWindow: true })
    // A tab without a window asked for is put into the newest, so it has to be made now.
    const { targetId: coverId } = await this.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const tab = new UserTab(name, this, {
      targetId: targetId as string,
      coverId: coverId as string,
      sessionId: sessionId as string,
    })
    await tab.show()
    await expect.poll(() => tab.joined(), { message: `${name} joins` }).toBe(true)
    return tab
  }

  /** One command of the DevTools protocol; rejects with what the browser says against it. */
  send(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#last
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }))
  }

  async close(): Promise<void> {
    this.#socket.close()
    await this.#close()
  }

  #answer({ id, result, error }: Answer): void {
    const asked = id === undefined ? undefined : this.#asked.get(id)
    if (id === undefined || asked === undefined) return
    this.#asked.delete(id)
    if (error) asked.reject(new Error(error.message))
    else asked.resolve(result ?? {})
  }
}

/** A tab of it. While it is frozen nothing may be asked of it. */
export class UserTab implements Viewer {
  readonly name: string
  readonly #browser: UserBrowser
  readonly #in: Place

  constructor(name: string, browser: UserBrowser, place: Place) {
    this.name = name
    this.#browser = browser
    this.#in = place
  }

  /** Runs a function in the page, which sees nothing of what is around it here. */
  async evaluate<T>(run: () => T | Promise<T>): Promise<T> {
    const answer = await this.#send('Runtime.evaluate', {
      expression: `(${run})()`,
      awaitPromise: true,
      returnByValue: true,
    })
    const { result, exceptionDetails } = answer as { result: { value: T }; exceptionDetails?: object }
    if (exceptionDetails) throw new Error(`${this.name}: ${JSON.stringify(exceptionDetails)}`)
    return result.value
  }

  joined(): Promise<boolean> {
    return this.evaluate(() => globalThis.shoal?.peer?.status === 'joined')
  }

  async view(): Promise<Seen[]> {
    return seen(await this.evaluate(() => globalThis.shoal.peer.members({ gone: true }) as Member[]))
  }

  id(): Promise<string> {
    return this.evaluate(() => globalThis.shoal.peer.id)
  }

  counters(): Promise<Readonly<Record<string, number>>> {
    return this.evaluate(() => globalThis.shoal.peer.counters())
  }

  /** From now on notes whom it declares dead or hears to be, and when. */
  async watchDeaths(): Promise<void> {
    await this.evaluate(() => {
      const deaths: Death[] = []
      globalThis.deaths = deaths
      const { peer } = globalThis.shoal
      peer.on('dead', ({ name }) => deaths.push({ name, at: Date.now(), periods: peer.counters().periods ?? 0 }))
    })
  }

  deaths(): Promise<Death[]> {
    return this.evaluate(() => globalThis.deaths)
  }

  /** From now on notes who changes, in which mode they are then, and when; answers with the periods so far. */
  watchModes(): Promise<number> {
    return this.evaluate(() => {
      const modes: Mode[] = []
      globalThis.modes = modes
      const { peer } = globalThis.shoal
      // One that was suspected tells its mode as it refutes that.
      for (const type of ['update', 'refute'] as const) {
        peer.on(type, ({ name, mode }) => modes.push({ name, mode, periods: peer.counters().periods ?? 0 }))
      }
      return peer.counters().periods ?? 0
    })
  }

  modes(): Promise<Mode[]> {
    return this.evaluate(() => globalThis.modes)
  }

  /** Turns to the other tab of its window, as users hide a tab. */
  hide(): Promise<void> {
    return this.#turnTo(this.#in.coverId, 'hidden')
  }

  show(): Promise<void> {
    return this.#turnTo(this.#in.targetId, 'visible')
  }

  /** How long five timers of 10 ms take, one after the other: 50 ms, or as many seconds where they are held back. */
  fiveTimersMs(): Promise<number> {
    return this.evaluate(async () => {
      const began = performance.now()
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 10))
      return performance.now() - began
    })
  }

  /** Stops everything in the page, as the browser does with tabs that were hidden for long. Only a hidden one can be. */
  async freeze(): Promise<void> {
    await this.#send('Page.setWebLifecycleState', { state: 'frozen' })
  }

  async thaw(): Promise<void> {
    await this.#send('Page.setWebLifecycleState', { state: 'active' })
  }

  /** Ends the process behind the page, which has no chance to say anything. */
  kill(): void {
    // Never answered: who would answer is gone.
    this.#send('Page.crash', {}).catch(() => {})
  }

  /** Opens a page in it, also where its process is gone, and waits until that has joined. */
  async load(url: string): Promise<void> {
    await this.#send('Page.navigate', { url })
    await expect.poll(() => this.joined(), { message: `${this.name} joins` }).toBe(true)
  }

  async goTo(url: string): Promise<void> {
    await this.#send('Page.navigate', { url })
    await expect.poll(() => this.evaluate(() => location.href), { message: `${this.name} goes away` }).toBe(url)
  }

  /** As by the button, and waits until the page has joined again. */
  async goBack(): Promise<void> {
    const { currentIndex, entries } = (await this.#send('Page.getNavigationHistory', {})) as {
      currentIndex: number
      entries: { id: number }[]
    }
    await this.#send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]!.id })
    await expect.poll(() => this.joined(), { message: `${this.name} is back` }).toBe(true)
  }

  async #turnTo(targetId: string, state: DocumentVisibilityState): Promise<void> {
    await this.#browser.send('Target.activateTarget', { targetId })
    await expect
      .poll(() => this.evaluate(() => document.visibilityState), { message: `${this.name} becomes ${state}` })
      .toBe(state)
  }

  #send(method: string, params: object): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#in.sessionId)
  }
}

/** Names of the DevTools protocol: the tab, the empty one beside it in the same window, and the way to talk to it. */
interface Place {
  targetId: string
  coverId: string
  sessionId: string
}

export interface Death {
  name: string
  /** `Date.now()` */
  at: number
  /** Protocol periods that the one who noticed had been through by then: they grow longer where there is no time for them. */
  periods: number
}

export interface Mode {
  name: string
  mode: string
  /** As for a death. */
  periods: number
}

declare global {
  /** What `watchDeaths` has collected. */
  var deaths: Death[]
  /** What `watchModes` has collected. */
  var modes: Mode[]
}
