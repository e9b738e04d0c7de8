/**
 * The agent: a peer that offers services of its own and answers other programs of its machine by HTTP. It knows
 * nothing of the process it runs in; signals, banner and exit codes are the matter of the `agent` verb.
 */

import {
  type Explanation,
  type Instance,
  type Member,
  type PeerStatus,
  type ServiceOptions,
  ShoalError,
} from '../core/index.ts'
import type { Log } from '../peer/options.ts'
import { formatHostPort, type HostPort } from './address.ts'
import { type HttpApi, openHttp } from './http.ts'
import type { NodePeerOptions } from './index.ts'
import { agentRoutes, type Route } from './routes.ts'

/** What the agent needs of a peer. */
export interface AgentPeer {
  readonly self: Member
  readonly status: PeerStatus
  readonly reason: string
  members(options?: { gone?: boolean }): readonly Member[]
  on(event: 'join' | 'update' | 'suspect' | 'refute' | 'leave' | 'dead', fn: (member: Member) => void): () => void
  register(options: ServiceOptions): unknown
  invite(): string
  lookup(service: string, filter?: { passing?: boolean; tag?: string }): readonly Instance[]
  consistency(): { readonly agreeing: number; readonly asked: number }
  explain(id: string): Explanation | undefined
  counters(): Readonly<Record<string, number>>
  leave(): Promise<void>
}

export type StartPeer = (options: NodePeerOptions) => Promise<AgentPeer>

export interface AgentOptions {
  readonly start: NodePeerOptions & { room: string }
  readonly services: readonly ServiceOptions[]
  /** Where the HTTP API listens; left out, there is none. `optional`: an address in use is told, and does not stop it. */
  readonly http?: { readonly address: HostPort; readonly optional: boolean }
  readonly version: string
  readonly log: Log
}

export interface Agent {
  readonly peer: AgentPeer
  /** Absent when none was asked for, or when its optional address was in use. */
  readonly http?: HttpApi
  /** Settles when the agent has ended: after `close`, or after somebody asked it to leave by HTTP. */
  readonly ended: Promise<void>
  /** Leaves the room and closes everything; may be called again. */
  close(): Promise<void>
}

/**
 * Starts an agent. When it fails, whatever it opened is closed again. The HTTP address comes first, so that an agent
 * that may not have it never shows up in the room.
 */
export async function openAgent(options: AgentOptions, { startPeer }: { startPeer: StartPeer }): Promise<Agent> {
  const { log, services, start } = options
  let peer: AgentPeer | undefined
  let closing: Promise<void> | undefined
  let end: (closed: Promise<void>) => void = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  // Who called `close` is told of a failure by `close`; nobody has to watch `ended` as well.
  ended.catch(() => {})
  const close = () => {
    closing ??= closeAll(peer, http)
    end(closing)
    return closing
  }
  const http = await openHttpIfAny(options, agentRoutes({ peer: () => peer, facts: factsOf(options), ended: close }))
  try {
    peer = await startPeer(start)
    for (const service of services) peer.register(service)
  } catch (error) {
    await closeAll(peer, http)
    throw error
  }
  logMembers(peer, log)
  return { peer, ...(http && { http }), ended, close }
}

async function openHttpIfAny({ http, log }: AgentOptions, routes: readonly Route[]): Promise<HttpApi | undefined> {
  if (!http) return undefined
  const address = formatHostPort(http.address)
  try {
    const api = await openHttp({ address: http.address, routes, log })
    if (!isLoopback(http.address.host))
      log.warn(`the HTTP API at ${address} has no passwords and is open to the network`)
    return api
  } catch (error) {
    if (!http.optional || !isInUse(error)) throw error
    log.warn(`no HTTP API: ${address} is in use by another process; give this agent an address with --http host:port`)
    return undefined
  }
}

/** The peer first: its farewell is what the others wait for. */
async function closeAll(peer: AgentPeer | undefined, http: HttpApi | undefined): Promise<void> {
  try {
    await peer?.leave()
  } finally {
    await http?.close()
  }
}

function factsOf({ start, version }: AgentOptions): Record<string, string | number> {
  return { version, room: start.room, pid: process.pid, startedAt: Date.now() }
}

function logMembers(peer: AgentPeer, log: Log): void {
  for (const event of ['join', 'suspect', 'refute', 'leave', 'dead'] as const) {
    peer.on(event, ({ name, id }) => log.info(`${event} ${name} ${id}`))
  }
}

function isInUse(error: unknown): boolean {
  const cause = error instanceof ShoalError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code === 'EADDRINUSE'
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
