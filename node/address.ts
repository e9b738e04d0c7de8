/**
 * Network addresses as people write them, `10.0.0.7:7946`, `[2001:db8::7]:7946` or `db-1.example:7946`, and the lookup
 * of names. Names are looked up only in options: what other peers say of themselves has to be numeric.
 */

import { lookup } from 'node:dns/promises'
import { isIP, SocketAddress } from 'node:net'
import { networkInterfaces } from 'node:os'
import { ShoalError, shown } from '../core/index.ts'

export type Family = 4 | 6

/** A numeric address. */
export interface Address {
  address: string
  port: number
  family: Family
}

/** A host, still perhaps a name, and a port from 0 to 65535. */
export interface HostPort {
  host: string
  port: number
}

const portMax = 65_535
const hostNameLength = 253
const hostNamePattern = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i

/** Takes `host:port` or `[v6]:port` apart; anything else is undefined. Of a v6 address the canonical spelling is given. */
export function parseHostPort(text: string): HostPort | undefined {
  const colon = text.lastIndexOf(':')
  const port = parsePort(text.slice(colon + 1))
  if (colon < 1 || port === undefined) return undefined
  const host = text.slice(0, colon)
  if (host.startsWith('[')) {
    const inner = host.slice(1, -1)
    // A zone (fe80::1%eth0) means something on one machine only, so it has no place where addresses are passed on.
    if (!host.endsWith(']') || isIP(inner) !== 6 || inner.includes('%')) return undefined
    // In the one spelling that the system uses too, so that an endpoint equals what a packet is seen to come from.
    return { host: new SocketAddress({ address: inner, family: 'ipv6' }).address, port }
  }
  return isIP(host) === 4 || isHostName(host) ? { host, port } : undefined
}

/** The opposite of `parseHostPort`. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** What was expected of something that is no address: `form`, unless nothing but its port is wrong. */
export function expectedOf(given: unknown, form: string): string {
  const host = typeof given === 'string' ? /^(.+):\d+$/.exec(given)?.[1] : undefined
  return host !== undefined && parseHostPort(`${host}:0`) ? `a port from 0 to ${portMax}` : form
}

/** As `parseHostPort`, for an option: what is malformed is refused by name. */
export function parseHostPortOption(option: string, text: unknown): HostPort {
  const parsed = typeof text === 'string' ? parseHostPort(text) : undefined
  if (parsed) return parsed
  const expected = expectedOf(text, 'an address like 10.0.0.7:7946 or [2001:db8::7]:7946')
  throw new ShoalError('bad_option', `${option}: expected ${expected}, got ${shown(text)}`)
}

/** All addresses of a host; of one family only where that is given. Rejects with the resolver's own error. */
export async function resolveHost({ host, port }: HostPort, family?: Family): Promise<Address[]> {
  const numeric = isIP(host)
  if (numeric !== 0) {
    return family === undefined || numeric === family ? [{ address: host, port, family: numeric as Family }] : []
  }
  const found = await lookup(host, { all: true, ...(family === undefined ? {} : { family }) })
  return found.map((one) => ({ address: one.address, port, family: one.family as Family }))
}

/**
 * The address others most likely reach this machine by: the first that is neither internal nor tied to one link.
 * On a machine with nothing but its loopback that is the loopback.
 */
export function outwardAddress(family: Family): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const one of addresses ?? []) {
      if (one.family === `IPv${family}` && !one.internal && !isLinkLocal(one.address)) return one.address
    }
  }
  return family === 4 ? '127.0.0.1' : '::1'
}

/** Link-local addresses mean something else on each interface, so they are of no use in a record. */
function isLinkLocal(address: string): boolean {
  return address.startsWith('fe80:') || address.startsWith('169.254.')
}

/** Names of digits and dots only are refused: they are mistyped addresses, and resolvers read them in odd ways. */
function isHostName(text: string): boolean {
  return text.length <= hostNameLength && hostNamePattern.test(text) && !/^[0-9.]+$/.test(text)
}

function parsePort(text: string): number | undefined {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= portMax ? Number(text) : undefined
}
