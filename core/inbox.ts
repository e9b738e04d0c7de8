/**
 * Opens packets: counts what is wrong with them, passes on what is on its way to others, and unwraps what others have
 * carried here. What is left is for this peer to act on.
 */

import { decodePacket, type Packet } from './codec.ts'
import { ShoalError } from './errors.ts'
import { addressOf, type Endpoint, kindOf } from './host.ts'
import type { Outbox } from './outbox.ts'
import type { Paths } from './paths.ts'
import { fingerprintOf } from './seen.ts'

export interface Opened extends Packet {
  /** Who sent it, also where others have carried it. */
  readonly from: Endpoint
  /** Its bytes, a wrapping left out. */
  readonly length: number
}

export class Inbox {
  readonly #tag: number
  readonly #paths: Paths
  readonly #outbox: Outbox
  readonly #count: (what: string) => void

  constructor(tag: number, paths: Paths, outbox: Outbox, count: (what: string) => void) {
    this.#tag = tag
    this.#paths = paths
    this.#outbox = outbox
    this.#count = count
  }

  /** Undefined for what is of no use to this peer, or was for another. `packet` is borrowed. */
  open(packet: Uint8Array, from: Endpoint, now: number): Opened | undefined {
    this.#count('packets_received')
    this.#outbox.source = this.#paths.isSparse(kindOf(from)) ? addressOf(from) : undefined
    const opened = this.#decode(packet)
    if (opened?.header.kind !== 'route') return opened && { ...opened, from, length: packet.length }
    this.#outbox.source = undefined
    const { header, wrapped } = opened
    const whole = this.#outbox.mesh?.receive(header, packet, wrapped, from, now)
    const inner = whole && this.#decode(whole)
    if (inner === undefined) return undefined
    if (inner.header.kind !== 'route')
      return { ...inner, from: `${this.#outbox.mesh!.kind}:${header.from}`, length: whole!.length }
    this.#count('packets_malformed')
    return undefined
  }

  #decode(packet: Uint8Array): Packet | undefined {
    try {
      const decoded = decodePacket(packet, this.#tag, this.#isKnown)
      if (decoded === undefined) this.#count('packets_unknown')
      else if (decoded.unknown > 0) this.#count('rumours_unknown')
      return decoded
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      this.#count(error.code === 'packet_foreign' ? 'packets_foreign' : 'packets_malformed')
      return undefined
    }
  }

  readonly #isKnown = (bytes: Uint8Array): boolean => this.#outbox.knows(fingerprintOf(bytes))
}
