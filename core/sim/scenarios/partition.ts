/**
 * The room is cut into halves for 10 minutes, long enough for each half to have buried the other and for the pauses of
 * healing to have grown to their longest. In the meantime each half loses a member by a crash and one by a farewell, one
 * starts again and one is new, so that there is something to get wrong. One view means that every live peer holds exactly
 * the live peers, alive and with equal state and digest: an old id that comes back is a ghost and fails it. The back-off
 * period is the longest pause between two attempts to heal (`healMaxMs`).
 *
 * The variant keeps tombstones for so short a time that each half has forgotten the other by the heal, as after a cut of
 * hours: then only the seeds that peers were started with lead across.
 */

import { defaultConfig } from '../../config.ts'
import type { Findings } from './findings.ts'
import type { Say, Scenario, Settings } from './scenario.ts'
import { Story, seconds } from './story.ts'

const cutMs = 600_000
/** After the heal, one view has to last this long. */
const lastingMs = 60_000
const shortMemoryMs = 60_000
const periodsMax = 2

export const partition = partitionOf('partition', 'Half of the room is cut off from the other half for 10 minutes.')
export const partitionForgotten = partitionOf(
  'partition-forgotten',
  'The same, with every dead member forgotten before the heal.',
  shortMemoryMs,
)

function partitionOf(name: string, about: string, tombstoneMs?: number): Scenario {
  return {
    name,
    about,
    toReach: `one view within ${periodsMax} back-off periods of the heal, no ghosts`,
    defaults: { peers: 128, quick: { peers: 24 } },
    limits: () => [{ figure: 'one view after, back-off periods', statistic: 'max', atMost: periodsMax }],
    run: (settings, say, findings) => run(settings, say, findings, tombstoneMs),
  }
}

function run({ seed, peers }: Settings, say: Say, findings: Findings, tombstoneMs: number | undefined): void {
  const story = new Story({ peers, seed, ...(tombstoneMs && { config: { tombstoneMs } }) }, say)
  const { world } = story
  const half = Math.floor(peers / 2)
  const names = world.names()
  const sides = [names.slice(0, half), names.slice(half)]
  story.tell(`${peers} peers know one another`)
  world.run(10_000)
  story.tell(`cut: ${half} on one side, ${peers - half} on the other`)
  world.partition(...sides)
  const cutAt = world.now
  const parted = story.until(() => sides.every((side) => world.peer(side[0]!).members().length === side.length), cutMs)
  if (findings.expect(parted !== undefined, 'the halves do not let go of each other')) {
    findings.note('halves apart, s', parted! / 1000)
    story.tell('the first of each half lists its own half only')
  }
  sides.forEach((side, i) => {
    story.crash(side[1]!)
    story.leave(side[2]!)
    story.restart(side[3]!, { seeds: [side[0]!] })
    world.join(`n${i}`, { seeds: [side[0]!] })
    story.tell(`n${i} joined`)
  })
  // Newcomers are on a side too; what they said before they had one is lost.
  world.partition(...sides.map((side, i) => [...side, `n${i}`]))
  world.run(cutMs - (world.now - cutAt))
  const remembered = world.peer(names[0]!).members({ gone: true }).length
  findings.note('known to the first at the heal, the dead included', remembered)
  const ownSide = sides[0]!.length - 1
  if (tombstoneMs) findings.expect(remembered === ownSide, `${names[0]} still remembers ${remembered - ownSide} dead`)
  story.tell(`healed; ${names[0]} knows ${remembered}, the dead included`)
  world.heal()
  story.countTraffic()
  const limitMs = periodsMax * defaultConfig.healMaxMs
  const took = story.until(() => world.isTrue() && world.agrees(), limitMs)
  if (!findings.expect(took !== undefined, `no one view ${seconds(limitMs)} s after the heal`)) return
  findings.note('one view after, s', took! / 1000)
  findings.note('one view after, back-off periods', took! / defaultConfig.healMaxMs)
  story.tell(`one view again, ${seconds(took!)} s after the heal`)
  world.run(lastingMs)
  findings.expect(world.isTrue() && world.agrees(), `the one view does not last ${seconds(lastingMs)} s`)
  story.noteTraffic(findings, peers)
}
