/**
 * What the agent's HTTP API answers: a table of paths, each with a function from the peer's view to a body.
 *
 *     GET /v1/members          { members: Member[] }, the dead and left that are still remembered included; ?status=
 *     GET /v1/services         { services: [{ service, instances, passing, tags }] }
 *     GET /v1/services/:name   { service, instances: Instance[] }; ?passing, ?tag=; an unknown service has no instances.
 *                              In a panic it has `lastKnown` ones as well (see `Peer.lookup`), unless ?passing
 *     GET /v1/health           { status, reason, members, agreeing, asked }; 503 with an error unless it has joined
 *     GET /v1/explain/:name    `Explanation`: why a member, by id or by a name that one alone has, is believed to be what it is;
 *                              404 `unknown_member`, 409 `ambiguous_name`
 *     GET /v1/invite           { invite }; 404 `no_invite` where nobody in the room serves signalling
 *     GET /v1/agent/self       who this agent is, its counters, and how far its view agrees with that of others
 *     PUT /v1/agent/leave      leaves the room and answers { status: 'left' }; then the agent ends
 *
 * Bodies are JSON in camelCase; members and instances have the shape of the core's `Member` and `Instance`. Bytes in a
 * member's state are written as `{ "$bytes": "<base64>" }`. Errors are `{ "error": { "code", "message" } }`. While the
 * agent is still starting, every path answers 503 `starting`.
 */

import { type Instance, type Member, type MemberStatus, ShoalError } from '../core/index.ts'
import type { AgentPeer } from './agent.ts'

export interface Route {
  readonly method: 'GET' | 'PUT'
  /** A path; a closing `:name` stands for one word. */
  readonly path: string
  /** The query parameters it knows; others are refused. */
  readonly query: readonly string[]
  answer(ask: Ask): Reply | Promise<Reply>
}

export interface Ask {
  /** What stood for `:name`, else empty. */
  readonly word: string
  readonly query: URLSearchParams
}

export interface Reply {
  readonly status: number
  readonly body: unknown
  /** Called once the reply is out; the connection is closed then. */
  sent?(): void
}

/** An answer that is an error. `details` stand beside it in the body. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  readonly details: object

  constructor(
    status: number,
    code: string,
    message: string,
    more: { headers?: Record<string, string>; details?: object } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.headers = more.headers ?? {}
    this.details = more.details ?? {}
  }

  get body(): object {
    return { error: { code: this.code, message: this.message }, ...this.details }
  }
}

/** What the routes ask of the agent. */
export interface Desk {
  /** Absent until the peer has started. */
  peer(): AgentPeer | undefined
  /** Facts that do not change: version, room, process. */
  readonly facts: Readonly<Record<string, string | number>>
  /** The reply to a leave is out: the agent can end. */
  ended(): void
}

export interface ServiceSummary {
  readonly service: string
  readonly instances: number
  readonly passing: number
  readonly tags: readonly string[]
}

/** Of members of one name, so many are told. */
const ambiguousMax = 8

export const statuses: readonly MemberStatus[] = ['alive', 'suspect', 'dead', 'left']

export function agentRoutes(desk: Desk): Route[] {
  return [
    { method: 'GET', path: '/v1/members', query: ['status'], answer: ({ query }) => listMembers(ready(desk), query) },
    { method: 'GET', path: '/v1/services', query: [], answer: () => ok({ services: summarise(ready(desk)) }) },
    { method: 'GET', path: '/v1/services/:name', query: ['passing', 'tag'], answer: (ask) => lookUp(ready(desk), ask) },
    { method: 'GET', path: '/v1/health', query: [], answer: () => health(ready(desk)) },
    { method: 'GET', path: '/v1/explain/:name', query: [], answer: ({ word }) => explain(ready(desk), word) },
    { method: 'GET', path: '/v1/invite', query: [], answer: () => invite(ready(desk)) },
    { method: 'GET', path: '/v1/agent/self', query: [], answer: () => self(ready(desk), desk.facts) },
    { method: 'PUT', path: '/v1/agent/leave', query: [], answer: () => leave(ready(desk), desk) },
  ]
}

/** JSON, with bytes as base64 objects. */
export function toJson(body: unknown): string {
  // The holder is looked at, not the value: a Buffer comes in already turned into an array of numbers by its toJSON.
  return JSON.stringify(body, function (this: Record<string, unknown>, key: string, value: unknown) {
    const original = this[key]
    return original instanceof Uint8Array ? { $bytes: Buffer.from(original).toString('base64') } : value
  })
}

function ready(desk: Desk): AgentPeer {
  const peer = desk.peer()
  if (!peer) throw new Refusal(503, 'starting', 'the agent is still starting')
  return peer
}

function listMembers(peer: AgentPeer, query: URLSearchParams): Reply {
  const status = query.get('status')
  const members = peer.members({ gone: true })
  if (status === null) return ok({ members })
  if (!statuses.some((known) => known === status)) {
    throw new Refusal(400, 'bad_query', `status: expected ${statuses.join(', ')}, got ${JSON.stringify(status)}`)
  }
  return ok({ members: members.filter((member) => member.status === status) })
}

function summarise(peer: AgentPeer): ServiceSummary[] {
  const byName = new Map<string, Instance[]>()
  for (const instance of peer.members().flatMap((member) => member.services)) {
    const instances = byName.get(instance.service)
    if (instances) instances.push(instance)
    else byName.set(instance.service, [instance])
  }
  return [...byName]
    .map(([service, instances]) => ({
      service,
      instances: instances.length,
      passing: instances.filter(({ health }) => health === 'passing').length,
      tags: [...new Set(instances.flatMap(({ tags }) => tags))].sort(),
    }))
    .sort((a, b) => (a.service < b.service ? -1 : 1))
}

function lookUp(peer: AgentPeer, { word, query }: Ask): Reply {
  const tag = query.get('tag')
  const service = word.toLowerCase()
  const filter = { passing: readSwitch('passing', query), ...(tag === null ? {} : { tag }) }
  return ok({ service, instances: peer.lookup(service, filter) })
}

/** `?passing` and `?passing=true` alike, as with Consul. */
function readSwitch(name: string, query: URLSearchParams): boolean {
  const text = query.get(name)
  if (text === '' || text === 'true' || text === '1') return true
  if (text === null || text === 'false' || text === '0') return false
  throw new Refusal(400, 'bad_query', `${name}: expected true or false, got ${JSON.stringify(text)}`)
}

function health(peer: AgentPeer): Reply {
  const { agreeing, asked } = peer.consistency()
  const { status, reason } = peer
  const body = { status, reason, members: peer.members().length, agreeing, asked }
  if (status === 'joined') return ok(body)
  throw new Refusal(503, 'not_joined', `the agent is ${status}${reason && `: ${reason}`}`, { details: body })
}

/** By its id; by its name among those present, else among those that are gone. */
function explain(peer: AgentPeer, word: string): Reply {
  const byId = peer.explain(word)
  if (byId) return ok(byId)
  const known = peer.members({ gone: true }).filter(({ name }) => name === word)
  const present = known.filter(({ status }) => status === 'alive' || status === 'suspect')
  const [one, ...others] = present.length > 0 ? present : known
  if (one === undefined) {
    throw new Refusal(404, 'unknown_member', `no member with the id or name ${JSON.stringify(word)} is known`)
  }
  if (others.length > 0) {
    const ids = [one, ...others].slice(0, ambiguousMax).map(({ id }) => id)
    throw new Refusal(
      409,
      'ambiguous_name',
      `${others.length + 1} members have the name; expected an id, e.g. ${ids.join(', ')}`,
    )
  }
  return ok(peer.explain(one.id))
}

function invite(peer: AgentPeer): Reply {
  try {
    return ok({ invite: peer.invite() })
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    throw new Refusal(404, error.code, error.message)
  }
}

function self(peer: AgentPeer, facts: Desk['facts']): Reply {
  return ok({
    ...facts,
    status: peer.status,
    reason: peer.reason,
    member: peer.self,
    members: countByStatus(peer.members({ gone: true })),
    consistency: peer.consistency(),
    counters: peer.counters(),
  })
}

async function leave(peer: AgentPeer, desk: Desk): Promise<Reply> {
  await peer.leave()
  return { ...ok({ status: 'left' }), sent: () => desk.ended() }
}

function countByStatus(members: readonly Member[]): Record<MemberStatus, number> {
  const counts = { alive: 0, suspect: 0, dead: 0, left: 0 }
  for (const { status } of members) counts[status]++
  return counts
}

function ok(body: unknown): Reply {
  return { status: 200, body }
}
