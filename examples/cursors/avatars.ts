/** Avatars: one for each user, however many tabs it has open; pale while none of them is looked at. */

import type { User } from 'shoal/browser'
import { initials, parseColor } from '../me.ts'
import type { MyState } from './main.ts'

/** The others are a number. */
const shownMax = 8

export class Avatars {
  readonly #list: Element
  readonly #shown = new Map<string, HTMLElement>()
  readonly #more = document.createElement('li')

  constructor(list: Element) {
    this.#list = list
  }

  show(users: readonly User<MyState>[], self: string | undefined): void {
    const isOwn = ({ user }: User) => user === self
    const ordered = [...users.filter(isOwn), ...users.filter((user) => !isOwn(user))].slice(0, shownMax)
    for (const [user, item] of this.#shown) {
      if (ordered.some((one) => one.user === user)) continue
      item.remove()
      this.#shown.delete(user)
    }
    for (const [i, user] of ordered.entries()) {
      const item = this.#shown.get(user.user) ?? this.#add(user.user)
      this.#draw(item, user, isOwn(user))
      if (this.#list.children[i] !== item) this.#list.insertBefore(item, this.#list.children[i] ?? null)
    }
    if (users.length > shownMax) {
      this.#more.textContent = `+${users.length - shownMax}`
      this.#list.append(this.#more)
    } else this.#more.remove()
  }

  #add(user: string): HTMLElement {
    const item = document.createElement('li')
    item.dataset.user = user
    this.#shown.set(user, item)
    return item
  }

  #draw(item: HTMLElement, { members, away }: User<MyState>, own: boolean): void {
    const { name, state } = members[0]!
    item.textContent = initials(name)
    item.className = `${own ? 'own ' : ''}${away ? 'away' : 'here'}`
    item.title = `${name}${own ? ' (you)' : ''}${away ? ', away' : ''}${members.length > 1 ? `, ${members.length} tabs` : ''}`
    item.style.setProperty('--color', parseColor(state.color))
  }
}
