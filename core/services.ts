/**
 * Services are entries under a reserved prefix: one entry an instance, so that discovery needs no rules of its own.
 */

import { ShoalError } from './errors.ts'
import type { StateValue } from './member.ts'
import { shown } from './options.ts'

/** State keys may not begin with it. @internal */
export const servicePrefix = '$service/'

/** As an instance says of itself; the words are those of Consul. */
export type Health = 'passing' | 'warning' | 'critical'

/** What `Peer.register` takes. */
export interface ServiceOptions {
  /** A DNS label: 1 to 63 of a-z, 0-9 and inner hyphens. Upper case is lowered. */
  service: string
  /** 1 to 65,535. A member offers a service once a port, and once without. */
  port?: number
  /** Where clients find it, at most 255 characters; the host of this peer's `udp` endpoint if left out. */
  address?: string
  /** At most 32, to look it up by. */
  tags?: readonly string[]
  /** At most 32 texts, for whoever looks it up. With everything else they have to fit into 1,000 bytes. */
  meta?: Readonly<Record<string, string>>
  /** Relative share of the load, 1 to 65,535; 1 if left out. */
  weight?: number
  /** `passing` if left out. An instance that has to warm up begins as `critical`. */
  health?: Health
}

/** What an entry of a service holds; positions are the wire format. @internal */
export interface ServiceRecord {
  readonly service: string
  readonly port: number | null
  readonly address: string | null
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  readonly weight: number
  readonly health: Health
  readonly draining: boolean
}

const healths: readonly Health[] = ['passing', 'warning', 'critical']
/** Tags, and as many values of `meta`. */
const textsMax = 32
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Checks a registration and completes it. Throws `bad_name` or `bad_option`, naming the field. @internal */
export function serviceRecord(options: ServiceOptions): ServiceRecord {
  if (typeof options !== 'object' || options === null) {
    throw new ShoalError(
      'bad_option',
      `register: expected an object such as { service: 'api', port: 8080 }, got ${shown(options)}`,
    )
  }
  const service = typeof options.service === 'string' ? options.service.toLowerCase() : ''
  if (!label.test(service)) {
    throw new ShoalError(
      'bad_name',
      `service: expected a DNS label (1-63 of a-z, 0-9, inner hyphens), got ${shown(options.service)}`,
    )
  }
  const { port, address, tags = [], meta = {}, weight = 1, health = 'passing' } = options
  requireWhole('port', port, 1, 65535)
  requireWhole('weight', weight, 1, 65535)
  if (address !== undefined && (typeof address !== 'string' || address.length === 0 || address.length > 255)) {
    throw bad('address', 'a host name or IP address of at most 255 characters', address)
  }
  if (!Array.isArray(tags) || tags.length > textsMax) throw bad('tags', `a list of at most ${textsMax} strings`, tags)
  for (const [i, tag] of tags.entries()) requireString(`tags[${i}]`, tag)
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) throw bad('meta', 'an object of strings', meta)
  const pairs = Object.entries(meta)
  if (pairs.length > textsMax) throw bad('meta', `at most ${textsMax} strings`, pairs.length)
  for (const [key, text] of pairs) requireString(`meta.${key}`, text)
  requireHealth(health)
  return {
    service,
    port: port ?? null,
    address: address ?? null,
    tags: [...tags],
    meta: { ...meta },
    weight,
    health,
    draining: false,
  }
}

/** Throws `bad_option` for anything but a health. @internal */
export function requireHealth(health: unknown): void {
  if (healths.some((known) => known === health)) return
  throw bad('health', healths.join(', '), health)
}

/** The entry key of an instance: a member offers a service once per port. @internal */
export function serviceKey(record: Pick<ServiceRecord, 'service' | 'port'>): string {
  return `${servicePrefix}${record.service}${record.port === null ? '' : `:${record.port}`}`
}

/** The positional value that goes on the wire. @internal */
export function serviceToValue(record: ServiceRecord): StateValue {
  return [
    record.service,
    record.port,
    record.address,
    [...record.tags],
    Object.entries(record.meta).flat(),
    record.weight,
    healths.indexOf(record.health),
    record.draining,
  ]
}

/** A record from a decoded entry value, or undefined when another peer wrote something else under the prefix. @internal */
export function serviceFromValue(value: StateValue): ServiceRecord | undefined {
  if (!Array.isArray(value) || value.length < 8) return undefined
  const [service, port, address, tags, pairs, weight, health, draining] = value
  if (typeof service !== 'string' || !label.test(service)) return undefined
  if (port !== null && !isWhole(port, 1, 65535)) return undefined
  if (address !== null && typeof address !== 'string') return undefined
  if (!isStrings(tags) || !isStrings(pairs) || pairs.length % 2 !== 0) return undefined
  if (!isWhole(weight, 1, 65535) || !isWhole(health, 0, 2) || typeof draining !== 'boolean') return undefined
  const meta: [string, string][] = []
  for (let i = 0; i < pairs.length; i += 2) meta.push([pairs[i]!, pairs[i + 1]!])
  return {
    service,
    port: port as number | null,
    address,
    tags,
    // fromEntries defines its keys, so `__proto__` is a key like any other.
    meta: Object.fromEntries(meta),
    weight: weight as number,
    health: healths[health as number]!,
    draining,
  }
}

function requireWhole(field: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || isWhole(value, least, most)) return
  throw bad(field, `a whole number from ${least} to ${most}`, value)
}

function requireString(field: string, value: unknown): void {
  if (typeof value !== 'string') throw bad(field, 'a string', value)
}

function bad(field: string, expected: string, got: unknown): ShoalError {
  return new ShoalError('bad_option', `${field}: expected ${expected}, got ${shown(got)}`)
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= 64 && value.every((item) => typeof item === 'string')
}
