/**
 * A room of tabs that is full and at rest: what it costs, how fast a change of state is at all, and how soon all agree on
 * a crash. What each tab sends while nothing happens is compared with a room of 50.
 */

import { randomInt, seededRandom } from '../../random.ts'
import type { Findings } from './findings.ts'
import type { Say, Scenario, Settings } from './scenario.ts'
import { spread } from './spread.ts'
import { type Story, seconds } from './story.ts'
import { linkLimits, noFalseDeaths, noteLinks, roomOfTabs } from './tabs.ts'

const smallRoom = 50
/** What the beginning of a room leaves to be done is over by then. */
const restMs = 10_000
const measuredMs = 20_000
const spreadMs = 3_000
const patienceMs = 60_000

export const tabsRoom: Scenario = {
  name: 'tabs-room',
  about: '1,000 tabs at rest; some change their state, some crash.',
  toReach:
    'a change at all within 1 s (p99), a crash agreed by all within 6 s (p99), nobody else declared dead; traffic per tab within 1.5 times that of 50 tabs',
  defaults: { peers: 1_000, quick: { peers: 100 } },
  limits: () => [
    { figure: 'a change at all, ms', statistic: 'p99', atMost: 1_000 },
    { figure: 'a crash agreed by all, s', statistic: 'p99', atMost: 6 },
    { figure: 'traffic at rest, times that of 50 tabs', statistic: 'max', atMost: 1.5 },
    ...linkLimits,
    noFalseDeaths,
  ],
  run({ seed, peers, quick }: Settings, say: Say, findings: Findings) {
    const small = roomOfTabs({ peers: smallRoom, seed }, say)
    const few = bytesAtRest(small, smallRoom)
    const story = roomOfTabs({ peers, seed }, say)
    const many = bytesAtRest(story, peers)
    findings.note('at rest, bytes/s of each of 50 tabs', few)
    findings.note('at rest, bytes/s of each tab', many)
    findings.note('traffic at rest, times that of 50 tabs', many / few)
    noteLinks(story, findings)
    const random = seededRandom(seed)
    for (let i = 0; i < (quick ? 3 : 10); i++) {
      story.world.run(1_000 * random())
      spread(story, `p${randomInt(random, peers)}`, `news ${i}`, spreadMs, 'a change at all, ms', findings)
    }
    for (let i = 0; i < (quick ? 2 : 5); i++) {
      story.world.run(1_000 * (1 + random()))
      const names = story.world.names()
      crash(story, names[randomInt(random, names.length)]!, findings)
    }
    noteLinks(story, findings)
    story.noteAccusations(findings)
  },
}

/** What each tab sends in a second while nothing happens. */
function bytesAtRest(story: Story, peers: number): number {
  const { world } = story
  world.run(restMs)
  story.countTraffic()
  world.run(measuredMs)
  const bytes = story.bytes / peers / (measuredMs / 1000)
  story.tell(`${peers} tabs at rest: each sends ${bytes.toFixed(0)} bytes a second`)
  return bytes
}

function crash(story: Story, victim: string, findings: Findings): void {
  const { world } = story
  const crashedAt = world.now
  const known = story.crash(victim)
  const survivors = world.names().length
  const agreed = story.until(() => known.deadAt.size === survivors, patienceMs)
  if (known.first) findings.note('first suspicion, s', (known.first.atMs - crashedAt) / 1000)
  if (!findings.expect(agreed !== undefined, `${victim} is not dead at all ${seconds(patienceMs)} s after its crash`))
    return
  const lastMs = Math.max(...known.deadAt.values()) - crashedAt
  findings.note('a crash agreed by all, s', lastMs / 1000)
  story.tell(`all ${survivors} agree after ${seconds(lastMs)} s: ${victim} is dead`)
}
