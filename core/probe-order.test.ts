import { expect, test } from 'vitest'
import { ProbeOrder } from './probe-order.ts'
import { seededRandom } from './random.ts'

const anybody = () => true
/** Every fifth period belongs to the round robin. */
const robin = (turn: number) => 5 * turn + 4

// The round robin

test('everybody is probed once in each round of fifth periods (SWIM, section 4.3)', () => {
  const all = [...'abcdefg']
  const order = orderOf(1, ['a'])
  const rounds = Array.from({ length: 5 }, (_, round) =>
    all.map((_, i) => order.next(robin(round * all.length + i), all, anybody)),
  )
  for (const round of rounds) expect([...round].sort()).toEqual(all)
  expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(1)
})

test('nobody waits longer than 2n - 1 turns of the round robin', () => {
  const all = [...'abcde']
  const order = orderOf(2)
  const probed = Array.from({ length: 500 }, (_, turn) => order.next(robin(turn), all, anybody)!)
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
    const order = orderOf(seed)
    order.next(robin(0), all, anybody)
    order.add('new')
    all.push('new')
    const probed = Array.from({ length: 9 }, (_, i) => order.next(robin(i + 1), all, anybody))
    const wait = probed.indexOf('new')
    expect(wait).toBeGreaterThanOrEqual(0)
    // The newcomer's place behind those already probed does not cost anybody else a turn.
    expect(new Set(probed).size).toBe(5)
    waits.add(wait)
  }
  expect(waits.size).toBeGreaterThan(3)
})

test('where many come and go, a round that would have no end is ended', () => {
  const order = orderOf(6)
  let largest = 0
  for (let turn = 0; turn < 500; turn++) {
    // Two newcomers for each turn, and fifty members at a time.
    for (const one of [2 * turn, 2 * turn + 1]) order.add(`m${one}`)
    const all = Array.from({ length: 50 }, (_, i) => `m${2 * turn + 1 - i}`)
    order.next(robin(turn), all, (id) => all.includes(id))
    largest = Math.max(largest, order.size)
  }
  expect(largest).toBeLessThanOrEqual(2 * 50 + 64 + 2)
})

test('those who may not be probed are passed over, and with nobody left there is no probe', () => {
  const all = [...'abc']
  const order = orderOf(4)
  const probed = Array.from({ length: 6 }, (_, turn) => order.next(robin(turn), all, (id) => id !== 'b'))
  expect(probed.filter((id) => id === 'a')).toHaveLength(3)
  expect(probed).not.toContain('b')
  expect(order.next(robin(6), all, () => false)).toBeUndefined()
  expect(orderOf(4).next(robin(0), [], anybody)).toBeUndefined()
})

// The rings

test('four periods in five it is the turn of the next one on the circuit, the fifth of anybody', () => {
  const order = orderOf(5, ['s', 't', 'u', 'v'])
  const probed = Array.from({ length: 15 }, (_, period) => order.next(period, ['x'], anybody))
  expect(probed).toEqual([...'stuvx', ...'stuvx', ...'stuvx'])
})

test('whose turn it is, is read off the clock: two orders that began at different times agree', () => {
  const early = orderOf(6, [...'abcdefg'])
  const late = orderOf(7, [...'abcdefg'])
  for (let period = 0; period < 40; period++) {
    const turn = early.next(period, ['x'], anybody)
    if (period >= 17) expect(late.next(period, ['x'], anybody)).toBe(turn)
  }
})

test('a circuit is gone all the way round, whatever its length', () => {
  for (let length = 1; length <= 12; length++) {
    const circuit = Array.from({ length }, (_, i) => `s${i}`)
    const order = orderOf(8, circuit)
    const probed = Array.from({ length: 5 * length }, (_, period) => order.next(period, ['x'], anybody))
    for (const id of circuit) expect(probed.filter((one) => one === id)).toHaveLength(4)
  }
})

test('circuits of several kinds of channel take turns, and each is gone all the way round', () => {
  const order = orderOf(9, [...'abc'], [...'de'])
  const probed = Array.from({ length: 30 }, (_, period) => order.next(period, ['x'], anybody)!)
  const turns = probed.filter((id) => id !== 'x')
  expect(turns.filter((_, i) => i % 2 === 0).join('')).toBe('abcabcabcabc')
  expect(turns.filter((_, i) => i % 2 === 1).join('')).toBe('dededededede')
})

test('where the one whose turn it is may not be probed, the turn is that of the other kind, and then of anybody', () => {
  const order = orderOf(10, ['a'], ['b'])
  expect(order.next(0, ['x'], (id) => id !== 'a')).toBe('b')
  expect(order.next(0, ['x'], (id) => id === 'x')).toBe('x')
})

// What goes before

test('one against whom something speaks is next, in any period, and once', () => {
  for (const period of [0, 4]) {
    const order = orderOf(3, ['a'])
    order.hasten('f')
    order.hasten('f')
    expect(order.next(period, ['b'], anybody)).toBe('f')
    expect(order.next(period, ['b'], anybody)).not.toBe('f')
  }
})

test('of those that wait to be next at most 64 do, and those that may not be probed any more are dropped', () => {
  const order = orderOf(3)
  for (let i = 0; i < 100; i++) order.hasten(`h${i}`)
  const probed = Array.from({ length: 70 }, (_, period) => order.next(period, ['x'], (id) => id !== 'h7'))
  expect(probed.filter((id) => id !== 'x')).toHaveLength(63)
})

function orderOf(seed: number, ...circuits: string[][]): ProbeOrder {
  const order = new ProbeOrder(seededRandom(seed))
  order.follow(circuits)
  return order
}
