/** Why a member is believed to be what it is: everything that bears on it, put together when somebody asks. */

import { because, type Facts } from './because.ts'
import type { Belief } from './belief.ts'
import { decodeRumour } from './codec.ts'
import { type Endpoint, kindOf, type PeerStatus } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Judge } from './judge.ts'
import type { Member, MemberMode, MemberStatus } from './member.ts'
import type { Members } from './members.ts'
import type { Mesh } from './mesh.ts'
import type { LinkProgress, Paths } from './paths.ts'

/** A member by its id and, for people, its name. */
export interface Named {
  /** The member's id. */
  readonly id: PeerId
  /** Empty where nothing but the id is known of it. */
  readonly name: string
}

/**
 * What `peer.explain(id)` tells. All times are milliseconds from the moment of asking, back or ahead; everything can be
 * written as JSON. What is not known, or makes no sense for the member, is left out.
 */
export interface Explanation extends Named {
  /** One sentence for people; its wording may change. */
  readonly because: string
  /** It is the peer that was asked. */
  readonly self: boolean
  /** As `Member.status` shows it. */
  readonly status: MemberStatus
  /** How long that has been so; for one that is shown as suspect because it is unsteady, how long it has been alive. */
  readonly sinceMs: number
  /** As `Member.mode`. */
  readonly mode: MemberMode
  /** As `Member.incarnation`. */
  readonly incarnation: number
  /** The last time it answered this peer: only an answer proves that a member lives. */
  readonly lastAnswer?: {
    readonly agoMs: number
    /** Of the channel it came by: `udp`, `rtc`, `relay`. */
    readonly kind: string
    /** The endpoint it came from. */
    readonly from: Endpoint
    /** Who had asked on behalf of this peer, where it did not answer this peer itself. */
    readonly helper?: Named
    /** It came over links of others, since there was none between the two. */
    readonly carried: boolean
  }
  /** The last probe that failed, if none was answered since. `inARow` counts those that spoke against the member. */
  readonly failedProbe?: { readonly agoMs: number; readonly inARow: number }
  /** A probe is under way. */
  readonly probing: boolean
  /** The smoothed round trip (RFC 6298). */
  readonly rttMs?: number
  /** How much the round trip varies (RFC 6298). */
  readonly rttVariationMs?: number
  /** Who suspects it, or did when it was declared dead; the first began it, the others confirmed it. */
  readonly accusers: readonly (Named & { readonly agoMs: number })[]
  /** When the suspicion becomes a death, if nothing prolongs or shortens it. Absent while this peer is isolated. */
  readonly deadInMs?: number
  /** Who told this peer that it is dead. */
  readonly declaredBy?: Named
  /** What it was last thought to be before it proved to be alive. */
  readonly comeback?: { readonly from: 'suspicion' | 'death'; readonly agoMs: number }
  /** Another member lives at all its addresses now. */
  readonly displacedBy?: Named
  /** No chain of present members leads to it. */
  readonly cutOff: boolean
  /** 0 for a steady one, 5 at most: each point doubles the patience with it. From 3 to 1.5 it is shown as suspect. */
  readonly flapping: number
  /** This peer probes it itself. */
  readonly watched: boolean
  /** Its neighbours on the rings: they probe it, and check at once when somebody suspects it. */
  readonly watchers: readonly Named[]
  /** As `Member.via`. */
  readonly via: Member['via']
  /** Where a packet to it would be sent. */
  readonly path?: Endpoint
  /** By whom the packet would be carried, the member itself the last, where others carry it. */
  readonly route?: readonly Named[]
  /** Links to it that are open, being opened or wanted. */
  readonly links: readonly LinkProgress[]
  /** Entries of its state, services and deleted keys that are still remembered included, and their size as encoded. */
  readonly entries: { readonly count: number; readonly bytes: number }
  /** The peer that was asked, whose belief this is. */
  readonly observer: Named & {
    readonly status: PeerStatus
    readonly reason: string
    /** Its score of itself: 0 is healthy, 7 the worst; it stretches the peer's timeouts by health + 1. */
    readonly health: number
    /** The latest that one of its timers came in the last ten to twenty seconds. */
    readonly lagMs: number
    /** The usual round trip to anybody; 0 until one was measured. */
    readonly usualRttMs: number
  }
}

/** The peer whose beliefs are explained. */
interface Observer {
  readonly id: PeerId
  readonly beliefs: Members
  readonly status: PeerStatus
  readonly reason: string
}

/** It changes nothing, and draws on no chance. */
export class Explainer {
  readonly #peer: Observer
  readonly #paths: Paths
  readonly #judge: Judge
  readonly #mesh: Mesh | undefined

  constructor(peer: Observer, paths: Paths, judge: Judge, mesh: Mesh | undefined) {
    this.#peer = peer
    this.#paths = paths
    this.#judge = judge
    this.#mesh = mesh
  }

  /** Undefined for an id that is not known. */
  explain(id: PeerId, now: number): Explanation | undefined {
    const belief = this.#peer.beliefs.get(id)
    if (belief === undefined) return undefined
    const facts = this.#factsOf(belief, now)
    return { ...facts, because: because(facts) }
  }

  /** See `Paths.neighbours`. */
  neighbours(id: PeerId): PeerId[] {
    return this.#paths.neighbours(id)
  }

  #factsOf(belief: Belief, now: number): Facts {
    const [peer, paths, judge] = [this.#peer, this.#paths, this.#judge]
    const { id: self, beliefs: members } = peer
    const named = (id: PeerId): Named => ({ id, name: members.get(id)?.record?.name ?? '' })
    const since = (at: number) => rounded(Math.max(0, now - at))
    const { id, status, roundTrip, comeback } = belief
    const isOther = id !== self && belief.present
    const path = isOther ? paths.to(belief) : undefined
    const route = path !== undefined && paths.isByOthers(path) ? this.#mesh?.wayTo(id) : undefined
    const heir = isOther ? heirOf(belief, members) : undefined
    return {
      ...named(id),
      self: id === self,
      status: belief.shown,
      sinceMs: since(belief.since),
      mode: belief.record?.mode ?? 'visible',
      incarnation: belief.incarnation,
      ...(belief.answer && { lastAnswer: answerOf(belief, named, since) }),
      ...(belief.failedAt > belief.lastHeard && {
        failedProbe: { agoMs: since(belief.failedAt), inARow: belief.failures },
      }),
      probing: judge.isProbing(id),
      ...(roundTrip && {
        rttMs: rounded(roundTrip.smoothedMs ?? 0),
        rttVariationMs: rounded(roundTrip.variationMs),
      }),
      accusers: belief.accusers.map((accuser, i) => ({ ...named(accuser), agoMs: since(belief.accusedAt(i)) })),
      ...(status === 'suspect' &&
        peer.status !== 'isolated' && { deadInMs: rounded(Math.max(0, belief.suspectUntil - now)) }),
      ...declaredBy(belief, named),
      ...(comeback && { comeback: { from: comeback.from, agoMs: since(comeback.at) } }),
      ...(heir && { displacedBy: named(heir.id) }),
      cutOff: isOther && paths.island(belief) === undefined && paths.cutOff().includes(belief),
      flapping: Math.round(belief.penalty(now) * 100) / 100,
      watched: isOther && paths.isNear(belief) && path !== undefined,
      watchers: paths.neighbours(id).map(named),
      via: belief.via,
      ...(path !== undefined && { path }),
      ...(route && { route: route.flatMap((prefix) => hopsOf(prefix, members)).map(named) }),
      links: id === self ? [] : paths.linksTo(id, now),
      entries: { count: belief.entries.size, bytes: belief.entries.bytes },
      observer: {
        ...named(self),
        status: peer.status,
        reason: peer.reason,
        health: judge.health.score,
        lagMs: rounded(judge.lagMs(now)),
        usualRttMs: rounded(judge.usualRttMs),
      },
    }
  }
}

function answerOf(belief: Belief, named: (id: PeerId) => Named, since: (at: number) => number) {
  const { from, helper, carried } = belief.answer!
  const way = { agoMs: since(belief.lastHeard), kind: kindOf(from), from, carried }
  return helper === undefined ? way : { ...way, helper: named(helper) }
}

/** Whoever declared it dead has signed the claim that this peer passes on. */
function declaredBy({ status, claimBytes }: Belief, named: (id: PeerId) => Named): { declaredBy?: Named } {
  const claim = status === 'dead' && claimBytes ? decodeRumour(claimBytes) : undefined
  return claim?.type === 'dead' ? { declaredBy: named(claim.accuser) } : {}
}

/** Who lives at the addresses of a member, where it is not at home at any. */
function heirOf({ id, record }: Belief, members: Members): Belief | undefined {
  const homes = (record?.endpoints ?? []).map((endpoint) => members.at(endpoint))
  return homes.some((home) => home === undefined || home.id === id) ? undefined : homes[0]
}

/** Nobody where a way that a packet came by leads past somebody who is not known here. */
function hopsOf(prefix: number, members: Members): PeerId[] {
  const belief = members.present().find((one) => one.prefix === prefix)
  return belief ? [belief.id] : []
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}
