/**
 * What becomes of a packet's header: pings are answered, acks and nacks heard, questions of a sync answered, signals and
 * letters passed to those who wait for them.
 */

import type { Due } from './agenda.ts'
import type { Agreement } from './agreement.ts'
import type { Answers } from './answers.ts'
import type { Header } from './codec.ts'
import type { Contacts } from './contacts.ts'
import type { Deadlines } from './deadlines.ts'
import type { Digest } from './digest.ts'
import type { Endpoint } from './host.ts'
import { idPrefix, type PeerId } from './ids.ts'
import type { Judge } from './judge.ts'
import type { Letters } from './letters.ts'
import type { Members } from './members.ts'
import type { News } from './news.ts'
import { claimBytesMax, type Outbox } from './outbox.ts'
import type { Paths } from './paths.ts'
import type { Standing } from './standing.ts'
import type { Sync } from './sync.ts'

export interface ReceptionParts {
  readonly self: PeerId
  readonly members: Members
  readonly paths: Paths
  readonly outbox: Outbox
  readonly judge: Judge
  readonly sync: Sync
  readonly letters: Letters
  readonly contacts: Contacts
  readonly answers: Answers
  readonly agreement: Agreement
  readonly standing: Standing
  readonly news: News
  readonly deadlines: Deadlines<Due>
  readonly probePeriodMs: number
  readonly count: (what: string) => void
}

export class Reception {
  readonly #parts: ReceptionParts

  constructor(parts: ReceptionParts) {
    this.#parts = parts
  }

  /** `room` is what an answer may take, `bytes` what the packet took. */
  take(header: Header, from: Endpoint, room: number, bytes: number, now: number): void {
    const { judge, sync, outbox, answers, contacts, standing, paths, news, letters } = this.#parts
    switch (header.kind) {
      case 'ping':
        return this.#receivePing(header, from, room, now)
      case 'ack':
        return this.#receiveAck(header, from, now)
      case 'pingReq':
        return judge.receivePingReq(header, from, now)
      case 'nack':
        return judge.receiveNack(header, from, now)
      case 'gossip':
        return
      case 'ranges':
      case 'fetch': {
        if (standing.status === 'joining') contacts.welcome(header.from, from, room, now)
        const { header: answer, records } = answers.to(header, outbox.spaceTo(from, room) - claimBytesMax)
        return outbox.reply(answer, records, from, room, header.from)
      }
      case 'parts':
        return sync.receiveParts(header, from, now)
      case 'page':
        return sync.receivePage(header, from, bytes, now)
      case 'signal':
        return outbox.acknowledge(header, from)
      case 'signalAck':
        return outbox.mesh?.signals.receiveAck(header.seq)
      case 'astray':
        if (paths.relay(header.to)) news.change()
        return outbox.mesh?.signals.astray(header.to)
      case 'letter':
        return letters.receive(header, from, now)
    }
  }

  #receivePing(ping: Header & { kind: 'ping' }, from: Endpoint, room: number, now: number): void {
    const { self, members, outbox, count } = this.#parts
    if (ping.to !== idPrefix(self)) {
      // Meant for one who lived here before: who asks should know at once, as a closed port would tell.
      count('pings_astray')
      outbox.forward({ kind: 'nack', seq: ping.seq }, from)
      return
    }
    outbox.reply({ kind: 'ack', seq: ping.seq, ...members.digest }, [], from, room, ping.from, true)
    // A stranger's digest counts for nothing: a sync with an endpoint that was only claimed would send it more than it sent.
    if (members.at(from)) this.#observe(ping, from, now)
  }

  #receiveAck(ack: Header & { kind: 'ack' }, from: Endpoint, now: number): void {
    const { members, judge, news, deadlines, probePeriodMs } = this.#parts
    // Where this peer was away itself, the time that passed says nothing about the way.
    const overdueMs = now - deadlines.next
    const heard = judge.receiveAck(ack, from, overdueMs < probePeriodMs / 4, now)
    if (heard === undefined) return
    const { belief, rttMs } = heard
    // Whoever answers there lives there, whatever others say that they do.
    if (belief.present && belief.record?.endpoints.includes(from)) members.moveIn(belief)
    if (rttMs !== undefined && belief.measure(rttMs)) {
      members.update(belief)
      news.change()
    }
    this.#observe(ack, rttMs === undefined ? undefined : from, now)
  }

  /** A difference that lasts starts a sync with whoever showed it last. */
  #observe(digest: Digest, from: Endpoint | undefined, now: number): void {
    const { agreement, members, sync } = this.#parts
    const differs = agreement.observe(digest, members.digest, now)
    if (differs && from !== undefined) sync.start(from, now)
  }
}
