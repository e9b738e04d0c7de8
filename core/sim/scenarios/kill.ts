/**
 * One member at a time is killed, again and again, and starts anew when all have said so. The time runs from the crash to
 * the last survivor's `dead`, because an application acts on its own view: the first to know is of use to one only. Kills
 * come at random moments of the probe period, several a seed, so that a p99 over 20 seeds is one of 160 kills. Of
 * everybody else, an accusation must have been refuted before the next kill, and none may become a verdict.
 */

import { randomInt, seededRandom } from '../../random.ts'
import type { Scenario } from './scenario.ts'
import { Story, seconds } from './story.ts'

/** How long is waited for the last survivor. */
const patienceMs = 60_000
/** Between a restart that all know of and the next kill: at least this, and up to as much again. */
const restMs = 3_000

export const kill: Scenario = {
  name: 'kill',
  about: 'One member is killed at a time and starts again when everybody knows.',
  toReach:
    'all survivors agree: median at most 2.5 s, p99 at most 5 s; nobody else is accused for longer than it takes to refute',
  defaults: { peers: 128, quick: { peers: 128 } },
  limits: () => [
    { figure: 'dead at all survivors, s', statistic: 'median', atMost: 2.5 },
    { figure: 'dead at all survivors, s', statistic: 'p99', atMost: 5 },
    { figure: 'false deaths', statistic: 'max', atMost: 0 },
  ],
  run({ seed, peers, quick }, say, findings) {
    const random = seededRandom(seed)
    const story = new Story({ peers, seed }, say)
    const { world, watch } = story
    story.tell(`${peers} peers know one another`)
    world.run(restMs)
    story.countTraffic()
    for (let i = 0; i < (quick ? 3 : 8); i++) {
      world.run(restMs * (1 + random()))
      findings.expect(watch.open().length === 0, `not refuted before the next kill: ${watch.open().join(', ')}`)
      const victim = `p${randomInt(random, peers)}`
      const killedAt = world.now
      const victimCase = story.crash(victim)
      const agreed = story.until(() => victimCase.deadAt.size === peers - 1, patienceMs)
      if (victimCase.first) findings.note('first suspicion, s', (victimCase.first.atMs - killedAt) / 1000)
      if (
        findings.expect(agreed !== undefined, `${victim} is not dead at all within ${seconds(patienceMs)} s of its end`)
      ) {
        const lastMs = Math.max(...victimCase.deadAt.values()) - killedAt
        findings.note('dead at all survivors, s', lastMs / 1000)
        story.tell(`all ${peers - 1} agree after ${seconds(lastMs)} s: ${victim} is dead`)
      }
      story.restart(victim)
      const back = story.until(() => world.isTrue(), patienceMs)
      findings.expect(back !== undefined, `${victim} started again and is not known to all`)
    }
    story.noteTraffic(findings, peers)
    story.noteAccusations(findings)
  },
}
