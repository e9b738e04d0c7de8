/**
 * Tabs come, 50 a second, each introduced to a few others by the signalling server, until the room is full. The time runs
 * from the last arrival until every view holds everybody, alive. Links are counted every second, while they come and for
 * half a minute afterwards: neighbours change with every arrival, and links no longer wanted must go before there are too
 * many.
 */

import type { Scenario } from './scenario.ts'
import { seconds } from './story.ts'
import { linkLimits, noFalseDeaths, noteLinks, roomOfTabs, runLooking, settlesInOneView, tab } from './tabs.ts'

const aSecond = 50
const patienceMs = 120_000
const afterwardsMs = 30_000

export const tabsJoin: Scenario = {
  name: 'tabs-join',
  about: '1,000 tabs come to a room, 50 a second.',
  toReach: 'every view complete within 10 s of the last arrival; at most 8 links wanted and 16 held',
  defaults: { peers: 1_000, quick: { peers: 60 } },
  limits: () => [
    { figure: 'every view complete after the last arrival, s', statistic: 'max', atMost: 10 },
    ...linkLimits,
    noFalseDeaths,
  ],
  run({ seed, peers }, say, findings) {
    const story = roomOfTabs({ peers: 1, seed, linked: false, acquainted: false }, say)
    const { world } = story
    const look = () => noteLinks(story, findings)
    story.countTraffic()
    for (let i = 1; i < peers; i++) {
      world.run(1_000 / aSecond)
      world.join(`p${i}`, { kinds: tab, mode: 'visible' })
      if (i % aSecond === 0) look()
    }
    const last = world.now
    story.tell(`the last of ${peers} has come`)
    const took = story.until(() => world.isTrue(), patienceMs)
    if (
      findings.expect(took !== undefined, `the views are not complete ${seconds(patienceMs)} s after the last arrival`)
    ) {
      findings.note('every view complete after the last arrival, s', (world.now - last) / 1000)
      story.tell(`every view is complete, ${seconds(took!)} s later`)
    }
    story.noteTraffic(findings, peers)
    runLooking(world, afterwardsMs, 1_000, look)
    findings.expect(settlesInOneView(story), `${seconds(afterwardsMs)} s later the views are not one`)
    story.noteAccusations(findings)
  },
}
