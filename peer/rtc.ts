/**
 * The WebRTC channel: unordered, unretransmitted data channels between peers that were introduced, on simple-peer. It
 * works the same in a tab and under Node; what differs between them (the constructor, the WebRTC stack) is handed in.
 */

import {
  addressOf,
  type Channel,
  type ChannelEvents,
  type Endpoint,
  isPeerId,
  kindOf,
  type PeerId,
  packetBytesMax,
  type Random,
  randomInt,
} from '../core/index.ts'
import { type Log, silentLog } from './options.ts'
import { RtcBudget } from './rtc-budget.ts'
import type { RtcPlatform } from './rtc-connection.ts'
import { RtcLink, type RtcLinkEvents, type RtcPatience } from './rtc-link.ts'
import { parseRtcSignal, type RtcSession, type RtcSignal } from './rtc-signal.ts'

export { RtcBudget } from './rtc-budget.ts'
export type { RtcConnection, SimplePeerConstructor } from './rtc-connection.ts'

export interface RtcOptions extends RtcPlatform {
  /** This peer. */
  id: PeerId
  /** Carries a signal to a peer by any way there is; best effort. */
  signal: (to: PeerId, signal: RtcSignal) => void
  random: Random
  log?: Log
  /** Shared by all peers of a page; one of its own unless told. */
  budget?: RtcBudget
  /**
   * A link that is not open this long after the other side has answered is given up; 15,000 unless told. An answer is
   * waited for as long, but 7,000 at most.
   */
  dialTimeoutMs?: number
}

/** A link as it stands: `asked` while the other side, whose id is smaller, is to dial. */
export interface Link {
  /** The member at its other end. */
  readonly id: PeerId
  /** `asked`: the other side is to open it. */
  readonly state: 'asked' | 'opening' | 'open'
}

/**
 * Links at a time, in whatever state. The core holds 16 at most and opens 4 at a time; what is beyond that is room for
 * those who are about to be hung up on.
 */
export const linksMax = 32
/** Others may open links up to this number only, so that strangers who ask for many leave room for our own. */
export const linksForOthersMax = 24

/**
 * A signal that is lost on the mesh is repeated by the core for about five seconds, and then goes by the server. What is
 * unanswered after that was lost for good, or there is nobody: to begin anew is quicker than to wait.
 */
const answerTimeoutMs = 7_000

/** Candidates that overtake their offer are kept for this many peers, this many each; the oldest peer goes first. */
const earlyPeersMax = 32
const earlyCandidatesMax = 16

/** Peers whose last session is remembered, the oldest forgotten first. */
const sessionsMax = 1024

export class RtcChannel implements Channel {
  readonly kind = 'rtc'
  readonly reach = 'linked'
  readonly packetSizeMax = packetBytesMax
  readonly endpoint: Endpoint

  readonly #options: RtcOptions
  readonly #events: ChannelEvents
  readonly #log: Log
  readonly #budget: RtcBudget
  readonly #patience: RtcPatience
  readonly #linkEvents: RtcLinkEvents
  readonly #links = new Map<PeerId, RtcLink>()
  /** The latest session with each peer: older ones are stale, and an ask says which one was lost. */
  readonly #sessions = new Map<PeerId, RtcSession>()
  readonly #early = new Map<PeerId, { session: RtcSession; candidates: string[] }>()
  /** For each connection, however it ends, what resolves when it is gone. */
  readonly #gone = new Set<Promise<void>>()
  #nextSession: RtcSession
  #closed = false

  readonly #counts = {
    dialled: 0,
    opened: 0,
    ended: 0,
    failed: 0,
    refused: 0,
    sent: 0,
    received: 0,
    notOpen: 0,
    congested: 0,
    badPacket: 0,
    badSignal: 0,
    staleSignal: 0,
    wrongRole: 0,
  }

  constructor(options: RtcOptions, events: ChannelEvents) {
    this.endpoint = `rtc:${options.id}`
    this.#options = options
    this.#events = events
    this.#log = options.log ?? silentLog
    this.#budget = options.budget ?? new RtcBudget()
    const openMs = options.dialTimeoutMs ?? 15_000
    this.#patience = { openMs, answerMs: Math.min(openMs, answerTimeoutMs) }
    // Sessions count up from a random start: ordered for the other side, and not to be guessed by a third one.
    this.#nextSession = 1 + randomInt(options.random, 2 ** 31)
    this.#linkEvents = {
      signal: (link, signal) => this.#signal(link.peer, signal),
      opened: (link) => this.#opened(link),
      receive: (link, packet) => this.#receive(link, packet),
      failed: (link, reason) => this.#end(link, reason),
    }
  }

  /** Of two peers the smaller id dials, so that two offers never cross; the larger one asks it to. */
  dial(to: PeerId): void {
    if (this.#closed) return
    this.#counts.dialled++
    const link = this.#links.get(to)
    if (link) {
      // An open link was told when it came up.
      if (link.state !== 'open') link.wanted = true
      return
    }
    const offers = this.#options.id < to
    const isPeer = isPeerId(to) && to !== this.#options.id
    if (!isPeer || this.#links.size >= linksMax || (offers && !this.#budget.take())) {
      this.#counts.refused++
      this.#tellDown(to)
      return
    }
    const wished = this.#addLink(to, true)
    if (offers) this.#offer(wished)
    else {
      const lost = this.#sessions.get(to)
      this.#signal(to, lost === undefined ? { t: 'ask' } : { t: 'ask', lost })
    }
  }

  /** `linkDown` follows here, too, if the link was up or being dialled. */
  hangUp(to: PeerId): void {
    const link = this.#links.get(to)
    if (link) this.#end(link, 'hung up here')
  }

  send(to: Endpoint, packet: Uint8Array): void {
    const link = kindOf(to) === 'rtc' ? this.#links.get(addressOf(to)) : undefined
    if (!link) this.#counts.notOpen++
    else if (packet.length === 0 || packet.length > packetBytesMax) this.#counts.badPacket++
    else this.#counts[link.send(packet)]++
  }

  /** A signal that reached this peer. `from` is what the carrier vouches for; `data` is anything. */
  receiveSignal(from: PeerId, data: unknown): void {
    if (this.#closed) return
    const signal = isPeerId(from) && from !== this.#options.id ? parseRtcSignal(data) : undefined
    if (!signal) this.#counts.badSignal++
    else if (signal.t === 'ask') this.#receiveAsk(from, signal.lost)
    else if (signal.t === 'offer') this.#receiveOffer(from, signal.s, signal.sdp)
    else if (signal.t === 'answer') this.#receiveAnswer(from, signal.s, signal.sdp)
    else if (signal.t === 'candidates') this.#receiveCandidates(from, signal.s, signal.list)
    else if (signal.t === 'no') this.#receiveNo(from)
    else this.#receiveEnd(from, signal.s)
  }

  /** No signal gets to this peer: an attempt that it has not answered would wait in vain. Told in a later turn. */
  unreachable(to: PeerId): void {
    queueMicrotask(() => {
      const link = this.#links.get(to)
      if (link && link.state !== 'open' && !link.answered) this.#end(link, 'no way for signals', false)
    })
  }

  /**
   * Ends every link; the other sides see them close. All that matters happens before it returns or in the microtask
   * behind it, so on `pagehide` it may be called without waiting.
   */
  async close(): Promise<void> {
    this.#closed = true
    for (const link of [...this.#links.values()]) this.#end(link, 'closed here')
    this.#early.clear()
    this.#sessions.clear()
    await Promise.all(this.#gone)
  }

  links(): readonly Link[] {
    return [...this.#links.values()].map(({ peer, state }) => ({ id: peer, state: state as Link['state'] }))
  }

  /** What was opened, carried, refused and dropped since the start, and the connections whose memory is still in use. */
  counters(): Readonly<Record<string, number>> {
    return { ...this.#counts, uncollected: this.#budget.uncollected }
  }

  /** A link that is there stays, unless it is the very one that the other side has lost: an ask may be late. */
  #receiveAsk(from: PeerId, lost: RtcSession | undefined): void {
    if (this.#options.id > from) {
      this.#counts.wrongRole++
      return
    }
    const link = this.#links.get(from)
    if (link && link.session !== lost) {
      this.#counts.staleSignal++
      return
    }
    if (link) this.#end(link, 'lost by the other side')
    if (this.#links.size < linksForOthersMax && this.#budget.take()) this.#offer(this.#addLink(from, false))
    else {
      this.#counts.refused++
      this.#signal(from, { t: 'no' })
    }
  }

  #receiveNo(from: PeerId): void {
    const link = this.#links.get(from)
    if (link?.state === 'asked') this.#end(link, 'refused by the other side')
    else this.#counts.staleSignal++
  }

  /** An offer of a later session replaces what there is: the other side has given that up. */
  #receiveOffer(from: PeerId, session: RtcSession, sdp: string): void {
    if (from > this.#options.id) {
      this.#counts.wrongRole++
      return
    }
    if (session <= (this.#sessions.get(from) ?? 0)) {
      this.#counts.staleSignal++
      return
    }
    this.#remember(from, session)
    const link = this.#linkForOffer(from)
    if (!link) {
      this.#counts.refused++
      this.#signal(from, { t: 'end', s: session })
      return
    }
    const early = this.#early.get(from)
    this.#early.delete(from)
    this.#await(link.open(this.#options, this.#budget, session, sdp))
    if (early?.session === session) for (const candidate of early.candidates) link.takeCandidate(candidate)
  }

  #receiveAnswer(from: PeerId, session: RtcSession, sdp: string): void {
    const link = this.#options.id < from ? this.#links.get(from) : undefined
    if (link?.session !== session || !link.takeAnswer(sdp)) this.#counts.staleSignal++
  }

  #receiveCandidates(from: PeerId, session: RtcSession, list: readonly string[]): void {
    const link = this.#links.get(from)
    if (link?.session === session) {
      for (const candidate of list) if (!link.takeCandidate(candidate)) this.#counts.badSignal++
    } else if (from < this.#options.id && session > (this.#sessions.get(from) ?? 0)) {
      this.#keepEarly(from, session, list)
    } else this.#counts.staleSignal++
  }

  /** An open link ends by itself, so this can only be about an attempt: a present one, or one whose offer comes later. */
  #receiveEnd(from: PeerId, session: RtcSession): void {
    const link = this.#links.get(from)
    if (link?.session === session && link.state === 'opening') this.#end(link, 'given up by the other side', false)
    else this.#counts.staleSignal++
    if (from < this.#options.id && session > (this.#sessions.get(from) ?? 0)) this.#remember(from, session)
  }

  #offer(link: RtcLink): void {
    const session = this.#nextSession++
    this.#remember(link.peer, session)
    this.#await(link.open(this.#options, this.#budget, session))
  }

  /** The link that was asked for, or a new one that takes over from the old one; undefined where there is no room. */
  #linkForOffer(from: PeerId): RtcLink | undefined {
    const link = this.#links.get(from)
    const allowed = (link !== undefined || this.#links.size < linksForOthersMax) && this.#budget.take()
    if (link?.state === 'asked' && allowed) return link
    const wanted = link?.wanted === true
    if (link) {
      link.wanted = false
      this.#end(link, allowed ? 'replaced by the other side' : 'too many connections', false)
    }
    if (allowed) return this.#addLink(from, wanted)
    if (wanted) this.#tellDown(from)
    return undefined
  }

  #keepEarly(from: PeerId, session: RtcSession, list: readonly string[]): void {
    let early = this.#early.get(from)
    if (!early || early.session < session) {
      early = { session, candidates: [] }
      setNewest(this.#early, from, early, earlyPeersMax)
    }
    const room = early.session === session ? earlyCandidatesMax - early.candidates.length : 0
    if (list.length > room) this.#counts.staleSignal++
    early.candidates.push(...list.slice(0, room))
  }

  #receive(link: RtcLink, packet: Uint8Array | undefined): void {
    if (!packet) this.#counts.badPacket++
    else {
      this.#counts.received++
      this.#events.receive(`rtc:${link.peer}`, packet)
    }
  }

  #opened(link: RtcLink): void {
    link.wanted = false
    this.#counts.opened++
    this.#events.linkUp(link.peer)
  }

  #addLink(peer: PeerId, wanted: boolean): RtcLink {
    const link = new RtcLink(peer, wanted, this.#patience, this.#linkEvents)
    this.#links.set(peer, link)
    return link
  }

  /** Before a link was open the other side cannot see that it ended, so it is told. */
  #end(link: RtcLink, reason: string, tellOther = true): void {
    const { peer, state, session, wanted } = link
    if (state === 'ended') return
    link.end()
    this.#links.delete(peer)
    this.#log.debug(`rtc: link to ${peer} ended while ${state}: ${reason}`)
    if (state === 'open') this.#counts.ended++
    else this.#counts.failed++
    if (state === 'opening' && tellOther) this.#signal(peer, { t: 'end', s: session })
    if (state === 'open' || wanted) this.#tellDown(peer)
  }

  #await(gone: Promise<void>): void {
    this.#gone.add(gone)
    void gone.then(() => this.#gone.delete(gone))
  }

  /** Later in the same turn, because the owner's call that led here (`dial`, `hangUp`) must not be called back into. */
  #tellDown(peer: PeerId): void {
    queueMicrotask(() => {
      if (!this.#closed) this.#events.linkDown(peer)
    })
  }

  #signal(to: PeerId, signal: RtcSignal): void {
    this.#options.signal(to, signal)
  }

  #remember(peer: PeerId, session: RtcSession): void {
    setNewest(this.#sessions, peer, session, sessionsMax)
  }
}

/** Sets an entry of a map that keeps the `sizeMax` set last. */
function setNewest<K, V>(map: Map<K, V>, key: K, value: V, sizeMax: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > sizeMax) map.delete(map.keys().next().value!)
}
