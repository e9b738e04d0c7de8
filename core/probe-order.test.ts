import { expect, test } from 'vitest'
import { ProbeOrder } from './probe-order.ts'
import { seededRandom } from './random.ts'

const anybody = () => true

test('everybody is probed once in each round (SWIM, section 4.3)', () => {
  const all = [...'abcdefg']
  const order = new ProbeOrder(seededRandom(1))
  const rounds = Array.from({ length: 5 }, () => all.map(() => order.next(all, anybody)))
  for (const round of rounds) expect([...round].sort()).toEqual(all)
  expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(1)
})

test('nobody waits longer than 2n - 1 periods', () => {
  const all = [...'abcde']
  const order = new ProbeOrder(seededRandom(2))
  const probed = Array.from({ length: 500 }, () => order.next(all, anybody)!)
  for (const member of all) {
    const turns = probed.flatMap((id, i) => (id === member ? [i] : []))
    const gaps = turns.slice(1).map((turn, i) => turn - turns[i]!)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * all.length - 1)
  }
})

test('a newcomer is probed in the round under way or in the next, at a place drawn at random', () => {
  const waits = new Set<number>()
  for (let seed = 0; seed < 50; seed++) {
    const all = [...'abcd']
    const order = new ProbeOrder(seededRandom(seed))
    order.next(all, anybody)
    order.add('new')
    all.push('new')
    const probed = Array.from({ length: 9 }, () => order.next(all, anybody))
    const wait = probed.indexOf('new')
    expect(wait).toBeGreaterThanOrEqual(0)
    // The newcomer's place behind those already probed does not cost anybody else a turn.
    expect(new Set(probed).size).toBe(5)
    waits.add(wait)
  }
  expect(waits.size).toBeGreaterThan(3)
})

test('one against whom something speaks is next', () => {
  const all = [...'abcdef']
  const order = new ProbeOrder(seededRandom(3))
  order.next(all, anybody)
  order.hasten('f')
  expect(order.next(all, anybody)).toBe('f')
})

test('those who may not be probed are passed over, and with nobody left there is no probe', () => {
  const all = [...'abc']
  const order = new ProbeOrder(seededRandom(4))
  const probed = Array.from({ length: 6 }, () => order.next(all, (id) => id !== 'b'))
  expect(probed.filter((id) => id === 'a')).toHaveLength(3)
  expect(probed).not.toContain('b')
  expect(order.next(all, () => false)).toBeUndefined()
  expect(new ProbeOrder(seededRandom(4)).next([], anybody)).toBeUndefined()
})
