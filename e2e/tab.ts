/** A browser tab that has the page open, as a member and as something to look at. */

import { type CDPSession, expect, type Page } from 'playwright/test'
import type { Member } from '../core/index.ts'
import type { Peer } from '../peer/peer.ts'
import { type Seen, seen, type Viewer } from './view.ts'

declare global {
  var shoal: { peer: Peer }
  /** What `watchGone` has collected. */
  var gone: string[]
}

export class Tab implements Viewer {
  readonly name: string
  readonly page: Page
  /** Errors of the page: uncaught ones and those on its console. A test ends with none. */
  readonly errors: string[] = []
  readonly #allowed: RegExp[] = []

  constructor(name: string, page: Page) {
    this.name = name
    this.page = page
    page.on('pageerror', (error) => this.#fault(`uncaught: ${error.stack ?? error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error') this.#fault(`console: ${message.text()} (${message.location().url})`)
    })
  }

  /** Opens the page and waits until its peer has joined. */
  async open(url: string): Promise<void> {
    await this.page.goto(url)
    await this.page.waitForFunction(() => globalThis.shoal?.peer?.status === 'joined')
  }

  async view(): Promise<Seen[]> {
    const members = await this.page.evaluate(() => globalThis.shoal.peer.members({ gone: true }) as Member[])
    return seen(members)
  }

  setState(patch: Record<string, string | number | number[]>): Promise<void> {
    return this.page.evaluate((patch) => globalThis.shoal.peer.setState(patch), patch)
  }

  /** With how many it has an open WebRTC link. */
  linked(): Promise<number> {
    return this.page.evaluate(() => {
      const { peer } = globalThis.shoal
      return peer.members().filter(({ id, via }) => id !== peer.self.id && via === 'direct').length
    })
  }

  /** Waits until it has probed for that many periods from now on: time as the protocol counts it. */
  async probeRounds(rounds: number): Promise<void> {
    const sent = async () => (await this.counters()).periods ?? 0
    const before = await sent()
    await expect
      .poll(sent, { message: `${this.name} goes on probing`, timeout: 120_000 })
      .toBeGreaterThanOrEqual(before + rounds)
  }

  counters(): Promise<Readonly<Record<string, number>>> {
    return this.page.evaluate(() => globalThis.shoal.peer.counters())
  }

  /** From now on notes everyone who is seen to go; `gone` tells whom. */
  async watchGone(): Promise<void> {
    await this.page.evaluate(() => {
      const gone: string[] = []
      globalThis.gone = gone
      for (const type of ['dead', 'leave'] as const) {
        globalThis.shoal.peer.on(type, (member) => gone.push(`${member.name} ${type}`))
      }
    })
  }

  gone(): Promise<string[]> {
    return this.page.evaluate(() => globalThis.gone)
  }

  /** What the list on the page says: `Ana alive`, in the order of the page. */
  rows(): Promise<string[]> {
    return this.page
      .locator('li[data-member]')
      .evaluateAll((rows) => rows.map((row) => `${row.getAttribute('data-name')} ${row.getAttribute('data-status')}`))
  }

  /** Closes the tab as a user does: the page is told, and may say goodbye. */
  async close(): Promise<void> {
    await this.page.close({ runBeforeUnload: true })
  }

  /** Ends the process behind the page, which has no chance to say anything. */
  async crash(): Promise<void> {
    const session: CDPSession = await this.page.context().newCDPSession(this.page)
    const crashed = this.page.waitForEvent('crash')
    // Never answered: who would answer is gone.
    session.send('Page.crash').catch(() => {})
    await crashed
  }

  /** An error that this test brings about, e.g. by stopping the server that the page is connected to. */
  allow(error: RegExp): void {
    this.#allowed.push(error)
  }

  #fault(text: string): void {
    if (!this.#allowed.some((allowed) => allowed.test(text))) this.errors.push(text)
  }
}
