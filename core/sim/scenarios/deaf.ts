/**
 * One-way loss: 10 of 1,000 members lose everything that is sent to them, for 20 s in every 40, while all they send
 * arrives. They see a silent room, and accuse it. See `faulty.ts` for what is promised of the others.
 */

import { sample, seededRandom } from '../../random.ts'
import { faultyCount, faultyLimits, noteFaulty } from './faulty.ts'
import type { Scenario } from './scenario.ts'
import { Story } from './story.ts'

const halfCycleMs = 20_000
const cycles = 4

export const deaf: Scenario = {
  name: 'deaf',
  about: '1 % of the members receive nothing, 20 s on, 20 s off; all they send arrives.',
  toReach: 'the others keep one stable view of each other; what is said of the deaf does not flap',
  defaults: { peers: 1_000, quick: { peers: 100 } },
  limits: () => faultyLimits,
  run({ seed, peers }, say, findings) {
    const story = new Story({ peers, seed }, say)
    const { world } = story
    const names = sample(world.names(), faultyCount(peers), seededRandom(seed))
    for (const name of names) story.watch.blame(world.peer(name).id, name)
    story.tell(`${peers} peers know one another`)
    world.run(5_000)
    story.countTraffic()
    for (let cycle = 0; cycle < cycles; cycle++) {
      for (const name of names) world.setLinkOf(name, { lossIn: 1 })
      story.tell(`${names.join(', ')} receive nothing`)
      world.run(halfCycleMs)
      for (const name of names) world.setLinkOf(name, { lossIn: 0 })
      story.tell('they hear again')
      world.run(halfCycleMs)
    }
    story.noteTraffic(findings, peers)
    noteFaulty(story, new Set(names), findings)
  },
}
