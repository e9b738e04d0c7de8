/**
 * Services are entries under a reserved prefix: one entry an instance, so that discovery needs no rules of its own.
 */

import { ShoalError } from './errors.ts'
import type { PeerId } from './ids.ts'
import type { StateValue } from './member.ts'

/** State keys may not begin with it. */
export const servicePrefix = '$service/'

export type Health = 'passing' | 'warning' | 'critical'

/** One offer of a service by one member. */
export interface Instance {
  readonly service: string
  /** `<member id>/<service>` or `<member id>/<service>:<port>`: unique in a room. */
  readonly id: string
  readonly member: PeerId
  /** The member's name. */
  readonly name: string
  /** As registered, else the host of the member's first `udp` endpoint; absent for a tab. */
  readonly address?: string
  readonly port?: number
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  /** Relative share of the load, 1 to 65,535; 1 unless registered otherwise. */
  readonly weight: number
  readonly health: Health
  readonly status: 'alive' | 'suspect' | 'draining'
  /** Milliseconds since this peer last learnt something new about the instance, as of the snapshot. */
  readonly ageMs: number
}

export interface ServiceOptions {
  /** A DNS label: 1 to 63 of a-z, 0-9 and inner hyphens. Upper case is lowered. */
  service: string
  port?: number
  address?: string
  tags?: readonly string[]
  meta?: Readonly<Record<string, string>>
  weight?: number
}

/** What an entry of a service holds; positions are the wire format. */
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
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Checks a registration and completes it. Throws `bad_name` or `bad_option`, naming the field. */
export function serviceRecord(options: ServiceOptions): ServiceRecord {
  const service = typeof options.service === 'string' ? options.service.toLowerCase() : ''
  if (!label.test(service)) {
    throw new ShoalError(
      'bad_name',
      `service: expected a DNS label (1-63 of a-z, 0-9, inner hyphens), got ${JSON.stringify(options.service)}`,
    )
  }
  const { port, address, tags = [], meta = {}, weight = 1 } = options
  requireWhole('port', port, 1, 65535)
  requireWhole('weight', weight, 1, 65535)
  if (address !== undefined && (typeof address !== 'string' || address.length === 0 || address.length > 255)) {
    throw new ShoalError('bad_option', 'address: expected a host name or IP address of at most 255 characters')
  }
  if (!Array.isArray(tags) || tags.length > 32 || !tags.every((tag) => typeof tag === 'string')) {
    throw new ShoalError('bad_option', 'tags: expected at most 32 strings')
  }
  if (!isStringMap(meta)) throw new ShoalError('bad_option', 'meta: expected at most 32 string values')
  return {
    service,
    port: port ?? null,
    address: address ?? null,
    tags: [...tags],
    meta: { ...meta },
    weight,
    health: 'passing',
    draining: false,
  }
}

/** The entry key of an instance: a member offers a service once per port. */
export function serviceKey(record: Pick<ServiceRecord, 'service' | 'port'>): string {
  return `${servicePrefix}${record.service}${record.port === null ? '' : `:${record.port}`}`
}

/** The positional value that goes on the wire. */
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

/** A record from a decoded entry value, or undefined when another peer wrote something else under the prefix. */
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
  throw new ShoalError('bad_option', `${field}: expected a whole number from ${least} to ${most}, got ${String(value)}`)
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= 64 && value.every((item) => typeof item === 'string')
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  return entries.length <= 32 && entries.every(([, text]) => typeof text === 'string')
}
