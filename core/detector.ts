/**
 * SWIM's failure detector (section 3.1) with Lifeguard's nacks: a ping, where it stays unanswered k indirect ones and
 * another direct one, a failed probe where those do too.
 *
 *     prober            target              helper
 *       | ping(seq) ------> |                  |
 *       |    (no ack within the timeout)       |
 *       | ping(again) ----> |                  |
 *       | pingReq(again, target) ------------> |
 *       |                   | <--- ping(seq') -|
 *       |                   |   (no ack)       |
 *       | <--------------------- nack(again) --|   the asking arrived: the silence is not the prober's
 *       |                   | ---- ack(seq') ->|
 *       | <--------------------- ack(again) ---|   also behind the nack
 *
 * Only an ack proves life, direct or passed on; what others say of a member never does. How long an answer may take
 * follows the round trips measured, and the prober's own health. Acks that come later still count, and are still measured.
 */

import type { Belief } from './belief.ts'
import type { Header } from './codec.ts'
import type { Config } from './config.ts'
import { type Endpoint, kindOf } from './host.ts'
import { idPrefix, type PeerId } from './ids.ts'
import type { Members } from './members.ts'
import type { Outbox } from './outbox.ts'
import type { Paths } from './paths.ts'
import type { Random } from './random.ts'
import { nackMsMax, Relays } from './relays.ts'
import { UsualRoundTrip } from './rtt.ts'

/** A probe under way, or one that failed and may still be answered. */
interface Probe {
  readonly target: PeerId
  /** The endpoint pinged: what it denies, it may deny for the target. */
  readonly path: Endpoint
  readonly seq: number
  readonly sentAt: number
  /** Of the second attempt: its acks come by any way and say nothing about the round trip. */
  readonly again: number
  readonly helpers: Endpoint[]
  /** Of the helpers, the one that is known to have lived last. */
  voucher: Endpoint | undefined
  readonly nacks: Set<Endpoint>
  stage: 'direct' | 'indirect' | 'failed'
}

/** How a probe failed. */
export interface Failure {
  readonly sentAt: number
  /** Members that were asked to help, and how many of them said that they had been. */
  readonly helpers: number
  readonly nacks: number
  /** Nobody had answered before, and this time one did that is known to have lived last. */
  readonly vouched: boolean
  /** The endpoint answered that the member does not live there. */
  readonly denied: boolean
}

/** Probes under way at the same time; those beyond are not begun. */
const probesMax = 256
/** A failed probe is remembered this long for acks that come late. */
const lateMs = 10_000
/** Members that are asked besides, about one that a server leads to. */
const bridgesMax = 2
/** A nack leaves when this share of the time has passed (Lifeguard). */
const nackShare = 0.8

export interface DetectorOwner {
  /** By how much this peer's times are stretched. */
  readonly stretch: number
  /** Nobody at all answered the last probe. */
  readonly doubtful: boolean
  /** Calls `expire` back at this time. */
  wake(kind: 'probe' | 'relay', seq: number, at: number): void
  nextSeq(): number
  count(what: string): void
  /** No ack came in time. */
  failed(belief: Belief, failure: Failure, now: number): void
}

export class Detector {
  /** Round trips to anybody: what to expect of a member that was never measured. */
  readonly usual = new UsualRoundTrip()
  readonly #self: PeerId
  readonly #members: Members
  readonly #paths: Paths
  readonly #outbox: Outbox
  readonly #config: Config
  readonly #random: Random
  readonly #owner: DetectorOwner
  readonly #relays: Relays
  /** One that passed on an answer by the server, until it does not. */
  #bridge: PeerId | undefined
  /** Each under both its numbers. */
  readonly #probes = new Map<number, Probe>()

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
    this.#relays = new Relays(outbox, owner)
  }

  /** Drops what is under way: this peer was away, so no silence means anything. */
  forget(): void {
    this.#probes.clear()
    this.#relays.clear()
  }

  mayProbe(id: PeerId): boolean {
    const belief = this.#members.get(id)
    return id !== this.#self && belief?.present === true && this.#paths.to(belief) !== undefined
  }

  isProbing(target: PeerId): boolean {
    for (const probe of this.#probes.values()) if (probe.target === target && probe.stage !== 'failed') return true
    return false
  }

  /** Pings a member, unless it is being probed already or cannot be reached. True if a probe is under way. */
  probe(target: PeerId, now: number): boolean {
    if (this.isProbing(target)) return true
    if (!this.mayProbe(target) || this.#probes.size >= 2 * probesMax) return false
    const belief = this.#members.get(target)!
    const probe: Probe = {
      target,
      path: this.#paths.to(belief)!,
      seq: this.#owner.nextSeq(),
      sentAt: now,
      again: this.#owner.nextSeq(),
      helpers: [],
      voucher: undefined,
      nacks: new Set(),
      stage: 'direct',
    }
    this.#probes.set(probe.seq, probe)
    this.#probes.set(probe.again, probe)
    this.#owner.wake('probe', probe.seq, now + this.#timeoutMs(belief))
    this.#ping(belief, probe.path, probe.seq)
    return true
  }

  /** A timer of `wake`. */
  expire(kind: 'probe' | 'relay', seq: number, now: number): void {
    if (kind === 'relay') return this.#relays.expire(seq, now)
    const probe = this.#probes.get(seq)
    if (probe === undefined) return
    const belief = this.#members.get(probe.target)
    if (!belief?.present) return this.#end(probe)
    switch (probe.stage) {
      case 'direct':
        return this.#askOthers(probe, belief, now)
      case 'indirect':
        return this.#fail(probe, belief, false, now)
      case 'failed':
        return this.#end(probe)
    }
  }

  /** The member that proved to be alive, with the round trip if it was measured, and whether the ack came in time. */
  receiveAck(
    ack: Header & { kind: 'ack' },
    onTime: boolean,
    now: number,
  ): { belief: Belief; rttMs: number | undefined; inTime: boolean } | undefined {
    if (this.#relays.pass(ack)) return undefined
    const probe = this.#probes.get(ack.seq)
    const belief = probe && this.#members.get(probe.target)
    if (probe === undefined || belief === undefined) {
      this.#owner.count('acks_late')
      return undefined
    }
    const inTime = probe.stage !== 'failed'
    const rttMs = onTime && ack.seq === probe.seq ? now - probe.sentAt : undefined
    if (rttMs !== undefined) this.usual.take(rttMs)
    // The ack of the first ping may still come and tell how long the way is.
    if (rttMs !== undefined || probe.stage === 'direct') this.#end(probe)
    else probe.stage = 'failed'
    return { belief, rttMs, inTime }
  }

  /** An ack came by way of this member, and of the server. */
  helped(by: PeerId): void {
    this.#bridge ??= by
  }

  /** True if it answers something this peer has asked. */
  receiveNack(nack: Header & { kind: 'nack' }, from: Endpoint, now: number): boolean {
    const probe = this.#probes.get(nack.seq)
    if (probe === undefined) return false
    const belief = this.#members.get(probe.target)
    if (from === probe.path) {
      if (belief?.present && probe.stage !== 'failed') this.#fail(probe, belief, true, now)
    } else if (probe.helpers.includes(from)) probe.nacks.add(from)
    else return false
    return true
  }

  /** Another asks us to ping: at the endpoint of our own view, never at one the request could name. */
  receivePingReq(request: Header & { kind: 'pingReq' }, from: Endpoint, now: number): void {
    const belief = this.#members.get(request.target)
    const path = belief?.present ? this.#paths.to(belief) : undefined
    const seq = this.#relays.open(request, from, now)
    // Without a path the nack alone is the answer: it says that the asking arrived.
    if (seq !== undefined && path !== undefined) this.#ping(belief!, path, seq)
  }

  /** The first attempt went unanswered: try again, by ourselves and by way of others. */
  #askOthers(probe: Probe, belief: Belief, now: number): void {
    probe.stage = 'indirect'
    const waitMs = 2 * this.#timeoutMs(belief)
    this.#ping(belief, this.#paths.besides(probe.path, belief), probe.again)
    const helpers = this.#paths.some(this.#config.indirectProbes, this.#random, ({ id, status, record }) => {
      return (
        status === 'alive' && id !== belief.id && record!.endpoints.some((endpoint) => belief.has(kindOf(endpoint)))
      )
    })
    if (this.#owner.doubtful) probe.voucher = this.#addLastHeard(helpers, belief)
    // Their nacks do not count: that somebody further off heard the asking is no reason to accuse sooner.
    const bridges = this.#needsBridge(probe, belief) ? this.#bridgesTo(belief, helpers) : []
    probe.helpers.push(...helpers.map(({ path }) => path))
    for (const { belief: helper, path } of [...helpers, ...bridges]) {
      const wayMs = helper.roundTrip?.smoothedMs ?? this.usual.medianMs ?? 0
      const nackMs = Math.min(nackMsMax, Math.max(0, Math.floor((waitMs - wayMs) * nackShare)))
      const header = { kind: 'pingReq' as const, seq: probe.again, from: this.#self, target: belief.id, nackMs }
      this.#outbox.send(header, helper, path)
    }
    this.#owner.wake('probe', probe.seq, now + waitMs)
  }

  /** The server leads to it as far as is known, but it has not answered by itself yet. */
  #needsBridge({ path }: Probe, { answer }: Belief): boolean {
    return kindOf(path) === 'relay' && (answer === undefined || answer.helper !== undefined)
  }

  /**
   * By a server only those are heard who are on it. Of several a tab is on one and a process on all of its list, so
   * processes may hear whom this peer and its neighbours do not, above all one that did so before.
   */
  #bridgesTo(target: Belief, helpers: readonly { belief: Belief }[]): { belief: Belief; path: Endpoint }[] {
    const suits = (belief: Belief | undefined): belief is Belief =>
      belief?.status === 'alive' &&
      belief !== target &&
      belief.has('relay') &&
      this.mayProbe(belief.id) &&
      !helpers.some((helper) => helper.belief === belief)
    const tried = this.#bridge === undefined ? undefined : this.#members.get(this.#bridge)
    const bridges = suits(tried) ? [tried] : []
    const isOther = (belief: Belief) => belief !== tried && belief.record!.mode === 'server' && suits(belief)
    bridges.push(...this.#members.pick(bridgesMax - bridges.length, this.#random, isOther))
    return bridges.map((belief) => ({ belief, path: this.#paths.to(belief)! }))
  }

  /** Where nobody at all answered the last probe, whoever is known to have lived last is asked too. */
  #addLastHeard(helpers: { belief: Belief; path: Endpoint }[], target: Belief): Endpoint | undefined {
    let last: Belief | undefined
    for (const belief of this.#members.present()) {
      if (belief !== target && belief.lastHeard > (last?.lastHeard ?? 0) && this.mayProbe(belief.id)) last = belief
    }
    if (last === undefined) return undefined
    const path = this.#paths.to(last)!
    if (!helpers.some(({ belief }) => belief === last)) helpers.push({ belief: last, path })
    return path
  }

  #fail(probe: Probe, belief: Belief, denied: boolean, now: number): void {
    probe.stage = 'failed'
    if (this.#needsBridge(probe, belief)) this.#bridge = undefined
    this.#owner.wake('probe', probe.seq, now + lateMs)
    const { sentAt, helpers, voucher, nacks } = probe
    const vouched = voucher !== undefined && nacks.has(voucher)
    this.#owner.failed(belief, { sentAt, helpers: helpers.length, nacks: nacks.size, vouched, denied }, now)
  }

  #end(probe: Probe): void {
    this.#probes.delete(probe.seq)
    this.#probes.delete(probe.again)
  }

  /** RFC 6298, between a floor and a ceiling, stretched while this peer is in bad health. */
  #timeoutMs(belief: Belief): number {
    const { ackTimeoutMs, ackTimeoutMinMs, ackTimeoutMaxMs } = this.#config
    const measured = belief.roundTrip?.timeoutMs ?? this.usual.timeoutMs ?? ackTimeoutMs
    const least = Math.min(ackTimeoutMinMs, ackTimeoutMs)
    return Math.min(Math.max(measured, least), ackTimeoutMaxMs) * this.#owner.stretch
  }

  #ping(belief: Belief, path: Endpoint, seq: number): void {
    const { hi, lo } = this.#members.digest
    const header = { kind: 'ping' as const, seq, from: this.#self, to: idPrefix(belief.id), hi, lo }
    this.#outbox.send(header, belief, path, true)
  }
}
