/** Signalling servers of paper, which go away and come back as a test says, and the sockets to them. */

import type { PeerId } from '../core/index.ts'
import { encodePacket, encodeServerText, parseClientFrame, type ServerText } from '../signaling/protocol.ts'
import type { WebSocketLike } from './signaling.ts'

export class FakeServer {
  /** By their addresses; whatever else is dialled refuses. */
  static readonly all = new Map<string, FakeServer>()

  readonly #url: string
  readonly #sockets = new Set<FakeSocket>()
  #running = true
  /** Whether it welcomes anybody. */
  answers = true
  /** Nothing gets from it to anybody, as where its network is gone. */
  mute = false
  /** How long it takes to pass something on. */
  delayMs = 1
  /** When sockets were opened, in vain or not, and when they were welcomed since it was started last. */
  readonly attempts: number[] = []
  readonly arrivals: number[] = []
  /** The token of each hello. */
  readonly hellos: (string | undefined)[] = []

  constructor(url: string) {
    this.#url = url
    FakeServer.all.set(url, this)
  }

  /** Who has been welcomed and is there still; twice where it has two sockets. */
  get present(): PeerId[] {
    return [...this.#sockets].flatMap(({ id }) => (id === undefined ? [] : [id]))
  }

  /** Open sockets, also of those it has not welcomed. */
  get connections(): number {
    return this.#sockets.size
  }

  take(socket: FakeSocket): void {
    this.attempts.push(performance.now())
    if (!this.#running) return socket.fail(`${this.#url} refused`)
    this.#sockets.add(socket)
    socket.onopen?.()
  }

  hear(socket: FakeSocket, data: string | Uint8Array): void {
    const frame = parseClientFrame(data)
    if (frame.t === 'bye') this.drop(socket)
    if (frame.t === 'signal')
      this.#pass(socket, frame.to, encodeServerText({ t: 'signal', from: socket.id!, data: frame.data }))
    // Borrowed until this call returns.
    if (frame.t === 'packet') this.#pass(socket, frame.peer, encodePacket(socket.id!, frame.packet).slice().buffer)
    if (frame.t !== 'hello' || !this.answers) return
    this.arrivals.push(performance.now())
    this.hellos.push(frame.token)
    socket.id = frame.id
    const introducers = this.present.filter((id) => id !== frame.id).slice(0, 4)
    socket.say({ t: 'welcome', token: `token of ${this.#url}`, introducers, pingMs: 20_000 })
    // The watchdog has to hear something now and then.
    const beat = () => {
      if (!this.#sockets.has(socket)) return
      socket.say({ t: 'ping' })
      setTimeout(beat, 20_000)
    }
    setTimeout(beat, 20_000)
  }

  drop(socket: FakeSocket): void {
    this.#sockets.delete(socket)
  }

  #pass(from: FakeSocket, id: PeerId, frame: unknown): void {
    setTimeout(() => {
      const to = [...this.#sockets].find((socket) => socket.id === id)
      if (to) to.hear(frame)
      else if (typeof frame === 'string') from.say({ t: 'absent', id })
    }, this.delayMs)
  }

  hangUp(): void {
    const open = [...this.#sockets]
    this.#sockets.clear()
    for (const socket of open) socket.fail('the server restarts')
  }

  stop(): void {
    this.#running = false
    this.hangUp()
  }

  restart(): void {
    this.stop()
    this.arrivals.length = 0
    this.#running = true
  }
}

export class FakeSocket implements WebSocketLike {
  binaryType = 'blob'
  bufferedAmount = 0
  readyState = 1
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: (() => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  /** Of the one who said hello. */
  id: PeerId | undefined
  readonly #server: FakeServer | undefined

  constructor(url: string) {
    this.#server = FakeServer.all.get(url)
    setTimeout(() => {
      if (this.readyState !== 1) return
      if (this.#server) this.#server.take(this)
      else this.fail(`${url} refused`)
    }, 1)
  }

  send(data: string | Uint8Array): void {
    this.#server!.hear(this, data)
  }

  close(): void {
    if (this.readyState !== 1) return
    this.readyState = 2
    this.#server?.drop(this)
    setTimeout(() => this.fail('closed here'), 1)
  }

  say(message: ServerText): void {
    this.hear(encodeServerText(message))
  }

  hear(data: unknown): void {
    if (!this.#server?.mute) this.onmessage?.({ data })
  }

  fail(reason: string): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.onclose?.({ code: 1006, reason })
  }
}
