/**
 * Two in five tabs of a room vanish in one moment, as when a provider fails: two in five links of those that stay are
 * dead, and nobody knows yet which. The time runs until those that stay hold exactly one another, alive, and the same.
 */

import { sample, seededRandom } from '../../random.ts'
import type { Scenario } from './scenario.ts'
import { seconds } from './story.ts'
import { isOneView, linkLimits, noFalseDeaths, noteLinks, roomOfTabs, runLooking, settlesInOneView } from './tabs.ts'

const share = 0.4
const restMs = 5_000
const patienceMs = 120_000
const afterwardsMs = 30_000

export const tabsVanish: Scenario = {
  name: 'tabs-vanish',
  about: '400 of 1,000 tabs crash at once.',
  toReach: 'the rest hold one view within 15 s; nobody that lives is declared dead',
  defaults: { peers: 1_000, quick: { peers: 100 } },
  limits: () => [{ figure: 'one view after, s', statistic: 'max', atMost: 15 }, ...linkLimits, noFalseDeaths],
  run({ seed, peers }, say, findings) {
    const story = roomOfTabs({ peers, seed }, say)
    const { world } = story
    world.run(restMs)
    const victims = sample(world.names(), Math.round(share * peers), seededRandom(seed))
    story.countTraffic()
    for (const name of victims) {
      story.bury(name)
      world.crash(name)
    }
    story.tell(`${victims.length} of ${peers} tabs crash`)
    const took = story.until(() => isOneView(world), patienceMs)
    if (findings.expect(took !== undefined, `the rest hold no one view ${seconds(patienceMs)} s later`)) {
      findings.note('one view after, s', took! / 1000)
      story.tell(`the rest hold one view after ${seconds(took!)} s`)
    }
    story.noteTraffic(findings, peers - victims.length)
    runLooking(world, afterwardsMs, 1_000, () => noteLinks(story, findings))
    findings.expect(settlesInOneView(story), `${seconds(afterwardsMs)} s later it is no longer one view`)
    story.noteAccusations(findings)
  },
}
