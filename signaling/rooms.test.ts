import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idFromBytes, type PeerId, seededRandom } from '../core/index.ts'
import { type Entrance, type Place, Rooms } from './rooms.ts'

const limits = { roomsMax: 3, membersPerRoomMax: 4 }

test('rooms do what a plain list of members would do', () => {
  const command = fc.oneof(
    fc.record({ do: fc.constant('join' as const), room: fc.nat(3), id: fc.nat(5), claim: fc.nat(9) }),
    fc.record({ do: fc.constant('leave' as const), nth: fc.nat(30) }),
    fc.record({ do: fc.constant('find' as const), nth: fc.nat(30), id: fc.nat(5) }),
    fc.record({ do: fc.constant('introducers' as const), nth: fc.nat(30), count: fc.nat(5) }),
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), fc.nat(), (commands, seed) => {
      const rooms = new Rooms<number>(limits, seededRandom(seed))
      const places: { place: Place<number>; room: string; id: PeerId; claim: number; socket: number }[] = []
      let model: typeof places = []
      let sockets = 0
      const roomsOf = () => new Set(model.map((m) => m.room))
      for (const c of commands) {
        if (c.do === 'join') {
          const [room, who, socket] = [`room ${c.room}`, id(c.id), ++sockets]
          const holder = model.find((m) => m.room === room && m.id === who)
          const size = model.filter((m) => m.room === room).length
          let expected: string | number = 'welcome'
          if (holder && c.claim > holder.claim) expected = 'id_taken'
          else if (size === 0 && roomsOf().size >= limits.roomsMax) expected = 'rooms_full'
          else if (!holder && size >= limits.membersPerRoomMax) expected = 'room_full'
          const entrance = rooms.join(room, who, c.claim, socket)
          expect(typeof entrance === 'string' ? entrance : 'welcome').toBe(expected)
          if (typeof entrance === 'string') continue
          expect(entrance.replaced).toBe(holder?.socket)
          model = model.filter((m) => m !== holder)
          const member = { place: entrance.place, room, id: who, claim: c.claim, socket }
          model.push(member)
          places.push(member)
          continue
        }
        if (places.length === 0) continue
        // Places that were lost long ago are asked as well.
        const asker = places[c.nth % places.length]!
        const mates = model.includes(asker) ? model.filter((m) => m.room === asker.room && m !== asker) : []
        if (c.do === 'leave') {
          rooms.leave(asker.place)
          model = model.filter((m) => m !== asker)
        } else if (c.do === 'find') {
          expect(rooms.find(asker.place, id(c.id))).toBe(mates.find((m) => m.id === id(c.id))?.socket)
        } else if (model.includes(asker)) {
          const ids = rooms.introducers(asker.place, c.count)
          expect(ids).toHaveLength(Math.min(c.count, mates.length))
          expect(new Set(ids).size).toBe(ids.length)
          expect(mates.map((m) => m.id)).toEqual(expect.arrayContaining(ids))
        }
      }
      expect(rooms.memberCount).toBe(model.length)
      expect(rooms.roomCount).toBe(roomsOf().size)
    }),
    { numRuns: 500 },
  )
})

test('everybody is introduced about as often as anybody else', () => {
  const rooms = new Rooms<number>({ roomsMax: 1, membersPerRoomMax: 100 }, seededRandom(7))
  const asker = entered(rooms.join('r', id(0), 0, 0))
  for (let n = 1; n <= 40; n++) rooms.join('r', id(n), n, n)
  const times = new Map<PeerId, number>()
  for (let round = 0; round < 4_000; round++) {
    for (const who of rooms.introducers(asker, 8)) times.set(who, (times.get(who) ?? 0) + 1)
  }
  // 800 each is even; the standard deviation of a fair draw is 25.
  expect(times.size).toBe(40)
  for (const count of times.values()) expect(Math.abs(count - 800)).toBeLessThan(125)
})

test('an older claim takes a live id back, and a younger one does not', () => {
  const rooms = new Rooms<string>(limits, seededRandom(1))
  const thief = entered(rooms.join('r', id(1), 5, 'thief'))
  const owner = rooms.join('r', id(1), 2, 'owner')
  expect(owner).toMatchObject({ replaced: 'thief' })
  rooms.leave(thief)
  expect(rooms.memberCount).toBe(1)
  expect(rooms.join('r', id(1), 5, 'thief again')).toBe('id_taken')
})

function entered<S>(entrance: Entrance<S>): Place<S> {
  if (typeof entrance === 'string') throw new Error(entrance)
  return entrance.place
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
