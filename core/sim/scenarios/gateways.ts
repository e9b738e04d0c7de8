/**
 * Servers on UDP and tabs on WebRTC in one room, with gateways between them. The same hour is lived with one gateway and
 * with three: more of them may not carry everything several times. Then the three crash one after the other. While one is
 * left, nobody else is given up; when the last is gone, each side has no way to tell whether the other lives and gives it
 * up, and none of its own. A new gateway brings both together again.
 */

import { kindOf } from '../../host.ts'
import { randomInt, seededRandom } from '../../random.ts'
import type { Findings } from './findings.ts'
import type { Say, Scenario } from './scenario.ts'
import { spread } from './spread.ts'
import { type Story, seconds } from './story.ts'
import { gateway, isOneView, roomOfTabs, tab } from './tabs.ts'

const many = 3
const restMs = 20_000
const spreadMs = 4_000
const agreeMs = 30_000
const givenUpMs = 180_000
const patienceMs = 300_000

export const gateways: Scenario = {
  name: 'gateways',
  about: '60 servers and 60 tabs with one gateway and with three; then the three crash, and a new one comes.',
  toReach:
    'changes cross both ways within 2 s; traffic with three at most 1.3 times that with one; no death on one’s own side; one room 60 s after a gateway is back',
  defaults: { peers: 120, quick: { peers: 40 } },
  limits: () => [
    { figure: 'a change at all on both sides, ms', statistic: 'max', atMost: 2_000 },
    { figure: 'traffic with three, times that with one', statistic: 'max', atMost: 1.3 },
    { figure: 'false deaths on one’s own side', statistic: 'max', atMost: 0 },
    { figure: 'one room after the return, s', statistic: 'max', atMost: 60 },
  ],
  run({ seed, peers }, say, findings) {
    const one = begin(1, peers, seed, say)
    const bytesWithOne = live(one, 1, seed, findings)
    const story = begin(many, peers, seed, say)
    const bytes = live(story, many, seed, findings)
    findings.note('sent by each member, bytes/s', bytes)
    findings.note('traffic with three, times that with one', bytes / bytesWithOne)
    const { world } = story
    for (const name of ['p0', 'p1']) {
      story.crash(name)
      world.run(agreeMs)
      findings.expect(isOneView(world), `${seconds(agreeMs)} s after the crash of ${name} the views are not one`)
    }
    findings.expect(world.deaths().length === 0, 'with a gateway left, somebody that lives was declared dead')
    story.crash('p2')
    const apart = story.until(() => story.world.names().every((name) => knowsOnlyItsOwn(story, name)), givenUpMs)
    if (
      findings.expect(
        apart !== undefined,
        `${seconds(givenUpMs)} s after the last gateway's end the sides still list each other`,
      )
    ) {
      findings.note('the other side given up after, s', apart! / 1000)
      story.tell(`each side has given the other up after ${seconds(apart!)} s`)
    }
    world.run(agreeMs)
    world.join('p2', { kinds: gateway, seeds: [`p${many}`] })
    story.tell('a gateway is back')
    const joined = story.until(() => isOneView(world), patienceMs)
    if (findings.expect(joined !== undefined, `no one room ${seconds(patienceMs)} s later`)) {
      findings.note('one room after the return, s', joined! / 1000)
      story.tell(`one room after ${seconds(joined!)} s`)
    }
    const own = world.deaths().filter(({ name, by }) => isTab(story, name) === isTab(story, by))
    findings.note('false deaths on one’s own side', own.length)
  },
}

/** Gateways first, then as many servers as tabs. */
function begin(count: number, peers: number, seed: number, say: Say): Story {
  const kinds = (i: number) => (i < count ? gateway : i < count + peers / 2 ? ['udp'] : tab)
  return roomOfTabs({ peers: count + peers, seed, kinds }, say)
}

/** Some quiet, and some changes on either side; what each member sends in a second. */
function live(story: Story, count: number, seed: number, findings: Findings): number {
  const random = seededRandom(seed)
  const { world } = story
  world.run(restMs)
  story.countTraffic()
  const from = world.now
  world.run(restMs)
  const names = world.names().slice(count)
  const half = names.length / 2
  for (let i = 0; i < 4; i++) {
    for (const owner of [names[randomInt(random, half)]!, names[half + randomInt(random, half)]!]) {
      spread(story, owner, `news ${i}`, spreadMs, 'a change at all on both sides, ms', findings)
    }
  }
  findings.expect(isOneView(world), `with ${count} gateways the views are not one`)
  return story.bytes / (names.length + count) / ((world.now - from) / 1000)
}

/** Nobody of the other side is listed by it. */
function knowsOnlyItsOwn({ world }: Story, name: string): boolean {
  const own = world.peer(name).self().endpoints.map(kindOf)
  return world
    .peer(name)
    .members()
    .every(({ endpoints }) => endpoints.some((endpoint) => own.includes(kindOf(endpoint))))
}

/** A gateway is on both sides, and counts as a server. */
function isTab({ world }: Story, name: string): boolean {
  return !world
    .peer(name)
    .self()
    .endpoints.some((endpoint) => endpoint.startsWith('udp:'))
}
