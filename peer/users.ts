/**
 * Users: the members of one `user` are its connections, in several tabs or processes. A user comes with the first of them
 * and goes with the last.
 */

import type { Member } from '../core/index.ts'

/** A user and the connections (tabs, processes) it is here with. */
export interface User<S = object> {
  /** As its members have it in their options. */
  readonly user: string
  /** In the order of their ids. */
  readonly members: readonly Member<S>[]
  /** No connection is looked at: every tab of it is hidden or frozen. A process counts as present. */
  readonly away: boolean
  /** When the longest present of them got its present status, in milliseconds since the epoch. */
  readonly since: number
}

export interface UserChanges {
  readonly joined: readonly User[]
  readonly left: readonly User[]
}

export class Users {
  #from: readonly Member[] | undefined
  #users: ReadonlyMap<string, User> = new Map()
  #list: readonly User[] = Object.freeze([])
  /** Who was here when `changes` was asked last. */
  #known: ReadonlyMap<string, User> = new Map()

  /** Frozen; the same array, and the same user in it, until something in them changes. */
  list(members: readonly Member[]): readonly User[] {
    this.#take(members)
    return this.#list
  }

  /** Who came and went since this was asked last. */
  changes(members: readonly Member[]): UserChanges {
    this.#take(members)
    const before = this.#known
    this.#known = this.#users
    const joined = this.#list.filter(({ user }) => !before.has(user))
    const left = [...before.values()].filter(({ user }) => !this.#users.has(user))
    return { joined, left }
  }

  #take(members: readonly Member[]): void {
    if (members === this.#from) return
    this.#from = members
    const groups = new Map<string, Member[]>()
    for (const member of members) {
      if (member.user === undefined) continue
      const group = groups.get(member.user)
      if (group) group.push(member)
      else groups.set(member.user, [member])
    }
    const users = new Map([...groups].map(([user, group]) => [user, this.#user(user, group)]))
    const list = [...users.values()]
    const same = list.length === this.#list.length && list.every((user, i) => user === this.#list[i])
    this.#users = users
    if (!same) this.#list = Object.freeze(list)
  }

  #user(user: string, members: readonly Member[]): User {
    const before = this.#users.get(user)
    const { length } = members
    if (before?.members.length === length && before.members.every((member, i) => member === members[i])) return before
    return Object.freeze({
      user,
      members: Object.freeze(members),
      away: members.every(({ mode }) => mode === 'hidden' || mode === 'frozen'),
      since: Math.min(...members.map(({ since }) => since)),
    })
  }
}
