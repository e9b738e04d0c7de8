/**
 * Publisher: what one client has published in the state of its peer. A field that changes is published as volatile: it may
 * be a cursor that moves, and the peer sees to it that everybody agrees on where it comes to rest.
 */

import type { StateValue } from '../core/index.ts'
import type { AwarenessPeer } from './parties.ts'
import { checkField, clientKey, fieldKey, fieldsOf } from './published.ts'

type Patch = Record<string, StateValue | undefined>

/** What stands in the state of the peer while it has this id. */
interface Standing {
  readonly id: string
  /** Of the state it was written from; nothing stands for 0 and below. */
  readonly clock: number
  readonly entries: ReadonlyMap<string, StateValue>
}

export class Publisher {
  readonly #peer: AwarenessPeer
  readonly #prefix: string
  readonly #client: number
  #standing: Standing = { id: '', clock: -1, entries: new Map() }
  #ended = false

  constructor(peer: AwarenessPeer, prefix: string, client: number) {
    this.#peer = peer
    this.#prefix = prefix
    this.#client = client
  }

  /** The clock that was published last. */
  get clock(): number {
    return this.#standing.clock
  }

  /** False once the peer is back under another id, which others know nothing of. */
  get current(): boolean {
    return this.#standing.id === this.#peer.id
  }

  /**
   * Writes what is new in a state; all of it where the peer has another id than before. Throws as `fieldsOf`, `checkField`
   * and `setState` of the peer do, and has changed nothing then. Does nothing on a peer that has left.
   */
  publish(state: object | null, clock: number): void {
    const fields = state === null ? undefined : fieldsOf(state)
    for (const name of fields?.keys() ?? []) checkField(this.#prefix, this.#client, name)
    if (this.#ended || this.#peer.status === 'left') return
    const afresh = !this.current
    const { entries } = this.#standing
    // Until the client has set a state itself it is nobody to the others, as in y-protocols.
    if (clock === 0) {
      this.#standing = { id: this.#peer.id, clock, entries }
      return
    }
    const patch: Patch = {}
    for (const [name, json] of fields ?? []) {
      const key = fieldKey(this.#prefix, this.#client, name)
      if (afresh || jsonIn(entries.get(key)) !== json) patch[key] = [clock, json]
    }
    const head = clientKey(this.#prefix, this.#client)
    const stays = new Set([
      head,
      ...[...(fields?.keys() ?? [])].map((name) => fieldKey(this.#prefix, this.#client, name)),
    ])
    const gone = [...entries.keys()].filter((key) => !stays.has(key))
    for (const key of gone) patch[key] = undefined
    const value: StateValue = fields === undefined ? [clock] : [clock, [...fields.keys()]]
    const held = entries.get(head) as readonly StateValue[] | undefined
    const reshaped = afresh || gone.length > 0 || held?.length !== value.length
    // Also where the state is equal to the one before: others are told that it was set.
    if (reshaped || Object.keys(patch).length === 0) patch[head] = value
    this.#write(patch, !reshaped, clock)
  }

  /** Takes everything back; the last that it does. */
  end(): void {
    const keys = [...this.#standing.entries.keys()]
    this.#write(Object.fromEntries(keys.map((key) => [key, undefined])), false, this.clock)
    this.#ended = true
  }

  /** Does nothing on a peer that has left: an editor goes on beside it. */
  #write(patch: Patch, volatile: boolean, clock: number): void {
    const before = this.#standing
    const entries = new Map(before.entries)
    for (const [key, value] of Object.entries(patch)) {
      if (value === undefined) entries.delete(key)
      else entries.set(key, value)
    }
    // Ahead of the call, in which a listener may publish again.
    this.#standing = { id: this.#peer.id, clock, entries }
    try {
      this.#peer.setState(patch, { volatile })
    } catch (error) {
      this.#standing = before
      // Told by its code: the class in the bundle of `shoal/browser` is another one.
      if ((error as { code?: unknown }).code !== 'left') throw error
    }
  }
}

function jsonIn(value: StateValue | undefined): StateValue | undefined {
  return (value as StateValue[] | undefined)?.[1]
}
