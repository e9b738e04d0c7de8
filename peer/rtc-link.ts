/**
 * One link of the WebRTC channel, from the wish for it to its end: a simple-peer connection, a deadline to be open by, and
 * the bounds of what its other side may send. It decides nothing about other links; the channel is told what happens.
 */

import { type PeerId, packetBytesMax } from '../core/index.ts'
import type { RtcBudget } from './rtc-budget.ts'
import { candidatesPerSignal, parseCandidate, parseDescription, type RtcSession, type RtcSignal } from './rtc-signal.ts'

/** What is used of simple-peer, so that users of Shoal need none of its types. */
export interface RtcConnection {
  readonly bufferSize: number
  signal(data: ConnectionSignal): void
  send(packet: Uint8Array): void
  destroy(): void
  on(event: string, listener: (value: unknown) => void): unknown
}

/** The candidate is a plain object in truth; simple-peer makes the platform's own out of it. */
type ConnectionSignal = RTCSessionDescriptionInit | { type: 'candidate'; candidate: RTCIceCandidate }

export type SimplePeerConstructor = new (options: object) => RtcConnection

/** How connections are made. */
export interface RtcPlatform {
  /** `simple-peer`, or `simple-peer/simplepeer.min.js` where there is a bundler. */
  simplePeer: SimplePeerConstructor
  /** RTCPeerConnection and its kin where the platform has none. */
  wrtc?: object
  /** STUN and TURN servers. None unless told: peers then meet on the addresses they have. */
  iceServers?: RTCIceServer[]
  iceTransportPolicy?: RTCIceTransportPolicy
}

/** How long a link may take. */
export interface RtcPatience {
  /** Until the other side has said anything: the offer that was asked for, or the answer to an offer. */
  answerMs: number
  /** From then on until it is open. */
  openMs: number
}

/** What a link tells its channel. None of it comes after `end`. */
export interface RtcLinkEvents {
  signal(link: RtcLink, signal: RtcSignal): void
  opened(link: RtcLink): void
  /** `packet` is borrowed; `undefined` stands for a message that is no packet. */
  receive(link: RtcLink, packet: Uint8Array | undefined): void
  /** The link can be of no more use, for this reason; the channel has to `end` it. */
  failed(link: RtcLink, reason: string): void
}

/** Where more than this waits to be sent, the path is slower than the gossip, and old news is no news. */
const bufferedBytesMax = 64 * 1024

/** Candidates taken in one session. A host with many interfaces and a few servers has about 20. */
const candidatesMax = 64
/** Our own wait this long for company: most come within milliseconds of each other, and each signal has its price. */
const gatherMs = 20

/**
 * Both ends create channel 0 themselves instead of one announcing it to the other. So the delivery options hold at both
 * ends by construction, opening takes one message less, and a peer cannot open more channels to us (simple-peer would
 * take each for the new one and never end the timer of the old one).
 */
const channelConfig = { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 }

export class RtcLink {
  readonly peer: PeerId
  /** `asked`: the other side, whose id is smaller, is to dial; there is no connection yet. */
  state: 'asked' | 'opening' | 'open' | 'ended' = 'asked'
  /** 0 while asked. */
  session: RtcSession = 0
  /** The owner dialled, and how that went is still to be told. */
  wanted: boolean
  readonly #patience: RtcPatience
  readonly #events: RtcLinkEvents
  #deadline: ReturnType<typeof setTimeout> | undefined
  #connection: RtcConnection | undefined
  #answered = false
  /** The name of the one section that a description has, and so of the one that every candidate belongs to. */
  #mid = '0'
  /** Candidates of the other side that were taken. */
  readonly #candidates = new Set<string>()
  /** Our own that wait to be told, and what will do it. */
  #gathered: string[] = []
  #gathering: ReturnType<typeof setTimeout> | undefined

  constructor(peer: PeerId, wanted: boolean, patience: RtcPatience, events: RtcLinkEvents) {
    this.peer = peer
    this.wanted = wanted
    this.#patience = patience
    this.#events = events
    this.#allow(patience.answerMs, 'no offer')
  }

  /**
   * Makes the connection: with an offer to answer, or else as the one who offers. Gives what resolves when it is gone. The
   * budget must have allowed it.
   */
  open(platform: RtcPlatform, budget: RtcBudget, session: RtcSession, offer?: string): Promise<void> {
    this.state = 'opening'
    this.session = session
    this.#answered = offer !== undefined
    if (offer === undefined) this.#allow(this.#patience.answerMs, 'no answer')
    else this.#allow(this.#patience.openMs, 'not open')
    let connection: RtcConnection
    try {
      connection = connect(platform, offer === undefined)
    } catch (error) {
      this.#events.failed(this, `no connection: ${reasonOf(error)}`)
      return Promise.resolve()
    }
    this.#connection = connection
    budget.made(connection)
    let reason = 'closed by the other side'
    connection.on('error', (error) => {
      reason = reasonOf(error)
    })
    connection.on('signal', (data) => this.#describe(data))
    connection.on('connect', () => this.#opened())
    connection.on('data', (message) => this.#receive(message))
    // ICE `disconnected` is left alone, and simple-peer leaves it alone, too. It comes 5 s into a hiccup that often
    // passes; ending the link would cost a new handshake with every neighbour just when the network is bad, and probes
    // notice a silent peer long before. `failed` (about 15 s), an error or a closed channel is the end.
    const gone = new Promise<void>((resolve) => {
      connection.on('close', () => {
        if (this.state !== 'ended') this.#events.failed(this, reason)
        resolve()
      })
    })
    if (offer !== undefined) this.#takeOffer(offer)
    return gone
  }

  /** The other side has said something. */
  get answered(): boolean {
    return this.#answered
  }

  /** False for a second answer, which WebRTC would take for an error. */
  takeAnswer(sdp: string): boolean {
    if (this.#answered) return false
    this.#answered = true
    if (this.state === 'opening') this.#allow(this.#patience.openMs, 'not open')
    this.#feed({ type: 'answer', sdp: withCarriageReturns(sdp) })
    return true
  }

  /** False beyond the bound of a session. One that came before changes nothing. */
  takeCandidate(candidate: string): boolean {
    if (this.#candidates.has(candidate)) return true
    if (this.#candidates.size >= candidatesMax) return false
    this.#candidates.add(candidate)
    this.#feed({ type: 'candidate', candidate: { candidate, sdpMid: this.#mid, sdpMLineIndex: 0 } as RTCIceCandidate })
    return true
  }

  /** Hands a packet on or drops it; the bytes are copied before this returns. */
  send(packet: Uint8Array): 'sent' | 'notOpen' | 'congested' {
    if (this.state !== 'open' || !this.#connection) return 'notOpen'
    if (this.#connection.bufferSize > bufferedBytesMax) return 'congested'
    try {
      this.#connection.send(packet)
      return 'sent'
    } catch {
      // The channel is closing, and the event that says so is on its way.
      return 'notOpen'
    }
  }

  /** Drops the connection and every reference to it: browsers count connections until they are collected. */
  end(): void {
    this.state = 'ended'
    clearTimeout(this.#deadline)
    clearTimeout(this.#gathering)
    this.#connection?.destroy()
    this.#connection = undefined
  }

  #allow(ms: number, otherwise: string): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => this.#events.failed(this, `${otherwise} after ${ms} ms`), ms)
  }

  #takeOffer(offer: string): void {
    this.#mid = midOf(offer)
    this.#feed({ type: 'offer', sdp: withCarriageReturns(offer) })
  }

  #feed(data: ConnectionSignal): void {
    try {
      this.#connection?.signal(data)
    } catch (error) {
      this.#events.failed(this, `signal refused: ${reasonOf(error)}`)
    }
  }

  /** What simple-peer wants the other side to know. It has more kinds of signals, all about media. */
  #describe(data: unknown): void {
    if (this.state === 'ended') return
    const { type, sdp, candidate } = data as { type?: unknown; sdp?: unknown; candidate?: unknown }
    const s = this.session
    if (type === 'offer' || type === 'answer') {
      const description = parseDescription(sdp)
      if (description !== undefined) {
        this.#mid = midOf(description)
        this.#events.signal(this, { t: type, s, sdp: description })
      } else this.#events.failed(this, `${type} in a form that is not known`)
    } else if (type === 'candidate') {
      const parsed = parseCandidate((candidate as { candidate?: unknown } | undefined)?.candidate)
      if (parsed !== undefined) this.#gather(parsed)
    }
  }

  #gather(candidate: string): void {
    if (this.#gathered.push(candidate) < candidatesPerSignal) {
      this.#gathering ??= setTimeout(() => this.#tellGathered(), gatherMs)
    } else this.#tellGathered()
  }

  #tellGathered(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    const list = this.#gathered
    this.#gathered = []
    this.#events.signal(this, { t: 'candidates', s: this.session, list })
  }

  #opened(): void {
    if (this.state !== 'opening') return
    clearTimeout(this.#deadline)
    this.state = 'open'
    this.#events.opened(this)
  }

  #receive(message: unknown): void {
    if (this.state === 'ended') return
    // simple-peer looks at statistics before it says `connect`, at times for 100 ms and more; a message proves it sooner.
    this.#opened()
    const isPacket = message instanceof Uint8Array && message.length > 0 && message.length <= packetBytesMax
    this.#events.receive(this, isPacket ? message : undefined)
  }
}

function connect(platform: RtcPlatform, initiator: boolean): RtcConnection {
  const { simplePeer: SimplePeer, wrtc, iceServers = [], iceTransportPolicy } = platform
  return new SimplePeer({
    initiator,
    channelConfig,
    // In object mode messages keep their bounds, and a text can be told from bytes.
    objectMode: true,
    trickle: true,
    // With trickle nothing waits for this, but simple-peer never clears it: its 5 s would keep a process alive.
    iceCompleteTimeout: 1,
    // Without a list of our own simple-peer would ask public STUN servers.
    config: { iceServers, ...(iceTransportPolicy && { iceTransportPolicy }) },
    ...(wrtc && { wrtc }),
  })
}

function midOf(description: string): string {
  return /^a=mid:(.+)$/m.exec(description)?.[1] ?? '0'
}

/** As WebRTC stacks want lines to end; on the way they end shorter. */
function withCarriageReturns(sdp: string): string {
  return sdp.replaceAll('\n', '\r\n')
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
