/**
 * What this peer holds of one member, and the frozen snapshot applications see of it.
 */

import { type Comeback, Damping } from './damping.ts'
import { type Digest, hashFact, hashText } from './digest.ts'
import { Entries } from './entries.ts'
import { addressOf, type Endpoint } from './host.ts'
import { idPrefix, type PeerId } from './ids.ts'
import { type Instance, instanceOf, type Source, sameInstance } from './instance.ts'
import type { Member, MemberStatus } from './member.ts'
import { ringsCount } from './rings.ts'
import { RoundTrip } from './rtt.ts'
import type { AliveRecord } from './rumour.ts'
import { serviceFromValue, serviceKey, servicePrefix } from './services.ts'

/** How its last answer came. */
export interface Answer {
  /** The endpoint it came from. */
  readonly from: Endpoint
  /** Who had asked on behalf of this peer. */
  readonly helper: PeerId | undefined
  /** Over links of others. */
  readonly carried: boolean
}

/** Only of those few that were probed or accused: a thousand are neither. */
interface Traces {
  answer: Answer | undefined
  /** When each accuser spoke. */
  readonly accusedAt: number[]
}

const noServices: readonly Instance[] = Object.freeze([])

export class Belief implements Source {
  readonly id: PeerId
  readonly entries: Entries
  readonly #idHash: Digest
  status: MemberStatus = 'alive'
  /** Orders claims about liveness: of the alive record, or of a `left` that is newer. */
  incarnation: number
  /** The newest alive record, and its bytes as they came; absent for one of whom only a farewell is known. */
  record: AliveRecord | undefined
  recordBytes: Uint8Array | undefined
  /** The claim that made it suspect, dead or left, to be told on as it came. */
  claimBytes: Uint8Array | undefined
  since: number
  lastHeard = 0
  via: Member['via'] = 'gossip'
  /** Who accuses it at this incarnation; the first began the suspicion, the others confirm it. Kept when it dies. */
  readonly accusers: PeerId[] = []
  #traces: Traces | undefined
  /** When the suspicion runs out, and the earliest timer that is set for it; a later one is stale. */
  suspectUntil = 0
  timerAt = Number.POSITIVE_INFINITY
  /** A link to it was closed since it last spoke for itself. */
  severed = false
  /** What this peer was away for while it held the suspicion. */
  extendedMs = 0
  /** When the last probe of its own that failed was begun, and how many have failed since one was answered. */
  failedAt = 0
  failures = 0
  /** Both only for those few members that are probed, or come and go. */
  #roundTrip: RoundTrip | undefined
  #damping: Damping | undefined
  #shownRttMs: number | undefined
  #places: number[] | undefined
  #prefix: number | undefined
  /** When its own word was last heard of: a new record, or a new entry, whoever brought it. */
  updatedAt: number
  /** What tells the time: the members, once it is one of them. */
  time: { readonly now: number } | undefined
  /** It is this peer itself. */
  own = false
  /** Tells once in a while those who take it for alive that it is not. */
  correctedAt = Number.NEGATIVE_INFINITY
  #snapshot: Member | undefined
  #services = noServices
  #servicesStale = true
  /** What the services were last made of. */
  #servicesVersion = 0
  #servicesRecord: AliveRecord | undefined
  #servicesShown: MemberStatus = 'alive'

  constructor(id: PeerId, now: number) {
    this.id = id
    this.entries = new Entries(id)
    this.#idHash = hashText(id)
    this.incarnation = 0
    this.since = now
    this.updatedAt = now
  }

  get present(): boolean {
    return this.status === 'alive' || this.status === 'suspect'
  }

  /** The member's part of the digest. Suspicion is no part of it: it ends by itself, in a refutation or a death. */
  hash(): Digest {
    const fact = hashFact(this.#idHash, this.incarnation)
    return { hi: (fact.hi ^ this.entries.digest.hi) >>> 0, lo: (fact.lo ^ this.entries.digest.lo) >>> 0 }
  }

  endpoint(kind: string): Endpoint | undefined {
    if (this.record === undefined) return undefined
    // Asked of every member again and again, so it compares in place instead of cutting the kind out.
    for (const endpoint of this.record.endpoints) {
      if (endpoint[kind.length] === ':' && endpoint.startsWith(kind)) return endpoint
    }
    return undefined
  }

  has(kind: string): boolean {
    return this.endpoint(kind) !== undefined
  }

  /** Takes a round trip; true where the change is worth a new snapshot. */
  measure(rttMs: number): boolean {
    this.#roundTrip ??= new RoundTrip()
    this.#roundTrip.take(rttMs)
    const shown = this.#shownRttMs
    const now = this.#roundTrip.smoothedMs!
    if (shown !== undefined && Math.abs(now - shown) < Math.max(1, shown / 4)) return false
    this.#shownRttMs = now
    return true
  }

  /** Its place on each ring (see `Rings`): everybody computes the same. */
  get places(): readonly number[] {
    this.#places ??= Array.from({ length: ringsCount }, (_, ring) => hashFact(this.#idHash, 0x52696e67 + ring).hi)
    return this.#places
  }

  /** The first 32 bits of its id: routes name members by them. */
  get prefix(): number {
    this.#prefix ??= idPrefix(this.id)
    return this.#prefix
  }

  /** What applications are told: a present member that keeps coming and going counts as suspect. */
  get shown(): MemberStatus {
    return this.status === 'alive' && this.#damping?.unsteady ? 'suspect' : this.status
  }

  /** Undefined until it was measured. */
  get roundTrip(): Readonly<RoundTrip> | undefined {
    return this.#roundTrip
  }

  /** Undefined until it has answered. */
  get answer(): Answer | undefined {
    return this.#traces?.answer
  }

  /** It has answered this peer. */
  answered(answer: Answer, now: number): void {
    this.lastHeard = now
    this.failures = 0
    this.#traces ??= { answer, accusedAt: [] }
    this.#traces.answer = answer
  }

  accuse(accuser: PeerId, now: number): void {
    this.#traces ??= { answer: undefined, accusedAt: [] }
    this.#traces.accusedAt[this.accusers.length] = now
    this.accusers.push(accuser)
  }

  /** When the accuser at this place spoke. */
  accusedAt(place: number): number {
    return this.#traces?.accusedAt[place] ?? this.since
  }

  /** Undefined for one that was never doubted. */
  get comeback(): Comeback | undefined {
    return this.#damping?.comeback
  }

  /** See `Damping`. */
  penalty(now: number): number {
    return this.#damping?.penalty(now) ?? 0
  }

  punish(penalty: number, now: number): void {
    this.#damping ??= new Damping()
    this.#damping.add(penalty, now)
  }

  /** True if it has just been steady for long enough to be shown as alive again. */
  settle(now: number): boolean {
    return this.#damping?.settle(now) ?? false
  }

  get silentMs(): number {
    if (this.own || this.time === undefined) return 0
    return Math.max(0, this.time.now - Math.max(this.updatedAt, this.lastHeard))
  }

  /** Call after every change that a snapshot shows. True where the change may be one of services. */
  touch(): boolean {
    this.#snapshot = undefined
    const { record, shown } = this
    const { servicesVersion } = this.entries
    // A cursor moves a hundred times for each change of a service.
    if (servicesVersion === this.#servicesVersion) {
      if (servicesVersion === 0 || (record === this.#servicesRecord && shown === this.#servicesShown)) return false
    }
    this.#servicesVersion = servicesVersion
    this.#servicesRecord = record
    this.#servicesShown = shown
    this.#servicesStale = true
    return true
  }

  /** The same object until `touch` was called. */
  snapshot(): Member {
    this.#snapshot ??= this.#makeSnapshot()
    return this.#snapshot
  }

  /** What it offers, in the order of the keys; the same array, and the same instances in it, until they change. */
  get services(): readonly Instance[] {
    if (!this.#servicesStale) return this.#services
    this.#servicesStale = false
    const before = new Map(this.#services.map((instance) => [instance.id, instance]))
    const services = this.#instances().map((instance) => {
      const known = before.get(instance.id)
      return known && sameInstance(known, instance) ? known : instance
    })
    const same = services.length === this.#services.length && services.every((one, i) => one === this.#services[i])
    if (!same) this.#services = Object.freeze(services)
    return this.#services
  }

  #makeSnapshot(): Member {
    const { record } = this
    return Object.freeze({
      id: this.id,
      name: record?.name ?? '',
      ...(record?.user == null ? {} : { user: record.user }),
      status: this.shown,
      mode: record?.mode ?? 'visible',
      incarnation: this.incarnation,
      state: this.entries.state(),
      services: this.services,
      endpoints: Object.freeze([...(record?.endpoints ?? [])]),
      via: this.via,
      ...(this.#shownRttMs === undefined ? {} : { rttMs: Math.round(this.#shownRttMs * 100) / 100 }),
      since: this.since,
      lastHeard: this.lastHeard,
    })
  }

  #instances(): Instance[] {
    const instances: Instance[] = []
    const { shown, present } = this
    const standing = shown === 'left' ? 'draining' : shown === 'alive' ? 'alive' : 'suspect'
    for (const [key, value] of this.entries.serviceValues()) {
      const service = serviceFromValue(value)
      // One under another's key would have an id that names a service it is not of.
      if (service === undefined || serviceKey(service) !== key) continue
      const address = service.address ?? this.#udpHost()
      const facts = {
        service: service.service,
        id: `${this.id}/${key.slice(servicePrefix.length)}`,
        member: this.id,
        name: this.record?.name ?? '',
        ...(address === undefined ? {} : { address }),
        ...(service.port === null ? {} : { port: service.port }),
        tags: Object.freeze([...service.tags]),
        meta: Object.freeze(service.meta),
        weight: service.weight,
        health: service.health,
        status: service.draining ? ('draining' as const) : (standing as Instance['status']),
        ...(present ? {} : { lastKnown: true as const }),
      }
      instances.push(instanceOf(facts, this))
    }
    return instances
  }

  #udpHost(): string | undefined {
    const endpoint = this.endpoint('udp')
    if (endpoint === undefined) return undefined
    const address = addressOf(endpoint)
    return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  }
}
