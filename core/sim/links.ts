/**
 * The links between simulated peers: which are open, what it takes to open one, and how its ends learn that it is
 * closed. The ends tell each other what they need over the mesh, and by a signalling server where no path leads:
 *
 *     larger id                      smaller id
 *        | -- ask ----------------------> |      only if the larger one wants the link
 *        | <---------------- offer ------ |
 *        | -- answer -------------------> |      then ICE, and the link is up at both ends
 *        | <-- end, either way ---------> |      given up before it was up
 */

import type { PeerId } from '../ids.ts'
import type { Network } from './network.ts'
import type { Kind, WorldOptions } from './options.ts'
import type { Participant } from './participant.ts'
import type { Servers, Surroundings } from './servers.ts'

/** As the WebRTC channel gives up: without an answer after the first, not open that long after one by the second. */
const answerTimeoutMs = 7_000
const dialTimeoutMs = 15_000
/** Where something is in the way of ICE, it is tried again and again. */
const iceRetryMs = 500
/** A description takes about so many bytes, and its candidates with it. */
const descriptionBytes = 650
/** Its type and its session. */
const headBytes = 5
const types = ['ask', 'offer', 'answer', 'end'] as const

type SignalType = (typeof types)[number]

/** One end of a link that is being opened. */
interface Attempt {
  readonly kind: Kind
  /** The offer that was sent or answered last; 0 before there was one. */
  session: number
  /** When it is given up. */
  until: number
  /** Its core has asked for the link, and wants to hear if it fails. */
  wanted: boolean
  /** The other side has said something. */
  answered: boolean
}

/** What becomes of one peer's links. */
export interface LinkLoad {
  /** Open now. */
  readonly open: number
  /** Opened since its start, those that have closed included. */
  readonly opened: number
  /** Given up before they were open. */
  readonly failed: number
}

/** One peer's end of all its links. */
interface Ends {
  readonly open: Map<PeerId, Kind>
  readonly attempts: Map<PeerId, Attempt>
  opened: number
  failed: number
}

export class Links {
  readonly #network: Network
  readonly #servers: Servers
  readonly #world: Surroundings
  readonly #iceMs: number
  readonly #timeoutMs: number
  readonly #linkable: (a: string, b: string) => boolean
  readonly #ends = new Map<PeerId, Ends>()
  #sessions = 0

  constructor(options: WorldOptions, network: Network, servers: Servers, world: Surroundings) {
    const { handshakeMs = 300, linkTimeoutMs = 15_000, linkable = () => true } = options
    this.#iceMs = handshakeMs
    this.#timeoutMs = linkTimeoutMs
    this.#linkable = linkable
    this.#network = network
    this.#servers = servers
    this.#world = world
  }

  /** Whether a packet of this kind has a way: over an open link, or by a server that both are at. */
  carries(kind: Kind, from: Participant, to: Participant): boolean {
    if (kind === 'relay') return this.#servers.carries(from, to)
    return kind !== 'rtc' || this.#isOpen(from.id, to.id)
  }

  load(id: PeerId): LinkLoad {
    const { open, opened, failed } = this.#of(id)
    return Object.freeze({ open: open.size, opened, failed })
  }

  /** Asked for while its core runs: what follows comes afterwards. */
  dial(from: Participant, kind: Kind, to: PeerId): void {
    const { open, attempts } = this.#of(from.id)
    const known = attempts.get(to)
    if (known) known.wanted = true
    if (known || open.has(to)) return
    const attempt = this.#attempt(from, kind, to, true, answerTimeoutMs)
    const begin = () => (from.id < to ? this.#offer(from, to, attempt) : this.#send(from, kind, to, 'ask', 0))
    this.#later(0, () => from.whenRunning(begin))
  }

  /** Closes a link in good order, or gives up opening it. */
  hangUp(from: Participant, kind: Kind, to: PeerId): void {
    const attempt = this.#of(from.id).attempts.get(to)
    if (attempt) this.#later(0, () => this.#giveUp(from, to, attempt, true))
    if (!this.#close(from.id, to)) return
    this.#later(0, () => this.#linkDown(from, kind, to))
    const other = this.#world.participant(to)
    if (other) this.#later(this.#network.delay(), () => this.#linkDown(other, kind, from.id))
  }

  /** Takes a signal from another peer, however it came. `data` is borrowed. */
  receive(peer: Participant, kind: Kind, from: PeerId, data: Uint8Array): void {
    if (data.length < headBytes) return
    const type = types[data[0]!]
    const session = new DataView(data.buffer, data.byteOffset).getUint32(1)
    if (type !== undefined) this.#later(0, () => peer.whenRunning(() => this.#handle(peer, kind, from, type, session)))
  }

  /** The core found no path for a signal of ours after all. `data` is borrowed. */
  lost(from: Participant, kind: Kind, to: PeerId, data: Uint8Array): void {
    this.#sendByServer(from, kind, to, data)
  }

  /** These two have had a link for long. */
  furnish(a: Participant, b: Participant, kind: Kind): void {
    if (this.#isOpen(a.id, b.id) || !this.#linkable(a.name, b.name)) return
    this.#open(a, b, kind)
  }

  /** One end has gone: the other notices when the link times out, or at once where it was closed in good order. */
  drop(peer: Participant): void {
    const afterMs = peer.life === 'left' ? this.#network.delay() : this.#timeoutMs
    for (const [id, kind] of this.#of(peer.id).open) {
      this.#close(peer.id, id)
      const other = this.#world.participant(id)!
      this.#later(afterMs, () => this.#linkDown(other, kind, peer.id))
    }
    this.#ends.delete(peer.id)
  }

  /** Links across a cut, or to one who sleeps, time out at both ends, unless that has ended before. */
  watch(): void {
    this.#later(this.#timeoutMs, () => {
      for (const { kind, a, b } of this.#all()) {
        const [one, other] = [this.#world.participant(a)!, this.#world.participant(b)!]
        if (!this.#isCut(one, other) && one.life !== 'asleep' && other.life !== 'asleep') continue
        this.#close(a, b)
        this.#linkDown(one, kind, b)
        this.#linkDown(other, kind, a)
      }
    })
  }

  // Opening

  #attempt(peer: Participant, kind: Kind, to: PeerId, wanted: boolean, timeoutMs: number): Attempt {
    const attempt: Attempt = { kind, session: 0, until: 0, wanted, answered: false }
    this.#of(peer.id).attempts.set(to, attempt)
    this.#expect(peer, to, attempt, timeoutMs)
    return attempt
  }

  /** It has this long from now on. */
  #expect(peer: Participant, to: PeerId, attempt: Attempt, timeoutMs: number): void {
    attempt.until = this.#world.now() + timeoutMs
    this.#later(timeoutMs, () => {
      if (attempt.until <= this.#world.now()) this.#giveUp(peer, to, attempt, true)
    })
  }

  #offer(peer: Participant, to: PeerId, attempt: Attempt): void {
    if (!this.#isCurrent(peer, to, attempt)) return
    attempt.session = ++this.#sessions
    this.#send(peer, attempt.kind, to, 'offer', attempt.session)
  }

  #handle(peer: Participant, kind: Kind, from: PeerId, type: SignalType, session: number): void {
    // Its process may have ended since.
    if (!peer.live) return
    const { open, attempts } = this.#of(peer.id)
    if (open.has(from)) return
    const known = attempts.get(from)
    if (type === 'ask') {
      if (peer.id < from && !known) this.#offer(peer, from, this.#attempt(peer, kind, from, false, answerTimeoutMs))
    } else if (type === 'offer') {
      if (peer.id < from || session <= (known?.session ?? 0)) return
      const attempt = known ?? this.#attempt(peer, kind, from, false, dialTimeoutMs)
      attempt.session = session
      attempt.answered = true
      this.#expect(peer, from, attempt, dialTimeoutMs)
      this.#send(peer, kind, from, 'answer', session)
    } else if (known?.session === session) {
      if (type === 'end') this.#giveUp(peer, from, known, false)
      else if (peer.id < from) {
        known.answered = true
        this.#expect(peer, from, known, dialTimeoutMs)
        this.#later(this.#iceMs, () => this.#tryIce(peer, from, known, session))
      }
    }
  }

  /** Until it works, the attempt has run out at either end, or there is another. */
  #tryIce(peer: Participant, to: PeerId, attempt: Attempt, session: number): void {
    const other = this.#world.participant(to)!
    if (!other.live || !this.#isCurrent(peer, to, attempt) || attempt.session !== session) return
    if (this.#of(to).attempts.get(peer.id)?.session !== session || !this.#linkable(peer.name, other.name)) return
    if (!peer.reachable || !other.reachable || this.#isCut(peer, other)) {
      return this.#later(iceRetryMs, () => this.#tryIce(peer, to, attempt, session))
    }
    this.#open(peer, other, attempt.kind)
  }

  #giveUp(peer: Participant, to: PeerId, attempt: Attempt, tell: boolean): void {
    if (!this.#isCurrent(peer, to, attempt)) return
    const ends = this.#of(peer.id)
    ends.attempts.delete(to)
    ends.failed++
    if (tell && attempt.session > 0) {
      peer.whenRunning(() => this.#send(peer, attempt.kind, to, 'end', attempt.session))
    }
    if (attempt.wanted) this.#linkDown(peer, attempt.kind, to)
  }

  #isCurrent(peer: Participant, to: PeerId, attempt: Attempt): boolean {
    return peer.live && this.#of(peer.id).attempts.get(to) === attempt
  }

  // Signals

  /** Never while the core runs. */
  #send(from: Participant, kind: Kind, to: PeerId, type: SignalType, session: number): void {
    const hasDescription = type === 'offer' || type === 'answer'
    const data = new Uint8Array(hasDescription ? descriptionBytes : headBytes)
    data[0] = types.indexOf(type)
    new DataView(data.buffer).setUint32(1, session)
    let sent = false
    this.#world.call(from, (swim, now) => {
      sent = swim.sendSignal(kind, to, data, now)
    })
    if (!sent) this.#sendByServer(from, kind, to, data)
  }

  #sendByServer(from: Participant, kind: Kind, to: PeerId, data: Uint8Array): void {
    const kept = new Uint8Array(data)
    if (this.#servers.signal(from, to, (other) => this.receive(other, kind, from.id, kept))) return
    // Nobody of that id is there, or the server is down: an attempt that waits for an answer waits in vain.
    const attempt = this.#of(from.id).attempts.get(to)
    if (attempt && !attempt.answered) this.#later(this.#network.delay(), () => this.#giveUp(from, to, attempt, false))
  }

  // Open links

  #open(a: Participant, b: Participant, kind: Kind): void {
    for (const [peer, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const ends = this.#of(peer.id)
      ends.attempts.delete(other.id)
      ends.open.set(other.id, kind)
      ends.opened++
    }
    this.#linkUp(a, kind, b.id)
    this.#linkUp(b, kind, a.id)
  }

  #linkUp(peer: Participant, kind: Kind, to: PeerId): void {
    peer.whenRunning(() => this.#world.call(peer, (swim, now) => swim.linkUp(kind, to, now)))
  }

  /** Nothing is told of a link that has been opened anew meanwhile. */
  #linkDown(peer: Participant, kind: Kind, to: PeerId): void {
    peer.whenRunning(() => {
      if (!this.#isOpen(peer.id, to)) this.#world.call(peer, (swim, now) => swim.linkDown(kind, to, now))
    })
  }

  #isOpen(a: PeerId, b: PeerId): boolean {
    return this.#ends.get(a)?.open.has(b) === true
  }

  /** A link needs both ways. */
  #isCut(a: Participant, b: Participant): boolean {
    return this.#network.isCut(a.name, b.name) || this.#network.isCut(b.name, a.name)
  }

  /** True if there was a link to close. */
  #close(a: PeerId, b: PeerId): boolean {
    this.#ends.get(b)?.open.delete(a)
    return this.#ends.get(a)?.open.delete(b) === true
  }

  /** Of a peer that lives; what is asked about another is thrown away. */
  #of(id: PeerId): Ends {
    const known = this.#ends.get(id)
    if (known) return known
    const ends: Ends = { open: new Map(), attempts: new Map(), opened: 0, failed: 0 }
    if (this.#world.participant(id)?.live) this.#ends.set(id, ends)
    return ends
  }

  /** Each open link once. */
  #all(): { kind: Kind; a: PeerId; b: PeerId }[] {
    return [...this.#ends].flatMap(([a, { open }]) =>
      [...open].filter(([b]) => a < b).map(([b, kind]) => ({ kind, a, b })),
    )
  }

  #later(afterMs: number, event: () => void): void {
    this.#world.at(this.#world.now() + afterMs, event)
  }
}
