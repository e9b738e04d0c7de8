/**
 * Every peer is killed and starts again at once, under its name and on its sockets, in random order within 5 s: a rolling
 * deploy at its worst. Seeds are three fixed names, as in a configuration file, so the first to restart find old peers
 * there and the seeds themselves forget all. Reached is the state in which everybody holds exactly the new ids, alive, and
 * it has to last; what is still listed of an old id by then is counted.
 */

import { seededRandom, shuffle } from '../../random.ts'
import type { Scenario } from './scenario.ts'
import { Story, seconds } from './story.ts'

const withinMs = 60_000
const restartsMs = 5_000
const lastingMs = 30_000

export const restart: Scenario = {
  name: 'restart',
  about: 'All peers restart within 5 s under the same names.',
  toReach: 'everyone sees all alive, no old id survives',
  defaults: { peers: 200, quick: { peers: 100 } },
  limits: () => [
    { figure: 'old ids still listed', statistic: 'max', atMost: 0 },
    { figure: 'false deaths', statistic: 'max', atMost: 0 },
  ],
  run({ seed, peers }, say, findings) {
    const story = new Story({ peers, seed }, say)
    const { world } = story
    const seeds = world.names().slice(0, 3)
    const oldIds = new Set(world.names().map((name) => world.peer(name).id))
    story.tell(`${peers} peers know one another`)
    world.run(5_000)
    story.countTraffic()
    for (const name of shuffle(world.names(), seededRandom(seed))) {
      world.run(restartsMs / peers)
      story.bury(name)
      world.restart(name, { seeds: seeds.filter((seedName) => seedName !== name) })
    }
    story.tell(`all ${peers} have started again within ${seconds(restartsMs)} s`)
    const took = story.until(() => world.isTrue() && world.agrees(), withinMs)
    if (findings.expect(took !== undefined, `no one view ${seconds(withinMs)} s after the last restart`)) {
      findings.note('one view after the last restart, s', took! / 1000)
      story.tell(`everybody lists exactly the ${peers} new peers, ${seconds(took!)} s after the last restart`)
      world.run(lastingMs)
      findings.expect(world.isTrue(), `this does not last ${seconds(lastingMs)} s`)
    }
    const listed = new Set([...world.views().values()].flatMap((view) => view.map(({ id }) => id)))
    findings.note('old ids still listed', [...listed].filter((id) => oldIds.has(id)).length)
    story.noteTraffic(findings, peers)
    story.noteAccusations(findings)
  },
}
