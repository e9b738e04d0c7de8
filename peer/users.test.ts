/** Users and their connections. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Member } from '../core/index.ts'
import { Users } from './users.ts'

test('members are grouped by user, and those without one are left out', () => {
  const users = new Users().list([member('a', 'ana'), member('b'), member('c', 'ben'), member('d', 'ana')])
  expect(users.map(({ user, members }) => [user, members.map(({ id }) => id)])).toEqual([
    ['ana', ['a', 'd']],
    ['ben', ['c']],
  ])
})

test('a user is away only when every connection is hidden or frozen, and here since the first of them', () => {
  const awayWith = (...modes: Member['mode'][]) =>
    new Users().list(modes.map((mode, i) => ({ ...member(String(i), 'u'), mode, since: 10 - i })))[0]!
  expect(awayWith('hidden', 'frozen')).toMatchObject({ away: true, since: 9 })
  expect(awayWith('hidden', 'visible').away).toBe(false)
  expect(awayWith('hidden', 'server').away).toBe(false)
  expect(awayWith('frozen', 'frozen', 'hidden')).toMatchObject({ away: true, since: 8 })
})

test('the list and each user keep their reference until something in them changes', () => {
  const users = new Users()
  const [one, two, other] = [member('a', 'ana'), member('b', 'ben'), member('c')]
  const before = users.list([one, two, other])
  expect(users.list([one, two, { ...other, since: 5 }])).toBe(before)
  const after = users.list([one, { ...two, mode: 'hidden' }, other])
  expect(after).not.toBe(before)
  expect(after[0]).toBe(before[0])
  expect(after[1]).not.toBe(before[1])
  expect(Object.isFrozen(after) && Object.isFrozen(after[0]) && Object.isFrozen(after[0]!.members)).toBe(true)
})

test('a user joins with its first connection and leaves with its last', () => {
  const users = new Users()
  const told: string[] = []
  const see = (...members: Member[]) => {
    users.list(members)
    const { joined, left } = users.changes(members)
    told.push([...joined.map(({ user }) => `+${user}`), ...left.map(({ user }) => `-${user}`)].join(' '))
  }
  see(member('a', 'ana'))
  see(member('a', 'ana'), member('b', 'ana'))
  see(member('b', 'ana'), member('c', 'ben'))
  see(member('c', 'ben'))
  see(member('c', 'ben'), member('d', 'ana'))
  see()
  expect(told).toEqual(['+ana', '', '+ben', '-ana', '+ana', '-ben -ana'])
})

test('whoever comes, goes and changes, users are what grouping all members anew gives, and changes add up to them', () => {
  const user = fc.constantFrom(undefined, 'ana', 'ben', '__proto__', '')
  const one = fc.record({
    id: fc.constantFrom(...'abcdef'),
    user,
    mode: fc.constantFrom('visible', 'hidden', 'frozen'),
  })
  const rooms = fc.array(fc.uniqueArray(one, { selector: ({ id }) => id }), { maxLength: 12 })
  fc.assert(
    fc.property(rooms, fc.infiniteStream(fc.boolean()), (rooms, asked) => {
      const users = new Users()
      const here = new Set<string>()
      let known = new Map<string, Member>()
      for (const room of rooms) {
        const members = room.map(({ id, user, mode }) => {
          const before = known.get(id)
          return before?.user === user && before?.mode === mode
            ? before!
            : { ...member(id, user), mode: mode as Member['mode'] }
        })
        known = new Map(members.map((member) => [member.id, member]))
        const groups = new Map<string, Member[]>()
        for (const one of members)
          if (one.user !== undefined) groups.set(one.user, [...(groups.get(one.user) ?? []), one])
        const list = users.list(members)
        expect(list.map(({ user, members, away }) => ({ user, members, away }))).toEqual(
          [...groups].map(([user, group]) => ({
            user,
            members: group,
            away: group.every(({ mode }) => mode !== 'visible'),
          })),
        )
        if (asked.next().value) continue
        const { joined, left } = users.changes(members)
        for (const { user } of left) expect(here.delete(user)).toBe(true)
        for (const { user } of joined) expect(here.has(user)).toBe(false)
        for (const { user } of joined) here.add(user)
        expect([...here].sort()).toEqual(list.map(({ user }) => user).sort())
      }
    }),
  )
})

test('a user by the name of a trap is a user like any other', () => {
  const users = new Users().list([member('a', '__proto__'), member('b', 'constructor')])
  expect(users.map(({ user }) => user)).toEqual(['__proto__', 'constructor'])
})

function member(id: string, user?: string): Member {
  return {
    id,
    name: id,
    ...(user === undefined ? {} : { user }),
    status: 'alive',
    mode: 'visible',
    incarnation: 1,
    state: {},
    services: [],
    endpoints: [],
    via: 'gossip',
    since: 1,
    lastHeard: 0,
  }
}
