/**
 * The connections that the application opens to single members, beside the links of the gossip: for files, video, whatever
 * is too much for messages. They are signalled like links, and are closed with the peer.
 */

import { Allowance, isPeerId, type Member, type PeerId, randomInt, ShoalError, shown } from '../core/index.ts'
import { Call, type CallEvents } from './call.ts'
import { type CallNumber, type CallParts, type CallSignal, parseCallSignal, type Refusal } from './call-signal.ts'
import type { DirectConnection } from './direct-connection.ts'
import type { Grounds } from './grounds.ts'
import { checkFunction } from './listeners.ts'
import { reasonOf } from './rtc-connection.ts'
import { checkSignal, onAbort } from './signal.ts'

/** Open ones and those in the making; others may open them up to the second number only. */
export const connectionsMax = 64
export const connectionsForOthersMax = 32
/** Connections that are left to the links of the gossip at any moment, of those that may be made at once (`RtcBudget`). */
export const reservedForLinks = 24

/** Calls of one caller: at once, and a second from then on. */
const callerBurst = 8
const callerPerSecond = 0.2
/** The same of all callers together, since ids cost nothing: half of what a page may make. */
const callersBurst = 24
const callersPerSecond = 0.25
/** Callers whose calls are counted, the oldest forgotten first. */
const callersMax = 256
/** Refusals go the way of signals, where there is room for 128: whoever floods us with calls gets no more of them. */
const refusalsBurst = 16
const refusalsPerSecond = 2
/** Calls that are over are remembered, since their offers may come again by another way. */
const overMax = 512

type Listener = (connection: DirectConnection, member: Member) => void

interface Waiting {
  resolve(connection: DirectConnection): void
  reject(reason: unknown): void
}

export class Connections {
  readonly #grounds: Grounds
  readonly #listeners = new Set<{ call: Listener }>()
  readonly #calls = new Map<string, Call>()
  /** Our own calls that are not open yet, and who waits for them. */
  readonly #waiting = new Map<Call, Waiting>()
  readonly #over = new Set<string>()
  readonly #callers = new Map<PeerId, Allowance>()
  readonly #allCallers = new Allowance(callersPerSecond, callersBurst, Number.NEGATIVE_INFINITY)
  readonly #refusals = new Allowance(refusalsPerSecond, refusalsBurst, Number.NEGATIVE_INFINITY)
  readonly #callEvents: CallEvents
  /** For each connection, however it ends, what resolves when it is gone. */
  readonly #gone = new Set<Promise<void>>()
  /** They count up from a random start: no two are the same, and a third one cannot guess them. */
  #nextNumber: CallNumber
  readonly #counts = { called: 0, taken: 0, opened: 0, failed: 0, refused: 0, badSignal: 0, staleSignal: 0 }

  constructor(grounds: Grounds) {
    this.#grounds = grounds
    this.#nextNumber = 1 + randomInt(grounds.parts.random, 2 ** 31)
    this.#callEvents = {
      tell: (call, signal) => this.#signal(call.peer, signal),
      connected: (call) => this.#connected(call),
      failed: (call, reason) => this.#failed(call, reason),
    }
    this.attach()
  }

  /** The peer stands on new parts. */
  attach(): void {
    this.#carrier?.listen({
      receive: (from, data) => this.#receive(from, data),
      unreachable: (to) => this.#unreachable(to),
    })
  }

  async connect(id: PeerId, { signal }: { signal?: AbortSignal } = {}): Promise<DirectConnection> {
    checkSignal(signal)
    signal?.throwIfAborted()
    this.#grounds.assertPresent('opened')
    const [carrier, member] = this.#connectable(id)
    const refuse = (problem: string) =>
      new ShoalError('too_many', `connect: ${problem}; expected a connection to be closed, or a moment to pass, first`)
    if (this.#calls.size >= connectionsMax) throw refuse(`this peer has ${connectionsMax} connections`)
    if (!carrier.budget.take(reservedForLinks)) throw refuse('this page has made too many connections lately')
    const call = this.#open(carrier, id, this.#nextNumber++, true)
    if (typeof call === 'string') throw new ShoalError('connection_failed', `connect: to ${titleOf(member)}: ${call}`)
    this.#counts.called++
    call.begin()
    return new Promise<DirectConnection>((resolve, reject) => {
      const settle = (end: () => void) => {
        this.#waiting.delete(call)
        callOff()
        end()
      }
      const abort = () => {
        settle(() => reject(signal?.reason))
        this.#giveUp(call)
      }
      this.#waiting.set(call, {
        resolve: (connection) => settle(() => resolve(connection)),
        reject: (reason) => settle(() => reject(reason)),
      })
      const callOff = onAbort(signal, abort)
    })
  }

  onConnection(listener: Listener): () => void {
    checkFunction('onConnection', listener)
    const entry = { call: listener }
    this.#listeners.add(entry)
    return () => {
      this.#listeners.delete(entry)
    }
  }

  /** The view has changed: a caller that was not known before may be so now. */
  review(): void {
    for (const call of this.#calls.values()) if (call.state === 'connected') this.#announce(call)
  }

  counters(): Readonly<Record<string, number>> {
    const { called, taken, opened, failed, refused, badSignal, staleSignal } = this.#counts
    return {
      connections_open: [...this.#calls.values()].filter(({ state }) => state === 'open').length,
      connections_called: called,
      connections_taken: taken,
      connections_opened: opened,
      connections_failed: failed,
      connections_refused: refused,
      connections_bad_signal: badSignal,
      connections_stale_signal: staleSignal,
    }
  }

  /** Closes all, open or not; resolves when they are gone. All that matters happens before it returns. */
  async close(): Promise<void> {
    for (const call of [...this.#calls.values()]) {
      const waiting = this.#waiting.get(call)
      this.#giveUp(call)
      waiting?.reject(new ShoalError('left', 'connect: this peer has left its room'))
    }
    await Promise.all(this.#gone)
  }

  get #carrier(): CallParts | undefined {
    return this.#grounds.parts.calls
  }

  /** Throws where there can be no connection to this member. */
  #connectable(id: PeerId): [CallParts, Member] {
    const { swim } = this.#grounds
    const member = swim.member(id)
    if (member === undefined || member.status === 'dead' || member.status === 'left') {
      const problem = member ? `${titleOf(member)} is ${member.status === 'left' ? 'gone' : 'dead'}` : 'there is none'
      throw new ShoalError(
        'unknown_member',
        `connect: expected the id of a member present, got ${shown(id)}: ${problem}`,
      )
    }
    const no = (problem: string) => new ShoalError('not_connectable', `connect: ${problem}`)
    if (id === swim.id) throw no('expected another member, got the id of this peer itself')
    const carrier = this.#carrier
    if (!carrier) throw no('this peer has no WebRTC; it would take a browser that has it, or `signaling` under Node')
    if (!member.endpoints.some((endpoint) => endpoint.startsWith('rtc:'))) {
      throw no(`${titleOf(member)} has no WebRTC; it can be reached by ${kindsOf(member)} only`)
    }
    return [carrier, member]
  }

  /** Why it could not be made, or the call. */
  #open(carrier: CallParts, peer: PeerId, number: CallNumber, calling: boolean): Call | string {
    let call: Call
    try {
      const later = (ms: number, run: () => void) => this.#grounds.remind(ms, run)
      call = new Call(peer, number, calling, carrier.platform, this.#callEvents, later)
    } catch (error) {
      return reasonOf(error)
    }
    carrier.budget.made(call.connection)
    this.#calls.set(keyOf(peer, number), call)
    this.#gone.add(call.gone)
    void call.gone.then(() => this.#gone.delete(call.gone))
    return call
  }

  // Signals

  #receive(from: PeerId, data: unknown): void {
    const { swim } = this.#grounds
    if (swim.status === 'left') return
    const signal = isPeerId(from) && from !== swim.id ? parseCallSignal(data) : undefined
    if (!signal) this.#counts.badSignal++
    else if (signal.t === 'offer') this.#receiveOffer(from, signal.c, signal.sdp)
    else if (!this.#heed(this.#calls.get(keyOf(from, signal.c)), signal)) {
      this.#counts.staleSignal++
      // It may have overtaken its offer.
      if (signal.t === 'end') this.#remember(keyOf(from, signal.c))
    }
  }

  #receiveOffer(from: PeerId, number: CallNumber, sdp: string): void {
    const key = keyOf(from, number)
    const carrier = this.#carrier
    if (!carrier || this.#calls.has(key) || this.#over.has(key)) {
      this.#counts.staleSignal++
      return
    }
    const refusal = this.#refusal(from, carrier)
    const call = refusal ?? this.#open(carrier, from, number, false)
    if (typeof call === 'string') this.#refuse(from, number, call === 'unheard' ? call : 'busy', carrier)
    else {
      this.#counts.taken++
      call.begin(sdp)
    }
  }

  #refusal(from: PeerId, carrier: CallParts): Refusal | undefined {
    if (this.#listeners.size === 0) return 'unheard'
    const now = carrier.now()
    const hasRoom = this.#calls.size < connectionsForOthersMax
    const isAllowed = hasRoom && this.#callerOf(from, now).take(1, now) && this.#allCallers.take(1, now)
    return isAllowed && carrier.budget.take(reservedForLinks) ? undefined : 'busy'
  }

  #refuse(from: PeerId, number: CallNumber, why: Refusal, carrier: CallParts): void {
    this.#counts.refused++
    this.#remember(keyOf(from, number))
    if (this.#refusals.take(1, carrier.now())) this.#signal(from, { t: 'refuse', c: number, why })
  }

  /** False where it is about nothing that there is. */
  #heed(call: Call | undefined, signal: Exclude<CallSignal, { t: 'offer' }>): boolean {
    if (!call) return false
    switch (signal.t) {
      case 'answer':
        return call.takeAnswer(signal.sdp)
      case 'candidates':
        for (const candidate of signal.list) if (!call.takeCandidate(candidate)) this.#counts.badSignal++
        return true
      case 'refuse':
        if (call.answered || call.state !== 'opening') return false
        this.#end(call, this.#refusedBy(call.peer, signal.why))
        return true
      case 'end':
        // An open one ends by itself.
        if (call.state !== 'opening') return false
        this.#end(call, this.#failure(call, 'given up by the other side'))
        return true
      case 'media':
        return call.takeMedia(signal)
      case 'offer':
        return false
    }
  }

  #unreachable(to: PeerId): void {
    for (const call of [...this.#calls.values()]) {
      if (call.peer === to && call.state === 'opening' && !call.answered) {
        this.#end(call, this.#failure(call, 'no way for signals, neither over the mesh nor by a signalling server'))
      }
    }
  }

  #signal(to: PeerId, signal: CallSignal): void {
    this.#carrier?.signal(to, signal)
  }

  // What becomes of calls

  #connected(call: Call): void {
    if (!call.calling) return this.#announce(call)
    const waiting = this.#waiting.get(call)
    this.#handOver(call)
    waiting?.resolve(call.connection)
    call.startMedia()
  }

  /** A caller that the view does not have yet, since news travel more slowly than its call, waits until it does. */
  #announce(call: Call): void {
    const member = this.#grounds.swim.member(call.peer)
    if (call.state !== 'connected' || !member || member.status === 'dead' || member.status === 'left') return
    this.#handOver(call)
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) this.#grounds.guard(() => listener.call(call.connection, member))
    }
    call.startMedia()
  }

  #handOver(call: Call): void {
    this.#counts.opened++
    call.handOver()
  }

  #failed(call: Call, reason: string): void {
    this.#giveUp(call, this.#failure(call, reason))
  }

  /** Before a connection was open the other side cannot see that it ended, so it is told. */
  #giveUp(call: Call, error?: ShoalError): void {
    if (call.state === 'opening') this.#signal(call.peer, { t: 'end', c: call.number })
    this.#end(call, error)
  }

  #end(call: Call, error?: ShoalError): void {
    if (call.state === 'ended') return
    if (call.state === 'opening') this.#counts.failed++
    const waiting = this.#waiting.get(call)
    const key = keyOf(call.peer, call.number)
    call.end()
    this.#calls.delete(key)
    this.#remember(key)
    if (error) waiting?.reject(error)
  }

  #failure(call: Call, reason: string): ShoalError {
    return new ShoalError('connection_failed', `connect: to ${this.#title(call.peer)}: ${reason}`)
  }

  #refusedBy(peer: PeerId, why: Refusal): ShoalError {
    const reason = why === 'unheard' ? 'nobody listens there by onConnection' : 'it has too many connections just now'
    return new ShoalError('connection_refused', `connect: refused by ${this.#title(peer)}: ${reason}`)
  }

  #title(id: PeerId): string {
    const member = this.#grounds.swim.member(id)
    return member ? titleOf(member) : id
  }

  #callerOf(peer: PeerId, now: number): Allowance {
    const caller = this.#callers.get(peer) ?? new Allowance(callerPerSecond, callerBurst, now)
    this.#callers.delete(peer)
    this.#callers.set(peer, caller)
    if (this.#callers.size > callersMax) this.#callers.delete(this.#callers.keys().next().value!)
    return caller
  }

  #remember(key: string): void {
    this.#over.add(key)
    if (this.#over.size > overMax) this.#over.delete(this.#over.keys().next().value!)
  }
}

function keyOf(peer: PeerId, number: CallNumber): string {
  return `${peer} ${number}`
}

function titleOf({ name, id }: Member): string {
  return `${name} (${id})`
}

function kindsOf({ endpoints }: Member): string {
  return endpoints.map((endpoint) => endpoint.slice(0, endpoint.indexOf(':'))).join(' and ') || 'nothing'
}
