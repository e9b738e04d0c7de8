/**
 * Drives the core: reads the clock, calls in, re-arms one timer. It owns the channels and carries out what the core asks.
 */

import {
  type Channel,
  type ChannelEvents,
  type Endpoint,
  type Host,
  kindOf,
  type PeerId,
  Swim,
  type SwimEvent,
  type SwimOptions,
  steady,
} from '../core/index.ts'

export type Clock = () => number

/** Milliseconds since the epoch that never run backwards, whatever is done to the system's clock. */
export const monotonicClock: Clock = () => performance.timeOrigin + performance.now()

/** A timer that fires this late lets what has arrived meanwhile be handled first. */
const lateMs = 50
/** Calls that arrive while the core runs, such as a packet a channel hands back at once; beyond it they are dropped. */
const waitingMax = 1024

export class Driver implements Host {
  readonly #clock: Clock
  readonly #listen: (event: SwimEvent) => void
  #swim: Swim | undefined
  #channels: readonly Channel[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #running = false
  #dispatching = false
  #closed = false
  readonly #waiting: ((swim: Swim, now: number) => void)[] = []
  readonly #events: SwimEvent[] = []

  /**
   * `listen` hears every event after the call into the core that raised it; it may call the driver. `clock` may be set
   * while it runs: what is set back is made good, a jump ahead is taken for an absence.
   */
  constructor(listen: (event: SwimEvent) => void, clock: Clock = monotonicClock) {
    this.#listen = listen
    this.#clock = steady(clock)
  }

  /** What a channel of this kind tells; before `start` nothing is listened to. */
  eventsOf(kind: string): ChannelEvents {
    return {
      receive: (from, packet) => {
        // While the core runs the packet has to wait, and it is only borrowed.
        const kept = this.#running ? new Uint8Array(packet) : packet
        this.call((swim, now) => swim.receive(kept, from, now))
      },
      linkUp: (peer) => this.call((swim, now) => swim.linkUp(kind, peer, now)),
      linkDown: (peer) => this.call((swim, now) => swim.linkDown(kind, peer, now)),
      available: (yes) => this.call((swim, now) => swim.channelAvailable(kind, yes, now)),
    }
  }

  /** Starts the core on channels that are open. */
  start(options: Omit<SwimOptions, 'channels' | 'host' | 'now'>, channels: readonly Channel[]): Swim {
    this.#channels = channels
    this.#swim = new Swim({ ...options, channels, host: this, now: this.#clock() })
    this.#arm()
    return this.#swim
  }

  /** Calls into the core and does what follows. Without a core, or behind `close`, it does nothing. */
  call(run: (swim: Swim, now: number) => void): void {
    const swim = this.#swim
    if (swim === undefined || this.#closed) return
    if (this.#running) {
      if (this.#waiting.length < waitingMax) this.#waiting.push(run)
      return
    }
    this.#running = true
    try {
      run(swim, this.#clock())
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) next(swim, this.#clock())
    } finally {
      this.#running = false
      this.#arm()
    }
    this.#dispatch()
  }

  /** Closes the channels; nothing is called or called back afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#events.length = 0
    this.#waiting.length = 0
    await Promise.all(this.#channels.map((channel) => channel.close()))
  }

  // What the core asks for (see Host)

  send(to: Endpoint, packet: Uint8Array): void {
    this.#channel(kindOf(to))?.send(to, packet)
  }

  dial(kind: string, to: PeerId): void {
    this.#channel(kind)?.dial?.(to)
  }

  hangUp(kind: string, to: PeerId): void {
    this.#channel(kind)?.hangUp?.(to)
  }

  notify(event: SwimEvent): void {
    this.#events.push(event)
  }

  #channel(kind: string): Channel | undefined {
    return this.#channels.find((channel) => channel.kind === kind)
  }

  #dispatch(): void {
    if (this.#dispatching) return
    this.#dispatching = true
    try {
      for (let event = this.#events.shift(); event; event = this.#events.shift()) this.#listen(event)
    } finally {
      this.#dispatching = false
    }
  }

  #arm(): void {
    const at = this.#swim?.nextTimeout() ?? Number.POSITIVE_INFINITY
    if (this.#closed || at === this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(() => this.#wake(at), Math.max(0, Math.ceil(at - this.#clock())))
  }

  #wake(at: number): void {
    const tick = () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.call((swim, now) => swim.tick(now))
    }
    // Late, so this process was busy or away: packets that are queued come first, verdicts after them.
    if (this.#clock() - at > lateMs) this.#timer = setTimeout(tick, 0)
    else tick()
  }
}
