/** One world while a scenario runs in it: what is done to it is told, what its peers say is watched, packets are counted. */

import { type JoinOptions, simulate, type World, type WorldEvent, type WorldOptions } from '../index.ts'
import type { Findings } from './findings.ts'
import type { Say } from './scenario.ts'
import { type Case, Watch } from './watch.ts'

/** Lines told of what peers say of their own accord; a room in trouble has thousands, and the figures count them all. */
const overheardMax = 40

export class Story {
  readonly world: World
  readonly watch: Watch
  readonly #say: Say
  #overheard = 0
  #bytes = 0
  #packets = 0
  #countedFrom = 0

  /** Begins with a room whose peers know one another. */
  constructor(options: WorldOptions, say: Say) {
    this.#say = say
    this.world = simulate({ acquainted: true, ...options })
    this.watch = new Watch(this.world)
    this.world.onEvent((event) => this.#overhear(event))
    this.world.onPacket((_from, _to, _kind, packet) => {
      this.#packets++
      this.#bytes += packet.length
    })
  }

  /** A line with the time of the world. */
  tell(text: string): void {
    this.#say(`${(this.world.now / 1000).toFixed(1).padStart(8)} s  ${text}`)
  }

  /** A peer is about to end by the scenario's own hand; returns the case that is open about it from now on. */
  bury(name: string): Case {
    this.watch.silence(name)
    return this.watch.blame(this.world.idOf(name), name)
  }

  crash(name: string): Case {
    const victim = this.bury(name)
    this.world.crash(name)
    this.tell(`${name} crashed`)
    return victim
  }

  leave(name: string): void {
    this.bury(name)
    this.world.leave(name)
    this.tell(`${name} left`)
  }

  /** Starts a peer again under its name, crashing it first where it runs. */
  restart(name: string, options: Omit<JoinOptions, 'kinds'> = {}): void {
    this.bury(name)
    this.world.restart(name, options)
    this.tell(`${name} started again`)
  }

  /** Runs until it holds and returns how long that took, in milliseconds; undefined if it does not within this time. */
  until(predicate: () => boolean, withinMs: number): number | undefined {
    const { world } = this
    const end = world.now + withinMs
    const took = world.runUntil(() => predicate() || world.now >= end, Number.POSITIVE_INFINITY)
    return predicate() ? took : undefined
  }

  /** What the room sends is counted from now on. */
  countTraffic(): void {
    this.#bytes = 0
    this.#packets = 0
    this.#countedFrom = this.world.now
  }

  /** Bytes sent by all since `countTraffic`. */
  get bytes(): number {
    return this.#bytes
  }

  /** Notes what each member has sent a second since `countTraffic`, headers of the transport not included. */
  noteTraffic(findings: Findings, members: number): void {
    const memberSeconds = (members * (this.world.now - this.#countedFrom)) / 1000
    findings.note('sent by each member, bytes/s', this.#bytes / memberSeconds)
    findings.note('sent by each member, packets/s', this.#packets / memberSeconds)
  }

  /** Live peers that somebody declared dead, but for these, each once. */
  victims(aside: ReadonlySet<string>): string[] {
    return [...new Set(this.world.deaths().map(({ name }) => name))].filter((name) => !aside.has(name))
  }

  /** Notes accusations of the innocent: how many, and how long each lasted until it was refuted. */
  noteAccusations(findings: Findings): void {
    const { accusations, refutedAfterMs, falseDeaths } = this.watch
    findings.note('accusations of the living', accusations)
    for (const ms of refutedAfterMs) findings.note('refuted after, s', ms / 1000)
    findings.note('false deaths', falseDeaths)
  }

  /** The first word against somebody, and the first verdict. */
  #overhear({ type, by, member }: WorldEvent): void {
    if (member === undefined || (type !== 'suspect' && type !== 'dead') || this.#overheard >= overheardMax) return
    const known = this.watch.of(member.id)!
    const whom = this.world.idOf(known.name) === known.id ? known.name : `the old ${known.name}`
    if (type === 'suspect') {
      if (known.suspectedBy.size > 1 || known.first?.by !== by) return
      this.tell(`${by} suspects ${whom} (first)`)
    } else {
      if (known.deadAt.size > 1) return
      this.tell(`${by} declares ${whom} dead${known.guilty ? '' : ', which lives'} (first)`)
    }
    if (++this.#overheard === overheardMax) this.tell('what else they say of each other is counted, and told no more')
  }
}

/** For people: tenths of a second, hundredths where there is less than one. */
export function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms > 0 && ms < 1_000 ? 2 : 1)
}
