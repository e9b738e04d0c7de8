/** `shoal members`: the agent's view of its room, one line a member. */

import { addressOf, kindOf, type Member, ShoalError } from '../../core/index.ts'
import { statuses } from '../routes.ts'
import { ask, httpAddress, printAs, readFormat } from './ask.ts'
import { textTable } from './table.ts'
import { formatFlag, httpFlag, type Verb } from './verb.ts'

export const members: Verb = {
  summary: 'list the members of the room as the agent sees them, the dead and left that it remembers included',
  usage: 'members [--status pattern] [--format text|json] [--http host:port]',
  flags: {
    status: {
      value: 'pattern',
      help: 'only members whose whole status (alive, suspect, dead or left) fits this regular expression; "alive|suspect" hides those that are gone',
    },
    ...formatFlag,
    ...httpFlag,
  },
  async run(flags, shell) {
    readFormat(flags)
    const wanted = readPattern(flags.text('status') ?? '.*')
    const { address } = httpAddress(flags, shell)
    const body = await ask<{ members: Member[] }>(address, 'GET', '/v1/members', 'members')
    const chosen = { members: body.members.filter(({ status }) => wanted.test(status)) }
    printAs(flags, shell, chosen, ({ members }) => membersText(members))
  },
}

/** By name, then id; present members and those that are gone but remembered. */
export function membersText(members: readonly Member[]): string {
  const sorted = [...members].sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
  return textTable(['NAME', 'ID', 'STATUS', 'KIND', 'ADDRESS', 'RTT', 'SERVICES'], sorted.map(memberCells))
}

function memberCells(member: Member): string[] {
  const kinds = [...new Set(member.endpoints.map(kindOf))].join('+')
  // The address of a link is the id again, which has its own column.
  const addresses = member.endpoints.map(addressOf).filter((address) => address !== member.id)
  const services = member.services.map(({ service, port }) => (port === undefined ? service : `${service}:${port}`))
  return [
    member.name,
    member.id,
    member.status,
    kinds === '' ? member.mode : `${kinds}/${member.mode}`,
    addresses.join(','),
    member.rttMs === undefined ? '' : `${member.rttMs.toFixed(1)}ms`,
    services.join(','),
  ]
}

/** Anchored at both ends, as with `serf members`. One that fits no status would show an empty room, so it is a mistake. */
function readPattern(text: string): RegExp {
  const pattern = compiled(`^(?:${text})$`)
  if (pattern && statuses.some((status) => pattern.test(status))) return pattern
  throw new ShoalError(
    'bad_option',
    `--status: expected a regular expression that fits at least one of ${statuses.join(', ')}, got ${JSON.stringify(text)}`,
  )
}

function compiled(source: string): RegExp | undefined {
  try {
    return new RegExp(source)
  } catch {
    return undefined
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
