/**
 * One tab crashes together with all its neighbours, so nobody is left who had a link to it: those who probed it are gone.
 * Everybody computes neighbours anew as the dead are found, so the last of them becomes a neighbour of somebody who lives.
 */

import { randomInt, seededRandom } from '../../random.ts'
import type { World } from '../index.ts'
import type { Scenario } from './scenario.ts'
import { seconds } from './story.ts'
import { noFalseDeaths, roomOfTabs, settlesInOneView } from './tabs.ts'

const restMs = 5_000
const betweenMs = 20_000
const patienceMs = 120_000

export const tabsNeighbours: Scenario = {
  name: 'tabs-neighbours',
  about: 'A tab of 200 and all its neighbours crash at once, three times.',
  toReach: 'all are found dead, by all, within 15 s; nobody else is',
  defaults: { peers: 200, quick: { peers: 60 } },
  limits: () => [{ figure: 'the last of them dead at all, s', statistic: 'max', atMost: 15 }, noFalseDeaths],
  run({ seed, peers, quick }, say, findings) {
    const random = seededRandom(seed)
    const story = roomOfTabs({ peers, seed }, say)
    const { world } = story
    world.run(restMs)
    for (let i = 0; i < (quick ? 1 : 3); i++) {
      const names = world.names()
      const [middle, ...round] = withNeighbours(world, names[randomInt(random, names.length)]!)
      const crashedAt = world.now
      const victims = [middle!, ...round].map((name) => {
        const known = story.bury(name)
        world.crash(name)
        return known
      })
      story.tell(`${middle} and its ${round.length} neighbours crash`)
      const survivors = world.names().length
      const took = story.until(() => victims.every(({ deadAt }) => deadAt.size === survivors), patienceMs)
      if (findings.expect(took !== undefined, `not all of them are dead at all ${seconds(patienceMs)} s later`)) {
        const lastOf = (deadAt: ReadonlyMap<string, number>) => (Math.max(...deadAt.values()) - crashedAt) / 1000
        findings.note('the one in the middle dead at all, s', lastOf(victims[0]!.deadAt))
        findings.note('the last of them dead at all, s', Math.max(...victims.map(({ deadAt }) => lastOf(deadAt))))
        story.tell(`all ${survivors} agree on all of them after ${seconds(took!)} s`)
      }
      world.run(betweenMs)
    }
    findings.expect(settlesInOneView(story), 'at the end the views are not one')
    story.noteAccusations(findings)
  },
}

/** A member and those next to it on the rings, by name. */
function withNeighbours(world: World, name: string): string[] {
  const peer = world.peer(name)
  const nameOf = new Map(world.names().map((name) => [world.peer(name).id, name]))
  const neighbours = peer.links().flatMap(({ peer, wanted }) => (wanted ? [peer] : []))
  return [peer.id, ...neighbours].map((id) => nameOf.get(id)!)
}
