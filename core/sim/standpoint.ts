/** Where one member of a room stands, for tests: a view of everybody, its channels and its links, and no protocol. */

import { Belief } from '../belief.ts'
import { type Config, defaultConfig } from '../config.ts'
import type { Endpoint } from '../host.ts'
import { idFromBytes, type PeerId } from '../ids.ts'
import type { MemberMode } from '../member.ts'
import { Members } from '../members.ts'
import { Paths } from '../paths.ts'
import { randomBytes, seededRandom } from '../random.ts'
import { encodeRumour } from '../rumour.ts'

/** In ascending order. */
export function idsOf(count: number, seed: number): PeerId[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => idFromBytes(randomBytes(random, 16))).sort()
}

export class Standpoint {
  readonly self: PeerId
  readonly members = new Members()
  readonly paths: Paths
  /** What the channels were told to do: `dial rtc:<id>`, `hangUp rtc:<id>`. */
  readonly asked: string[] = []

  /** `self` has these kinds of channels, in order of preference; nobody is known yet. */
  constructor(self: PeerId, kinds: readonly string[], settings: Partial<Config> = {}) {
    const config = { ...defaultConfig, ...settings }
    this.self = self
    const channels = kinds.map((kind) => {
      const reach = kind === 'rtc' ? ('linked' as const) : ('any' as const)
      return { kind, endpoint: endpointOf(kind, self), reach }
    })
    this.paths = new Paths(self, channels, this.members, config, seededRandom(7), {
      dial: (kind, to) => this.asked.push(`dial ${kind}:${to}`),
      hangUp: (kind, to) => this.asked.push(`hangUp ${kind}:${to}`),
    })
    this.meet([self], kinds)
  }

  /** Takes members in that have these kinds of channels. */
  meet(ids: Iterable<PeerId>, kinds: readonly string[]): void {
    for (const id of ids) {
      const belief = new Belief(id, 0)
      const endpoints = kinds.map((kind) => endpointOf(kind, id))
      belief.record = { type: 'alive', id, incarnation: 1, name: '', user: null, mode: 'visible', endpoints, floor: 0 }
      belief.recordBytes = encodeRumour(belief.record)
      this.members.update(belief)
      this.paths.vicinity.add(belief)
    }
  }

  belief(id: PeerId): Belief {
    return this.members.get(id)!
  }

  link(...ids: PeerId[]): void {
    for (const id of ids) this.paths.linkUp('rtc', id)
  }

  cut(...ids: PeerId[]): void {
    for (const id of ids) this.paths.linkDown('rtc', id, 0)
  }

  neighbours(kind = 'rtc'): PeerId[] {
    return [...this.paths.vicinity.of(kind).all]
  }

  suspect(id: PeerId): void {
    this.belief(id).status = 'suspect'
    this.members.update(this.belief(id))
  }

  bury(id: PeerId): void {
    this.belief(id).status = 'dead'
    this.members.update(this.belief(id))
    this.paths.vicinity.remove(this.belief(id))
  }

  setMode(id: PeerId, mode: MemberMode): void {
    const belief = this.belief(id)
    belief.record = { ...belief.record!, mode }
    this.members.update(belief)
  }
}

function endpointOf(kind: string, id: PeerId): Endpoint {
  return `${kind}:${id}`
}
