/**
 * Between three pairs of tabs in ten ICE finds no way, drawn once and for good, and one tab can link with nobody: its
 * network lets nothing through but the socket of the signalling server. All the same everybody is a member, and a change of
 * state and a crash are known as they should be, the ones of the unlinkable tab too.
 */

import { hashText } from '../../digest.ts'
import type { Findings } from './findings.ts'
import type { Scenario } from './scenario.ts'
import { spread } from './spread.ts'
import { type Story, seconds } from './story.ts'
import { linkLimits, noFalseDeaths, noteLinks, roomOfTabs, runLooking, settlesInOneView, tab } from './tabs.ts'

const unlinkable = 0.3
const loner = 'p7'
const aSecond = 50
const quietMs = 60_000
const spreadMs = 5_000
const patienceMs = 60_000

export const tabsNat: Scenario = {
  name: 'tabs-nat',
  about: '200 tabs, three pairs in ten of which cannot be linked, and one tab with nobody at all.',
  toReach:
    'membership complete 10 s after the last arrival; the unlinkable tab is heard within 2 s, its crash known within 10 s',
  defaults: { peers: 200, quick: { peers: 60 } },
  limits: () => [
    { figure: 'every view complete after the last arrival, s', statistic: 'max', atMost: 10 },
    { figure: 'a change of the unlinkable tab at all, ms', statistic: 'max', atMost: 2_000 },
    { figure: 'a change of another tab at all, ms', statistic: 'max', atMost: 2_000 },
    { figure: 'its crash agreed by all, s', statistic: 'max', atMost: 10 },
    ...linkLimits,
    noFalseDeaths,
  ],
  run({ seed, peers, quick }, say, findings) {
    const linkable = (a: string, b: string) => a !== loner && b !== loner && isLinkable(a, b, seed)
    const story = roomOfTabs({ peers: 1, seed, linked: false, acquainted: false, linkable }, say)
    const { world } = story
    for (let i = 1; i < peers; i++) {
      world.run(1_000 / aSecond)
      world.join(`p${i}`, { kinds: tab, mode: 'visible' })
    }
    const took = story.until(() => world.isTrue(), patienceMs)
    if (
      findings.expect(took !== undefined, `the views are not complete ${seconds(patienceMs)} s after the last arrival`)
    ) {
      findings.note('every view complete after the last arrival, s', took! / 1000)
      story.tell(`all ${peers} know one another, ${seconds(took!)} s after the last came`)
    }
    world.run(30_000)
    rest(story, quick ? quietMs / 2 : quietMs, findings)
    findings.expect(settlesInOneView(story), 'after a while of quiet the views are not one')
    spread(story, loner, 'here', spreadMs, 'a change of the unlinkable tab at all, ms', findings)
    spread(story, 'p3', 'here too', spreadMs, 'a change of another tab at all, ms', findings)
    const crashedAt = world.now
    const known = story.crash(loner)
    const agreed = story.until(() => known.deadAt.size === peers - 1, patienceMs)
    if (findings.expect(agreed !== undefined, `${loner} is not dead at all ${seconds(patienceMs)} s after its crash`)) {
      findings.note('its crash agreed by all, s', (Math.max(...known.deadAt.values()) - crashedAt) / 1000)
    }
    story.noteAccusations(findings)
  },
}

/** Nothing happens; what goes by the signalling server is counted. */
function rest(story: Story, ms: number, findings: Findings): void {
  const { world } = story
  let relayed = 0
  const stop = world.onPacket((_from, _to, kind, packet) => {
    if (kind === 'relay') relayed += packet.length
  })
  story.countTraffic()
  runLooking(world, ms, 1_000, () => noteLinks(story, findings))
  stop()
  const tabSeconds = (world.names().length * ms) / 1000
  findings.note('by the signalling server at rest, bytes/s of each tab', relayed / tabSeconds)
  findings.note('at rest, bytes/s of each tab', story.bytes / tabSeconds)
}

/** The same for both orders. */
function isLinkable(a: string, b: string, seed: number): boolean {
  return (hashText(a < b ? `${seed} ${a} ${b}` : `${seed} ${b} ${a}`).hi >>> 0) / 2 ** 32 >= unlinkable
}
