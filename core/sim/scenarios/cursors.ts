/**
 * Everybody in a room moves a cursor, 20 times a second, and then all stop: what presence is asked for most, and the most
 * that a room is asked to carry. Positions are volatile entries, changed at each member's own moments.
 *
 * A position counts as applied once a view shows it or a newer one of the same cursor: nobody wants to be shown where it was
 * before. Each member is judged by itself, over the positions of all others; one that it never shows is late.
 */

import { randomInt, seededRandom } from '../../random.ts'
import type { World, WorldOptions } from '../index.ts'
import type { Findings } from './findings.ts'
import type { Scenario, Settings } from './scenario.ts'
import { Story } from './story.ts'
import { betweenHomes, noFalseDeaths, tab } from './tabs.ts'

const movesEveryMs = 50
/** How finely members' moments are spread over that time. */
const stepMs = 5
const inTimeMs = 250
/** What the beginning of a room leaves to be done is over by then. */
const beginningMs = 10_000
/** The room at rest is looked at for so long that chance has little part in it. */
const restMs = 60_000
/** What was on its way has come to rest. */
const settleMs = 3_000
/** Coordinates as on a screen: each takes three bytes. */
const firstX = 300

export const cursors = cursorsOf('cursors', 'tabs', { kinds: tab, linked: true, link: betweenHomes })
export const cursorsUdp = cursorsOf('cursors-udp', 'servers', { link: { loss: 0.01 } })

function cursorsOf(name: string, members: string, options: Omit<WorldOptions, 'peers' | 'seed'>): Scenario {
  return {
    name,
    about: `50 ${members} move a cursor 20 times a second each, and stop; 1 % of packets are lost.`,
    toReach:
      'every member applies at least 95 % of the positions within 250 ms; afterwards the room costs what one costs that never moved',
    defaults: { peers: 50, quick: { peers: 50 } },
    limits: () => [
      { figure: 'positions late at a member, %', statistic: 'max', atMost: 5 },
      // Tabs that nobody ever moved a cursor in cost 1.14 times as much in one minute as in another; those that move, 2,400.
      { figure: 'at rest again, times a room that never moved', statistic: 'mean', atMost: 1.2 },
      noFalseDeaths,
    ],
    run: (settings, say, findings) =>
      run(() => new Story({ ...options, peers: settings.peers, seed: settings.seed }, say), settings, findings),
  }
}

function run(roomOf: () => Story, { seed, quick }: Settings, findings: Findings): void {
  const movesMs = quick ? 3_000 : 15_000
  // What a room costs at rest changes a little with its age, so the other one is as old.
  const still = roomOf()
  still.world.run(beginningMs + movesMs + settleMs)
  const usual = rest(still)

  const story = roomOf()
  const { world } = story
  const names = world.names()
  world.run(beginningMs)
  const random = seededRandom(seed)
  const momentOf = new Map(names.map((name) => [name, stepMs * randomInt(random, movesEveryMs / stepMs)]))
  const positions = new Positions(world)
  story.tell('everybody begins to move')
  story.countTraffic()
  for (let ms = 0; ms < movesMs; ms += stepMs) {
    for (const name of names) if (ms % movesEveryMs === momentOf.get(name)) positions.publish(name)
    world.run(stepMs)
  }
  story.noteTraffic(findings, names.length)
  story.tell('everybody stops')
  world.run(settleMs)
  for (const ages of positions.agesAtMembers()) {
    ages.sort((one, other) => one - other)
    findings.note('positions late at a member, %', (100 * ages.filter((ms) => ms > inTimeMs).length) / ages.length)
    findings.note('half of them applied by a member within, ms', ages[Math.floor(ages.length * 0.5)]!)
    findings.note('19 of 20 applied by a member within, ms', ages[Math.floor(ages.length * 0.95)]!)
  }
  findings.note('last positions missed, of 10,000', 10_000 * positions.missedShare())
  const again = rest(story)
  findings.note('at rest again, bytes/s of each', again)
  findings.note('at rest again, times a room that never moved', again / usual)
  story.noteAccusations(findings)
}

/** What each sends in a second while nothing happens. */
function rest(story: Story): number {
  const { world } = story
  story.countTraffic()
  world.run(restMs)
  const bytes = story.bytes / world.names().length / (restMs / 1000)
  story.tell(`at rest: each sends ${bytes.toFixed(0)} bytes a second`)
  return bytes
}

/** When each position was published, and when each member first showed it or a newer one. */
class Positions {
  readonly #world: World
  /** By cursor. */
  readonly #publishedAt = new Map<string, number[]>()
  /** By member and cursor. */
  readonly #appliedAt = new Map<string, Map<string, number[]>>()

  constructor(world: World) {
    this.#world = world
    const names = world.names()
    for (const name of names) {
      this.#publishedAt.set(name, [])
      this.#appliedAt.set(name, new Map(names.filter((other) => other !== name).map((other) => [other, []])))
    }
    world.onEvent(({ type, by, of, atMs, member }) => {
      const applied = type === 'update' ? this.#appliedAt.get(by)!.get(of) : undefined
      const cursor = member?.state.cursor as { x: number } | undefined
      if (applied && cursor) while (applied.length <= cursor.x - firstX) applied.push(atMs)
    })
  }

  publish(name: string): void {
    const published = this.#publishedAt.get(name)!
    published.push(this.#world.now)
    this.#world.setState(name, { cursor: { x: firstX + published.length - 1, y: 700 } }, true)
  }

  /** For each member, how old the positions of all others were when it applied them; Infinity for never. */
  *agesAtMembers(): Iterable<number[]> {
    for (const cursors of this.#appliedAt.values()) {
      const ages: number[] = []
      for (const [name, applied] of cursors) {
        for (const [i, at] of this.#publishedAt.get(name)!.entries()) ages.push((applied[i] ?? Infinity) - at)
      }
      yield ages
    }
  }

  /** Of all cursors at all members, those that stand where they did not stop: digests leave volatile entries out. */
  missedShare(): number {
    let cursors = 0
    let missed = 0
    for (const shown of this.#appliedAt.values()) {
      for (const [name, applied] of shown) {
        cursors++
        if (applied.length < this.#publishedAt.get(name)!.length) missed++
      }
    }
    return missed / cursors
  }
}
