/**
 * A few members whose network is bad in one direction, among many that are well (after Rapid's evaluation, section 7). The
 * healthy ones keep one stable view of each other: none of them ever declares another dead, and at the end each lists all
 * of them as alive. What they say of a faulty one may change as its network does, but not for ever to and fro: nobody may
 * declare the same one dead more than twice, for the second time with cause.
 */

import type { Findings } from './findings.ts'
import type { Limit } from './scenario.ts'
import type { Story } from './story.ts'

export const faultyLimits: readonly Limit[] = [
  { figure: 'healthy members declared dead by healthy ones', statistic: 'max', atMost: 0 },
  { figure: 'times one declares the same faulty member dead, at most', statistic: 'max', atMost: 2 },
]

/** One in a hundred, and two at least. */
export function faultyCount(peers: number): number {
  return Math.max(2, Math.round(peers / 100))
}

/** Compares what the healthy say of each other and of the faulty with what is promised. */
export function noteFaulty(story: Story, faulty: ReadonlySet<string>, findings: Findings): void {
  const { world, watch } = story
  const healthy = world.names().filter((name) => !faulty.has(name))
  const wronged = new Set(world.deaths().flatMap(({ name, by }) => (faulty.has(name) || faulty.has(by) ? [] : [name])))
  findings.note('healthy members declared dead by healthy ones', wronged.size)
  const ids = new Set(healthy.map((name) => world.peer(name).id))
  const short = healthy.filter((name) => {
    const alive = world
      .peer(name)
      .members()
      .filter(({ id, status }) => ids.has(id) && status === 'alive')
    return alive.length !== ids.size
  })
  findings.expect(short.length === 0, `at the end ${short.length} healthy members do not list all the others as alive`)
  let times = 0
  for (const name of faulty) {
    const known = watch.of(world.peer(name).id)
    for (const by of healthy) times = Math.max(times, known?.deathsBy.get(by) ?? 0)
    const holders = healthy.filter((by) => world.status(by, name) === 'alive').length
    findings.note('healthy members that list a faulty one as alive at the end', holders)
  }
  findings.note('times one declares the same faulty member dead, at most', times)
  findings.note('accusations of healthy members', watch.accusations)
  story.tell(
    `${wronged.size} healthy members were declared dead; the same faulty one at most ${times} times by anybody`,
  )
}
