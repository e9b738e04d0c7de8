/**
 * Merges what is heard into what is believed. It decides which rumours count; what follows from that (spreading them,
 * timing a suspicion, answering an accusation) it tells its owner.
 */

import { Belief } from './belief.ts'
import type { Config } from './config.ts'
import { refutedPenalty, returnedPenalty } from './damping.ts'
import type { PeerId } from './ids.ts'
import type { MemberEvent, MemberStatus } from './member.ts'
import { Members } from './members.ts'
import { bytesSupersede, supersedes } from './precedence.ts'
import {
  type Accusation,
  type AliveRecord,
  type EntryRecord,
  encodeRumour,
  type LeftRecord,
  type Rumour,
} from './rumour.ts'
import { accusationSubject, entrySubject } from './rumours.ts'
import { circumstancesOf, confirmationsMax, deathIsRipe } from './suspicion.ts'

/** A jump further ahead than this is nobody's honest incarnation: it would leave the owner no number to refute with. */
export const incarnationJumpMax = 1 << 20
/** A version further above the floor than this is refused in the same way: it takes years of changes to get there. */
export const versionLeadMax = 2 ** 30
/** How often a peer outbids what others publish in its name: each time it writes its whole state anew. */
const outbidMs = 1_000
/** How often the same correction is told to those who take a gone member for alive. */
const correctionMs = 5_000

export interface ViewOwner {
  /** Tell others. A later rumour of the same subject takes this one's place. `bytes` is kept. */
  spread(subject: string, bytes: Uint8Array): void
  /** These rumours are out of date: what they tell is settled. */
  withdraw(subjects: readonly string[]): void
  /** `belief` came under suspicion, or another member has confirmed it. */
  suspected(belief: Belief): void
  /** Another member lives at the address of this one now. */
  displaced(belief: Belief): void
  /** The usual round trip in this room, in milliseconds. */
  readonly usualRttMs: number
  /** Others hold something of this peer at `incarnation` that it must outbid. */
  accused(incarnation: number): void
  /** Others hold an entry of this peer at `version` that it has never written. */
  impersonated(version: number): void
  /** `changed` for what raises no event. */
  notify(type: MemberEvent['type'] | 'changed', belief: Belief): void
  count(what: string): void
}

export class View {
  readonly members = new Members()
  readonly #config: Config
  readonly #self: PeerId
  readonly #owner: ViewOwner
  #outbidAt = Number.NEGATIVE_INFINITY

  constructor(self: PeerId, config: Config, owner: ViewOwner) {
    this.#self = self
    this.#config = config
    this.#owner = owner
  }

  /** Merges one rumour, if it is of a kind that is known; `bytes` is borrowed. */
  receive(rumour: Rumour | undefined, bytes: Uint8Array, now: number): void {
    switch (rumour?.type) {
      case 'alive':
        return this.#receiveAlive(rumour, bytes, now)
      case 'left':
        return this.#receiveLeft(rumour, bytes, now)
      case 'suspect':
      case 'dead':
        return this.#receiveAccusation(rumour, now)
      case 'entry':
        return this.#receiveEntry(rumour, bytes, now)
    }
  }

  /** This peer's own suspicion: a probe failed, its address denies it, or no chain of members leads there any more. */
  suspect(belief: Belief, now: number): void {
    const { id, incarnation } = belief
    if (belief.present) this.#accuse({ type: 'suspect', id, incarnation, accuser: this.#self }, belief, now)
  }

  /** The suspicion ran out. */
  declareDead(belief: Belief, now: number): void {
    const accusation: Accusation = {
      type: 'dead',
      id: belief.id,
      incarnation: belief.incarnation,
      accuser: this.#self,
    }
    this.#die(belief, encodeRumour(accusation), now)
  }

  /** Forgets gone members that are older than a tombstone needs to be, and the oldest of too many. */
  sweep(now: number): void {
    const gone = [...this.members.all()].filter((belief) => !belief.present).sort((a, b) => a.since - b.since)
    const surplus = gone.length - this.#config.tombstonesMax
    gone.forEach((belief, i) => {
      if (i < surplus || now - belief.since > this.#config.tombstoneMs) this.members.forget(belief.id)
    })
  }

  /** Members that came and went and have been steady since: they are shown as they are again. */
  settled(now: number): Belief[] {
    const settled = this.members.present().filter((belief) => belief.settle(now) && belief.status === 'alive')
    for (const belief of settled) this.members.update(belief)
    return settled
  }

  #receiveAlive(record: AliveRecord, bytes: Uint8Array, now: number): void {
    const { id, incarnation } = record
    if (id === this.#self) return this.#receiveOwnRecord(record, bytes)
    const belief = this.members.get(id)
    if (belief === undefined) {
      if (this.members.size >= this.#config.membersMax) return this.#owner.count('members_refused')
      if (incarnation > incarnationJumpMax) return this.#owner.count('incarnations_refused')
      const added = new Belief(id, now)
      this.#adopt(added, record, bytes, now)
      this.#owner.notify('join', added)
      return
    }
    if (incarnation - belief.incarnation > incarnationJumpMax) return this.#owner.count('incarnations_refused')
    if (!this.#aliveSupersedes(record, bytes, belief)) return this.#correct(belief, now)
    const before = belief.status
    const shown = belief.shown
    if (before !== 'alive') {
      this.#acquit(belief)
      belief.status = 'alive'
      belief.since = now
      if (before !== 'left') belief.punish(before === 'suspect' ? refutedPenalty : returnedPenalty, now)
    }
    this.#adopt(belief, record, bytes, now)
    this.#owner.notify(eventOf(shown, belief.shown), belief)
  }

  #aliveSupersedes(record: AliveRecord, bytes: Uint8Array, belief: Belief): boolean {
    const claim = { incarnation: record.incarnation, status: 'alive' as const }
    if (supersedes(claim, belief)) return true
    const tie = belief.status === 'alive' && record.incarnation === belief.incarnation
    return tie && belief.recordBytes !== undefined && bytesSupersede(bytes, belief.recordBytes)
  }

  #adopt(belief: Belief, record: AliveRecord, bytes: Uint8Array, now: number): void {
    const kept = new Uint8Array(bytes)
    this.members.forgetEndpoints(belief)
    for (const endpoint of record.endpoints) {
      const before = this.members.at(endpoint)
      if (before && before !== belief) this.#owner.displaced(before)
    }
    belief.record = record
    belief.recordBytes = kept
    belief.incarnation = record.incarnation
    belief.severed = false
    belief.updatedAt = now
    belief.entries.forgetUpTo(record.floor)
    this.members.update(belief)
    this.members.moveIn(belief)
    this.#owner.spread(record.id, kept)
  }

  #receiveOwnRecord(record: AliveRecord, bytes: Uint8Array): void {
    const own = this.members.get(this.#self)!
    if (record.incarnation < own.incarnation) return
    if (record.incarnation === own.incarnation && !bytesSupersede(bytes, own.recordBytes!)) return
    if (record.incarnation - own.incarnation > incarnationJumpMax) return this.#owner.count('incarnations_refused')
    // Somebody speaks in this peer's name: outbid it, so that what others hold is the owner's word again.
    this.#owner.accused(record.incarnation)
  }

  #receiveLeft(record: LeftRecord, bytes: Uint8Array, now: number): void {
    const { id, incarnation } = record
    if (id === this.#self) {
      const own = this.members.get(id)!
      if (incarnation >= own.incarnation && incarnation - own.incarnation <= incarnationJumpMax) {
        this.#owner.accused(incarnation)
      }
      return
    }
    let belief = this.members.get(id)
    if (belief === undefined) {
      // A farewell that overtook the greeting: remembered, so that the greeting does not make a ghost.
      if (this.members.gone >= this.#config.tombstonesMax || incarnation > incarnationJumpMax) return
      belief = new Belief(id, now)
    } else if (
      !supersedes({ incarnation, status: 'left' }, belief) ||
      incarnation - belief.incarnation > incarnationJumpMax
    ) {
      return
    }
    const wasPresent = belief.present && belief.record !== undefined
    const kept = new Uint8Array(bytes)
    belief.incarnation = incarnation
    this.#end(belief, 'left', kept, now)
    // One that was taken for dead, or was not known, is no news, but what is remembered of it is another.
    this.#owner.notify(wasPresent ? 'leave' : 'changed', belief)
  }

  #receiveAccusation(accusation: Accusation, now: number): void {
    const { id, incarnation, type } = accusation
    if (id === this.#self) {
      if (incarnation === this.members.get(id)!.incarnation) this.#owner.accused(incarnation)
      return
    }
    const belief = this.members.get(id)
    if (belief === undefined) return
    // An accusation can never raise an incarnation: without the owner's own word for it, it says nothing.
    if (incarnation > belief.incarnation) return this.#owner.count('accusations_ahead')
    if (incarnation < belief.incarnation) return
    if (!belief.present) {
      if (type === 'suspect') this.#correct(belief, now)
      return
    }
    const ripe = type === 'dead' && belief.status === 'suspect' && this.#isRipe(belief, now)
    if (ripe) return this.#die(belief, encodeRumour(accusation), now)
    // Anybody may begin a suspicion, but only members confirm it: a stranger could be there under any number of names.
    const counts = belief.status === 'alive' || this.members.get(accusation.accuser)?.present
    if (counts) this.#accuse({ ...accusation, type: 'suspect' }, belief, now)
  }

  /** The first accusation begins a suspicion, further ones of others confirm it and shorten it. */
  #accuse(accusation: Accusation, belief: Belief, now: number): void {
    const { accuser } = accusation
    const first = belief.status === 'alive'
    if (belief.accusers.includes(accuser)) return
    if (belief.accusers.length > confirmationsMax(this.members.size)) return
    const bytes = encodeRumour(accusation)
    belief.accuse(accuser, now)
    this.#owner.spread(first ? belief.id : accusationSubject(belief.id, accuser), bytes)
    if (!first) return this.#owner.suspected(belief)
    const { shown } = belief
    belief.status = 'suspect'
    belief.since = now
    belief.extendedMs = 0
    belief.claimBytes = bytes
    this.members.update(belief)
    this.#owner.suspected(belief)
    this.#owner.notify(shown === 'suspect' ? 'update' : 'suspect', belief)
  }

  /** What was said against it is over. */
  #acquit(belief: Belief): void {
    this.#withdraw(belief)
    belief.accusers.length = 0
    belief.claimBytes = undefined
  }

  /** Nobody needs to hear of those who confirmed the suspicion any more. */
  #withdraw(belief: Belief): void {
    this.#owner.withdraw(belief.accusers.slice(1).map((accuser) => accusationSubject(belief.id, accuser)))
  }

  #isRipe(belief: Belief, now: number): boolean {
    const circumstances = circumstancesOf(belief, this.members.size, this.#owner.usualRttMs, now)
    return deathIsRipe(this.#config, now - belief.since, circumstances)
  }

  #die(belief: Belief, bytes: Uint8Array, now: number): void {
    this.#end(belief, 'dead', bytes, now)
    this.#owner.notify('dead', belief)
  }

  #end(belief: Belief, status: 'dead' | 'left', bytes: Uint8Array, now: number): void {
    if (status === 'left') this.#acquit(belief)
    else this.#withdraw(belief)
    belief.status = status
    belief.since = now
    belief.claimBytes = bytes
    this.members.update(belief)
    this.#owner.spread(belief.id, bytes)
    // The timed sweep is for age; many who come and go between two of them must not pile up.
    if (this.members.gone >= 2 * this.#config.tombstonesMax) this.sweep(now)
  }

  /** Somebody still takes a gone member for alive: say so again, now and then, and it can refute or be forgotten. */
  #correct(belief: Belief, now: number): void {
    if (belief.present || belief.claimBytes === undefined || now - belief.correctedAt < correctionMs) return
    belief.correctedAt = now
    this.#owner.spread(belief.id, belief.claimBytes)
  }

  #receiveEntry(record: EntryRecord, bytes: Uint8Array, now: number): void {
    const belief = this.members.get(record.id)
    if (belief === undefined || !belief.present) return
    const floor = belief.record?.floor ?? 0
    if (!belief.entries.wants(record, bytes, floor)) return
    if (record.version - floor > versionLeadMax) return this.#owner.count('versions_refused')
    if (belief.own) return this.#receiveOwnEntry(record, now)
    if (!belief.entries.fits(record.key, bytes)) return this.#owner.count('entries_refused')
    const kept = new Uint8Array(bytes)
    belief.entries.set(record, kept)
    belief.updatedAt = now
    this.members.update(belief)
    this.#owner.spread(entrySubject(record.id, record.key), kept)
    this.#owner.notify('update', belief)
  }

  /** Newer than what its owner has written: others take it for the owner's word until that is written anew. */
  #receiveOwnEntry({ version }: EntryRecord, now: number): void {
    if (now - this.#outbidAt < outbidMs) return
    this.#outbidAt = now
    this.#owner.impersonated(version)
  }
}

/** What applications are told when a member's word was taken. */
function eventOf(before: MemberStatus, after: MemberStatus): MemberEvent['type'] {
  if (before === 'dead' || before === 'left') return 'join'
  return before === 'suspect' && after === 'alive' ? 'refute' : 'update'
}
