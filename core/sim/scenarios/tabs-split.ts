/**
 * A room in two halves that know nothing of each other, each at a signalling server of its own, as after a change of the
 * page's address that has reached only some. Then a tab comes that is at both servers: it is all that joins the halves, and
 * the only one who could pass a signal from one to the other until links are open.
 */

import type { Scenario } from './scenario.ts'
import { seconds } from './story.ts'
import {
  isOneView,
  linkLimits,
  noFalseDeaths,
  noteLinks,
  roomOfTabs,
  runLooking,
  settlesInOneView,
  tab,
} from './tabs.ts'

const settlingMs = 60_000
const patienceMs = 300_000
const afterwardsMs = 60_000

export const tabsSplit: Scenario = {
  name: 'tabs-split',
  about: 'Two halves of 100 tabs at two signalling servers, until a tab comes that is at both.',
  toReach: 'one view within 30 s, and a minute later',
  defaults: { peers: 200, quick: { peers: 60 } },
  limits: () => [{ figure: 'one view after, s', statistic: 'max', atMost: 30 }, ...linkLimits, noFalseDeaths],
  run({ seed, peers }, say, findings) {
    const story = roomOfTabs({ peers, seed, linked: false, acquainted: false, server: (i) => i % 2 }, say)
    const { world } = story
    const half = (i: number) => (i % 2 === 0 ? Math.ceil(peers / 2) : Math.floor(peers / 2))
    const apart = () => world.names().every((name, i) => world.peer(name).beliefs.size === half(i))
    const took = story.until(apart, settlingMs)
    findings.expect(took !== undefined, 'the halves do not know their own')
    world.run(settlingMs / 2)
    story.tell(`two halves of ${half(0)} and ${half(1)}`)
    world.join('both', { kinds: tab, mode: 'visible', server: [0, 1] })
    story.tell('a tab comes that is at both servers')
    const joined = story.until(() => isOneView(world), patienceMs)
    if (findings.expect(joined !== undefined, `no one view ${seconds(patienceMs)} s later`)) {
      findings.note('one view after, s', joined! / 1000)
      story.tell(`one view after ${seconds(joined!)} s`)
    }
    runLooking(world, afterwardsMs, 1_000, () => noteLinks(story, findings))
    findings.expect(settlesInOneView(story), `${seconds(afterwardsMs)} s later it is no longer one view`)
    story.noteAccusations(findings)
  },
}
