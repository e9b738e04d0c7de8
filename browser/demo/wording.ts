/** What the page says about members, in plain words. */

import type { Member, MemberEvent } from '../../core/index.ts'
import { shownName } from './name.ts'

export type News = Exclude<MemberEvent['type'], 'update'>

const verbs: Readonly<Record<News, readonly [one: string, many: string]>> = {
  join: ['joined', 'joined'],
  suspect: ['stopped answering', 'stopped answering'],
  refute: ['is answering again', 'are answering again'],
  leave: ['left', 'left'],
  dead: ['is gone without a word', 'are gone without a word'],
}

/** One line for everybody to whom the same thing happened at the same time: the first two by name, the rest counted. */
export function sentence(news: News, names: readonly string[]): string {
  const shown = names.slice(0, 2).map((name) => shownName(name, 24))
  const others = names.length - shown.length
  if (others > 0) shown.push(others === 1 ? '1 other' : `${others} others`)
  const [one, many] = verbs[news]
  return `${listing(shown)} ${names.length === 1 ? one : many}`
}

/** What is known about a member's connection, short enough for its row. */
export function facts(member: Member, self: boolean): string {
  if (member.status === 'left') return 'left'
  if (member.status === 'dead') return 'gone'
  if (member.status === 'suspect') return 'not answering'
  const away = member.mode === 'hidden' ? 'away, ' : member.mode === 'frozen' ? 'asleep, ' : ''
  if (self) return `${away}this tab`
  const path = { direct: 'direct', relayed: 'relayed', gossip: 'by way of others' }[member.via]
  return away + (member.rttMs === undefined ? path : `${path}, ${roundTrip(member.rttMs)}`)
}

export function roundTrip(ms: number): string {
  return ms < 1 ? '<1 ms' : `${Math.round(ms)} ms`
}

/** How far this view agrees with the last ones it was compared with; a member can be among them more than once. */
export function agreement({ agreeing, asked }: { agreeing: number; asked: number }): string {
  if (asked === 0) return 'not compared yet'
  return agreeing === asked ? 'all agree' : `${agreeing} of the last ${asked} agree`
}

function listing(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('')
  return `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`
}
