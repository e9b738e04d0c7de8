/**
 * Drives the core: reads the clock, calls in, re-arms one alarm. It owns the channels and carries out what the core asks.
 */

import {
  type Channel,
  type ChannelEvents,
  defaultConfig,
  type Endpoint,
  type Host,
  kindOf,
  type PeerId,
  Swim,
  type SwimEvent,
  type SwimOptions,
  steady,
} from '../core/index.ts'
import { type Alarm, TimerAlarm } from './alarm.ts'
import { type Clock, platformClock } from './clock.ts'
import { quietMs, Thaw } from './thaw.ts'

/** An alarm that rings this late lets what has arrived meanwhile be handled first. */
const lateMs = 50
/** One that is this many protocol periods late was set before this process or page stood still. */
const standstillPeriods = 2
/** News wait for company and for their turn, but no longer than this. */
const hurryMs = 50
/** How far the core's time may be ahead of the clock: a page may be hidden and frozen and hidden within one moment. */
const aheadMsMax = 500
/** What can fall due within `hurryMs` is a handful. */
const hurriedMax = 100
/** Calls that arrive while the core runs, such as a packet a channel hands back at once; beyond it they are dropped. */
const waitingMax = 1024

/** What a linked channel hears of its signals on the mesh. `data` is from a stranger, and it may be kept. */
export interface SignalEvents {
  receive(from: PeerId, data: Uint8Array): void
  /** One of ours found no way. */
  lost(to: PeerId, data: Uint8Array): void
}

export class Driver implements Host {
  readonly #clock: Clock
  readonly #listen: (event: SwimEvent) => void
  #swim: Swim | undefined
  #channels: readonly Channel[] = []
  #alarm: Alarm = new TimerAlarm()
  /** The deadline that the alarm is set for; Infinity where it is not set. */
  #alarmAt = Number.POSITIVE_INFINITY
  /** It rings at once, behind what has arrived by now. */
  #alarmSoon = false
  #standstillMs = Number.POSITIVE_INFINITY
  #thaw: Thaw | undefined
  /** How far the core's time has come, where it was hurried beyond the clock. */
  #reached = Number.NEGATIVE_INFINITY
  #running = false
  #dispatching = false
  #closed = false
  readonly #waiting: ((swim: Swim, now: number) => void)[] = []
  readonly #events: SwimEvent[] = []
  readonly #signals = new Map<string, SignalEvents>()

  /**
   * `listen` hears every event after the call into the core that raised it; it may call the driver. `clock` may be set
   * while it runs: what is set back is made good, a jump ahead is taken for an absence.
   */
  constructor(listen: (event: SwimEvent) => void, clock: Clock = platformClock()) {
    this.#listen = listen
    this.#clock = steady(clock)
  }

  /** What a channel of this kind tells; before `start` nothing is listened to. */
  eventsOf(kind: string): ChannelEvents {
    return {
      receive: (from, packet) => this.#receive(from, packet),
      linkUp: (peer) => this.call((swim, now) => swim.linkUp(kind, peer, now)),
      linkDown: (peer) => this.call((swim, now) => swim.linkDown(kind, peer, now)),
      available: (yes) => this.call((swim, now) => swim.channelAvailable(kind, yes, now)),
    }
  }

  /** From now on these hear of the signals of this kind of channel. */
  carrySignals(kind: string, events: SignalEvents): void {
    this.#signals.set(kind, events)
  }

  /** Starts the core on channels that are open, which are closed with the driver, as is the alarm. */
  start(
    options: Omit<SwimOptions, 'channels' | 'host' | 'now'>,
    channels: readonly Channel[],
    alarm: Alarm = new TimerAlarm(),
  ): Swim {
    this.#channels = channels
    this.#alarm = alarm
    this.#standstillMs = standstillPeriods * (options.config?.probePeriodMs ?? defaultConfig.probePeriodMs)
    this.#swim = new Swim({ ...options, channels, host: this, now: this.#clock() })
    this.#arm()
    return this.#swim
  }

  /**
   * Calls into the core and does what follows, or has it wait until the call that is running is over. False where that
   * will not be: without a core, behind `close`, or when too many wait.
   */
  call(run: (swim: Swim, now: number) => void): boolean {
    const swim = this.#swim
    if (swim === undefined || this.#closed) return false
    if (this.#running) {
      if (this.#waiting.length >= waitingMax) return false
      this.#waiting.push(run)
      return true
    }
    this.#running = true
    try {
      run(swim, this.now())
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) next(swim, this.now())
    } finally {
      this.#running = false
      this.#arm()
    }
    this.#dispatch()
    return true
  }

  /** The time for the core, which never runs backwards. */
  now(): number {
    return Math.max(this.#clock(), this.#reached)
  }

  /** The page is shown again, the network is back: what is due is done now, whenever the alarm would have rung. */
  wake(): void {
    this.call(() => {})
  }

  /**
   * Sends now what waits for company, since there may be no later: the page is about to be frozen. For this the core's
   * time runs ahead a little, and stays there until the clock has come up with it.
   */
  hurry(): void {
    // Just back from a standstill there is nothing worth telling: what waits is old, and the thaw comes first.
    if (this.#swim === undefined || this.#thaw || this.#stoodStill()) return this.wake()
    this.call((swim, now) => {
      const until = Math.min(now + hurryMs, this.#clock() + aheadMsMax)
      for (let ticks = 0; ticks < hurriedMax && swim.nextTimeout() <= until; ticks++) {
        this.#reached = Math.max(now, swim.nextTimeout())
        swim.tick(this.#reached)
      }
    })
  }

  /** Closes the channels; nothing is called or called back afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    this.#alarm.close()
    this.#thaw = undefined
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

  signal(kind: string, from: PeerId, data: Uint8Array): void {
    const kept = new Uint8Array(data)
    this.call(() => this.#signals.get(kind)?.receive(from, kept))
  }

  signalLost(kind: string, to: PeerId, data: Uint8Array): void {
    const kept = new Uint8Array(data)
    this.call(() => this.#signals.get(kind)?.lost(to, kept))
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

  #receive(from: Endpoint, packet: Uint8Array): void {
    if (this.#swim === undefined || this.#closed) return
    if (!this.#running && this.#stoodStill()) this.#beginThaw()
    if (this.#thaw) return this.#thaw.hold({ from, packet })
    // While the core runs the packet has to wait, and it is only borrowed.
    const kept = this.#running ? new Uint8Array(packet) : packet
    this.call((swim, now) => swim.receive(kept, from, now))
  }

  /**
   * Called after every call into the core. So where timers are held back, packets drive the core as well: a deadline that
   * has passed needs no timer, only its turn behind what has arrived already.
   */
  #arm(): void {
    if (this.#swim === undefined || this.#closed || this.#thaw) return
    const at = this.#swim.nextTimeout()
    const waitMs = Math.max(0, Math.ceil(at - this.#clock()))
    const soon = waitMs === 0
    if (at === this.#alarmAt && soon === this.#alarmSoon) return
    this.#alarmAt = at
    this.#alarmSoon = soon
    if (at === Number.POSITIVE_INFINITY) this.#alarm.clear()
    else this.#alarm.set(waitMs, () => this.#ring())
  }

  #ring(): void {
    const swim = this.#swim
    if (swim === undefined || this.#closed) return
    const late = this.#clock() - swim.nextTimeout() > lateMs
    if (this.#stoodStill()) this.#beginThaw()
    else if (late && !this.#alarmSoon) {
      // This process was busy or held back: packets that are queued come first, verdicts after them.
      this.#alarmSoon = true
      this.#alarm.set(0, () => this.#ring())
    } else {
      this.#alarmAt = Number.POSITIVE_INFINITY
      this.call((swim, now) => swim.tick(now))
    }
  }

  #stoodStill(): boolean {
    return this.#thaw === undefined && this.#clock() - this.#swim!.nextTimeout() > this.#standstillMs
  }

  /** From here on packets are held. The alarm is the thaw's: the core's deadlines have waited so long already. */
  #beginThaw(): void {
    const thaw = new Thaw(this.#clock())
    this.#thaw = thaw
    this.#alarmAt = Number.POSITIVE_INFINITY
    const look = () => {
      if (this.#thaw !== thaw) return
      if (thaw.isOver(this.#clock())) this.#endThaw(thaw)
      else this.#alarm.set(quietMs, look)
    }
    this.#alarm.set(quietMs, look)
  }

  /** What is left of the flood comes first; then the core learns how long it was away, and syncs. */
  #endThaw(thaw: Thaw): void {
    this.#thaw = undefined
    this.call((swim, now) => {
      for (let i = 0; i < thaw.skimmed; i++) swim.count('packets_skimmed')
      for (const { from, packet } of thaw.left()) swim.receive(packet, from, now)
      swim.tick(now)
    })
  }
}
