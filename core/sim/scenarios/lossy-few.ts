/**
 * 80 % loss on 1 % of the members. Rapid's paper says of packets sent in its text and of packets received in the caption,
 * so every second one loses what it sends, the others what is sent to them. See `faulty.ts` for what is promised.
 */

import { sample, seededRandom } from '../../random.ts'
import { faultyCount, faultyLimits, noteFaulty } from './faulty.ts'
import type { Scenario } from './scenario.ts'
import { Story } from './story.ts'

const lossShare = 0.8
const lengthMs = 120_000

export const lossyFew: Scenario = {
  name: 'lossy-few',
  about: '1 % of the members lose 80 % of what they send or of what is sent to them.',
  toReach: 'the others keep one stable view of each other; what is said of the lossy does not flap',
  defaults: { peers: 1_000, quick: { peers: 100 } },
  limits: () => faultyLimits,
  run({ seed, peers }, say, findings) {
    const story = new Story({ peers, seed }, say)
    const { world } = story
    const names = sample(world.names(), faultyCount(peers), seededRandom(seed))
    story.tell(`${peers} peers know one another`)
    world.run(5_000)
    names.forEach((name, i) => {
      story.watch.blame(world.peer(name).id, name)
      world.setLinkOf(name, i % 2 === 0 ? { lossOut: lossShare } : { lossIn: lossShare })
    })
    story.tell(`${names.join(', ')} lose ${lossShare * 100} %, in turn of what they send and of what they are sent`)
    story.countTraffic()
    world.run(lengthMs)
    story.noteTraffic(findings, peers)
    noteFaulty(story, new Set(names), findings)
  },
}
