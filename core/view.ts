/**
 * Merges what is heard into what is believed. It decides which rumours count; what follows from that (spreading them,
 * timing a suspicion, answering an accusation) it tells its owner.
 */

import { Belief } from './belief.ts'
import type { Config } from './config.ts'
import type { PeerId } from './ids.ts'
import type { MemberEvent } from './member.ts'
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
import { deathIsRipe, suspicionMs } from './suspicion.ts'

/** A jump further ahead than this is nobody's honest incarnation: it would leave the owner no number to refute with. */
export const incarnationJumpMax = 1 << 20
/** How often the same correction is told to those who take a gone member for alive. */
const correctionMs = 5_000

export interface ViewOwner {
  /** Tell others. A later rumour of the same subject takes this one's place. `bytes` is kept. */
  spread(subject: string, bytes: Uint8Array): void
  /** The suspicion of `belief` ends at `belief.suspectUntil`. */
  suspected(belief: Belief): void
  /** Others hold something of this peer at `incarnation` that it must outbid. */
  accused(incarnation: number): void
  notify(type: MemberEvent['type'], belief: Belief): void
  count(what: string): void
}

export class View {
  readonly members = new Members()
  readonly #config: Config
  readonly #self: PeerId
  readonly #owner: ViewOwner

  constructor(self: PeerId, config: Config, owner: ViewOwner) {
    this.#self = self
    this.#config = config
    this.#owner = owner
  }

  /** Merges one rumour; `bytes` is borrowed. */
  receive(rumour: Rumour, bytes: Uint8Array, now: number): void {
    switch (rumour.type) {
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

  /** This peer's own suspicion: a probe that nobody could get answered, or no path left to reach it by. */
  suspect(belief: Belief, now: number): void {
    const { id, incarnation } = belief
    if (belief.status === 'alive') this.#suspect({ type: 'suspect', id, incarnation, accuser: this.#self }, belief, now)
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

  #receiveAlive(record: AliveRecord, bytes: Uint8Array, now: number): void {
    const { id, incarnation } = record
    if (id === this.#self) return this.#receiveOwnRecord(record, bytes)
    const belief = this.members.get(id)
    if (belief === undefined) {
      if (this.members.size >= this.#config.membersMax) return this.#owner.count('members_refused')
      if (incarnation > incarnationJumpMax) return this.#owner.count('incarnations_refused')
      const added = new Belief(id, now)
      this.#adopt(added, record, bytes)
      this.#owner.notify('join', added)
      return
    }
    if (incarnation - belief.incarnation > incarnationJumpMax) return this.#owner.count('incarnations_refused')
    if (!this.#aliveSupersedes(record, bytes, belief)) return this.#correct(belief, now)
    const before = belief.status
    if (before !== 'alive') {
      belief.status = 'alive'
      belief.since = now
      belief.claimBytes = undefined
    }
    this.#adopt(belief, record, bytes)
    this.#owner.notify(before === 'suspect' ? 'refute' : before === 'alive' ? 'update' : 'join', belief)
  }

  #aliveSupersedes(record: AliveRecord, bytes: Uint8Array, belief: Belief): boolean {
    const claim = { incarnation: record.incarnation, status: 'alive' as const }
    if (supersedes(claim, belief)) return true
    const tie = belief.status === 'alive' && record.incarnation === belief.incarnation
    return tie && belief.recordBytes !== undefined && bytesSupersede(bytes, belief.recordBytes)
  }

  #adopt(belief: Belief, record: AliveRecord, bytes: Uint8Array): void {
    const kept = new Uint8Array(bytes)
    this.members.forgetEndpoints(belief)
    belief.record = record
    belief.recordBytes = kept
    belief.incarnation = record.incarnation
    belief.entries.forgetUpTo(record.floor)
    this.members.update(belief)
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
    if (wasPresent) this.#owner.notify('leave', belief)
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
    if (belief.status === 'alive') return this.#suspect({ ...accusation, type: 'suspect' }, belief, now)
    if (type === 'dead' && deathIsRipe(this.#config, this.members.size, now - belief.since)) {
      this.#die(belief, encodeRumour(accusation), now)
    }
  }

  #suspect(accusation: Accusation, belief: Belief, now: number): void {
    const bytes = encodeRumour(accusation)
    belief.status = 'suspect'
    belief.since = now
    belief.claimBytes = bytes
    belief.suspectUntil = now + suspicionMs(this.#config, this.members.size)
    this.members.update(belief)
    this.#owner.suspected(belief)
    this.#owner.spread(belief.id, bytes)
    this.#owner.notify('suspect', belief)
  }

  #die(belief: Belief, bytes: Uint8Array, now: number): void {
    this.#end(belief, 'dead', bytes, now)
    this.#owner.notify('dead', belief)
  }

  #end(belief: Belief, status: 'dead' | 'left', bytes: Uint8Array, now: number): void {
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
    if (record.id === this.#self) return
    const belief = this.members.get(record.id)
    if (belief === undefined || !belief.present) return
    if (!belief.entries.wants(record, bytes, belief.record?.floor ?? 0)) return
    if (!belief.entries.fits(record.key, bytes)) return this.#owner.count('entries_refused')
    const kept = new Uint8Array(bytes)
    belief.entries.set(record, kept)
    belief.updatedAt = now
    this.members.update(belief)
    this.#owner.spread(`${record.id}${record.key}`, kept)
    this.#owner.notify('update', belief)
  }
}
