/** Services as this peer offers and finds them. Every read is local and at once. */

import {
  checkFlag,
  type Health,
  type Instance,
  requireHealth,
  type ServiceOptions,
  type ServiceRecord,
  ShoalError,
  serviceKey,
  servicePrefix,
  serviceRecord,
  serviceToValue,
  shown,
} from '../core/index.ts'
import { Catalogue } from './catalogue.ts'
import type { Grounds } from './grounds.ts'
import { instanceId, type PickOptions, readExclude, readPolicy } from './pick.ts'
import type { LookupOptions } from './selection.ts'
import { checkSignal } from './signal.ts'
import { type ServiceChange, Watches } from './watch.ts'

/**
 * What `register` gives: the instance's health can be told, and it can be taken out of service. `setHealth` and `drain`
 * throw `not_registered` once it was deregistered and `left` while the peer has left. A page that comes out of the
 * back-forward cache offers again what it offered before, under its new id, and its registrations go on.
 */
export interface Registration {
  /** Throws `bad_option` for anything but a health. */
  setHealth(health: Health): void
  /** Still listed, but no new work should go to it. Finish what has begun, then leave: `pick` has moved on by then. */
  drain(): void
  /** Takes it off the list; final, and nothing where that was done. */
  deregister(): void
}

export class Directory {
  readonly #grounds: Grounds
  readonly #registered = new Map<string, ServiceRecord>()
  readonly #watches: Watches
  /** Absent until somebody asks. */
  #known: Catalogue | undefined

  constructor(grounds: Grounds) {
    this.#grounds = grounds
    this.#watches = new Watches(grounds)
  }

  register(options: ServiceOptions): Registration {
    const record = serviceRecord(options)
    const key = serviceKey(record)
    if (this.#registered.has(key)) {
      throw new ShoalError('already_registered', `service: ${key.slice(servicePrefix.length)} is registered already`)
    }
    this.#publish(key, record)
    let ended = false
    const change = (part: Partial<ServiceRecord>) => {
      const current = this.#registered.get(key)
      // The key may be in use again, by a later registration that this one has no say in.
      if (ended || current === undefined)
        throw new ShoalError('not_registered', `service: ${record.service} was deregistered`)
      this.#publish(key, { ...current, ...part })
    }
    return {
      setHealth: (health) => {
        requireHealth(health)
        change({ health })
      },
      drain: () => change({ draining: true }),
      deregister: () => {
        if (ended) return
        ended = true
        this.#registered.delete(key)
        if (this.#grounds.swim.status === 'left') return
        this.#grounds.change([{ key, value: undefined, volatile: false }])
      },
    }
  }

  /** A key that a peer which goes on under a new id publishes again: not that of a service it has deregistered meanwhile. */
  keeps(key: string): boolean {
    return !key.startsWith(servicePrefix) || this.#registered.has(key)
  }

  lookup(service: string, options: LookupOptions = {}): readonly Instance[] {
    return this.#catalogue().lookup(readQuestion(service, options), options)
  }

  pick(service: string, options: PickOptions = {}): Instance | undefined {
    const { random } = this.#grounds.parts
    const choice = { ...readPolicy(options), suits: readExclude(options.exclude), random, rttOf: this.#rttOf }
    return this.#catalogue().choose(readQuestion(service, options), options, choice)
  }

  report(instance: Instance | string, ok: boolean): void {
    const id = instanceId('report', instance)
    if (typeof ok !== 'boolean') throw new ShoalError('bad_option', `report: expected true or false, got ${shown(ok)}`)
    // A request may end after the peer has left; then nobody is picked any more.
    if (this.#grounds.swim.status !== 'left') this.#catalogue().report(id, ok)
  }

  watch(service: string, options: LookupOptions & { signal?: AbortSignal } = {}): AsyncIterable<ServiceChange> {
    const { signal, ...question } = options
    checkSignal(signal)
    readQuestion(service, question)
    return this.#watches.watch(() => this.lookup(service, question), signal)
  }

  /** The view has changed. */
  hear(): void {
    // Who has never asked for an instance pays nothing for those there are.
    if (this.#known === undefined) return
    this.#catalogue().refresh()
    this.#watches.look()
  }

  /** The peer has left. */
  end(): void {
    this.#watches.end()
  }

  /** Of the core that the peer runs on: after it went on with another one, of that. */
  #catalogue(): Catalogue {
    if (this.#known?.swim !== this.#grounds.swim) {
      this.#known = new Catalogue(this.#grounds, () => this.#watches.look())
    }
    return this.#known
  }

  readonly #rttOf = ({ member }: Instance): number => {
    const { swim } = this.#grounds
    if (member === swim.id) return 0
    return swim.beliefs.get(member)?.roundTrip?.smoothedMs ?? swim.usualRttMs
  }

  #publish(key: string, record: ServiceRecord): void {
    this.#grounds.change([{ key, value: serviceToValue(record), volatile: false }])
    this.#registered.set(key, record)
  }
}

/** The name as it is registered. Throws `bad_name` or `bad_option` for what can be no question. */
function readQuestion(service: string, { passing, tag }: LookupOptions): string {
  if (typeof service !== 'string') {
    throw new ShoalError('bad_name', `service: expected the name of a service, got ${shown(service)}`)
  }
  if (tag !== undefined && typeof tag !== 'string') {
    throw new ShoalError('bad_option', `tag: expected a string, got ${shown(tag)}`)
  }
  checkFlag('passing', passing)
  return service.toLowerCase()
}
