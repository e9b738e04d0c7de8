/** Pings on behalf of others: the ack is passed on, also a late one; where none came in time, a nack is sent. */

import type { Header } from './codec.ts'
import type { Endpoint } from './host.ts'
import type { Outbox } from './outbox.ts'

interface Relay {
  readonly requester: Endpoint
  readonly requesterSeq: number
  nacked: boolean
}

/** Pings under way for others; beyond it requests are dropped. */
const relaysMax = 256
/** So long behind the nack an ack is still passed on. */
const lateMs = 3_000
/** The longest a helper waits with the nack. */
export const nackMsMax = 30_000

interface RelaysOwner {
  wake(kind: 'relay', seq: number, at: number): void
  nextSeq(): number
}

export class Relays {
  readonly #outbox: Pick<Outbox, 'forward'>
  readonly #owner: RelaysOwner
  readonly #relays = new Map<number, Relay>()

  constructor(outbox: Pick<Outbox, 'forward'>, owner: RelaysOwner) {
    this.#outbox = outbox
    this.#owner = owner
  }

  clear(): void {
    this.#relays.clear()
  }

  /** Takes a request; the number to ping with, or undefined where it is one too many or asked already. */
  open(request: Header & { kind: 'pingReq' }, requester: Endpoint, now: number): number | undefined {
    if (this.#relays.size >= relaysMax) return undefined
    for (const relay of this.#relays.values()) {
      if (relay.requester === requester && relay.requesterSeq === request.seq) return undefined
    }
    const seq = this.#owner.nextSeq()
    this.#relays.set(seq, { requester, requesterSeq: request.seq, nacked: false })
    this.#owner.wake('relay', seq, now + Math.min(request.nackMs, nackMsMax))
    return seq
  }

  /** True if the ack was another's; it has been passed on. */
  pass(ack: Header & { kind: 'ack' }): boolean {
    const relay = this.#relays.get(ack.seq)
    if (relay === undefined) return false
    this.#relays.delete(ack.seq)
    this.#outbox.forward({ ...ack, seq: relay.requesterSeq }, relay.requester)
    return true
  }

  /** A timer of `wake`: first it is time for the nack, then to forget. */
  expire(seq: number, now: number): void {
    const relay = this.#relays.get(seq)
    if (relay === undefined) return
    if (relay.nacked) {
      this.#relays.delete(seq)
      return
    }
    relay.nacked = true
    this.#outbox.forward({ kind: 'nack', seq: relay.requesterSeq }, relay.requester)
    this.#owner.wake('relay', seq, now + lateMs)
  }
}
