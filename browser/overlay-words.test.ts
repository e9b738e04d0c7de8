import { expect, test } from 'vitest'
import { peerIn, simulate } from '../peer/sim.ts'
import { Cartographer } from './overlay-map.ts'
import { mapText, Rates, standingFacts } from './overlay-words.ts'

test('how this peer stands is told in six facts', () => {
  const world = simulate({ peers: 6, seed: 1, kinds: ['rtc', 'relay'], linked: true })
  world.run(20_000)
  const peer = peerIn(world, 'p0')
  const map = new Cartographer(peer).draw()
  const facts = standingFacts(peer, map, { out: '2.0/s', in: '1.9/s' })
  expect(Object.fromEntries(facts)).toEqual({
    members: '6',
    'own health': 'good',
    'views agree': '8 of last 8',
    'own timers': 'on time',
    'packets out': '2.0/s',
    'packets in': '1.9/s',
  })
  expect(mapText(map)).toMatch(/^Map of the room: 6 alive; this peer has 5 open links\./)
})

test('packets a second are those of the last seconds, and a peer that begins again begins to count again', () => {
  const rates = new Rates()
  const take = (sent: number, received: number, at: number) =>
    rates.take({ packets_sent: sent, packets_received: received }, at)
  expect(take(100, 50, 0)).toEqual({ out: '…', in: '…' })
  expect(take(104, 51, 1_000)).toEqual({ out: '4.0/s', in: '1.0/s' })
  for (let i = 2; i <= 7; i++) take(104, 51, 1_000 * i)
  expect(take(304, 51, 8_000)).toEqual({ out: '40/s', in: '0.0/s' })
  expect(take(3, 1, 9_000)).toEqual({ out: '…', in: '…' })
})
