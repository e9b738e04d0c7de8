/** A peer for tests of the agent: it knows a fixed view and writes down what is asked of it. */

import {
  type Explanation,
  type Instance,
  type Member,
  ShoalError,
  type StateValue,
  serviceRecord,
} from '../core/index.ts'
import type { AgentPeer } from './agent.ts'
import type { NodePeerOptions } from './index.ts'

export interface FakePeer extends AgentPeer {
  status: AgentPeer['status']
  reason: string
  readonly registered: string[]
  /** How often it was told to leave. */
  left: number
  /** Raises an event of a member. */
  raise(event: string, member: Member): void
}

export function fakePeer(others: readonly Member[] = [], options: Partial<NodePeerOptions> = {}): FakePeer {
  const listeners = new Map<string, Set<(member: Member) => void>>()
  const registered: string[] = []
  const endpoints = options.udp ? [`udp:${options.udp.bind}`] : []
  const self = fakeMember({ id: 'self-id', name: options.name ?? 'self', endpoints, state: options.state ?? {} })
  const view = [self, ...others]
  return {
    self,
    status: 'joined',
    reason: '',
    registered,
    left: 0,
    members: ({ gone = false } = {}) => view.filter(({ status }) => gone || status === 'alive' || status === 'suspect'),
    on(event, fn) {
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set.add(fn))
      return () => set.delete(fn)
    },
    register(service) {
      const record = serviceRecord(service)
      if (registered.includes(record.service)) throw new ShoalError('already_registered', record.service)
      registered.push(record.service)
    },
    lookup: (service, { passing = false, tag } = {}) =>
      view
        .flatMap((member) => member.services)
        .filter((one) => one.service === service && (!passing || one.health === 'passing'))
        .filter((one) => tag === undefined || one.tags.includes(tag)),
    invite: () => `ws://127.0.0.1:1/?room=${options.room}`,
    consistency: () => ({ agreeing: 2, asked: 3 }),
    counters: () => ({ packetsSent: 7 }),
    explain: (id) => {
      const member = view.find((one) => one.id === id)
      return member && fakeExplanation(member, self)
    },
    async leave() {
      this.left++
      this.status = 'left'
    },
    raise: (event, member) => {
      for (const fn of listeners.get(event) ?? []) fn(member)
    },
  }
}

export function fakeMember(facts: Partial<Member> & { state?: Record<string, StateValue> } = {}): Member {
  return {
    id: 'member-id',
    name: 'member',
    status: 'alive',
    mode: 'server',
    incarnation: 0,
    state: {},
    services: [],
    endpoints: [],
    via: 'direct',
    since: 1_000,
    lastHeard: 2_000,
    ...facts,
  }
}

export function fakeExplanation(member: Member, observer: Member): Explanation {
  return {
    id: member.id,
    name: member.name,
    because: 'answered this peer 0.4 s ago over udp',
    self: member === observer,
    status: member.status,
    sinceMs: 61_000,
    mode: member.mode,
    incarnation: member.incarnation,
    lastAnswer: { agoMs: 400, kind: 'udp', from: 'udp:10.0.0.7:7946', carried: false },
    probing: false,
    rttMs: 0.61,
    rttVariationMs: 0.1,
    accusers: [],
    cutOff: false,
    flapping: 0,
    watched: true,
    watchers: [{ id: observer.id, name: observer.name }],
    via: 'direct',
    path: 'udp:10.0.0.7:7946',
    links: [],
    entries: { count: 1, bytes: 40 },
    observer: {
      id: observer.id,
      name: observer.name,
      status: 'joined',
      reason: '',
      health: 0,
      lagMs: 2,
      usualRttMs: 1,
    },
  }
}

export function fakeInstance(facts: Partial<Instance> = {}): Instance {
  return {
    service: 'payments',
    id: 'member-id/payments:8080',
    member: 'member-id',
    name: 'member',
    address: '10.0.0.7',
    port: 8080,
    tags: [],
    meta: {},
    weight: 1,
    health: 'passing',
    status: 'alive',
    ageMs: 1_500,
    ...facts,
  }
}
