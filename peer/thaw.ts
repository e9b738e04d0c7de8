/**
 * What arrives just after this peer stood still: a page that was frozen, a machine that slept, finds all that was sent to
 * it meanwhile, at once. Most of it is old: pings that nobody waits for, rumours that a sync brings anyway. So it is
 * held until no more comes, and of each sender only the newest packets are handed on.
 */

import type { Endpoint } from '../core/index.ts'

/** Enough for a ping, the accusation on its way, an ack and the latest rumours. */
const packetsOfEach = 4
/** Whom nothing came from for longest is left out beyond this; a peer has 16 links and a few members on the relay. */
const sendersMax = 64
/** The flood is over when nothing came for so long. */
export const quietMs = 20
/** It is taken for over after this long, whatever still comes. */
const lastsMsMax = 300

export interface Held {
  readonly from: Endpoint
  readonly packet: Uint8Array
}

export class Thaw {
  /** Packets that were dropped. */
  skimmed = 0
  readonly #until: number
  readonly #senders = new Map<Endpoint, Uint8Array[]>()
  #quiet = true

  constructor(now: number) {
    this.#until = now + lastsMsMax
  }

  /** Keeps a copy, since the packet is borrowed. */
  hold({ from, packet }: Held): void {
    this.#quiet = false
    const packets = this.#senders.get(from) ?? []
    packets.push(new Uint8Array(packet))
    if (packets.length > packetsOfEach) this.#drop(packets.splice(0, 1))
    this.#senders.delete(from)
    this.#senders.set(from, packets)
    if (this.#senders.size <= sendersMax) return
    const [silent, dropped] = this.#senders.entries().next().value!
    this.#senders.delete(silent)
    this.#drop(dropped)
  }

  /** To be asked every `quietMs`: whether nothing has come since it was asked before, or it has lasted long enough. */
  isOver(now: number): boolean {
    if (this.#quiet || now >= this.#until) return true
    this.#quiet = true
    return false
  }

  /** What is left, the oldest of each sender first. */
  *left(): Iterable<Held> {
    for (const [from, packets] of this.#senders) for (const packet of packets) yield { from, packet }
  }

  #drop(packets: readonly Uint8Array[]): void {
    this.skimmed += packets.length
  }
}
