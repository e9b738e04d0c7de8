/** Chooses among instances: the best tier that has any that suits, within it as the policy says. */

import { type Instance, type Random, ShoalError, shown } from '../core/index.ts'
import { Bag, type Suits } from './bag.ts'
import { Rendezvous } from './rendezvous.ts'

/**
 * How `pick` chooses among equally good instances.
 *
 * - `weighted`: at random, each as often as its weight says
 * - `random`: at random, all alike
 * - `p2c`: of two drawn by weight the one that answers this peer's probes faster, so that far and busy ones get less
 *   (Mitzenmacher, "The power of two choices", 2001); one that was never measured counts as usual for the room
 * - `rendezvous`: by `key`: the same key gives the same instance at every peer with the same view, and keeps it as long
 *   as it is there and as good as any; weights count
 */
export type PickPolicy = 'weighted' | 'random' | 'p2c' | 'rendezvous'

/** Which instances to leave out: these, given as themselves or by their ids, or those it is true for. */
export type Exclude =
  | readonly (Instance | string)[]
  | ReadonlySet<Instance | string>
  | ((instance: Instance) => boolean)

/** What `Peer.pick` chooses from, and how. */
export interface PickOptions {
  /** `weighted` if left out. */
  policy?: PickPolicy
  /** For `rendezvous`: what should go to the same instance each time, such as the id of a customer. */
  key?: string
  /** Leaves out those that are warning, critical, draining or last-known, instead of ranking them behind the others. */
  passing?: boolean
  /** Only those with this tag. */
  tag?: string
  /** For another attempt: those that were tried. */
  exclude?: Exclude
}

/** What a choice follows, checked. */
export interface Choice {
  readonly policy: PickPolicy
  readonly key: string
  readonly suits: Suits | undefined
  readonly random: Random
  /** Round trip to the instance's member, in milliseconds. */
  rttOf(instance: Instance): number
}

const policies: readonly string[] = ['weighted', 'random', 'p2c', 'rendezvous'] satisfies PickPolicy[]

/** Checks the options of `pick`. Throws `bad_option`, naming the option. */
export function readPolicy({ policy = 'weighted', key }: PickOptions): Pick<Choice, 'policy' | 'key'> {
  if (!policies.includes(policy)) {
    throw new ShoalError('bad_option', `policy: expected one of ${policies.join(', ')}, got ${shown(policy)}`)
  }
  if (policy === 'rendezvous' && typeof key !== 'string') {
    throw new ShoalError('bad_option', `key: expected a string for the policy rendezvous, got ${shown(key)}`)
  }
  return { policy, key: key ?? '' }
}

/** What `exclude` lets pass. Throws `bad_option`. */
export function readExclude(exclude: Exclude | undefined): Suits | undefined {
  if (exclude === undefined) return undefined
  if (typeof exclude === 'function') return (instance) => !exclude(instance)
  if (!Array.isArray(exclude) && !(exclude instanceof Set)) {
    throw new ShoalError('bad_option', `exclude: expected ids of instances or a function, got ${shown(exclude)}`)
  }
  const ids = new Set(Array.from(exclude, (one) => instanceId('exclude', one)))
  return ids.size === 0 ? undefined : ({ id }) => !ids.has(id)
}

/** The id of an instance that is given as itself or by it. Throws `bad_option`, as for a member and its id: they fit none. */
export function instanceId(what: string, given: unknown): string {
  const id: unknown = typeof given === 'string' ? given : (given as Instance | null | undefined)?.id
  if (typeof id === 'string' && id.includes('/')) return id
  throw new ShoalError('bad_option', `${what}: expected an instance or its id (instance.id), got ${shown(given)}`)
}

/**
 * The lower the better. A suspect may well be alive, so it ranks before one that says of itself that it is ill; that one is
 * tried before one that has just failed this peer. A draining one still answers. One that is last-known probably does not.
 */
export function tierOf({ health, status, lastKnown }: Instance, ejected: boolean): number {
  if (lastKnown) return ejected ? 8 : 7
  if (status === 'draining') return health === 'critical' ? 6 : 5
  if (health === 'critical') return 4
  if (ejected) return 3
  if (health === 'warning') return 2
  return status === 'suspect' ? 1 : 0
}
const tiersCount = 9

/** Instances in their tiers, ready to be chosen from. */
export class Tiers {
  readonly #bags = Array.from({ length: tiersCount }, () => new Bag())
  /** Of a tier that was asked by key; it takes much more room than a bag. */
  readonly #byKey: (Rendezvous | undefined)[] = []

  /** Puts an instance that is not in any into its tier. */
  add(instance: Instance, ejected: boolean): void {
    const tier = tierOf(instance, ejected)
    this.#bags[tier]!.add(instance)
    this.#byKey[tier]?.add(instance)
  }

  remove(instance: Instance): void {
    const tier = this.#bags.findIndex((bag) => bag.remove(instance.id))
    if (tier >= 0) this.#byKey[tier]?.remove(instance)
  }

  choose(choice: Choice): Instance | undefined {
    for (let tier = 0; tier < tiersCount; tier++) {
      const chosen = this.#bags[tier]!.size > 0 ? this.#chooseIn(tier, choice) : undefined
      if (chosen) return chosen
    }
    return undefined
  }

  #chooseIn(tier: number, choice: Choice): Instance | undefined {
    const { random, suits } = choice
    const bag = this.#bags[tier]!
    switch (choice.policy) {
      case 'weighted':
        return bag.draw(random, suits)
      case 'random':
        return bag.drawEvenly(random, suits)
      case 'p2c':
        return fasterOfTwo(bag, choice)
      case 'rendezvous':
        return this.#byKeyIn(tier).choose(choice.key, suits)
    }
  }

  #byKeyIn(tier: number): Rendezvous {
    const known = this.#byKey[tier]
    if (known) return known
    const made = new Rendezvous()
    for (const instance of this.#bags[tier]!.items) made.add(instance)
    this.#byKey[tier] = made
    return made
  }
}

function fasterOfTwo(bag: Bag, { random, suits, rttOf }: Choice): Instance | undefined {
  const one = bag.draw(random, suits)
  if (one === undefined || bag.size === 1) return one
  const other = bag.draw(random, (instance) => instance !== one && (suits === undefined || suits(instance)))
  return other && rttOf(other) < rttOf(one) ? other : one
}
