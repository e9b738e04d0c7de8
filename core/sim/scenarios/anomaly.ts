/**
 * Lifeguard's anomaly: C of 128 members are blocked for D at the same time, their timers running on: nothing they send
 * leaves, nothing that is sent to them arrives. Then all that was held is released in a burst, accusations made blindly
 * included, and 1 s later they are blocked again. The free interval is one probe period: long enough for the burst to be
 * answered and for new accusations to leave, too short to recover. This goes on for 2 minutes and is watched for half a
 * minute more. Each pair of C and D is a room of its own.
 *
 * No member that was never blocked may be declared dead, not even by one that is.
 */

import { sample, seededRandom } from '../../random.ts'
import type { Scenario } from './scenario.ts'
import { Story, seconds } from './story.ts'

const freeMs = 1_000
const cyclingMs = 120_000
const afterwardsMs = 30_000
/** Of a room of this size. */
const whole = 128
const blockedCounts = [4, 16, 32]
const blockedTimesMs = [500, 2_000, 8_000, 32_000]

export const anomaly: Scenario = {
  name: 'anomaly',
  about: 'C of 128 members are blocked for D, released in a burst for 1 s and blocked again, for each of 12 pairs.',
  toReach: 'C in 4, 16, 32 and D in 0.5, 2, 8, 32 s: no healthy member declared dead by anybody',
  defaults: { peers: whole, quick: { peers: 64 } },
  limits: () => [{ figure: 'healthy members declared dead', statistic: 'max', atMost: 0 }],
  run({ seed, peers, quick }, say, findings) {
    for (const of128 of quick ? [32] : blockedCounts) {
      for (const blockedMs of quick ? [2_000, 32_000] : blockedTimesMs) {
        const count = Math.max(1, Math.round((of128 * peers) / whole))
        const story = new Story({ peers, seed }, say)
        const { world } = story
        const blocked = sample(world.names(), count, seededRandom(seed))
        for (const name of blocked) story.watch.blame(world.peer(name).id, name)
        const pair = `C = ${count}, D = ${seconds(blockedMs)} s`
        story.tell(`${pair}: ${blocked.slice(0, 8).join(', ')}${count > 8 ? ' ...' : ''} are blocked again and again`)
        world.run(5_000)
        const end = world.now + cyclingMs
        while (world.now < end) {
          for (const name of blocked) world.stall(name, blockedMs)
          world.run(blockedMs + freeMs)
        }
        world.run(afterwardsMs)
        const victims = story.victims(new Set(blocked))
        findings.note('healthy members declared dead', victims.length)
        findings.note('blocked members declared dead', story.victims(new Set()).length - victims.length)
        findings.note('accusations of healthy members', story.watch.accusations)
        findings.expect(victims.length === 0, `${pair}: ${victims.length} healthy members were declared dead`)
        story.tell(`${pair}: ${victims.length} healthy members declared dead, ${story.watch.accusations} accusations`)
      }
    }
  },
}
