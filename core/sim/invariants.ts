/**
 * What must hold at every moment of every run. A few cheap checks follow each event on the peer it touched, the whole
 * list follows now and then. A violation throws, with what is needed to see it again.
 */

import type { Config } from '../config.ts'
import { type Digest, hashFact, hashPair, hashText, sameDigest, toggle } from '../digest.ts'
import { packetBytesMax, type SwimEvent } from '../host.ts'
import type { PeerId } from '../ids.ts'
import type { Member } from '../member.ts'
import type { Participant } from './participant.ts'

/** The whole list is checked after this many events of one peer. */
const thoroughEvery = 512
/** Timers a peer may have besides those of suspicions: probes, relays, requests, and stale ones of the last seconds. */
const timersMax = 512

export class Invariants {
  readonly #config: Config
  readonly #ownerOf: (id: PeerId) => Participant | undefined
  readonly #explain: () => string
  readonly #touches = new Map<Participant, number>()
  /** The incarnation at which each peer gave up each member. */
  readonly #goneAt = new Map<Participant, Map<PeerId, number>>()
  readonly #snapshots = new Map<Participant, readonly Member[]>()

  /** `explain` tells seed, time and last events. */
  constructor(config: Config, ownerOf: (id: PeerId) => Participant | undefined, explain: () => string) {
    this.#config = config
    this.#ownerOf = ownerOf
    this.#explain = explain
  }

  /** Follows every event on the peer it touched. */
  check(peer: Participant, worldMs: number, ticked: boolean): void {
    const { swim } = peer
    if (peer.life !== 'left' && swim.self().status !== 'alive')
      this.#fail(peer, `it is ${swim.self().status} in its own view`)
    if (ticked && !(swim.nextTimeout() > peer.clock(worldMs))) this.#fail(peer, 'its next timeout lies in the past')
    const touches = (this.#touches.get(peer) ?? 0) + 1
    this.#touches.set(peer, touches)
    if (touches % thoroughEvery === 0) this.checkAll(peer)
  }

  checkPacket(peer: Participant, packet: Uint8Array): void {
    if (packet.length > packetBytesMax) this.#fail(peer, `it sends a packet of ${packet.length} bytes`)
  }

  checkEvent(peer: Participant, event: SwimEvent): void {
    if (event.type === 'changed') {
      this.#snapshots.delete(peer)
      return
    }
    if (event.type === 'status') return
    const { id, name, status, incarnation } = event.member
    this.#checkClaim(peer, event.member)
    const gone = this.#goneAt.get(peer) ?? new Map<PeerId, number>()
    this.#goneAt.set(peer, gone)
    // Told when the call was over: a member that went and came back in one packet is seen as it is by then.
    if (status === 'dead' || status === 'left') gone.set(id, incarnation)
    else if (event.type === 'join') {
      const before = gone.get(id)
      if (before !== undefined && incarnation <= before) {
        this.#fail(peer, `${name} is back at incarnation ${incarnation}, though it went at ${before}`)
      }
    }
  }

  /** The whole list. */
  checkAll(peer: Participant): void {
    const { swim } = peer
    for (const member of swim.members({ gone: true })) this.#checkClaim(peer, member)
    this.#checkOrder(peer)
    this.#checkDigest(peer)
    this.#checkBounds(peer)
    const before = this.#snapshots.get(peer)
    const now = swim.members()
    if (before !== undefined && before !== now)
      this.#fail(peer, 'its snapshot is another one, though nothing was reported as changed')
    this.#snapshots.set(peer, now)
  }

  #checkClaim(peer: Participant, { id, name, status, incarnation }: Member): void {
    const owner = this.#ownerOf(id)
    if (owner === undefined) return
    const own = owner.swim.self().incarnation
    if (incarnation > own) this.#fail(peer, `it holds ${name} at incarnation ${incarnation}, which is itself at ${own}`)
    if (status === 'left' && owner.life !== 'left') this.#fail(peer, `it holds ${name} to have left, which has not`)
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
