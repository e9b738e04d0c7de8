/** An instance as applications see it: frozen, but for its age, which is told as of the moment it is read. */

import type { PeerId } from './ids.ts'
import type { Health } from './services.ts'

/** One offer of a service by one member. Instances keep their reference until something in them but `ageMs` changes. */
export interface Instance {
  /** As registered, in lower case. */
  readonly service: string
  /** `<member id>/<service>` or `<member id>/<service>:<port>`: unique in a room. */
  readonly id: string
  /** Who offers it. */
  readonly member: PeerId
  /** The member's name. */
  readonly name: string
  /** As registered, else the host of the member's first `udp` endpoint; absent for a tab. */
  readonly address?: string
  /** As registered. */
  readonly port?: number
  /** As registered. */
  readonly tags: readonly string[]
  /** As registered. */
  readonly meta: Readonly<Record<string, string>>
  /** Relative share of the load, 1 to 65,535; 1 unless registered otherwise. */
  readonly weight: number
  /** As its owner said last: see `Registration.setHealth`. */
  readonly health: Health
  /** `draining` as its owner says; `suspect` as its member is, or was when it was believed dead. */
  readonly status: 'alive' | 'suspect' | 'draining'
  /** Its member is gone, and this is how it was known last. */
  readonly lastKnown?: true
  /**
   * Milliseconds, at the moment of reading, since this peer last had the word of the instance's member: an answer to a
   * probe of its own, or a change of what the member says of itself, whoever brought it. 0 for what this peer offers. In
   * a large room others do most of the asking, so a great age says little against an instance that is `alive`. Time is
   * that of the peer's last doing, so the age may lag by a probe period (a second), and stands still once it has left.
   */
  readonly ageMs: number
}

/** Whose word an instance is. */
export interface Source {
  /** Milliseconds since its last word. */
  readonly silentMs: number
}

/** Freezes what is told of an instance, and adds its age. */
export function instanceOf(facts: Omit<Instance, 'ageMs'>, member: Source): Instance {
  return new ServiceInstance(facts, member) as unknown as Instance
}

/** What two snapshots of the instance of one id tell is the same, its age left out. */
export function sameInstance(a: Instance, b: Instance): boolean {
  return (
    a.health === b.health &&
    a.status === b.status &&
    a.lastKnown === b.lastKnown &&
    a.name === b.name &&
    a.address === b.address &&
    a.weight === b.weight &&
    JSON.stringify([a.tags, Object.entries(a.meta)]) === JSON.stringify([b.tags, Object.entries(b.meta)])
  )
}

class ServiceInstance {
  /** An own property, so that a spread or a JSON text of the instance has it; and one for all, so that they share a shape. */
  static readonly #age = {
    enumerable: true,
    get(this: ServiceInstance): number {
      return this.#member.silentMs
    },
  }
  readonly #member: Source

  constructor(facts: Omit<Instance, 'ageMs'>, member: Source) {
    this.#member = member
    Object.assign(this, facts)
    Object.defineProperty(this, 'ageMs', ServiceInstance.#age)
    Object.freeze(this)
  }
}
