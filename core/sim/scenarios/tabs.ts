/** What rooms of tabs have in common: their channels, the net between homes, and how many links a tab may hold. */

import { meshMax } from '../../rings.ts'
import type { World, WorldOptions } from '../index.ts'
import type { Findings } from './findings.ts'
import type { Limit, Say } from './scenario.ts'
import { Story } from './story.ts'

export const tab = ['rtc', 'relay']
export const gateway = ['udp', 'rtc', 'relay']
/** 20 to 60 ms, one in a hundred lost. */
export const betweenHomes = { delayMs: 20, jitterMs: 40, loss: 0.01 }

export const linkLimits: readonly Limit[] = [
  { figure: 'links held by a tab, at most', statistic: 'max', atMost: 16 },
  { figure: 'links wanted by a tab, at most', statistic: 'max', atMost: 8 },
]
export const noFalseDeaths: Limit = { figure: 'false deaths', statistic: 'max', atMost: 0 }

/** A room of tabs that have known each other, and been linked, for long. */
export function roomOfTabs(options: WorldOptions, say: Say): Story {
  return new Story({ kinds: tab, link: betweenHomes, linked: true, ...options }, say)
}

/** Reads how many links each holds and wants now, in a room that is too large for a full mesh. */
export function noteLinks({ world }: Story, findings: Findings): void {
  const names = world.names()
  if (names.length <= meshMax) return
  let held = 0
  let wanted = 0
  for (const name of names) {
    held = Math.max(held, world.linksOf(name).open)
    wanted = Math.max(
      wanted,
      world
        .peer(name)
        .links()
        .filter((link) => link.wanted).length,
    )
  }
  findings.note('links held by a tab, at most', held)
  findings.note('links wanted by a tab, at most', wanted)
}

/** Lets time pass, and calls `look` every so often. */
export function runLooking(world: World, ms: number, everyMs: number, look: () => void): void {
  for (let left = ms; left > 0; left -= everyMs) {
    world.run(Math.min(left, everyMs))
    look()
  }
}

/** Packets are lost: some suspicion may just be on its way round, and its refutation behind it. */
const refutingMs = 1_000

/** One view, now or once a suspicion that is on its way has been refuted. */
export function settlesInOneView(story: Story): boolean {
  return story.until(() => isOneView(story.world), refutingMs) !== undefined
}

/** True if every live peer holds exactly the live ones, alive, and all agree on what they say of themselves. */
export function isOneView(world: World): boolean {
  return world.isTrue() && world.agrees()
}
