import { expect, test } from 'vitest'
import { duration, memberFacts, nameOf, plain } from './facts.ts'
import { peerIn, simulate } from './sim.ts'

test('of a member everything is told that bears on it, and nothing that does not', () => {
  const world = simulate({ peers: 6, seed: 1, kinds: ['rtc', 'relay'], linked: true })
  world.run(20_000)
  const peer = peerIn(world, 'p0')
  const facts = () => memberFacts(peer.explain(world.idOf('p1'))!)
  expect(facts().map(([name]) => name)).toEqual([
    'alive for',
    'mode',
    'last answer',
    'round trip',
    'link',
    'way to it',
    'watched by',
    'incarnation',
    'id',
  ])
  expect(Object.fromEntries(facts())).toMatchObject({
    link: 'rtc open',
    'way to it': 'rtc',
    'watched by': expect.stringMatching(/^p\d(, p\d){4}$/),
  })
  world.crash('p1')
  world.runUntil(() => world.status('p0', 'p1') === 'suspect', 60_000)
  const doubted = Object.fromEntries(facts())
  expect(doubted['suspected by']).toMatch(/p\d \(.*\)/)
  expect(doubted['dead in']).toMatch(/ s$/)
})

test.each([
  [0.2, '<1 ms'],
  [412.3, '412 ms'],
  [4_120, '4.1 s'],
  [41_200, '41 s'],
  [600_000, '10 min'],
  [7_200_000, '2 h'],
])('%d ms are told as %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test('no name changes how the text around it reads', () => {
  expect(plain('a\u202egnihton\u2066 b\u0007')).toBe('agnihton b')
  expect(nameOf({ id: 'abcdefghijkl', name: '\u200f ' })).toBe('abcdefgh')
})
