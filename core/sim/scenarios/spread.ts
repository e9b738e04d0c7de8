/** How long a change of state takes to be in every view. */

import type { World } from '../index.ts'
import type { Findings } from './findings.ts'
import { type Story, seconds } from './story.ts'

/** When each peer got the value of `news`, by its own report. */
export function watchFor(world: World, owner: string, value: string): () => ReadonlyMap<string, number> {
  const { id } = world.peer(owner)
  const times = new Map<string, number>()
  const stop = world.onEvent(({ type, by, atMs, member }) => {
    if (type === 'update' && member?.id === id && member.state.news === value && !times.has(by)) times.set(by, atMs)
  })
  return () => {
    stop()
    return times
  }
}

/** One member changes its state; notes under `figure` after how many milliseconds the last of all has it. */
export function spread(
  story: Story,
  owner: string,
  value: string,
  withinMs: number,
  figure: string,
  findings: Findings,
): void {
  const { world } = story
  const members = world.names().length
  const changedAt = world.now
  const informed = watchFor(world, owner, value)
  world.setState(owner, { news: value })
  world.run(withinMs)
  const times = informed()
  if (
    !findings.expect(
      times.size === members,
      `after ${seconds(withinMs)} s, ${times.size} of ${members} know what ${owner} said`,
    )
  )
    return
  const lastMs = Math.max(...times.values()) - changedAt
  findings.note(figure, lastMs)
  story.tell(`${owner} changed its state; all ${members} had it after ${lastMs.toFixed(0)} ms`)
}
