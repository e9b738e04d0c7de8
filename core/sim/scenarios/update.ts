/**
 * One member changes an entry of its state in a quiet room whose links take 1 ms. The time runs until the last view has
 * the new value. The cost is what the room sends beyond its idle traffic over the same length of time, headers included,
 * divided by its members; memberlist's rule for the same bytes is 4 * ceil(log10(n + 1)) transmissions by each member, its
 * headers not counted, so the comparison favours memberlist.
 */

import { decodePacket } from '../../codec.ts'
import { roomTag } from '../../digest.ts'
import { randomInt, seededRandom } from '../../random.ts'
import { simulatedRoom, type World } from '../index.ts'
import type { Findings } from './findings.ts'
import type { Say, Scenario, Settings } from './scenario.ts'
import { watchFor } from './spread.ts'
import { Story, seconds } from './story.ts'

/** A rumour has come to rest well within this, at any size tried here. */
const windowMs = 3_000

export const update = updateOf('update', 128, 128)
export const updateLarge = updateOf('update-1000', 1_000, 400)

function updateOf(name: string, peers: number, quickPeers: number): Scenario {
  return {
    name,
    about: 'One member changes its state; links take 1 ms.',
    toReach: `at all within ${spreadMs(peers)} ms; not more bytes per member than memberlist's rule spends`,
    defaults: { peers, quick: { peers: quickPeers } },
    limits: (size) => [
      { figure: 'at all, ms', statistic: 'max', atMost: spreadMs(size) },
      { figure: "bytes, share of memberlist's rule", statistic: 'max', atMost: 1 },
    ],
    run,
  }
}

/** Of the two sizes the promise names, the next larger one counts. */
function spreadMs(peers: number): number {
  return peers <= 128 ? 150 : 300
}

function run({ seed, peers, quick }: Settings, say: Say, findings: Findings): void {
  const random = seededRandom(seed)
  const story = new Story({ peers, seed, link: { delayMs: 1, jitterMs: 0 } }, say)
  const { world } = story
  story.tell(`${peers} peers know one another`)
  world.run(windowMs)
  story.countTraffic()
  world.run(windowMs)
  const idleBytes = story.bytes
  story.noteTraffic(findings, peers)
  for (let i = 0; i < (quick ? 2 : 5); i++) {
    world.run(1_000 * random())
    const owner = `p${randomInt(random, peers)}`
    const value = `news ${i} of seed ${seed}`
    const lengthOf = rumourLength(world, owner)
    story.countTraffic()
    const changedAt = world.now
    const informed = watchFor(world, owner, value)
    story.tell(`${owner} changes its state`)
    world.setState(owner, { news: value })
    world.run(windowMs)
    const ruleBytes = lengthOf() * 4 * Math.ceil(Math.log10(peers + 1))
    const spentBytes = (story.bytes - idleBytes) / peers
    findings.note('bytes by each member', spentBytes)
    findings.note("bytes, share of memberlist's rule", spentBytes / ruleBytes)
    const times = informed()
    if (!findings.expect(times.size === peers, `after ${seconds(windowMs)} s, ${times.size} of ${peers} know`)) continue
    const lastMs = Math.max(...times.values()) - changedAt
    findings.note('at all, ms', lastMs)
    story.tell(`all ${peers} had it after ${lastMs.toFixed(0)} ms`)
  }
}

/** The length of the next entry that its owner sends out, in bytes. */
function rumourLength(world: World, owner: string): () => number {
  const { id } = world.peer(owner)
  let length = 0
  const stop = world.onPacket((from, _to, _kind, packet) => {
    if (from !== owner || length > 0) return
    const found = decodePacket(packet, roomTag(simulatedRoom))?.rumours.find(
      ({ rumour }) => rumour.type === 'entry' && rumour.id === id,
    )
    length = found?.bytes.length ?? 0
  })
  return () => {
    stop()
    return length
  }
}
