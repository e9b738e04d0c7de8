/**
 * What must hold at every moment of every run. A few cheap checks follow each event on the peer it touched; the whole
 * list takes a look at every member and follows so seldom that it costs less than the events themselves, however large
 * the room. A violation throws, with what is needed to see it again.
 */

import type { Belief } from '../belief.ts'
import type { Config } from '../config.ts'
import { type Digest, hashFact, hashPair, hashText, sameDigest, toggle } from '../digest.ts'
import { packetBytesMax, type SwimEvent } from '../host.ts'
import type { PeerId } from '../ids.ts'
import type { Member } from '../member.ts'
import type { Participant } from './participant.ts'

/** The whole list is checked after this many events of one peer, or this many for each of its members if that is more. */
const thoroughEvery = 512
const thoroughEveryPerMember = 32
/** At the end of a run everybody is checked, unless that would be more members than this for each event since. */
const membersPerEventMax = 2
/** Timers a peer may have besides those of suspicions: probes, relays, requests, and stale ones of the last seconds. */
const timersMax = 512
/** Snapshots are compared in views up to this size: in larger ones they would be most of a run's memory. */
const snapshotsMax = 256

export class Invariants {
  readonly #config: Config
  readonly #ownerOf: (id: PeerId) => Participant | undefined
  readonly #explain: () => string
  /** The incarnation at which a member was given up. A peer that forgets it and hears of it again makes a new belief. */
  readonly #goneAt = new WeakMap<Belief, number>()
  /** Events since everybody was checked. */
  #events = 0

  /** `explain` tells seed, time and last events. */
  constructor(config: Config, ownerOf: (id: PeerId) => Participant | undefined, explain: () => string) {
    this.#config = config
    this.#ownerOf = ownerOf
    this.#explain = explain
  }

  /** Follows every event on the peer it touched. */
  check(peer: Participant, worldMs: number, ticked: boolean): void {
    const { swim, own, checked } = peer
    if (own.status !== 'alive' && peer.life !== 'left') this.#fail(peer, `it is ${own.status} in its own view`)
    if (ticked && !(swim.nextTimeout() > peer.clock(worldMs))) this.#fail(peer, 'its next timeout lies in the past')
    this.#events++
    if (++checked.events < thoroughEvery || checked.events < thoroughEveryPerMember * swim.beliefs.size) return
    this.#checkThoroughly(peer)
  }

  /** The whole list for all of these, unless too little has happened since the last time to be worth it. */
  checkAll(peers: readonly Participant[]): void {
    if (this.#events * membersPerEventMax < peers.length ** 2) return
    this.#events = 0
    for (const peer of peers) this.#checkThoroughly(peer)
  }

  checkPacket(peer: Participant, packet: Uint8Array): void {
    if (packet.length > packetBytesMax) this.#fail(peer, `it sends a packet of ${packet.length} bytes`)
  }

  checkEvent(peer: Participant, event: SwimEvent): void {
    if (event.type === 'changed') {
      peer.checked.snapshot = undefined
      return
    }
    if (!('member' in event)) return
    const { id, name, status, incarnation } = event.member
    this.#checkClaim(peer, id, status, incarnation)
    if (event.type === 'update') return
    const belief = peer.swim.beliefs.get(id)
    if (belief === undefined) this.#fail(peer, `it reports ${name}, of whom it holds nothing`)
    // Told when the call was over: a member that went and came back in one packet is seen as it is by then.
    if (status === 'dead' || status === 'left') this.#goneAt.set(belief, incarnation)
    else if (event.type === 'join') {
      const before = this.#goneAt.get(belief)
      if (before !== undefined && incarnation <= before) {
        this.#fail(peer, `${name} is back at incarnation ${incarnation}, though it went at ${before}`)
      }
    }
  }

  #checkThoroughly(peer: Participant): void {
    const { swim, checked } = peer
    checked.events = 0
    for (const { id, status, incarnation } of swim.beliefs.all()) this.#checkClaim(peer, id, status, incarnation)
    this.#checkOrder(peer)
    this.#checkDigest(peer)
    this.#checkBounds(peer)
    if (swim.beliefs.size > snapshotsMax) return
    const before = checked.snapshot
    const now = swim.members()
    if (before !== undefined && before !== now)
      this.#fail(peer, 'its snapshot is another one, though nothing was reported as changed')
    checked.snapshot = now
  }

  #checkClaim(peer: Participant, id: PeerId, status: Member['status'], incarnation: number): void {
    const owner = this.#ownerOf(id)
    if (owner === undefined) return
    const { name, own, life } = owner
    if (incarnation > own.incarnation)
      this.#fail(peer, `it holds ${name} at incarnation ${incarnation}, which is itself at ${own.incarnation}`)
    if (status === 'left' && life !== 'left') this.#fail(peer, `it holds ${name} to have left, which has not`)
  }

  #checkOrder(peer: Participant): void {
    const { beliefs } = peer.swim
    const ids = beliefs.presentIds()
    for (let i = 1; i < ids.length; i++) {
      if (!(ids[i - 1]! < ids[i]!)) this.#fail(peer, 'its present members are out of order')
    }
    // Ascending ids hold no id twice, so the same number of them, all present, are the same set.
    let present = 0
    for (const belief of beliefs.all()) if (belief.present) present++
    if (present !== ids.length || ids.some((id) => beliefs.get(id)?.present !== true)) {
      this.#fail(peer, 'its order of present members is not that of its beliefs')
    }
  }

  #checkDigest(peer: Participant): void {
    const fresh: Digest = { hi: 0, lo: 0 }
    for (const belief of peer.swim.beliefs.present()) {
      const idHash = hashText(belief.id)
      toggle(fresh, hashFact(idHash, belief.incarnation))
      for (const [key, { version, volatile }] of belief.entries.since(0)) {
        if (!volatile) toggle(fresh, hashFact(hashPair(idHash, hashText(key)), version))
      }
    }
    if (!sameDigest(fresh, peer.swim.beliefs.digest)) this.#fail(peer, 'its digest is not that of its beliefs')
  }

  #checkBounds(peer: Participant): void {
    const { timers = 0, rumours_waiting: waiting = 0, tombstones = 0 } = peer.swim.counters()
    const config = this.#config
    const members = peer.swim.beliefs.size
    if (timers > timersMax + 4 * members) this.#fail(peer, `it has ${timers} timers`)
    if (waiting > config.rumoursMax * peer.kinds.length) this.#fail(peer, `${waiting} rumours wait`)
    if (members > config.membersMax) this.#fail(peer, `it holds ${members} members`)
    // Swept when there are twice as many.
    if (tombstones > 2 * config.tombstonesMax) this.#fail(peer, `it holds ${tombstones} tombstones`)
  }

  #fail(peer: Participant, what: string): never {
    throw new Error(`invariant broken at ${peer.name}: ${what}\n${this.#explain()}`)
  }
}
