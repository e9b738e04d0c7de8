/**
 * Awareness: the object that editors' Yjs bindings show cursors and names from, carried by the state of a peer. Members
 * say who is there, so no state expires by a timer: that of a crashed tab goes when the room agrees that the tab is dead,
 * within seconds, and a hidden tab keeps its own.
 */

import { checkKnown, ShoalError, shown } from '../core/index.ts'
import { equal } from './equal.ts'
import { Observers } from './observers.ts'
import type { AwarenessDoc, AwarenessPeer } from './parties.ts'
import { type Published, prefixOf, readPublished, samePublished, stateOf } from './published.ts'
import { Publisher } from './publisher.ts'

/** What `new Awareness` takes beside the document and the peer. */
export interface AwarenessOptions {
  /**
   * Which document of the room this is; up to 64 characters as `encodeURIComponent` writes them. States of documents with
   * different names never mix. May be left out where the peer is in the room for one document only.
   */
  document?: string
}

/** Clients by what has become of their states. */
export interface AwarenessChanges {
  /** Clients that have a state now and were not known. */
  added: number[]
  /** Clients whose state was set anew, also those that have returned. */
  updated: number[]
  /** Clients that have no state any more. */
  removed: number[]
}

/** What is known of a client beside its state. */
export interface AwarenessMeta {
  /** One more with every state the client sets. */
  clock: number
  /** In milliseconds since the epoch. */
  lastUpdated: number
}

/** Clocks of clients that are gone, for when they return; of more, the oldest are forgotten. */
const goneMax = 1_000

/**
 * Has the interface of y-protocols' `Awareness` and its events: `update` for every state that is set, `change` only where
 * it is another one, both told `({ added, updated, removed }, origin)`; `origin` is `'local'` for this client's own, and
 * the peer for what the room tells. As there, a client that returns is `updated`.
 *
 * Each field of a state, as JSON, fits into 1,000 bytes with its key, and all that a peer publishes into 16 KiB. When the
 * peer leaves, others' states go, in one event, and the own one is kept here: it is published again if the peer comes back
 * out of the back-forward cache.
 *
 * `encodeAwarenessUpdate`, `applyAwarenessUpdate` and `removeAwarenessStates` of y-protocols work on it. What is applied
 * from elsewhere stays here: every member publishes its own state alone. Nothing is renewed every 15 s and nothing expires
 * after 30: a provider that syncs with y-protocols' timeouts wants an Awareness of its own.
 */
export class Awareness<Doc extends AwarenessDoc = AwarenessDoc> extends Observers {
  /** As it was given; Yjs bindings read it. */
  doc: Doc
  /** That of the document when this was made. */
  clientID: number
  /** Everybody's state by client, this one's included. */
  states = new Map<number, Record<string, unknown>>()
  /** Also of clients that are gone. */
  meta = new Map<number, AwarenessMeta>()
  /** y-protocols has a timer here; there is none. */
  readonly _checkInterval: undefined = undefined
  readonly #peer: AwarenessPeer
  readonly #prefix: string
  readonly #ends: (() => void)[]
  readonly #own: Publisher
  /** What the room said of each client when it was looked at last. */
  #known: ReadonlyMap<number, Published> = new Map()
  #members: readonly object[] = []
  readonly #readings = new WeakMap<object, ReadonlyMap<number, Published>>()
  #destroyed = false

  /** Throws `bad_option` for what is no document, peer or option, and as `setState` of the peer does. */
  constructor(doc: Doc, peer: AwarenessPeer, options: AwarenessOptions = {}) {
    super()
    if (typeof doc?.clientID !== 'number') {
      throw new ShoalError('bad_option', `doc: expected a document of Yjs, got ${shown(doc)}`)
    }
    if (typeof peer?.subscribe !== 'function')
      throw new ShoalError('bad_option', `peer: expected a peer, got ${shown(peer)}`)
    checkKnown('new Awareness', options, ['document'])
    this.doc = doc
    this.clientID = doc.clientID
    this.#peer = peer
    this.#prefix = prefixOf(options.document ?? '')
    this.#own = new Publisher(peer, this.#prefix, this.clientID)
    this.setLocalState({})
    this.#follow()
    const destroy = () => this.destroy()
    doc.on('destroy', destroy)
    this.#ends = [
      peer.subscribe(() => this.#follow()),
      peer.on('status', () => this.#follow()),
      () => doc.off('destroy', destroy),
    ]
  }

  /** Takes this client's state back, and listens no more; the peer stays. Idempotent. */
  override destroy(): void {
    if (this.#destroyed) return
    this.emit('destroy', [this])
    this.#destroyed = true
    this.#own.end()
    this.setLocalState(null)
    for (const end of this.#ends) end()
    super.destroy()
  }

  /** The very object that was set last. */
  getLocalState(): Record<string, unknown> | null {
    return this.states.get(this.clientID) ?? null
  }

  /**
   * Sets and publishes this client's state; null says that it has none, such as a cursor of its own. Throws, other than in
   * y-protocols, what nobody could read: `bad_value` (no JSON, or a field whose name has more than 115 characters less those
   * of the document's), `entry_too_large` or `state_too_large`; nothing has changed then. On a peer that has left, nothing
   * is published.
   */
  setLocalState(state: Record<string, unknown> | null): void {
    const { clientID } = this
    const before = this.states.get(clientID)
    const meta = this.meta.get(clientID)
    const clock = (meta?.clock ?? -1) + 1
    this.#hold(state, { clock, lastUpdated: Date.now() })
    try {
      this.#own.publish(state, clock)
    } catch (error) {
      this.#hold(before ?? null, meta)
      throw error
    }
    const added = state !== null && before === undefined ? [clientID] : []
    const updated = state !== null && before !== undefined ? [clientID] : []
    const removed = state === null ? [clientID] : []
    const changed = updated.filter(() => !equal(before, state))
    if (updated.length === 0 || changed.length > 0) this.emit('change', [{ added, updated: changed, removed }, 'local'])
    this.emit('update', [{ added, updated, removed }, 'local'])
  }

  /** Sets one field of this client's state, and does nothing where that is null. Throws as `setLocalState` does. */
  setLocalStateField(field: string, value: unknown): void {
    const state = this.getLocalState()
    if (state !== null) this.setLocalState({ ...state, [field]: value })
  }

  /** The same map each time. */
  getStates(): Map<number, Record<string, unknown>> {
    return this.states
  }

  /** Listens until `off`, as lib0's `Observable` does: a listener that throws ends the call that told it. */
  override on(name: 'change' | 'update', listener: (changes: AwarenessChanges, origin: unknown) => void): void
  override on(name: 'destroy', listener: (awareness: this) => void): void
  override on(name: string, listener: (...told: never[]) => void): void
  override on(name: string, listener: (...told: never[]) => void): void {
    super.on(name, listener)
  }

  /** Functions of y-protocols change the maps and say so here. */
  override emit(name: string, told: unknown[]): void {
    super.emit(name, told)
    if (name !== 'update' || this.#destroyed) return
    const clock = this.meta.get(this.clientID)?.clock ?? 0
    if (clock !== this.#own.clock) this.#own.publish(this.getLocalState(), clock)
  }

  #hold(state: Record<string, unknown> | null, meta: AwarenessMeta | undefined): void {
    if (state === null) this.states.delete(this.clientID)
    else this.states.set(this.clientID, state)
    if (meta) this.meta.set(this.clientID, meta)
  }

  // Following the room

  #follow(): void {
    const { status } = this.#peer
    if (status !== 'left' && !this.#own.current) this.#renew()
    const members = status === 'left' ? [] : this.#peer.members()
    if (members === this.#members) return
    this.#members = members
    this.#take(this.#find(members as ReturnType<AwarenessPeer['members']>))
  }

  /** The peer is back under another id, which others know nothing of. */
  #renew(): void {
    const state = this.getLocalState()
    const { clock } = this.meta.get(this.clientID)!
    if (state !== null && clock > 0) this.setLocalState(state)
    else this.#own.publish(state, clock)
  }

  /** What the room says of each client but this one. Of members that speak for the same, the one ahead is believed. */
  #find(members: ReturnType<AwarenessPeer['members']>): Map<number, Published> {
    const found = new Map<number, Published>()
    for (const member of members) {
      const reading = this.#readings.get(member) ?? readPublished(member.state, this.#prefix)
      this.#readings.set(member, reading)
      for (const [client, published] of reading) {
        if (client === this.clientID || (found.get(client)?.clock ?? -1) >= published.clock) continue
        found.set(client, published)
      }
    }
    return found
  }

  #take(found: Map<number, Published>): void {
    const known = this.#known
    this.#known = found
    const added: number[] = []
    const updated: number[] = []
    const changed: number[] = []
    const removed: number[] = []
    for (const [client, published] of found) {
      const before = known.get(client)
      if (before && samePublished(before, published)) continue
      const meta = this.meta.get(client)
      const state = this.states.get(client)
      // Something newer is known, see `applyAwarenessUpdate`; whoever starts anew begins at 0 again.
      if (meta && meta.clock > published.clock && (before || state)) continue
      if (meta?.clock === published.clock && !published.fields && !state) continue
      this.meta.set(client, { clock: published.clock, lastUpdated: Date.now() })
      if (published.fields === undefined) {
        this.states.delete(client)
        if (meta) removed.push(client)
        continue
      }
      const next = stateOf(published.fields)
      this.states.set(client, next)
      if (meta === undefined) added.push(client)
      else updated.push(client)
      if (meta && !equal(next, state)) changed.push(client)
    }
    for (const client of known.keys()) {
      if (!found.has(client) && this.states.delete(client)) removed.push(client)
    }
    this.#forget()
    if (added.length + changed.length + removed.length > 0) {
      this.emit('change', [{ added, updated: changed, removed }, this.#peer])
    }
    if (added.length + updated.length + removed.length > 0) {
      this.emit('update', [{ added, updated, removed }, this.#peer])
    }
  }

  #forget(): void {
    let gone = this.meta.size - this.states.size - goneMax
    for (const client of this.meta.keys()) {
      if (gone <= 0) return
      if (this.states.has(client) || client === this.clientID) continue
      this.meta.delete(client)
      gone--
    }
  }
}
