/** The log: the latest things that happened, newest first. What happens to many at once makes one line. */

import { element } from './rows.ts'
import { type News, sentence } from './wording.ts'

/** Older lines are taken away. */
const linesMax = 30
/** How long a line waits for others of its kind. */
const gatherMs = 250

export class Activity {
  readonly #list: HTMLElement
  /** Names of those with the same news, for `gatherMs` at the longest. */
  readonly #gathering = new Map<News, string[]>()

  constructor(list: HTMLElement) {
    this.#list = list
  }

  tell(news: News, name: string): void {
    const names = this.#gathering.get(news)
    if (names) {
      names.push(name)
      return
    }
    this.#gathering.set(news, [name])
    setTimeout(() => {
      this.write(sentence(news, this.#gathering.get(news)!), news)
      this.#gathering.delete(news)
    }, gatherMs)
  }

  write(line: string, kind: News | 'self'): void {
    const time = element('time', '', new Date().toLocaleTimeString([], { hour12: false }))
    const row = element('li', '', time, element('span', '', line))
    row.dataset.news = kind
    this.#list.prepend(row)
    while (this.#list.children.length > linesMax) this.#list.lastElementChild?.remove()
  }
}
