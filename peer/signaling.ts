/**
 * A peer's end of the signalling socket: opens it, says hello, and opens it again for as long as it is wanted. It decides
 * nothing about the room; what comes in is told to its owner.
 *
 *     closed -- open() --> connecting -- welcome --> up
 *                            ^   |                    |
 *                  back-off  |   | failed, too late   | closed, or silent for two ping intervals
 *                            |   v                    |
 *                           waiting <-----------------+
 */

import { type PeerId, packetBytesMax, type Random } from '../core/index.ts'
import {
  closeCodes,
  encodeClientText,
  encodePacket,
  isSignalData,
  parseServerFrame,
  protocolVersion,
  type ServerFrame,
} from '../signaling/protocol.ts'
import type { IceServer } from '../signaling/protocol-ice.ts'
import { readSignaling } from './invite.ts'
import type { Log } from './options.ts'

export interface SignalingClientOptions {
  /**
   * `ws://` or `wss://` address of the server, or a list in order of preference: whenever there is no connection, the
   * first is tried first, then one after the other.
   */
  url: string | readonly string[]
  room: string
  id: PeerId
  /** The browser's own `WebSocket`, or that of `ws`. */
  webSocket: WebSocketConstructor
  random: Random
  log: Log
  /** Milliseconds of a clock that only goes forward; `performance.now` unless told. */
  now?: () => number
  /** Of each server the token it gave, by its address; clients of one peer share them. */
  tokens?: Map<string, string>
  /** Makes one attempt at each of so many servers at the head of the list, and closes where that fails. */
  scoutBefore?: number
}

export interface SignalingClientEvents {
  /** The server accepted the hello, the first one or one after a lost connection, and knows these peers of the room. */
  welcome(introducers: PeerId[]): void
  /** The answer to `introduce()`. */
  introduced(ids: PeerId[]): void
  signal(from: PeerId, data: object): void
  /** `packet` is borrowed. */
  packet(from: PeerId, packet: Uint8Array): void
  /** A signal could not be handed over: this peer has no socket at the server just now. */
  absent?(id: PeerId): void
  /** The STUN and TURN servers to use from now on; comes just before `up`, and whenever their credentials are renewed. */
  iceServers?(servers: IceServer[]): void
  /** Signals and packets can be sent; comes just before `welcome`. */
  up(): void
  /**
   * They cannot: the connection ended, or an attempt to open one failed. The next attempt is already planned, unless the
   * client `isClosed`.
   */
  down(reason: string): void
}

/** What is used of a WebSocket. Handlers are `unknown` since the browser's and `ws`'s types for them do not meet. */
export interface WebSocketLike {
  binaryType: string
  readonly bufferedAmount: number
  /** 1 while it is open. It is closing for a moment before `onclose` tells. */
  readonly readyState: number
  onopen: unknown
  onmessage: unknown
  onerror: unknown
  onclose: unknown
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  /** Only `ws` has it: ends the socket at once. Browsers do that on their own behind a `close()`. */
  terminate?(): void
}
export type WebSocketConstructor = new (url: string) => WebSocketLike

/** `WebSocket.OPEN`, which `ws` and browsers share. */
const openState = 1
/** From calling the constructor to the server's welcome; where there is another server to turn to, it gets less. */
const connectTimeoutMs = 10_000
const connectTimeoutAmongManyMs = 4_000
/**
 * Back-off with full jitter: a random part of a limit that doubles each time all servers were tried. Most connections are
 * lost to a server that ends, and everybody's at once, so the first limit is no shorter either.
 */
const backoffFirstMs = 1_000
const backoffMaxMs = 10_000
/** Counted no further: by then the limit is the greatest, with eight servers too. */
const attemptsMax = 64
/** A connection that held this long starts the back-off anew; one that is refused again and again does not. */
const settledMs = 10_000
/** How long `close()` waits for the server's answer. */
const closeTimeoutMs = 1_000
/** More than this waiting in the socket means that it is slower than the gossip: newer packets are worth more later. */
const bufferedBytesMax = 256 * 1024

export class SignalingClient {
  readonly #urls: readonly string[]
  readonly #options: SignalingClientOptions
  readonly #events: SignalingClientEvents
  readonly #now: () => number
  readonly #counters = {
    welcomes: 0,
    losses: 0,
    failedAttempts: 0,
    signalsSent: 0,
    signalsReceived: 0,
    signalsDropped: 0,
    signalsAbsent: 0,
    packetsSent: 0,
    packetsReceived: 0,
    packetsDropped: 0,
    malformed: 0,
    ignored: 0,
  }
  #phase: 'closed' | 'connecting' | 'up' | 'waiting' = 'closed'
  /** The one in use; events of any other are stale and are not looked at. */
  #socket: WebSocketLike | undefined
  /** Which of the servers is in use or to be tried. */
  #at = 0
  /** Prove, after a lost connection, that the id is ours, even while that server still holds the old socket for alive. */
  readonly #tokens: Map<string, string>
  #scoutBefore: number | undefined
  #closing = Promise.resolve()
  #attempts = 0
  #upSince = 0
  #pingMs = 0
  #lastHeard = 0
  /** The last thing that explains a failure; a close event alone seldom does. */
  #problem = ''
  /** One timer for all phases: the deadline of an attempt, the back-off, or the watchdog. */
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Throws `bad_option` if `url` holds anything but addresses of signalling servers. Nothing is opened before `open()`. */
  constructor(options: SignalingClientOptions, events: SignalingClientEvents) {
    this.#urls = readSignaling(options.url).servers
    this.#options = options
    this.#events = events
    this.#now = options.now ?? (() => performance.now())
    this.#tokens = options.tokens ?? new Map()
    this.#scoutBefore = options.scoutBefore
  }

  /** Connects, and stays connected. While the next attempt is waited for, it is made at once. */
  open(): void {
    if (this.#phase === 'closed' || this.#phase === 'waiting') this.#connect()
  }

  /** Best effort: a signal that cannot be sent is dropped and counted. False where that is known at once. */
  sendSignal(to: PeerId, data: object): boolean {
    if (!this.#isOpen || !isSignalData(data)) {
      this.#counters.signalsDropped++
      return false
    }
    this.#counters.signalsSent++
    this.#socket!.send(encodeClientText({ t: 'signal', to, data }))
    return true
  }

  /** Best effort, as on every channel. `packet` is borrowed until the call returns. */
  sendPacket(to: PeerId, packet: Uint8Array): void {
    const fits = packet.length >= 1 && packet.length <= packetBytesMax
    if (!this.#isOpen || !fits || this.#socket!.bufferedAmount > bufferedBytesMax) {
      this.#counters.packetsDropped++
      return
    }
    this.#counters.packetsSent++
    this.#socket!.send(encodePacket(to, packet))
  }

  /** The server in use, or the one to be tried next. */
  get url(): string {
    return this.#urls[this.#at]!
  }

  /** Its place in the list, from 0. */
  get rank(): number {
    return this.#at
  }

  /** When something came last, by the clock of this client. */
  get lastHeard(): number {
    return this.#lastHeard
  }

  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  get #isOpen(): boolean {
    return this.#phase === 'up' && this.#socket!.readyState === openState
  }

  /** Asks for a few random peers of the room; `introduced` brings them. */
  introduce(): void {
    if (this.#isOpen) this.#socket!.send(encodeClientText({ t: 'introduce' }))
  }

  /** A scout that has found a server stays, and is a client like any other from now on. */
  settle(): void {
    this.#scoutBefore = undefined
  }

  /**
   * Says goodbye and ends the connection; resolves when the socket is gone, and raises no event. What it sends is sent
   * before it returns.
   */
  close(): Promise<void> {
    if (this.#phase !== 'closed') this.#closing = this.#end()
    return this.#closing
  }

  /** `close()` for a page that is going away and can wait for nothing. */
  bye(): void {
    void this.close()
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#counters }
  }

  #connect(): void {
    this.#phase = 'connecting'
    this.#problem = ''
    const timeoutMs = this.#urls.length > 1 ? connectTimeoutAmongManyMs : connectTimeoutMs
    this.#arm(timeoutMs, () => this.#lose(`no answer within ${timeoutMs / 1000} s`))
    let socket: WebSocketLike
    try {
      socket = new this.#options.webSocket(this.url)
    } catch (error) {
      // The address was checked; what is left is e.g. a page under https: that may not use ws:.
      this.#lose(String(error))
      return
    }
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    // Browsers tell no more than this.
    let unexplained = 'no signalling server answers there, or it does not let this page in'
    socket.onopen = () => {
      unexplained = 'the connection was closed'
      if (socket === this.#socket) this.#hello(socket)
    }
    socket.onmessage = (event: { data: unknown }) => {
      if (socket === this.#socket) this.#receive(event.data)
    }
    socket.onerror = (event: { message?: string }) => {
      if (socket === this.#socket && event.message) this.#problem = event.message
    }
    socket.onclose = (event: { code: number; reason: string }) => {
      if (socket !== this.#socket) return
      this.#lose(this.#problem || event.reason || `${unexplained}, ${event.code}`)
    }
  }

  #hello(socket: WebSocketLike): void {
    const { room, id } = this.#options
    const token = this.#tokens.get(this.url)
    socket.send(encodeClientText({ t: 'hello', v: protocolVersion, room, id, ...(token !== undefined && { token }) }))
  }

  #receive(data: unknown): void {
    this.#lastHeard = this.#now()
    // `binaryType` leaves these two.
    this.#handle(parseServerFrame(data instanceof ArrayBuffer ? new Uint8Array(data) : (data as string)))
  }

  #handle(frame: ServerFrame): void {
    const counters = this.#counters
    switch (frame.t) {
      case 'welcome':
        this.#welcome(frame)
        break
      case 'introducers':
        this.#events.introduced(frame.ids)
        break
      case 'signal':
        counters.signalsReceived++
        this.#events.signal(frame.from, frame.data)
        break
      case 'packet':
        counters.packetsReceived++
        this.#events.packet(frame.peer, frame.packet)
        break
      case 'absent':
        counters.signalsAbsent++
        this.#events.absent?.(frame.id)
        break
      case 'ice':
        this.#events.iceServers?.(frame.servers)
        break
      case 'error':
        this.#problem = `${frame.message} (${frame.code})`
        break
      case 'malformed':
        counters.malformed++
        break
      case 'ignored':
        counters.ignored++
        break
      case 'ping': // that it came is all that matters
        break
    }
  }

  #welcome({ token, introducers, pingMs, iceServers }: Extract<ServerFrame, { t: 'welcome' }>): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'up'
    this.#tokens.set(this.url, token)
    this.#pingMs = pingMs
    this.#upSince = this.#lastHeard
    this.#counters.welcomes++
    this.#watch()
    // A server that names none does not take back what another one has given.
    if (iceServers) this.#events.iceServers?.(iceServers)
    this.#events.up()
    // The owner may have closed the client meanwhile.
    if (this.#phase === 'up') this.#events.welcome(introducers)
  }

  /**
   * The server sends at least a `ping` each interval; after two of silence the connection is half-open. The page sends no
   * beat of its own, for the timers of hidden tabs come as rarely as once a minute: that this end lives, the server
   * learns from the protocol pongs of the browser.
   */
  #watch(due = this.#lastHeard + 2 * this.#pingMs, excusedAt = Number.NEGATIVE_INFINITY): void {
    this.#arm(due - this.#now(), () => {
      const now = this.#now()
      if (now < this.#lastHeard + 2 * this.#pingMs) {
        this.#watch()
      } else if (now - due > this.#pingMs && excusedAt < this.#lastHeard) {
        // The timer comes late, so it was this page that stood still, and what the server sent may be queued right behind
        // this call. It gets one interval more to be read, once in each silence.
        this.#watch(now + this.#pingMs, now)
      } else {
        this.#lose('the server fell silent')
      }
    })
  }

  #lose(reason: string): void {
    const wasUp = this.#phase === 'up'
    const now = this.#now()
    const socket = this.#abandon()
    socket?.close()
    socket?.terminate?.()
    const settled = wasUp && now - this.#upSince >= settledMs
    if (settled) this.#attempts = 0
    if (wasUp) this.#counters.losses++
    else this.#counters.failedAttempts++
    const { url } = this
    if (this.#scoutBefore !== undefined && (settled || this.#at + 1 >= this.#scoutBefore)) {
      this.#phase = 'closed'
      this.#options.log.debug(`signaling: ${url}: ${reason}; staying where this peer is`)
      this.#events.down(reason)
      return
    }
    this.#at = settled ? 0 : (this.#at + 1) % this.#urls.length
    const rounds = Math.floor(this.#attempts / this.#urls.length)
    // On from one server to the next without a pause: who comes at the same time was spread when the round began.
    const limitMs = wasUp || this.#at === 0 ? Math.min(backoffMaxMs, backoffFirstMs * 2 ** rounds) : 0
    // The tenth failure in a row is no news, nor is what a scout does not find.
    const isNews = this.#scoutBefore === undefined && (wasUp || this.#attempts === 0)
    this.#attempts = Math.min(this.#attempts + 1, attemptsMax)
    this.#phase = 'waiting'
    this.#arm(this.#options.random() * limitMs, () => this.#connect())
    this.#options.log[isNews ? 'warn' : 'debug'](`signaling: ${url}: ${reason}; trying again`)
    this.#events.down(reason)
  }

  #end(): Promise<void> {
    const wasOpen = this.#isOpen
    const socket = this.#abandon()
    this.#phase = 'closed'
    if (!socket) return Promise.resolve()
    if (wasOpen) socket.send(encodeClientText({ t: 'bye' }))
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        socket.terminate?.()
        resolve()
      }, closeTimeoutMs)
      socket.onclose = () => {
        clearTimeout(deadline)
        resolve()
      }
      socket.close(closeCodes.goodbye)
    })
  }

  /** Lets go of socket and timer. The socket stays silent from here on, for it is no longer the one in use. */
  #abandon(): WebSocketLike | undefined {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    return socket
  }

  #arm(ms: number, fire: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(fire, Math.max(0, ms))
  }
}
