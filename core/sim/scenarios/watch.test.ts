import { expect, test } from 'vitest'
import { Findings } from './findings.ts'
import { Story } from './story.ts'

test('an accusation of a living peer is counted, and how long it stood until it was refuted', () => {
  const { world, watch } = silent()
  // Long enough to be suspected, too short to be declared dead.
  world.sleep('p3', 1_800)
  world.run(20_000)
  expect(watch.accusations).toBeGreaterThan(0)
  expect(watch.refutedAfterMs).toHaveLength(watch.accusations)
  expect(watch.open()).toEqual([])
  expect(watch.falseDeaths).toBe(0)
})

test('a verdict against a living peer is a false death at each that believed it', () => {
  const { world, watch } = silent()
  world.sleep('p3', 60_000)
  world.run(60_000)
  expect(watch.falseDeaths).toBe(7)
})

test('what is said of one that was crashed is no mistake, and is told from the first word to the last', () => {
  const story = silent()
  const { world, watch } = story
  const victim = story.crash('p3')
  const crashedAt = world.now
  expect(story.until(() => victim.deadAt.size === 7, 60_000)).toBeGreaterThan(0)
  expect(victim.first!.atMs).toBeGreaterThan(crashedAt)
  expect([...victim.deadAt.keys()].sort()).toEqual(['p0', 'p1', 'p2', 'p4', 'p5', 'p6', 'p7'])
  expect([watch.accusations, watch.falseDeaths]).toEqual([0, 0])
})

test('a peer that starts again under its name is a case of its own', () => {
  const story = silent()
  const before = story.crash('p3')
  story.until(() => before.deadAt.size === 7, 60_000)
  story.restart('p3')
  story.world.settle(30_000)
  expect(before.deadAt.size).toBe(7)
  expect(story.watch.of(story.world.peer('p3').id)).toBeUndefined()
})

test('the story says who did what at which moment, and stops repeating what peers say', () => {
  const lines: string[] = []
  const story = new Story({ peers: 32, seed: 1 }, (line) => lines.push(line))
  story.crash('p3')
  expect(lines).toEqual(['     0.0 s  p3 crashed'])
  for (const name of story.world.names().slice(0, 24)) story.world.sleep(name, 60_000)
  story.world.run(60_000)
  expect(lines.some((line) => / suspects p3 \(first\)$/.test(line))).toBe(true)
  expect(lines.at(-1)).toMatch(/told no more$/)
  expect(lines.length).toBeLessThan(50)
})

test('a wait that is in vain ends in time', () => {
  const story = silent()
  expect(story.until(() => false, 500)).toBeUndefined()
  expect(story.world.now).toBeLessThan(600)
})

test('traffic is told per member and second from where the count began', () => {
  const story = silent()
  const findings = new Findings()
  story.world.run(10_000)
  story.countTraffic()
  story.world.run(10_000)
  story.noteTraffic(findings, 8)
  const [packets] = findings.result().figures['sent by each member, packets/s']!
  // A ping and an ack each period.
  expect(packets).toBeGreaterThan(1.8)
  expect(packets).toBeLessThan(2.2)
})

function silent(): Story {
  return new Story({ peers: 8, seed: 1 }, () => {})
}
