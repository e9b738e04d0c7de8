/**
 * How awareness states stand in the state of a member: an entry for each client, and one for each of its fields, so that
 * a cursor that moves takes the name and the colours along only once.
 *
 *     yjs:<document>:<client>            [clock, names of fields], or [clock] for a state of null
 *     yjs:<document>:<client>:<field>    [clock, JSON]
 *
 * Clocks are those of y-protocols: one more with every change. A field counts if the client's entry names it, or if it is
 * newer: so the client's entry is written anew only when a field goes, and a field whose deletion was lost on its way is
 * gone none the less. JSON, since in y-protocols states are: what that drops or converts is dropped and converted here.
 */

import { ShoalError, type StateValue } from '../core/index.ts'

/** What a client has published: its clock, and the JSON of each field; without fields where its state is null. */
export interface Published {
  readonly clock: number
  readonly fields: ReadonlyMap<string, string> | undefined
}

/** The prefix of the entries of one document. Throws `bad_option`. */
export function prefixOf(document: unknown): string {
  if (typeof document !== 'string' || /\p{Surrogate}/u.test(document)) {
    throw new ShoalError('bad_option', `document: expected a text, got ${JSON.stringify(document)}`)
  }
  // A colon ends it.
  const prefix = `yjs:${encodeURIComponent(document)}:`
  if (prefix.length <= prefixCharsMax) return prefix
  throw new ShoalError(
    'bad_option',
    `document: expected at most ${prefixCharsMax - 5} characters as encodeURIComponent writes them, got ${prefix.length - 5}`,
  )
}

const keyCharsMax = 128
/** Leaves room for clients and fields. */
const prefixCharsMax = 69

export function clientKey(prefix: string, client: number): string {
  return `${prefix}${client.toString(36)}`
}

export function fieldKey(prefix: string, client: number, field: string): string {
  return `${clientKey(prefix, client)}:${field}`
}

/** Throws `bad_value` for a name too long for a key with any client of Yjs. */
export function checkField(prefix: string, client: number, field: string): void {
  const most = keyCharsMax - fieldKey(prefix, Math.max(client, 2 ** 32 - 1), '').length
  if (field.length <= most) return
  throw new ShoalError(
    'bad_value',
    `field ${JSON.stringify(field)}: expected a name of at most ${most} characters, got ${field.length}; nothing was changed`,
  )
}

/** The fields of a state as JSON. Throws `bad_value` where JSON has no word for it. */
export function fieldsOf(state: object): Map<string, string> {
  let plain: unknown
  try {
    plain = JSON.parse(JSON.stringify(state))
  } catch (cause) {
    throw new ShoalError('bad_value', `awareness state: expected what JSON can say; nothing was changed (${cause})`, {
      cause,
    })
  }
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    const got = Array.isArray(plain) ? 'a list' : String(plain)
    throw new ShoalError('bad_value', `awareness state: expected an object or null, got ${got}; nothing was changed`)
  }
  return new Map(Object.entries(plain).map(([name, value]) => [name, JSON.stringify(value)]))
}

/** What is no JSON is left out: no field that was published as above. */
export function stateOf(fields: ReadonlyMap<string, string>): Record<string, unknown> {
  const values: [string, unknown][] = []
  for (const [name, json] of fields) {
    try {
      values.push([name, JSON.parse(json)])
    } catch {}
  }
  // fromEntries defines its keys, so `__proto__` is a field like any other.
  return Object.fromEntries(values)
}

/** What a member's state says of the clients of a document. It is a stranger's: what is not as above is passed over. */
export function readPublished(state: object, prefix: string): ReadonlyMap<number, Published> {
  const clients = new Map<number, { clock: number; names: readonly string[] | undefined }>()
  const fields: [client: number, name: string, clock: number, json: string][] = []
  for (const [key, value] of Object.entries(state) as [string, unknown][]) {
    if (!key.startsWith(prefix) || !isStamped(value)) continue
    const [clock, said] = value
    const colon = key.indexOf(':', prefix.length)
    const client = clientIn(key.slice(prefix.length, colon < 0 ? undefined : colon))
    if (client === undefined) continue
    if (colon >= 0) {
      if (typeof said === 'string') fields.push([client, key.slice(colon + 1), clock, said])
    } else if (said === undefined || isNames(said)) clients.set(client, { clock, names: said })
  }
  const published = new Map<number, { clock: number; fields: Map<string, string> | undefined }>()
  for (const [client, { clock, names }] of clients) published.set(client, { clock, fields: names && new Map() })
  for (const [client, name, clock, json] of fields) {
    const entry = clients.get(client)
    const known = published.get(client)
    if (entry === undefined || known === undefined || known.fields === undefined) continue
    if (clock <= entry.clock && !entry.names?.includes(name)) continue
    known.fields.set(name, json)
    known.clock = Math.max(known.clock, clock)
  }
  return published
}

/** The same words: nothing to be told. */
export function samePublished(a: Published, b: Published): boolean {
  if (a === b) return true
  if (a.clock !== b.clock || a.fields?.size !== b.fields?.size) return false
  return a.fields === undefined || [...a.fields].every(([name, json]) => b.fields?.get(name) === json)
}

function isStamped(value: unknown): value is [clock: number, said?: StateValue] {
  return Array.isArray(value) && value.length <= 2 && Number.isSafeInteger(value[0]) && value[0] >= 0
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

function clientIn(text: string): number | undefined {
  const client = Number.parseInt(text, 36)
  return Number.isSafeInteger(client) && client >= 0 && client.toString(36) === text ? client : undefined
}
