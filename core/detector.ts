/**
 * SWIM's failure detector (section 3.1): one ping a period, k indirect ones where it stays unanswered, a failed probe
 * where those do too.
 *
 *     prober            target              helper
 *       | ping(seq) ------> |                  |
 *       |    (no ack within the timeout)       |
 *       | pingReq(seq, target) --------------> |
 *       |                   | <--- ping(seq') -|
 *       |                   | ---- ack(seq') ->|
 *       | <----------------------- ack(seq) ---|
 *
 * Only an ack proves life, direct or passed on; what others say of a member never does.
 */

import type { Belief } from './belief.ts'
import { type Header, idPrefix } from './codec.ts'
import type { Config } from './config.ts'
import { type Endpoint, kindOf } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Members } from './members.ts'
import type { Outbox } from './outbox.ts'
import type { Paths } from './paths.ts'
import { ProbeOrder } from './probe-order.ts'
import { type Random, sample } from './random.ts'

/** A ping under way on our own behalf. */
interface Probe {
  readonly seq: number
  readonly target: PeerId
  readonly sentAt: number
  /** When others were asked: from then on an ack may have come the long way and says nothing about the round trip. */
  askedAt: number | undefined
  acked: boolean
}

/** A ping under way for somebody else. */
interface Relay {
  readonly requester: Endpoint
  readonly requesterSeq: number
  readonly target: PeerId
}

/** Pings under way for others; beyond it requests are dropped. */
const relaysMax = 128

export interface DetectorOwner {
  /** No ack within the timeout is told by `expire`, called back at this time. */
  wake(kind: 'ack' | 'relay', seq: number, at: number): void
  nextSeq(): number
  count(what: string): void
}

export class Detector {
  readonly #self: PeerId
  readonly #members: Members
  readonly #paths: Paths
  readonly #outbox: Outbox
  readonly #config: Config
  readonly #random: Random
  readonly #owner: DetectorOwner
  readonly #order: ProbeOrder
  readonly #relays = new Map<number, Relay>()
  #probe: Probe | undefined

  constructor(
    self: PeerId,
    members: Members,
    paths: Paths,
    outbox: Outbox,
    config: Config,
    random: Random,
    owner: DetectorOwner,
  ) {
    this.#self = self
    this.#members = members
    this.#paths = paths
    this.#outbox = outbox
    this.#config = config
    this.#random = random
    this.#owner = owner
    this.#order = new ProbeOrder(random)
  }

  /** Takes a newcomer into the round. */
  add(id: PeerId): void {
    this.#order.add(id)
  }

  /** Something spoke against a member: it is probed next. */
  hasten(id: PeerId): void {
    this.#order.hasten(id)
  }

  /** Drops what is under way: this peer was away, so no silence means anything. */
  forget(): void {
    this.#probe = undefined
    this.#relays.clear()
  }

  /**
   * Ends a period: the member whose probe failed, if one did. Where a late timer has left those that were asked less than
   * half their time, the probe goes on for one more period: a throttled tab would accuse without having waited for anybody.
   */
  verdict(now: number): Belief | undefined {
    const probe = this.#probe
    const { probePeriodMs, ackTimeoutMs } = this.#config
    if (probe && !probe.acked && now - (probe.askedAt ?? now) < (probePeriodMs - ackTimeoutMs) / 2) return undefined
    this.#probe = undefined
    if (probe === undefined || probe.acked) return undefined
    const belief = this.#members.get(probe.target)
    // Without a path of our own left, the silence is ours, not the member's.
    return belief?.present && this.#paths.to(belief) !== undefined ? belief : undefined
  }

  /** Begins a period: pings the next member of the round, unless a probe goes on. */
  probe(now: number): void {
    if (this.#probe) return
    const target = this.#order.next(this.#members.presentIds(), (id) => this.#mayProbe(id))
    if (target === undefined) return
    const seq = this.#owner.nextSeq()
    this.#probe = { seq, target, sentAt: now, askedAt: undefined, acked: false }
    this.#owner.wake('ack', seq, now + this.#config.ackTimeoutMs)
    this.#ping(this.#members.get(target)!, seq)
  }

  /** A timer of `wake`. */
  expire(kind: 'ack' | 'relay', seq: number, now: number): void {
    if (kind === 'relay') this.#relays.delete(seq)
    else this.#askOthers(seq, now)
  }

  /** The probed member if the ack is the one waited for, with the round trip if the ack came straight. */
  receiveAck(ack: Header & { kind: 'ack' }, now: number): { belief: Belief; rttMs: number | undefined } | undefined {
    const relay = this.#relays.get(ack.seq)
    if (relay) {
      this.#relays.delete(ack.seq)
      this.#outbox.forward({ ...ack, seq: relay.requesterSeq }, relay.requester)
      return undefined
    }
    const probe = this.#probe
    const belief = probe && this.#members.get(probe.target)
    if (probe === undefined || probe.seq !== ack.seq || probe.acked || belief === undefined) {
      this.#owner.count('acks_late')
      return undefined
    }
    probe.acked = true
    return { belief, rttMs: probe.askedAt === undefined ? now - probe.sentAt : undefined }
  }

  /** Another asks us to ping: at the endpoint of our own view, never at one the request could name. */
  receivePingReq(request: Header & { kind: 'pingReq' }, from: Endpoint, now: number): void {
    const belief = this.#members.get(request.target)
    if (!belief?.present || this.#paths.to(belief) === undefined || this.#relays.size >= relaysMax) return
    for (const { requester, target } of this.#relays.values()) {
      if (requester === from && target === request.target) return
    }
    const seq = this.#owner.nextSeq()
    this.#relays.set(seq, { requester: from, requesterSeq: request.seq, target: request.target })
    this.#owner.wake('relay', seq, now + this.#config.probePeriodMs)
    this.#ping(belief, seq)
  }

  #askOthers(seq: number, now: number): void {
    const probe = this.#probe
    if (probe === undefined || probe.seq !== seq || probe.acked) return
    const target = this.#members.get(probe.target)
    if (target === undefined) return
    probe.askedAt = now
    const helpers = this.#paths
      .reachable()
      .filter(
        ({ id, status, record }) =>
          status === 'alive' && id !== target.id && record?.endpoints.some((endpoint) => target.has(kindOf(endpoint))),
      )
    for (const helper of sample(helpers, this.#config.indirectProbes, this.#random)) {
      const header = { kind: 'pingReq' as const, seq, from: this.#self, target: target.id }
      this.#outbox.send(header, helper, this.#paths.to(helper)!)
    }
  }

  #mayProbe(id: PeerId): boolean {
    const belief = this.#members.get(id)
    return id !== this.#self && belief?.present === true && this.#paths.to(belief) !== undefined
  }

  #ping(belief: Belief, seq: number): void {
    const { hi, lo } = this.#members.digest
    const header = { kind: 'ping' as const, seq, from: this.#self, to: idPrefix(belief.id), hi, lo }
    this.#outbox.send(header, belief, this.#paths.to(belief)!, true)
  }
}
