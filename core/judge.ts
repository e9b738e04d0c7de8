/**
 * Judges others, and itself first. It decides whom to probe, whether silence is theirs or its own, when to accuse, whom to
 * check as a witness, and when a suspicion has lasted long enough to be a death (SWIM with Lifeguard; rings after Rapid).
 */

import type { Belief } from './belief.ts'
import type { Header } from './codec.ts'
import type { Config } from './config.ts'
import { Detector, type DetectorOwner, type Failure } from './detector.ts'
import { Health } from './health.ts'
import { type Endpoint, kindOf } from './host.ts'
import type { PeerId } from './ids.ts'
import { crowdMin, Isolation } from './isolation.ts'
import { Lag } from './lag.ts'
import type { Members } from './members.ts'
import type { Outbox } from './outbox.ts'
import type { Paths } from './paths.ts'
import { ProbeOrder } from './probe-order.ts'
import type { Random } from './random.ts'
import { circumstancesOf, suspicionMs } from './suspicion.ts'
import type { Vicinity } from './vicinity.ts'
import type { View } from './view.ts'

export interface JudgeOwner {
  /** Calls back at this time: `expire` for a probe or a relayed ping, `judge` for a suspicion. */
  wake(timer: JudgeTimer, at: number): void
  nextSeq(): number
  count(what: string): void
}

export type JudgeTimer = { type: 'probe' | 'relay'; seq: number } | { type: 'suspicion'; id: PeerId; at: number }

/** What the judge needs of a peer. */
export interface Court {
  readonly self: PeerId
  readonly view: View
  readonly paths: Paths
  readonly outbox: Outbox
  readonly config: Config
  readonly random: Random
}

/** After a long absence nobody is accused for so many periods: what this peer knows is old. */
const gracePeriods = 3
/** So long behind its coming, or one's own, a neighbour that never answered is not accused. */
const strangePeriods = 6
/** Members come back to a server one after the other (see `SignalingClient`): so long after it is there again, nobody is missed. */
const serverReturnMs = 12_000

export class Judge implements DetectorOwner {
  readonly health = new Health()
  readonly #self: PeerId
  readonly #view: View
  readonly #members: Members
  readonly #paths: Paths
  readonly #outbox: Outbox
  readonly #config: Config
  readonly #owner: JudgeOwner
  readonly #detector: Detector
  readonly #order: ProbeOrder
  readonly #isolation = new Isolation()
  readonly #lag = new Lag()
  readonly #vicinity: Vicinity
  /** Members that share no channel with this peer: gateways lead to them, or nobody does. */
  readonly #beyond = new Set<PeerId>()
  /** Neighbours on each sparse kind of channel, as last looked at. */
  readonly #met = new Map<string, ReadonlySet<PeerId>>()
  #surveyedAt = Number.NEGATIVE_INFINITY
  #lagged = false
  #graceUntil = Number.NEGATIVE_INFINITY
  #servedSince = Number.NEGATIVE_INFINITY

  constructor(court: Court, owner: JudgeOwner) {
    const { self, view, paths, outbox, config, random } = court
    this.#self = self
    this.#view = view
    this.#members = view.members
    this.#paths = paths
    this.#outbox = outbox
    this.#config = config
    this.#owner = owner
    this.#order = new ProbeOrder(random)
    this.#vicinity = paths.vicinity
    this.#detector = new Detector(self, view.members, paths, outbox, config, random, this)
  }

  /** The usual round trip in this room; 0 until one was measured. */
  get usualRttMs(): number {
    return this.#detector.usual.medianMs ?? 0
  }

  /** Why this peer takes itself for cut off; undefined if it does not. */
  isolation(now: number): string | undefined {
    return this.#isolation.reason(now)
  }

  /** The latest that a timer of this peer came in the last ten to twenty seconds, in milliseconds. */
  lagMs(now: number): number {
    return this.#lag.worstMs(now)
  }

  /** A probe of this member is under way. */
  isProbing(id: PeerId): boolean {
    return this.#detector.isProbing(id)
  }

  // Time

  /** Begins a protocol period; returns how long it lasts. */
  period(now: number): number {
    this.#lagged = false
    this.#survey(now)
    const isolated = this.isolation(now) !== undefined
    if (!isolated) this.#suspectCutOff(now)
    this.#followRings()
    this.#meetNeighbours(now)
    const target = this.#order.next(Math.floor(now / this.#config.probePeriodMs), this.#members.presentIds(), (id) =>
      this.#isMine(id),
    )
    if (target !== undefined) this.#detector.probe(target, now)
    // Whoever is cut off has nothing to spare the others, and wants to know when it is over.
    return this.#config.probePeriodMs * (isolated ? 1 : this.health.factor)
  }

  expire(kind: 'probe' | 'relay', seq: number, now: number): void {
    this.#detector.expire(kind, seq, now)
  }

  /**
   * A timer comes so much late: the event loop was blocked, the tab throttled, the machine asleep. It was this peer that
   * was slow or away. True if it was away so long that nobody may be judged by what fell due meanwhile: then probes are
   * void and suspicions last longer by what was missed.
   */
  late(ms: number, now: number): boolean {
    this.#lag.take(ms, now)
    const { probePeriodMs } = this.#config
    // Once a period: several timers may wait behind one delay.
    if (ms > probePeriodMs / 4 && !this.#lagged) {
      this.#lagged = true
      this.health.worsen(1)
    }
    // Hidden pages are woken once a second, if nothing arrives: that is how they live, and what has arrived was read before.
    const hidden = this.#members.get(this.#self)?.record?.mode === 'hidden'
    if (ms <= probePeriodMs * (hidden ? 1.5 : 0.5)) return false
    this.#owner.count('absences')
    this.#detector.forget()
    if (ms >= 2 * probePeriodMs) this.#graceUntil = now + gracePeriods * probePeriodMs
    for (const belief of this.#members.suspects) {
      belief.extendedMs += ms
      this.#arm(belief, now)
    }
    return true
  }

  /** A server that carries packets is there, or there again. */
  served(now: number): void {
    this.#servedSince = now
  }

  // Packets

  receivePingReq(request: Header & { kind: 'pingReq' }, from: Endpoint, now: number): void {
    this.#detector.receivePingReq(request, from, now)
  }

  receiveNack(nack: Header & { kind: 'nack' }, from: Endpoint, now: number): void {
    if (this.#detector.receiveNack(nack, from, now)) this.#isolation.heard()
  }

  /** The member that answered, with the round trip if it was measured; `onTime` tells whether this peer is awake. */
  receiveAck(
    ack: Header & { kind: 'ack' },
    from: Endpoint,
    onTime: boolean,
    now: number,
  ): { belief: Belief; rttMs: number | undefined } | undefined {
    const heard = this.#detector.receiveAck(ack, onTime, now)
    if (heard === undefined) return undefined
    const { belief, inTime } = heard
    this.#isolation.heard()
    if (inTime) this.health.improve()
    // The string of its record, so that none of a packet's is kept for each member.
    const home = belief.record?.endpoints.find((endpoint) => endpoint === from)
    const helper = home === undefined ? this.#members.at(from)?.id : undefined
    if (helper !== undefined && kindOf(from) === 'relay') this.#detector.helped(helper)
    belief.answered({ from: home ?? from, helper, carried: this.#paths.isByOthers(from) }, now)
    return heard
  }

  /** Others had to be told that this peer is alive: perhaps it answers too slowly. */
  refuted(): void {
    this.health.worsen(1)
  }

  // Members

  /** Takes a newcomer into the round. */
  add(belief: Belief): void {
    this.#order.add(belief.id)
    this.#vicinity.add(belief)
    if (this.#paths.island(belief) === undefined) this.#beyond.add(belief.id)
  }

  /** A member died or left. */
  gone(belief: Belief, now: number): void {
    this.#beyond.delete(belief.id)
    this.#vicinity.remove(belief)
    this.#meetNeighbours(now)
  }

  /** Who lives next to a member checks at once whether it is still there. Neighbours are each other's. */
  check(belief: Belief, now: number): void {
    if (this.#vicinity.has(belief.id)) this.#detector.probe(belief.id, now)
  }

  /** A link to a neighbour has ended: of a page that is frozen it was the only sign of life. */
  severed(belief: Belief, now: number): void {
    if (!this.#vicinity.has(belief.id)) return
    belief.severed = true
    if (belief.status === 'suspect') this.#arm(belief, now)
  }

  /** The view holds a member under suspicion, or has one more accuser of it. */
  suspected(belief: Belief, now: number): void {
    this.#arm(belief, now)
    // Who accuses it itself has just tried; the others find out on their own, once.
    if (belief.accusers.length === 1 && belief.accusers[0] !== this.#self) this.check(belief, now)
  }

  /** A suspicion's time is over, unless something has prolonged it meanwhile. */
  judge(id: PeerId, at: number, now: number): void {
    const belief = this.#members.get(id)
    if (belief === undefined || belief.timerAt !== at) return
    belief.timerAt = Number.POSITIVE_INFINITY
    if (belief.status !== 'suspect') return
    if (belief.suspectUntil > now) return this.#arm(belief, now, belief.suspectUntil)
    if (this.#dueAt(belief, now) > now) return this.#arm(belief, now)
    this.#survey(now)
    const { probePeriodMs } = this.#config
    if (this.isolation(now) !== undefined || this.#isReturning(belief, now)) {
      return this.#arm(belief, now, now + probePeriodMs)
    }
    // Who has reason to doubt itself, or has had a sign of life meanwhile, looks once more.
    const doubtful = this.health.score > 0 || belief.lastHeard > belief.since
    const tried = belief.failedAt >= Math.max(belief.since, belief.lastHeard)
    if (doubtful && !tried && this.#isMine(id) && this.#detector.probe(id, now))
      return this.#arm(belief, now, now + probePeriodMs / 4)
    this.#view.declareDead(belief, now)
  }

  // What the detector asks for (see DetectorOwner)

  get stretch(): number {
    return this.health.factor
  }

  get doubtful(): boolean {
    return this.#isolation.silent
  }

  wake(type: 'probe' | 'relay', seq: number, at: number): void {
    this.#owner.wake({ type, seq }, at)
  }

  nextSeq(): number {
    return this.#owner.nextSeq()
  }

  count(what: string): void {
    this.#owner.count(what)
  }

  failed(belief: Belief, failure: Failure, now: number): void {
    this.#owner.count('probes_failed')
    const { sentAt, helpers, nacks, denied } = failure
    belief.failedAt = sentAt
    if (denied) return this.#view.suspect(belief, now)
    if (belief.status === 'alive') this.#doubtOneself(failure)
    // Without a path of our own left, the silence is ours.
    if (this.#paths.to(belief) === undefined) return
    if (now < this.#graceUntil || this.#isReturning(belief, now)) return this.#order.hasten(belief.id)
    if (this.#isStrange(belief, now)) return this.#order.hasten(belief.id)
    if (helpers > 0 && nacks === 0 && !this.#isolation.silence(now)) {
      // Nobody answered at all: others are asked before anything is concluded.
      if (this.isolation(now) === undefined) this.#detector.probe(belief.id, now)
      return
    }
    if (this.isolation(now) !== undefined) return
    // One that keeps coming and going has to miss several in a row before it is accused again.
    if (++belief.failures <= Math.floor(belief.penalty(now)) && belief.status === 'alive') {
      return this.#order.hasten(belief.id)
    }
    this.#view.suspect(belief, now)
  }

  // Smaller decisions

  /**
   * Lifeguard counts every missing nack against the prober. When many members fail at once, though, most of those asked
   * are gone themselves, and then everybody would be eight times as slow just when it matters. So it is only the silence
   * of all that counts in full; where half of them answered in time, this peer's own ways are proved to be good.
   */
  #doubtOneself({ helpers, nacks, vouched }: Failure): void {
    // A server in reach shows that the network works; then it is rather those who were asked that are gone.
    if (nacks === 0) this.health.worsen(this.#paths.served ? Math.min(1, helpers) : helpers)
    else if (2 * nacks >= helpers || vouched) this.health.improve()
  }

  /** Members that no chain of members leads to: nobody can say that they live. */
  #suspectCutOff(now: number): void {
    if (this.#beyond.size === 0) return
    for (const belief of this.#paths.cutOff()) this.#view.suspect(belief, now)
  }

  /** A member that this peer is one of those to probe: on a sparse mesh only its neighbours. */
  #isMine(id: PeerId): boolean {
    const belief = this.#members.get(id)
    return belief !== undefined && this.#paths.isNear(belief) && this.#detector.mayProbe(id)
  }

  /**
   * A neighbour that never answered may be one that has yet to be linked: it came a moment ago, or this peer did. What others
   * cannot reach themselves they do not speak against, so for a while nobody does. Where somebody has begun, he knew it.
   */
  #isStrange(belief: Belief, now: number): boolean {
    if (belief.lastHeard > 0 || belief.status === 'suspect') return false
    const island = this.#paths.island(belief)
    if (island === undefined || !this.#paths.isSparse(island)) return false
    const own = this.#members.get(this.#self)!
    return now - Math.max(belief.since, own.since) < strangePeriods * this.#config.probePeriodMs
  }

  /** Nothing but the server leads to it, and it may not be back there yet. */
  #isReturning(belief: Belief, now: number): boolean {
    if (now - this.#servedSince >= serverReturnMs || belief.lastHeard > this.#servedSince) return false
    const path = this.#paths.to(belief)
    return path !== undefined && kindOf(path) === 'relay'
  }

  #followRings(): void {
    const circuits: (readonly PeerId[])[] = []
    for (const kind of this.#paths.kinds) {
      const { successors } = this.#vicinity.of(kind)
      this.#outbox.follow(kind, successors)
      // On the server's rings, too, stand all who could use it; it is for those that have nothing else in common.
      const ours = kind === 'relay' ? successors.filter((id) => this.#islandOf(id) === kind) : successors
      if (ours.length > 0) circuits.push(ours)
    }
    this.#order.follow(circuits)
  }

  /** Whoever has become a neighbour takes the place of one that is gone, and may have gone with it: that is seen at once. */
  #meetNeighbours(now: number): void {
    for (const kind of this.#paths.kinds) {
      if (!this.#paths.isSparse(kind)) continue
      const { all } = this.#vicinity.of(kind)
      const known = this.#met.get(kind)
      if (known === all) continue
      this.#met.set(kind, all)
      if (known) for (const id of all) if (!known.has(id) && this.#isMine(id)) this.#detector.probe(id, now)
    }
  }

  #islandOf(id: PeerId): string | undefined {
    const belief = this.#members.get(id)
    return belief && this.#paths.island(belief)
  }

  #dueAt(belief: Belief, now: number): number {
    const circumstances = circumstancesOf(belief, this.#members.size, this.usualRttMs, now)
    const lasts = suspicionMs(this.#config, belief.accusers.length - 1, circumstances) * this.health.factor
    return Math.max(belief.since, belief.lastHeard) + belief.extendedMs + lasts
  }

  #arm(belief: Belief, now: number, until = this.#dueAt(belief, now)): void {
    belief.suspectUntil = until
    // A timer that is set for an earlier moment will find that it has to wait: accusations do not pile up timers.
    if (belief.timerAt <= until) return
    belief.timerAt = until
    this.#owner.wake({ type: 'suspicion', id: belief.id, at: until }, until)
  }

  #survey(now: number): void {
    const others = this.#members.size - 1
    const reachable = this.#isAnyReachable()
    const { served } = this.#paths
    // Many suspicions may end at about the same time; few are worth a count.
    if (this.#members.suspects.size < crowdMin) {
      return this.#isolation.look({ others, reachable, served, suspects: 0 }, now)
    }
    if (now - this.#surveyedAt < this.#config.probePeriodMs / 10) return
    this.#surveyedAt = now
    let suspects = 0
    for (const belief of this.#members.suspects)
      if (belief.record?.mode !== 'frozen' && !this.#isDisplaced(belief)) suspects++
    this.#isolation.look({ others, reachable, served, suspects }, now)
  }

  /** Also true where nobody is on a channel of this peer's own: then it is they who are cut off. */
  #isAnyReachable(): boolean {
    let shared = false
    for (const belief of this.#members.present()) {
      if (this.#detector.mayProbe(belief.id)) return true
      shared ||= belief.id !== this.#self && this.#paths.island(belief) !== undefined
    }
    return !shared
  }

  /** Another member lives at its address now. */
  #isDisplaced({ id, record }: Belief): boolean {
    const endpoints = record?.endpoints ?? []
    return endpoints.length > 0 && endpoints.every((endpoint) => this.#members.at(endpoint)?.id !== id)
  }
}
