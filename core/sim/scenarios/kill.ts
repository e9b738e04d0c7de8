/**
 * One member at a time is killed, again and again, and starts anew when all have said so. The time runs from the crash to
 * the last survivor's `dead`, because an application acts on its own view: the first to know is of use to one only. Kills
 * come at random moments of the probe period, several a seed, so that a p99 over 20 seeds is one of 160 kills. Of
 * everybody else, an accusation must have been refuted before the next kill, and none may become a verdict.
 *
 * Whose turn it is to probe whom is read off the clock. Where clocks agree, probes of one member come at even distances;
 * so the promise is tried once more where each peer's clock shows another time.
 */

import { randomInt, seededRandom } from '../../random.ts'
import type { Findings } from './findings.ts'
import type { Say, Scenario, Settings } from './scenario.ts'
import { Story, seconds } from './story.ts'

/** How long is waited for the last survivor. */
const patienceMs = 60_000
/** Between a restart that all know of and the next kill: at least this, and up to as much again. */
const restMs = 3_000

/** How far apart clocks are where they do not agree. */
const apartMs = 60_000

export const kill = killOf('kill', 'One member is killed at a time and starts again when everybody knows.', 0)
export const killApart = killOf('kill-clocks-apart', 'The same, and every clock shows another time.', apartMs)

function killOf(name: string, about: string, clocksMs: number): Scenario {
  return {
    name,
    about,
    toReach:
      'all survivors agree: median at most 2.5 s, p99 at most 5 s; nobody else is accused for longer than it takes to refute',
    defaults: { peers: 128, quick: { peers: 128 } },
    limits: () => [
      { figure: 'dead at all survivors, s', statistic: 'median', atMost: 2.5 },
      { figure: 'dead at all survivors, s', statistic: 'p99', atMost: 5 },
      { figure: 'false deaths', statistic: 'max', atMost: 0 },
    ],
    run: (settings, say, findings) => run(settings, clocksMs, say, findings),
  }
}

function run({ seed, peers, quick }: Settings, clocksMs: number, say: Say, findings: Findings): void {
  const random = seededRandom(seed)
  const story = new Story({ peers, seed }, say)
  const { world, watch } = story
  story.tell(`${peers} peers know one another`)
  if (clocksMs > 0) {
    for (const name of world.names()) world.jumpClock(name, clocksMs * random())
    // A clock that jumps looks like an absence, and makes a peer doubt itself for a while.
    world.run(clocksMs)
    story.tell('every clock shows another time')
  }
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
    story.restart(victim, { clockOffsetMs: clocksMs * random() })
    const back = story.until(() => world.isTrue(), patienceMs)
    findings.expect(back !== undefined, `${victim} started again and is not known to all`)
  }
  story.noteTraffic(findings, peers)
  story.noteAccusations(findings)
}
