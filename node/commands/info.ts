/** `shoal info`: who the agent is, how its view stands, and what it has counted; or why a member is believed what it is. */

import type { Explanation, Member, MemberStatus } from '../../core/index.ts'
import { duration, memberFacts } from '../../peer/facts.ts'
import { ask, httpAddress, printAs, readFormat } from './ask.ts'
import { printable, textFacts } from './table.ts'
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
  summary: 'show who the agent is and what it has counted, or why a member is held alive, suspect or dead',
  usage: 'info [name or id of a member] [--format text|json] [--http host:port]',
  flags: { ...formatFlag, ...httpFlag },
  wordsMax: 1,
  async run(flags, shell) {
    readFormat(flags)
    const { address } = httpAddress(flags, shell)
    const [member] = flags.words
    if (member !== undefined) {
      const path = `/v1/explain/${encodeURIComponent(member)}`
      return printAs(flags, shell, await ask<Explanation>(address, 'GET', path, 'because'), explanationText)
    }
    printAs(flags, shell, await ask<SelfBody>(address, 'GET', '/v1/agent/self', 'member'), infoText)
  },
}

export function explanationText(about: Explanation): string {
  const { observer } = about
  const judge: [string, string][] = [
    ['name', observer.name],
    ['status', observer.reason ? `${observer.status} (${observer.reason})` : observer.status],
    ['health', observer.health === 0 ? 'good' : `${observer.health} of 7, 0 is good`],
    ['timers', observer.lagMs < 1 ? 'on time' : `${duration(observer.lagMs)} late`],
  ]
  return [
    printable(`${about.name}: ${about.because}`),
    textFacts(memberFacts(about)),
    `as ${printable(observer.name)} sees it:`,
    textFacts(judge),
  ].join('\n')
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
