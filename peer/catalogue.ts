/**
 * All that is offered in a room, by the name of the service, as far as this peer has asked. It looks at those members alone
 * whose services changed, so neither reading nor choosing takes longer in a room where much else happens.
 */

import type { Instance, PeerId, Swim } from '../core/index.ts'
import type { Grounds } from './grounds.ts'
import type { Choice } from './pick.ts'
import { type LookupOptions, Selection } from './selection.ts'
import { Shelf } from './shelf.ts'

/** Questions whose answers are kept up; the one asked longest ago is forgotten, and worked out anew if it is asked again. */
const questionsMax = 1024

/** Reports that one choice may make; of more, the rest is left out. */
const reportsMax = 4096

const none: readonly Instance[] = Object.freeze([])

export class Catalogue {
  /** Whose view it is of. */
  readonly swim: Swim
  readonly #grounds: Grounds
  /** Told when something changed by time alone, or while it was choosing. */
  readonly #changed: () => void
  readonly #offeredBy = new Map<PeerId, readonly Instance[]>()
  readonly #shelves = new Map<string, Shelf>()
  /** The one asked last comes last. */
  readonly #selections = new Map<string, { selection: Selection; shelf: Shelf }>()
  #lastQuestion: string | undefined
  #choosing = false
  /** Made while it was choosing. */
  readonly #reports: { id: string; ok: boolean }[] = []
  /** Services of which something changes by itself, and when. */
  readonly #timed = new Map<string, number>()
  #wakeAt = Number.POSITIVE_INFINITY
  #callOff: (() => void) | undefined

  constructor(grounds: Grounds, changed: () => void) {
    this.swim = grounds.swim
    this.#grounds = grounds
    this.#changed = changed
  }

  /** Frozen; the same array until something in it changes, as long as the question is not forgotten (see `questionsMax`). */
  lookup(service: string, question: LookupOptions): readonly Instance[] {
    return this.#select(service, question)?.list() ?? none
  }

  /** The rule in `choice` may look things up and report: until it is done with, the shelves stand as they are. */
  choose(service: string, question: LookupOptions, choice: Choice): Instance | undefined {
    const selection = this.#select(service, question)
    const wasChoosing = this.#choosing
    this.#choosing = true
    try {
      return selection?.choose(choice)
    } finally {
      this.#choosing = wasChoosing
      if (!wasChoosing) this.#catchUp()
    }
  }

  /** An instance that is not listed is passed over: it may be gone by now. */
  report(id: string, ok: boolean): void {
    if (this.#choosing) {
      if (this.#reports.length < reportsMax) this.#reports.push({ id, ok })
      return
    }
    this.refresh()
    const service = serviceOf(id)
    this.#shelves.get(service)?.report(id, ok, this.#now)
    this.#time(service)
    this.#arm()
  }

  /** Takes over what has changed in the view. */
  refresh(): void {
    const { beliefs } = this.swim
    if (this.#choosing || !beliefs.offers.waiting) return
    const touched = new Set<string>()
    for (const belief of beliefs.offers.take() ?? beliefs.present()) {
      const { id, services, status, since, present } = belief
      for (const { id: was, service } of this.#offeredBy.get(id) ?? none) {
        touched.add(service)
        const lastKnown = status === 'dead' ? services.find((one) => one.id === was) : undefined
        if (lastKnown) this.#shelves.get(service)?.lose(lastKnown, since)
        else if (!present || !services.some((one) => one.id === was)) this.#shelves.get(service)?.remove(was)
      }
      // One that was known as dead already may have left after all.
      for (const { id: was, service } of status === 'left' ? services : none) {
        touched.add(service)
        this.#shelves.get(service)?.remove(was)
      }
      if (present && services.length > 0) this.#offeredBy.set(id, services)
      else this.#offeredBy.delete(id)
      if (!present) continue
      for (const instance of services) {
        touched.add(instance.service)
        const shelf = this.#shelves.get(instance.service) ?? new Shelf()
        this.#shelves.set(instance.service, shelf)
        shelf.put(instance)
      }
    }
    this.#settle(touched)
  }

  #catchUp(): void {
    for (const { id, ok } of this.#reports.splice(0)) this.report(id, ok)
    if (!this.swim.beliefs.offers.waiting) return
    this.refresh()
    this.#changed()
  }

  get #now(): number {
    return this.swim.beliefs.now
  }

  #select(service: string, { passing = false, tag }: LookupOptions): Selection | undefined {
    this.refresh()
    const shelf = this.#shelves.get(service)
    if (shelf === undefined) return undefined
    // A service that is offered by anybody has no space in its name.
    const question = `${service} ${passing ? 1 : 0}${tag === undefined ? '' : `=${tag}`}`
    const known = this.#selections.get(question)
    if (known && question === this.#lastQuestion) return known.selection
    const selection = known?.selection ?? new Selection({ passing, ...(tag === undefined ? {} : { tag }) }, shelf)
    this.#selections.delete(question)
    this.#selections.set(question, { selection, shelf })
    this.#lastQuestion = question
    shelf.selections.add(selection)
    for (const [first, { selection, shelf }] of this.#selections) {
      if (this.#selections.size <= questionsMax) break
      this.#selections.delete(first)
      shelf.selections.delete(selection)
    }
    return selection
  }

  #settle(services: Iterable<string>): void {
    for (const service of services) {
      const shelf = this.#shelves.get(service)
      shelf?.settle(this.#now)
      if (shelf?.isEmpty) this.#close(service, shelf)
      this.#time(service)
    }
    this.#arm()
  }

  #time(service: string): void {
    const at = this.#shelves.get(service)?.nextAt ?? Number.POSITIVE_INFINITY
    if (at === Number.POSITIVE_INFINITY) this.#timed.delete(service)
    else this.#timed.set(service, at)
  }

  #close(service: string, shelf: Shelf): void {
    this.#shelves.delete(service)
    for (const [question, held] of this.#selections) if (held.shelf === shelf) this.#selections.delete(question)
  }

  /** One reminder for all, at the time when the first of them changes by itself. */
  #arm(): void {
    let at = Number.POSITIVE_INFINITY
    for (const next of this.#timed.values()) at = Math.min(at, next)
    if (at === this.#wakeAt || this.swim.status === 'left') return
    this.#callOff?.()
    this.#callOff = undefined
    this.#wakeAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#callOff = this.#grounds.remind(Math.max(0, at - this.#now), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.#callOff = undefined
      const due = [...this.#timed].filter(([, next]) => next <= this.#now)
      this.#settle(due.map(([service]) => service))
      this.#changed()
    })
  }
}

/** The service in the id of an instance. */
function serviceOf(id: string): string {
  const from = id.indexOf('/') + 1
  const to = id.indexOf(':', from)
  return id.slice(from, to < 0 ? undefined : to)
}
