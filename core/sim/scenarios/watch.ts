/**
 * What peers say of one another, case by case, and how it ends. It is kept by id: a peer that starts again under its old
 * name is a case of its own. Bounded by the run it watches: one case a peer, in it one entry for each that speaks of it.
 */

import type { PeerId } from '../../ids.ts'
import type { World, WorldEvent } from '../index.ts'

/** All that is said of one peer. Times are the world's. */
export interface Case {
  readonly id: PeerId
  readonly name: string
  /** Crashed, gone or meant to be held so: what is said of it is no mistake. */
  guilty: boolean
  first: { readonly by: string; readonly atMs: number } | undefined
  /** Who suspects it at present, since when. */
  readonly suspectedBy: Map<string, number>
  /** Who holds it dead at present, since when. */
  readonly deadAt: Map<string, number>
  /** How often each has declared it dead. */
  readonly deathsBy: Map<string, number>
}

export class Watch {
  readonly cases = new Map<PeerId, Case>()
  /** How long each accusation of an innocent lasted at one observer, once it was over, in milliseconds. */
  readonly refutedAfterMs: number[] = []
  /** Accusations of innocents so far: one for each that believed it. */
  accusations = 0
  /** Of these, ended by a verdict. */
  falseDeaths = 0

  constructor(world: World) {
    world.onEvent((event) => this.#hear(event))
  }

  of(id: PeerId): Case | undefined {
    return this.cases.get(id)
  }

  /** From now on it is no mistake to speak against this peer. */
  blame(id: PeerId, name: string): Case {
    const known = this.#case(id, name)
    known.guilty = true
    return known
  }

  /** From now on it is a mistake again. What was said until now does not count as one. */
  acquit(id: PeerId, name: string): void {
    const known = this.#case(id, name)
    known.guilty = false
    known.suspectedBy.clear()
    known.first = undefined
  }

  /** This peer has ended: nobody will hear how its suspicions end. */
  silence(by: string): void {
    for (const { suspectedBy, deadAt } of this.cases.values()) {
      suspectedBy.delete(by)
      deadAt.delete(by)
    }
  }

  /** Accusations of innocents that nobody has refuted yet, as `p3 suspects p7`. */
  open(): string[] {
    return [...this.cases.values()].flatMap(({ guilty, name, suspectedBy }) =>
      guilty ? [] : [...suspectedBy.keys()].map((by) => `${by} suspects ${name}`),
    )
  }

  #hear({ type, by, atMs, member }: WorldEvent): void {
    if (member === undefined || type === 'update' || type === 'status') return
    // Nearly every greeting is of somebody nothing was ever said about.
    const known = type === 'suspect' || type === 'dead' ? this.#case(member.id, member.name) : this.cases.get(member.id)
    if (known === undefined) return
    const since = known.suspectedBy.get(by)
    known.suspectedBy.delete(by)
    switch (type) {
      case 'suspect':
        known.first ??= { by, atMs }
        known.suspectedBy.set(by, atMs)
        if (!known.guilty) this.accusations++
        return
      case 'dead':
        known.deadAt.set(by, atMs)
        known.deathsBy.set(by, (known.deathsBy.get(by) ?? 0) + 1)
        if (!known.guilty) this.falseDeaths++
        return
      case 'refute':
      case 'join':
        known.deadAt.delete(by)
        if (since !== undefined && !known.guilty) this.refutedAfterMs.push(atMs - since)
        return
      case 'leave':
        return
    }
  }

  #case(id: PeerId, name: string): Case {
    const known = this.cases.get(id)
    if (known) return known
    const fresh: Case = {
      id,
      name,
      guilty: false,
      first: undefined,
      suspectedBy: new Map(),
      deadAt: new Map(),
      deathsBy: new Map(),
    }
    this.cases.set(id, fresh)
    return fresh
  }
}
