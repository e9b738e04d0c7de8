/**
 * One socket of the signalling server, from its first frame to its end. It belongs to nobody until its hello is accepted,
 * then to one id in one room. A socket that ends without a bye is not announced to anybody: whether its peer lives is the
 * gossip's business.
 */

import type { RawData, WebSocket } from 'ws'
import { Allowance, costOf, type PeerId } from '../core/index.ts'
import type { Log } from '../peer/options.ts'
import type { Tally } from './counters.ts'
import type { SignalingLimits } from './options.ts'
import {
  type ClientFrame,
  closeCodes,
  encodePacket,
  encodeServerText,
  introducersMax,
  parseClientFrame,
  protocolVersion,
  type RefusalCode,
  type ServerText,
} from './protocol.ts'
import type { IceServer } from './protocol-ice.ts'
import type { Place, Rooms } from './rooms.ts'
import type { Tokens } from './tokens.ts'
import type { IceIssuer } from './turn.ts'

/** What all sessions of a server share. */
export interface House {
  readonly rooms: Rooms<Session>
  readonly tokens: Tokens
  /** Undefined where there is no server to tell of. */
  readonly ice: IceIssuer | undefined
  readonly limits: Readonly<SignalingLimits>
  readonly pingIntervalMs: number
  readonly tally: Tally
  readonly log: Log
  now(): number
}

export class Session {
  readonly #house: House
  readonly #socket: WebSocket
  readonly #allowance: Allowance
  readonly #floods: Allowance
  readonly #helloTimer: NodeJS.Timeout
  #place: Place<Session> | undefined
  #malformed = 0
  #iceDueAt = Number.POSITIVE_INFINITY
  /** Anything at all came in since the last beat. */
  #heard = true
  /** Once set, frames that are still on their way in are not looked at. */
  #ended = false

  constructor(house: House, socket: WebSocket) {
    const { limits } = house
    this.#house = house
    this.#socket = socket
    this.#allowance = new Allowance(limits.messagesPerSecond, limits.messageBurst, house.now())
    this.#floods = new Allowance(limits.messagesPerSecond, limits.floodBurst, house.now())
    this.#helloTimer = setTimeout(() => this.#onHelloTimeout(), limits.helloTimeoutMs)
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    // Protocol pings and pongs cost us too; browsers send no pings, so answering within the allowance hurts nobody.
    socket.on('ping', (data) => this.#isAllowed(data.length) && socket.pong(data))
    socket.on('pong', (data) => this.#isAllowed(data.length))
    socket.on('close', () => this.#release())
    // What ws refuses by itself (an oversize frame, bad UTF-8, too many fragments) it reports here and closes.
    socket.on('error', (error) => {
      house.tally.malformed++
      house.log.debug(`signaling: a socket was closed: ${error.message}`)
    })
  }

  /**
   * Called once per ping interval. A half-open connection looks like a silent one, so each interval asks for a pong; two
   * beats without any sign of life in between end it. The pong comes from the browser itself, even for a frozen page. Pages
   * cannot see protocol pings, so they get a text frame too: for them any frame at all is the sign of life.
   */
  beat(): void {
    if (this.#ended) return
    if (!this.#heard) {
      this.#house.tally.halfOpen++
      this.terminate()
      return
    }
    this.#heard = false
    this.#socket.ping()
    if (!this.#place) return
    this.#send({ t: 'ping' })
    // It is the server that keeps the time: the timers of a hidden page come late, and its clock may be wrong.
    const { ice } = this.#house
    if (ice && this.#house.now() >= this.#iceDueAt) {
      this.#send({ t: 'ice', servers: this.#iceFor(ice, this.#place.id) })
    }
  }

  /** Says why and closes; whoever does not answer is cut off by ws after its close timeout. */
  close(code: number, reason: string): void {
    this.#release()
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#release()
    this.#socket.terminate()
  }

  deliverSignal(from: PeerId, data: object): void {
    this.#house.tally.signalsRelayed++
    this.#send({ t: 'signal', from, data })
  }

  deliverPacket(from: PeerId, packet: Uint8Array): void {
    const { tally, limits } = this.#house
    if (this.#socket.bufferedAmount > limits.bufferedBytesDrop) {
      tally.packetsDroppedSlow++
      return
    }
    tally.packetsRelayed++
    tally.packetBytesRelayed += packet.length
    this.#socket.send(encodePacket(from, packet))
  }

  #receive(data: RawData, isBinary: boolean): void {
    // ws gives Buffers: `binaryType` is left at its default.
    const bytes = data as Buffer
    if (!this.#isAllowed(bytes.length)) return
    const frame = parseClientFrame(isBinary ? bytes : bytes.toString('utf8'))
    const { tally } = this.#house
    if (frame.t === 'ignored') tally.ignored++
    else if (frame.t === 'malformed') this.#strike(frame.reason)
    else if (frame.t === 'bye') this.close(closeCodes.goodbye, '')
    else if (frame.t === 'hello') this.#hello(frame)
    else if (!this.#place) this.#strike('say hello first')
    else if (frame.t === 'introduce') this.#send({ t: 'introducers', ids: this.#introducers(this.#place) })
    else this.#relay(this.#place, frame)
  }

  #hello(hello: Extract<ClientFrame, { t: 'hello' }>): void {
    if (this.#place) {
      this.#strike('hello may be said once')
      return
    }
    if (hello.v !== protocolVersion) {
      this.#refuse('version', `this server speaks version ${protocolVersion}`)
      return
    }
    const { rooms, tokens, tally, pingIntervalMs, ice } = this.#house
    const { room, id, token } = hello
    const claim = (token !== undefined ? tokens.claimOf(token, room, id) : undefined) ?? tokens.newClaim()
    const entrance = rooms.join(room, id, claim, this)
    if (typeof entrance === 'string') {
      this.#refuse(entrance, refusals[entrance])
      return
    }
    if (entrance.replaced) {
      tally.replaced++
      entrance.replaced.close(closeCodes.replaced, 'replaced by a newer socket of the same id')
    }
    clearTimeout(this.#helloTimer)
    this.#place = entrance.place
    tally.welcomes++
    const introducers = this.#introducers(entrance.place)
    const iceServers = ice && { iceServers: this.#iceFor(ice, id) }
    this.#send({
      t: 'welcome',
      token: tokens.issue(room, id, claim),
      introducers,
      pingMs: pingIntervalMs,
      ...iceServers,
    })
  }

  #relay(place: Place<Session>, frame: Extract<ClientFrame, { t: 'signal' | 'packet' }>): void {
    const to = frame.t === 'signal' ? frame.to : frame.peer
    const target = this.#house.rooms.find(place, to)
    if (!target) {
      this.#house.tally.absent++
      // Nothing is kept for the absent. Packets may get lost at any time, so only a signal's sender is told.
      if (frame.t === 'signal') this.#send({ t: 'absent', id: to })
    } else if (frame.t === 'signal') target.deliverSignal(place.id, frame.data)
    else target.deliverPacket(place.id, frame.packet)
  }

  /** Credentials begin to age when they are made, so each socket is due at a time of its own. */
  #iceFor(ice: IceIssuer, id: PeerId): IceServer[] {
    this.#iceDueAt = this.#house.now() + ice.renewAfterMs
    return ice.serversFor(id)
  }

  #introducers(place: Place<Session>): PeerId[] {
    return this.#house.rooms.introducers(place, introducersMax)
  }

  /** Counts as a sign of life in any case; false for what is beyond the allowance and must not be acted on. */
  #isAllowed(bytes: number): boolean {
    if (this.#ended) return false
    const { limits, tally } = this.#house
    const now = this.#house.now()
    this.#heard = true
    if (this.#allowance.take(costOf(bytes, limits.bytesPerMessage), now)) return true
    tally.rateDropped++
    if (this.#floods.take(1, now)) return false
    tally.floodClosed++
    this.close(closeCodes.policy, 'too many messages')
    return false
  }

  #strike(reason: string): void {
    const { limits, tally } = this.#house
    tally.malformed++
    if (++this.#malformed < limits.malformedMax) return
    tally.malformedClosed++
    this.close(closeCodes.policy, reason)
  }

  #refuse(code: RefusalCode, message: string): void {
    this.#house.tally.helloRefused++
    this.#send({ t: 'error', code, message })
    this.close(code.endsWith('full') ? closeCodes.full : closeCodes.policy, message)
  }

  #send(message: ServerText): void {
    if (this.#socket.bufferedAmount > this.#house.limits.bufferedBytesMax) {
      this.#house.tally.slowDisconnected++
      this.terminate()
      return
    }
    this.#socket.send(encodeServerText(message))
  }

  #onHelloTimeout(): void {
    this.#house.tally.helloTimeouts++
    this.close(closeCodes.policy, 'no hello in time')
  }

  /** Gives up the place and the timer; the socket itself may take a moment longer. */
  #release(): void {
    this.#ended = true
    clearTimeout(this.#helloTimer)
    if (this.#place) this.#house.rooms.leave(this.#place)
    this.#place = undefined
  }
}

const refusals = {
  id_taken: 'another socket holds this id',
  room_full: 'the room is full',
  rooms_full: 'the server has no space for another room',
} as const
