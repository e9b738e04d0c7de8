/** What happened in a world: a bounded log of what peers reported of each other, and every false death. */

import type { Member, MemberEvent } from '../member.ts'
import type { Life, Participant } from './participant.ts'

/** At `atMs` of the world's time, the peer `by` reported `type` of a member. */
export interface WorldEvent {
  /** When, by the world's time. */
  readonly atMs: number
  /** The name of the peer that reported it. */
  readonly by: string
  /** What it reported. */
  readonly type: MemberEvent['type'] | 'status'
  /** The member's name; for `status`, what the peer's own status became. */
  readonly of: string
  /** The member as the peer saw it; undefined for `status`. */
  readonly member: Member | undefined
}

/** A peer declared dead that was neither crashed nor gone; `life` tells a paused one from one that was running. */
export interface FalseDeath {
  /** Who was declared dead. */
  readonly name: string
  /** Its id. */
  readonly id: string
  /** Who declared it, by name. */
  readonly by: string
  /** When, by the world's time. */
  readonly atMs: number
  /** What its process did just then. */
  readonly life: Life
}

/** Events kept at least; the oldest go first. */
const eventsMax = 10_000
/** False deaths kept; a run with more has failed in any case. */
const deathsMax = 10_000
/** What an error tells at most: peers, and events. */
const explainedMax = 16
const lastMax = 30

export class History {
  #events: WorldEvent[] = []
  readonly deaths: FalseDeath[] = []
  readonly #listeners = new Set<(event: WorldEvent) => void>()

  get events(): readonly WorldEvent[] {
    return this.#events
  }

  /** Hears every event from now on; the log forgets, a listener need not. */
  on(listener: (event: WorldEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  add(event: WorldEvent, owner: Participant | undefined): void {
    if (this.#events.length >= 2 * eventsMax) this.#events = this.#events.slice(eventsMax)
    this.#events.push(event)
    if (event.type === 'dead' && owner?.live && this.deaths.length < deathsMax) {
      this.deaths.push({ name: owner.name, id: owner.id, by: event.by, atMs: event.atMs, life: owner.life })
    }
    for (const listener of this.#listeners) listener(event)
  }

  /** For errors: what some of these peers hold, and the last events. */
  explain(peers: readonly Participant[]): string {
    const views = peers.slice(0, explainedMax).map(({ name, life, swim }) => {
      return `${name} ${life} holds ${swim.beliefs.size} ${swim.consistency().digest}`
    })
    const last = this.#events.slice(-lastMax).map(({ atMs, by, type, of }) => {
      return `${atMs.toFixed(1).padStart(10)} ms  ${by} ${type} ${of}`
    })
    return [...views, `last of ${this.#events.length} events:`, ...last].join('\n')
  }
}
