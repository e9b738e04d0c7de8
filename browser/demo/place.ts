/** Where members are in the pond, in shares of its width and height: the same on every page whose view is the same. */

import { type Member, seededRandom } from '../../core/index.ts'

export interface Place {
  readonly x: number
  readonly y: number
}

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** The cursor a member shares as `[x, y]`, kept inside the pond; undefined if it shares none or nonsense. */
export function cursorOf(member: Pick<Member, 'state'>): Place | undefined {
  const value = member.state.cursor
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [x, y] = value
  if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) return undefined
  return { x: clamp(x), y: clamp(y) }
}

export function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}

/** Where everybody rests: tabs in open water, servers along the shore, two of a kind never on one spot. */
export function layout(members: readonly Pick<Member, 'id' | 'mode'>[]): Map<string, Place> {
  const servers = members.filter((member) => member.mode === 'server').map((member) => member.id)
  const tabs = members.filter((member) => member.mode !== 'server').map((member) => member.id)
  return new Map([...settle(tabs, openWater(tabs.length)), ...settle(servers, shore(servers.length))])
}

/**
 * Gives each id the spot its hash points at, or the next free one after it. In order of id, so that the outcome
 * depends on who is here and not on who came first; a newcomer moves few of the others.
 */
function settle(ids: readonly string[], spots: readonly Place[]): [string, Place][] {
  const taken = new Set<number>()
  return [...ids].sort().map((id) => {
    let at = hash(id) % spots.length
    while (taken.has(at)) at = (at + 1) % spots.length
    taken.add(at)
    return [id, spots[at]!]
  })
}

/** At least twice as many spots as tabs, shaken off their grid and dealt out of order. */
function openWater(count: number): Place[] {
  let rows = 3
  while (rows * (rows + 2) < count * 2) rows++
  const columns = rows + 2
  const random = seededRandom(rows)
  const spots = Array.from({ length: rows * columns }, (_, i) => ({
    x: 0.14 + (0.72 * ((i % columns) + 0.3 + random() * 0.4)) / columns,
    y: 0.23 + (0.58 * (Math.floor(i / columns) + 0.3 + random() * 0.4)) / rows,
    order: random(),
  }))
  return spots.sort((a, b) => a.order - b.order).map(({ x, y }) => ({ x, y }))
}

/** Spots round the edge. Eight serve most rooms, so that lighthouses stay where they are when others come and go. */
function shore(count: number): Place[] {
  let length = 8
  while (length < count) length *= 2
  return Array.from({ length }, (_, i) => {
    const turn = ((i + 0.5) / length) * 2 * Math.PI
    // A superellipse: close to the corners, clear of the frame.
    const bend = (value: number): number => Math.sign(value) * Math.sqrt(Math.abs(value))
    return { x: 0.5 + 0.42 * bend(Math.cos(turn)), y: 0.5 + 0.37 * bend(Math.sin(turn)) }
  })
}
