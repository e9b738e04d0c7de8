/**
 * Every minute a tenth of the room is replaced, one peer at a time: every second one crashes, the others say farewell, and
 * a new one joins in the same moment by three members drawn at random. Tombstones are kept for 5 minutes instead of an
 * hour, so that remembering and forgetting are in balance for most of the run.
 *
 * Flat means: what a peer carries (rumours waiting, timers, tombstones, members) is read from all peers every minute; once
 * tombstones have begun to expire, the highest readings of the second half must not average a quarter above those of the
 * first. Equal views are asked for 5 s after the last replacement, which is a crash.
 */

import { sample, seededRandom } from '../../random.ts'
import type { World } from '../index.ts'
import { type Findings, statistic } from './findings.ts'
import type { Scenario } from './scenario.ts'
import { Story, seconds } from './story.ts'

const tombstoneMs = 300_000
/** A tombstone's life and the sweep after it. */
const settledAfterMinutes = 7
const shareAMinute = 0.1
const calmMs = 5_000
/** Readings this small vary by more than a quarter without meaning anything. */
const slack = 4

export const churn: Scenario = {
  name: 'churn',
  about: '10 % of the room is replaced every minute for an hour.',
  toReach: 'memory, queues, timers and tombstones flat; views equal 5 s after it stops',
  defaults: { peers: 200, quick: { peers: 40 } },
  limits: () => [
    { figure: 'growth in the second half', statistic: 'max', atMost: 1.25 },
    { figure: 'false deaths', statistic: 'max', atMost: 0 },
  ],
  run({ seed, peers, quick }, say, findings) {
    const random = seededRandom(seed)
    const story = new Story({ peers, seed, config: { tombstoneMs } }, say)
    const { world } = story
    const minutes = quick ? 17 : 60
    const aMinute = Math.max(1, Math.round(peers * shareAMinute))
    const readings: Map<string, number>[] = []
    let replaced = 0
    story.tell(`${peers} peers know one another; ${aMinute} are replaced every minute`)
    for (let minute = 1; minute <= minutes; minute++) {
      for (let i = 0; i < aMinute; i++) {
        world.run(60_000 / aMinute)
        replaceOne(story, sample(world.names(), 4, random), replaced++)
      }
      readings.push(highest(world))
      const load = [...readings.at(-1)!].map(([what, most]) => `${what} ${most}`)
      if (minute % 10 === 0) story.tell(`${replaced} replaced; at most ${load.join(', ')}`)
    }
    world.run(calmMs)
    const equal = world.isTrue() && world.agrees()
    findings.expect(equal, `the views are not equal ${seconds(calmMs)} s after the last replacement`)
    const more = equal ? 0 : story.until(() => world.isTrue() && world.agrees(), 120_000)
    if (more !== undefined) findings.note('views equal after, s, at most', (calmMs + more) / 1000)
    story.tell(more === undefined ? 'no one view 125 s later' : `one view within ${seconds(calmMs + more)} s`)
    noteGrowth(readings.slice(settledAfterMinutes), findings)
    story.noteAccusations(findings)
  },
}

/** The first of these peers goes, a new one comes by way of the others. */
function replaceOne(story: Story, names: readonly string[], count: number): void {
  const { world } = story
  const [name, ...seeds] = names
  story.bury(name!)
  if (count % 2 === 1) world.crash(name!)
  else world.leave(name!)
  world.join(`c${count}`, { seeds })
}

/** The highest reading of each kind over all live peers. */
function highest(world: World): Map<string, number> {
  const most = new Map<string, number>()
  for (const name of world.names()) {
    for (const [what, count] of Object.entries(world.loadOf(name))) {
      most.set(what, Math.max(most.get(what) ?? 0, count))
    }
  }
  return most
}

function noteGrowth(readings: readonly ReadonlyMap<string, number>[], findings: Findings): void {
  const half = Math.floor(readings.length / 2)
  for (const what of readings[0]!.keys()) {
    const counts = readings.map((reading) => reading.get(what)!)
    const [before, after] = [statistic(counts.slice(0, half), 'mean'), statistic(counts.slice(half), 'mean')]
    findings.note(`${what}, at most`, Math.max(...counts))
    findings.note('growth in the second half', (after + slack) / (before + slack))
  }
}
