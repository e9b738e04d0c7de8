/** `shoal info`: who the agent is, how its view stands, and what it has counted. */

import type { Member, MemberStatus } from '../../core/index.ts'
import { ask, httpAddress, printAs, readFormat } from './ask.ts'
import { textFacts } from './table.ts'
import { formatFlag, httpFlag, type Verb } from './verb.ts'

/** The body of `/v1/agent/self`. */
export interface SelfBody {
  readonly version: string
  readonly room: string
  readonly pid: number
  readonly startedAt: number
  readonly status: string
  readonly reason: string
  readonly member: Member
  readonly members: Readonly<Record<MemberStatus, number>>
  readonly consistency: { readonly agreeing: number; readonly asked: number; readonly digest?: string }
  readonly counters: Readonly<Record<string, number>>
}

export const info: Verb = {
  summary: 'show who the agent is and what it has counted',
  usage: 'info [--format text|json] [--http host:port]',
  flags: { ...formatFlag, ...httpFlag },
  async run(flags, shell) {
    readFormat(flags)
    const { address } = httpAddress(flags, shell)
    printAs(flags, shell, await ask<SelfBody>(address, 'GET', '/v1/agent/self', 'member'), infoText)
  },
}

export function infoText(body: SelfBody): string {
  const { member, members, consistency } = body
  const agent: [string, string][] = [
    ['name', member.name],
    ['id', member.id],
    ['room', body.room],
    ['status', body.reason ? `${body.status} (${body.reason})` : body.status],
    ['endpoints', member.endpoints.join(' ') || '-'],
    ['pid', `${body.pid}`],
    ['version', body.version],
    ['started', new Date(body.startedAt).toISOString()],
  ]
  const view: [string, string][] = [
    ...Object.entries(members).map(([status, count]): [string, string] => [status, `${count}`]),
    ['agreeing', `${consistency.agreeing} of ${consistency.asked} asked`],
  ]
  const counters = Object.entries(body.counters).map(([name, count]): [string, string] => [name, `${count}`])
  const sections = [
    ['agent', agent],
    ['view', view],
    ['counters', counters],
  ] as const
  return sections
    .filter(([, facts]) => facts.length > 0)
    .map(([title, facts]) => `${title}:\n${textFacts(facts)}`)
    .join('\n')
}
