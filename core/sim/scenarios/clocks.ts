/**
 * Clocks that jump and processes that stand still, one after the other in one room: a wall clock set an hour ahead and
 * another an hour back; a process stopped for 30 s and one for 10 min, whose packets have waited in its sockets.
 *
 * Nobody may accuse anybody but the one it happens to: whoever was
 * away has nothing to say about the others. Known as alive means that every view holds everybody as alive, its own
 * included, which is what an application shows; the time runs from the moment it wakes.
 */

import { randomInt, seededRandom } from '../../random.ts'
import type { Findings } from './findings.ts'
import type { Scenario } from './scenario.ts'
import { Story, seconds } from './story.ts'

const hourMs = 3_600_000
const jumpsMs = [hourMs, -hourMs]
const pausesMs = [30_000, 600_000]
const calmMs = 30_000
const patienceMs = 60_000

export const clocks: Scenario = {
  name: 'clocks',
  about: 'Clocks jump by an hour, ahead and back; a peer is stopped for 30 s, another for 10 min.',
  toReach: 'no accusation of others; it is back, and known as alive, within 3 s of waking',
  defaults: { peers: 64, quick: { peers: 24 } },
  limits: () => [
    { figure: 'accusations of others', statistic: 'max', atMost: 0 },
    { figure: 'known as alive after waking, s', statistic: 'max', atMost: 3 },
  ],
  run({ seed, peers }, say, findings) {
    const random = seededRandom(seed)
    const story = new Story({ peers, seed }, say)
    const { world } = story
    story.tell(`${peers} peers know one another`)
    for (const ms of jumpsMs) {
      const name = begin(story, `p${randomInt(random, peers)}`)
      world.jumpClock(name, ms)
      story.tell(`the clock of ${name} jumps ${ms > 0 ? 'ahead' : 'back'} by an hour`)
      end(story, name, findings)
    }
    for (const ms of pausesMs) {
      const name = begin(story, `p${randomInt(random, peers)}`)
      world.pause(name, ms)
      story.tell(`${name} stands still for ${seconds(ms)} s`)
      world.run(ms)
      story.tell(`${name} wakes`)
      const took = story.until(() => world.isTrue(), patienceMs)
      if (
        findings.expect(took !== undefined, `${name} woke and is not known as alive ${seconds(patienceMs)} s later`)
      ) {
        findings.note('known as alive after waking, s', took! / 1000)
        story.tell(`everybody lists everybody as alive, ${seconds(took!)} s after it woke`)
      }
      end(story, name, findings)
    }
    findings.note('accusations of others', story.watch.accusations)
  },
}

function begin({ world, watch }: Story, name: string): string {
  world.run(calmMs)
  watch.blame(world.peer(name).id, name)
  return name
}

/** By now nothing of it may be left. */
function end({ world, watch }: Story, name: string, findings: Findings): void {
  world.run(calmMs)
  findings.expect(
    world.isTrue(),
    `${seconds(calmMs)} s after it happened to ${name}, not everybody lists everybody as alive`,
  )
  watch.acquit(world.peer(name).id, name)
}
