/**
 * One link of the WebRTC channel, from the wish for it to its end: a simple-peer connection, a deadline to be open by, and
 * the bounds of what its other side may send. It decides nothing about other links; the channel is told what happens.
 */

import { type PeerId, packetBytesMax } from '../core/index.ts'
import type { RtcBudget } from './rtc-budget.ts'
import { makeConnection, type RtcConnection, type RtcPlatform, reasonOf } from './rtc-connection.ts'
import { RtcHandshake } from './rtc-handshake.ts'
import type { RtcSession, RtcSignal } from './rtc-signal.ts'

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

/** A lost packet is not sent again: gossip repeats what matters. */
const delivery = { ordered: false, maxRetransmits: 0 }

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
  #handshake: RtcHandshake | undefined

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
      connection = makeConnection(platform, offer === undefined, delivery)
    } catch (error) {
      this.#events.failed(this, `no connection: ${reasonOf(error)}`)
      return Promise.resolve()
    }
    this.#connection = connection
    budget.made(connection)
    const handshake = new RtcHandshake(connection, {
      tell: (part) => this.#events.signal(this, { ...part, s: session }),
      failed: (reason) => this.#events.failed(this, reason),
    })
    this.#handshake = handshake
    let reason = 'closed by the other side'
    connection.on('error', (error) => {
      reason = reasonOf(error)
    })
    connection.on('signal', (data) => handshake.describe(data))
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
    if (offer !== undefined) handshake.takeDescription('offer', offer)
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
    this.#handshake?.takeDescription('answer', sdp)
    return true
  }

  /** False beyond the bound of a session. One that came before changes nothing. */
  takeCandidate(candidate: string): boolean {
    return this.#handshake?.takeCandidate(candidate) ?? true
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
    this.#handshake?.end()
    this.#connection?.destroy()
    this.#connection = undefined
    this.#handshake = undefined
  }

  #allow(ms: number, otherwise: string): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => this.#events.failed(this, `${otherwise} after ${ms} ms`), ms)
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
