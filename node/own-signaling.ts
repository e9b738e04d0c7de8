/**
 * The signalling server that a gateway runs itself: newcomers can be let into the room by it while the room's own server
 * is away. Its address stands in the view as a service, so that every member can make an invite of it.
 */

import { checkKnown, type ServiceOptions, ShoalError, shown } from '../core/index.ts'
import { readServerUrl, serverUrlMax, signalingService } from '../peer/invite.ts'
import type { Log } from '../peer/options.ts'
import { startSignaling } from '../signaling/index.ts'
import { formatHostPort, outwardAddress } from './address.ts'

/** The signalling server of a gateway, and what others are told of it. */
export interface ServeSignaling {
  /** 8787 unless told; 0 takes any free port. */
  port?: number
  /** The address to listen on; 127.0.0.1 unless told. `0.0.0.0` or `::` lets other machines in. */
  host?: string
  /**
   * What newcomers are told to connect to, `ws://` or `wss://`, where it is not the address listened on: behind a NAT or a
   * proxy. Pages that came by https may open `wss://` only.
   */
  advertise?: string
  /** The origins whose pages may connect, e.g. `https://example.com`. Without it any page may. */
  origins?: readonly string[]
}

export interface OwnSignaling {
  /** For this process. */
  readonly url: string
  /** How others learn of it. */
  readonly service: ServiceOptions
  close(): Promise<void>
}

/** Throws `bad_option` (naming the part of `serveSignaling`) or `bind_failed`; nothing is left open then. */
export async function openOwnSignaling(options: ServeSignaling, log: Log): Promise<OwnSignaling> {
  checkKnown('serveSignaling', options, ['port', 'host', 'advertise', 'origins'])
  const { host = '127.0.0.1', advertise } = options
  const advertised = advertise === undefined ? undefined : readServerUrl(advertise)
  if (advertise !== undefined && advertised === undefined) {
    throw new ShoalError(
      'bad_option',
      `serveSignaling.advertise: expected an address such as wss://example.com/room, without a password and at most ${serverUrlMax} characters long, got ${shown(advertise)}`,
    )
  }
  const server = await listen(options, log)
  const url = advertised ?? `ws://${formatHostPort({ host: outwardHost(host), port: server.port })}/`
  return { url: server.url, service: serviceAt(url), close: () => server.close() }
}

async function listen({ port, host, origins }: ServeSignaling, log: Log): ReturnType<typeof startSignaling> {
  const given = {
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(origins !== undefined && { origins }),
  }
  try {
    return await startSignaling({ ...given, log })
  } catch (error) {
    if (!(error instanceof ShoalError) || error.code !== 'bad_option') throw error
    throw new ShoalError('bad_option', `serveSignaling.${error.message}`)
  }
}

function outwardHost(host: string): string {
  if (host === '0.0.0.0') return outwardAddress(4)
  return host === '::' ? outwardAddress(6) : host
}

function serviceAt(url: string): ServiceOptions {
  const { hostname, port, protocol } = new URL(url)
  return {
    service: signalingService,
    address: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'wss:' ? 443 : 80),
    meta: { url },
  }
}
