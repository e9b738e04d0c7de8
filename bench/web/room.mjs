/** One room of tabs of one library, in a browser of its own: opens tabs, lets them in, asks, closes and crashes them. */

import { chromium } from 'playwright'

/** As in `e2e/`; the first because Chromium refuses to run as root without it. */
const flags = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** So many tabs are opened, or navigate, at a time. */
const atATime = 4
/** Complaints of pages that are kept; more are counted. */
const errorsMax = 5

export class Room {
  #browser
  #urlOf
  #tabs = new Map()
  #opened = 0
  errors = { count: 0, first: [] }

  /** `urlOf(name)` is the page that joins under that name. */
  static async open({ executablePath, urlOf }) {
    const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }
    return new Room(await chromium.launch({ executablePath, headless: true, args: flags, ...signals }), urlOf)
  }

  constructor(browser, urlOf) {
    this.#browser = browser
    this.#urlOf = urlOf
  }

  /** Names of those who are in it. */
  get names() {
    return [...this.#tabs].filter(([, { isIn }]) => isIn).map(([name]) => name)
  }

  /** Opens blank tabs, as a browser has them before an address is typed. Answers their names. */
  openTabs(count) {
    return severally(Array.from({ length: count }), () => this.#openTab())
  }

  /** Navigates them, a few at a time, without waiting for what they then see. */
  async enter(names) {
    await severally(names, async (name) => {
      const tab = this.#tabs.get(name)
      tab.isIn = true
      await tab.page.goto(this.#urlOf(name))
    })
  }

  /** What these tabs answer, all asked at once; `question(argument)` runs in the page, which has a `diary`. */
  ask(names, question, argument) {
    return Promise.all(names.map((name) => this.#tabs.get(name).page.evaluate(question, argument)))
  }

  /** How many of these tabs come to hold this within so many milliseconds. */
  async holding(names, wanted, withinMs) {
    const held = await this.ask(names, ([wanted, ms]) => globalThis.diary.whenSees(wanted, ms), [wanted, withinMs])
    return held.filter(Boolean).length
  }

  /** Closes a tab as its user does. Answers when that was. */
  async close(name) {
    const { page, context } = this.#remove(name)
    const at = Date.now()
    const closed = page.waitForEvent('close')
    await page.close({ runBeforeUnload: true })
    await closed
    await context.close()
    return at
  }

  /** Ends the process behind a tab, which has no chance to say anything. Answers when that was. */
  async crash(name) {
    const { page, context } = this.#remove(name)
    const session = await context.newCDPSession(page)
    const crashed = page.waitForEvent('crash')
    const at = Date.now()
    // Never answered: who would answer is gone.
    session.send('Page.crash').catch(() => {})
    await crashed
    return at
  }

  async end() {
    await this.#browser.close()
  }

  /** A context of its own is a process of its own, and no other way between tabs of one browser than WebRTC. */
  async #openTab() {
    const name = `t${++this.#opened}`
    const context = await this.#browser.newContext()
    const page = await context.newPage()
    page.on('pageerror', ({ message }) => this.#complain(`${name}: ${message}`))
    page.on('console', (message) => message.type() === 'error' && this.#complain(`${name}: ${message.text()}`))
    this.#tabs.set(name, { page, context, isIn: false })
    return name
  }

  #remove(name) {
    const tab = this.#tabs.get(name)
    this.#tabs.delete(name)
    return tab
  }

  #complain(text) {
    if (++this.errors.count <= errorsMax) this.errors.first.push(text.split('\n')[0])
  }
}

/** Does it for each, `atATime` at a time; answers in order. */
async function severally(items, work) {
  const answers = []
  const rest = items.entries()
  const worker = async () => {
    for (const [i, item] of rest) answers[i] = await work(item)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  return answers
}
