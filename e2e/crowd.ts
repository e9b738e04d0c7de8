/** Many tabs of one room, opened a few at a time, and what they make of their links. */

import { PlainPage } from './plain-page.ts'
import type { Tab } from './tab.ts'
import type { World } from './world.ts'

/** Pages that are loaded at the same time. */
const loadingMax = 4

export class Crowd {
  readonly tabs: Tab[] = []
  readonly #world: World
  readonly #page: PlainPage
  readonly #size: number

  private constructor(world: World, page: PlainPage, size: number) {
    this.#world = world
    this.#page = page
    this.#size = size
  }

  /** `size` is how many members make a view complete. */
  static async begin(world: World, size: number): Promise<Crowd> {
    return new Crowd(world, await PlainPage.serve(), size)
  }

  /** Opens tabs until there are this many. */
  async grow(count: number): Promise<void> {
    while (this.tabs.length < count) {
      const batch = Math.min(loadingMax, count - this.tabs.length)
      this.tabs.push(...(await Promise.all(Array.from({ length: batch }, (_, i) => this.#open(this.tabs.length + i)))))
    }
  }

  async crash(tabs: readonly Tab[]): Promise<void> {
    await Promise.all(tabs.map((tab) => tab.crash()))
    for (const tab of tabs) this.tabs.splice(this.tabs.indexOf(tab), 1)
  }

  /** Of each tab, by name: whom it takes for present, in one line. */
  async presentAtAll(): Promise<Record<string, string>> {
    return this.#ofAll(() =>
      globalThis.shoal.peer
        .members()
        .map(({ name }) => name)
        .sort()
        .join(' '),
    )
  }

  /** Of each tab, by name: to whom it has an open link, by name. */
  async links(): Promise<Record<string, string[]>> {
    return this.#ofAll(() => {
      const { peer } = globalThis.shoal
      const names = new Map(peer.members({ gone: true }).map(({ id, name }) => [id, name]))
      const open = peer.links().filter(({ state }) => state === 'open')
      return open.map(({ id }) => names.get(id) ?? id).sort()
    })
  }

  /** One of them moves its cursor. */
  async moveCursor(tab: Tab, cursor: [x: number, y: number]): Promise<void> {
    await tab.page.evaluate(
      ([x, y]) => globalThis.shoal.peer.setState({ cursor: [x, y, Date.now()] }, { volatile: true }),
      cursor,
    )
  }

  /** Milliseconds after which each of the others saw the first move of this tab's cursor; undefined where it has not. */
  async cursorMs(tab: Tab): Promise<(number | undefined)[]> {
    const others = this.tabs.filter((other) => other !== tab)
    return Promise.all(others.map(({ page }) => page.evaluate((name) => globalThis.seen.cursorMs[name], tab.name)))
  }

  close(): void {
    this.#page.close()
  }

  #open(n: number): Promise<Tab> {
    const name = `T${String(n + 1).padStart(2, '0')}`
    const { room, signaling } = this.#world
    const url = this.#page.url('/', { room, name, signaling, crowd: String(this.#size) })
    return this.#world.openTab(name, { url })
  }

  async #ofAll<T>(look: () => T): Promise<Record<string, T>> {
    const looks = await Promise.all(this.tabs.map(async ({ name, page }) => [name, await page.evaluate(look)] as const))
    return Object.fromEntries(looks) as Record<string, T>
  }
}

/** What is wrong with links that ought to be mutual, at most so many each, and to lead from everyone to everyone. */
export function faultsOf(links: Record<string, string[]>, most: number): string[] {
  const names = Object.keys(links)
  const faults: string[] = []
  for (const name of names) {
    const own = links[name]!
    if (own.length > most) faults.push(`${name} holds ${own.length} links`)
    for (const other of own) if (!links[other]?.includes(name)) faults.push(`${other} has no link to ${name}`)
  }
  const reached = new Set(names.slice(0, 1))
  for (const name of reached) for (const other of links[name] ?? []) reached.add(other)
  for (const name of names) if (!reached.has(name)) faults.push(`no way from ${names[0]} to ${name}`)
  return faults
}
