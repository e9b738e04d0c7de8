/**
 * The SWIM paper's own set-up (section 5): 17 members, protocol periods of 2 s, 10 % of all packets lost. There the group
 * reached 12 with suspicion and few without. Reached means that each of the 17 lists 17, a suspect among them counted, as
 * it is there; it stays if each of them lists 17 at every later second and nobody ever says `dead`.
 */

import type { Scenario } from './scenario.ts'
import { Story, seconds } from './story.ts'

const lossShare = 0.1
const periodMs = 2_000
const withinMs = 120_000

export const lossyJoin: Scenario = {
  name: 'lossy-join',
  about: '17 peers start at once and join by the first, with 10 % loss and probe periods of 2 s.',
  toReach: 'the group reaches 17 and stays (the SWIM paper: 12 with suspicion)',
  defaults: { peers: 17, quick: { peers: 17 } },
  limits: () => [
    { figure: 'false deaths', statistic: 'max', atMost: 0 },
    { figure: 'members missing in a view, at most', statistic: 'max', atMost: 0 },
  ],
  run({ seed, peers, quick }, say, findings) {
    const story = new Story(
      { peers, seed, acquainted: false, link: { loss: lossShare }, config: { probePeriodMs: periodMs } },
      say,
    )
    const { world } = story
    const smallest = () => Math.min(...[...world.views().values()].map((view) => view.length))
    story.tell(`${peers} peers start, ${lossShare * 100} % of all packets are lost`)
    const took = story.until(() => smallest() === peers, withinMs)
    if (!findings.expect(took !== undefined, `after ${seconds(withinMs)} s somebody lists ${smallest()} only`)) return
    story.tell(`each lists all ${peers}`)
    findings.note('all listed by all, s', took! / 1000)
    story.countTraffic()
    let missing = 0
    for (let second = 0; second < (quick ? 120 : 600); second++) {
      world.run(1_000)
      missing = Math.max(missing, peers - smallest())
    }
    story.tell(missing === 0 ? 'and each has listed them ever since' : `some view has lacked ${missing} since`)
    findings.note('members missing in a view, at most', missing)
    story.noteTraffic(findings, peers)
    story.noteAccusations(findings)
  },
}
