/**
 * What linked channels say to each other before there is a link, over the mesh. Each signal is acknowledged and repeated by
 * other ways, since a lost offer would cost a whole attempt; what does not get through is handed back for another way.
 */

import { type Header, PacketWriter, signalBytesMax } from './codec.ts'
import type { Host } from './host.ts'
import type { PeerId } from './ids.ts'
import type { Mesh } from './mesh.ts'

interface Signal {
  readonly to: PeerId
  readonly data: Uint8Array
  attempts: number
  /** First hops that were tried. */
  readonly tried: Set<number>
}

/** Signals under way; beyond it another way has to be taken. */
const signalsMax = 128
const attemptsMax = 3
/** Until the next attempt, and longer from time to time. */
const ackTimeoutMs = 800
/** Signals that were taken are remembered for as long as they may be repeated; at most so many. */
const takenMax = 512

interface SignalsOwner {
  wake(seq: number, at: number): void
  nextSeq(): number
}

export class Signals {
  readonly #mesh: Mesh
  readonly #host: Pick<Host, 'signal' | 'signalLost'>
  readonly #owner: SignalsOwner
  readonly #writer: PacketWriter
  readonly #waiting = new Map<number, Signal>()
  readonly #taken = new Set<string>()

  constructor(tag: number, mesh: Mesh, host: Pick<Host, 'signal' | 'signalLost'>, owner: SignalsOwner) {
    this.#mesh = mesh
    this.#host = host
    this.#owner = owner
    this.#writer = new PacketWriter(tag)
  }

  /** False if another way has to be taken at once. `data` is borrowed. */
  send(kind: string, to: PeerId, data: Uint8Array, now: number): boolean {
    if (kind !== this.#mesh.kind || data.length > signalBytesMax || this.#waiting.size >= signalsMax) return false
    const seq = this.#owner.nextSeq()
    const signal = { to, data: new Uint8Array(data), attempts: 0, tried: new Set<number>() }
    if (!this.#try(seq, signal, now)) return false
    this.#waiting.set(seq, signal)
    return true
  }

  /** One of somebody else; what to answer it with. */
  receive(signal: Header & { kind: 'signal' }, from: PeerId): Header {
    const key = `${from}${signal.seq}`
    if (!this.#taken.has(key)) {
      if (this.#taken.size >= takenMax) this.#taken.delete(this.#taken.keys().next().value!)
      this.#taken.add(key)
      this.#host.signal(this.#mesh.kind, from, signal.data)
    }
    return { kind: 'signalAck', seq: signal.seq }
  }

  receiveAck(seq: number): void {
    this.#waiting.delete(seq)
  }

  /** The mesh does not lead to this peer. */
  astray(to: PeerId): void {
    for (const [seq, signal] of this.#waiting) if (signal.to === to) this.#giveUp(seq, signal)
  }

  /** No ack in time. */
  expire(seq: number, now: number): void {
    const signal = this.#waiting.get(seq)
    if (signal && (signal.attempts >= attemptsMax || !this.#try(seq, signal, now))) this.#giveUp(seq, signal)
  }

  #try(seq: number, signal: Signal, now: number): boolean {
    this.#writer.begin({ kind: 'signal', seq, data: signal.data })
    const packet = new Uint8Array(this.#writer.finish())
    const path = this.#mesh.send(signal.to, packet, signal.tried) ?? this.#mesh.send(signal.to, packet)
    if (path === undefined) return false
    if (path.length > 1) signal.tried.add(path[0]!)
    signal.attempts++
    this.#owner.wake(seq, now + ackTimeoutMs * signal.attempts)
    return true
  }

  #giveUp(seq: number, { to, data }: Signal): void {
    this.#waiting.delete(seq)
    this.#host.signalLost(this.#mesh.kind, to, data)
  }
}
