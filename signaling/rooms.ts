/**
 * Who is in which room: the whole memory of the signalling server, without a socket or a clock. `S` is whatever the
 * owner reaches a member by.
 *
 * An id belongs to the oldest claim on it. A claim is a number the owner hands out in rising order and proves by a token
 * (`tokens.ts`), so a socket that comes for a live id with the claim that id was given, or an older one, takes its place,
 * and everybody else is refused.
 */

import { type PeerId, type Random, randomInt } from '../core/index.ts'

export interface RoomLimits {
  roomsMax: number
  membersPerRoomMax: number
}

/** A member's place. It stays valid as an argument after it was lost: then it can do nothing. */
export interface Place<S> {
  readonly room: Room<S>
  readonly id: PeerId
  readonly claim: number
  readonly socket: S
  /** Where it stands in `room.order`. */
  index: number
}

interface Room<S> {
  readonly name: string
  readonly byId: Map<PeerId, Place<S>>
  /** The same places in no order that matters: it lets a few be drawn without copying ten thousand. */
  readonly order: Place<S>[]
}

export type Entrance<S> = { place: Place<S>; replaced: S | undefined } | 'id_taken' | 'room_full' | 'rooms_full'

export class Rooms<S> {
  readonly #limits: RoomLimits
  readonly #random: Random
  readonly #rooms = new Map<string, Room<S>>()
  #members = 0

  constructor(limits: RoomLimits, random: Random) {
    this.#limits = limits
    this.#random = random
  }

  get roomCount(): number {
    return this.#rooms.size
  }

  get memberCount(): number {
    return this.#members
  }

  /** Takes a place for `id`, or says why there is none; a refusal changes nothing. */
  join(name: string, id: PeerId, claim: number, socket: S): Entrance<S> {
    const known = this.#rooms.get(name)
    const holder = known?.byId.get(id)
    if (holder && claim > holder.claim) return 'id_taken'
    if (!known && this.#rooms.size >= this.#limits.roomsMax) return 'rooms_full'
    if (known && !holder && known.order.length >= this.#limits.membersPerRoomMax) return 'room_full'

    const room = known ?? { name, byId: new Map(), order: [] }
    if (!known) this.#rooms.set(name, room)
    const place: Place<S> = { room, id, claim, socket, index: holder?.index ?? room.order.length }
    room.byId.set(id, place)
    room.order[place.index] = place
    if (!holder) this.#members++
    return { place, replaced: holder?.socket }
  }

  /** Gives the place up; a place that was lost to a newer socket of the same id is left alone. */
  leave(place: Place<S>): void {
    const { room } = place
    if (!isHeld(place)) return
    room.byId.delete(place.id)
    const last = room.order.pop()!
    if (last !== place) {
      room.order[place.index] = last
      last.index = place.index
    }
    this.#members--
    if (room.order.length === 0) this.#rooms.delete(room.name)
  }

  /** Whom a member may talk to: another member of its own room, and nobody once it has lost its place. */
  find(place: Place<S>, to: PeerId): S | undefined {
    return isHeld(place) && to !== place.id ? place.room.byId.get(to)?.socket : undefined
  }

  /** Up to `count` other members, evenly drawn: a partial shuffle in place, so the cost is `count`, not the room. */
  introducers(place: Place<S>, count: number): PeerId[] {
    const { order } = place.room
    const ids: PeerId[] = []
    for (let i = 0; i < order.length && ids.length < count; i++) {
      swap(order, i, i + randomInt(this.#random, order.length - i))
      if (order[i] !== place) ids.push(order[i]!.id)
    }
    return ids
  }
}

function isHeld<S>(place: Place<S>): boolean {
  return place.room.byId.get(place.id) === place
}

function swap<S>(order: Place<S>[], i: number, j: number): void {
  const a = order[i]!
  const b = order[j]!
  order[i] = b
  order[j] = a
  b.index = i
  a.index = j
}
