/**
 * A day of coming and going in an hour: every minute one in twenty tabs is replaced, one at a time, every second one by a
 * crash, the others with a farewell. For the middle third the signalling server is down. Newcomers are then let in by a
 * member, a gateway with a signalling server of its own, whose address an invite gives them.
 *
 * A verdict against somebody who lives may happen, if it stays with a few and does not last: what counts is how long more
 * than one in a hundred of the others hold it at a time. A newcomer must know the room ten seconds after it came.
 *
 * Chromium gives a page 500 connections and counts those that have ended until it has collected them; so no tab may make
 * as many in an hour, the failed ones included.
 */

import type { PeerId } from '../../ids.ts'
import { sample, seededRandom } from '../../random.ts'
import type { World } from '../index.ts'
import type { Findings } from './findings.ts'
import type { Scenario } from './scenario.ts'
import { type Story, seconds } from './story.ts'
import { gateway, linkLimits, noteLinks, roomOfTabs, runLooking, settlesInOneView, tab } from './tabs.ts'

const shareAMinute = 0.05
/** Of the others, who may hold one dead by mistake for as long as they like. */
const tolerated = 0.01
const lookMs = 500
/** As in `churn`: those that went are remembered and forgotten in balance. */
const tombstoneMs = 300_000
const knowsMs = 10_000
const calmMs = 15_000
/** The one that lets newcomers in while the signalling server is down. */
const host = 'p0'

export const tabsChurn: Scenario = {
  name: 'tabs-churn',
  about:
    '5 % of 500 tabs are replaced every minute for an hour; for the middle 20 minutes the signalling server is down.',
  toReach:
    'no live member held dead by more than 1 % of the others for more than 5 s; newcomers know the room 10 s later',
  defaults: { peers: 500, quick: { peers: 60 } },
  limits: () => [
    { figure: 'held dead by mistake by more than 1 %, s', statistic: 'max', atMost: 5 },
    { figure: 'newcomers that do not know the room 10 s later', statistic: 'max', atMost: 0 },
    { figure: 'connections made by a tab, at most', statistic: 'max', atMost: 500 },
    ...linkLimits,
  ],
  run({ seed, peers, quick }, say, findings) {
    const minutes = quick ? 6 : 60
    const random = seededRandom(seed)
    const kinds = (i: number) => (i === 0 ? gateway : tab)
    const server = (i: number) => (i === 0 ? [0, 1] : 0)
    const story = roomOfTabs({ peers, seed, kinds, server, config: { tombstoneMs } }, say)
    const { world } = story
    const mistakes = new Mistakes(story)
    const newcomers = new Newcomers(story)
    const pass = (ms: number) =>
      runLooking(world, ms, lookMs, () => {
        mistakes.look()
        newcomers.look()
      })
    const aMinute = Math.max(1, Math.round(peers * shareAMinute))
    let replaced = 0
    let made = 0
    for (let minute = 0; minute < minutes; minute++) {
      const isUp = minute < minutes / 3 || minute >= (2 * minutes) / 3
      if (minute === minutes / 3 || minute === (2 * minutes) / 3) {
        world.setSignaling(isUp)
        story.tell(`the signalling server is ${isUp ? 'back' : 'down'}`)
      }
      for (let i = 0; i < aMinute; i++) {
        pass(30_000 / aMinute)
        const [name] = sample(
          world.names().filter((name) => name !== host),
          1,
          random,
        )
        story.bury(name!)
        if (replaced % 2 === 1) world.crash(name!)
        else world.leave(name!)
        const newcomer = `c${replaced++}`
        world.join(newcomer, { kinds: tab, mode: 'visible', server: isUp ? 0 : 1 })
        newcomers.add(newcomer)
        pass(30_000 / aMinute)
      }
      noteLinks(story, findings)
      for (const name of world.names()) made = Math.max(made, connectionsOf(world, name))
      if (minute % 10 === 9) story.tell(`${replaced} replaced; ${mistakes}; ${newcomers.lost} do not know the room`)
    }
    pass(calmMs)
    findings.expect(settlesInOneView(story), `the views are not one ${seconds(calmMs)} s after the last replacement`)
    mistakes.note(findings)
    findings.note('connections made by a tab, at most', made)
    findings.note('newcomers that do not know the room 10 s later', newcomers.lost)
    story.noteAccusations(findings)
  },
}

/** All it has made so far, those that never opened included. */
function connectionsOf(world: World, name: string): number {
  const { opened, failed } = world.linksOf(name)
  return opened + failed
}

/** Who lives and is held dead by too many, and for how long. */
class Mistakes {
  readonly #story: Story
  readonly #since = new Map<PeerId, number>()
  #longestMs = 0

  constructor(story: Story) {
    this.#story = story
  }

  look(): void {
    const { world, watch } = this.#story
    const others = world.names().length - 1
    for (const { id, guilty, deadAt } of watch.cases.values()) {
      if (guilty || deadAt.size <= tolerated * others) {
        this.#since.delete(id)
        continue
      }
      const since = this.#since.get(id) ?? world.now
      this.#since.set(id, since)
      this.#longestMs = Math.max(this.#longestMs, world.now - since + lookMs)
    }
  }

  note(findings: Findings): void {
    findings.note('held dead by mistake by more than 1 %, s', this.#longestMs / 1000)
  }

  toString(): string {
    return `held dead by mistake for ${seconds(this.#longestMs)} s at most`
  }
}

/** Those that came in the last seconds, and how many of all did not get to know the room in time. */
class Newcomers {
  readonly #story: Story
  readonly #waiting: { name: string; untilMs: number }[] = []
  lost = 0

  constructor(story: Story) {
    this.#story = story
  }

  add(name: string): void {
    this.#waiting.push({ name, untilMs: this.#story.world.now + knowsMs })
  }

  /** Whoever went since then does not count. */
  look(): void {
    const { world } = this.#story
    while (this.#waiting.length > 0 && this.#waiting[0]!.untilMs <= world.now) {
      const { name } = this.#waiting.shift()!
      const names = world.names()
      // Some of the last arrivals may be news to it, and some of the last departures as well.
      if (names.includes(name) && world.peer(name).beliefs.size < 0.95 * names.length) {
        this.lost++
        this.#story.tell(
          `${name} knows ${world.peer(name).beliefs.size} of ${names.length} after ${seconds(knowsMs)} s`,
        )
      }
    }
  }
}
