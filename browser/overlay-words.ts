/** What the overlay says of the room in words. */

import { duration, type Fact } from '../peer/facts.ts'
import { isPresent, type OverlayPeer, type RoomMap } from './overlay-map.ts'

/** How this peer stands with its room. */
export function standingFacts(peer: OverlayPeer, map: RoomMap, packets: Packets): Fact[] {
  const own = peer.explain(peer.id)?.observer
  const { agreeing, asked } = peer.consistency()
  const present = map.spots.filter(({ member }) => isPresent(member))
  const suspect = present.filter(({ member }) => member.status === 'suspect').length
  return [
    ['members', suspect > 0 ? `${present.length}, ${suspect} suspect` : `${present.length}`],
    ['own health', own === undefined ? '' : own.health === 0 ? 'good' : `${own.health} of 7, 0 is good`],
    ['views agree', asked === 0 ? 'not compared' : `${agreeing} of last ${asked}`],
    ['own timers', own === undefined ? '' : own.lagMs < 1 ? 'on time' : `${duration(own.lagMs)} late`],
    ['packets out', packets.out],
    ['packets in', packets.in],
  ]
}

/** The map in a sentence, for those who do not see it. */
export function mapText(map: RoomMap): string {
  const count = (status: string) => map.spots.filter(({ member }) => member.status === status).length
  const parts = ['alive', 'suspect', 'dead', 'left'].flatMap((status) => {
    return count(status) > 0 ? [`${count(status)} ${status}`] : []
  })
  const links = map.open.length === 1 ? '1 open link' : `${map.open.length} open links`
  return `Map of the room: ${parts.join(', ')}; this peer has ${links}. Arrow keys choose a member, Escape none.`
}

/** Packets a second, as text. */
export interface Packets {
  readonly out: string
  readonly in: string
}

/** Packets a second, from what the counters said lately. */
export class Rates {
  readonly #samples: { at: number; sent: number; received: number }[] = []

  /** `at` in milliseconds, by any clock that runs on. */
  take({ packets_sent: sent = 0, packets_received: received = 0 }: Counters, at: number): Packets {
    // A page that came back from the back-forward cache counts from 0 again.
    if ((this.#samples.at(-1)?.sent ?? 0) > sent) this.#samples.length = 0
    this.#samples.push({ at, sent, received })
    if (this.#samples.length > samplesMax) this.#samples.shift()
    const first = this.#samples[0]!
    const seconds = (at - first.at) / 1000
    if (seconds < 0.5) return { out: '…', in: '…' }
    const rate = (now: number, then: number) => {
      const perSecond = (now - then) / seconds
      return `${perSecond < 9.95 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`
    }
    return { out: rate(sent, first.sent), in: rate(received, first.received) }
  }
}

type Counters = Readonly<Record<string, number>>

/** Taken once a second or so. */
const samplesMax = 6
