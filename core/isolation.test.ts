import { expect, test } from 'vitest'
import { crowdMin, Isolation, type Survey } from './isolation.ts'

const calm: Survey = { others: 10, reachable: true, served: false, suspects: 0 }

test('a peer that everybody answers, and one that is alone, are not isolated', () => {
  expect(looking(calm).reason(0)).toBeUndefined()
  expect(looking({ ...calm, others: 0, reachable: false, suspects: 0 }).reason(0)).toBeUndefined()
  expect(new Isolation().reason(0)).toBeUndefined()
})

// Silence

test('three probes in a row that nobody answers are isolation in a crowd, and say nothing of the members', () => {
  const isolation = looking(calm)
  expect([isolation.silence(0), isolation.silence(0)]).toEqual([false, false])
  expect(isolation.reason(0)).toBeUndefined()
  expect([isolation.silence(0), isolation.silence(0)]).toEqual([false, false])
  expect(isolation.reason(0)).toBe(
    'none of 10 members answers, so this peer is probably cut off; the last view is kept',
  )
})

test('in a small room the third silence in a row says that the member is gone, and no sooner', () => {
  for (let others = 1; others < crowdMin; others++) {
    const isolation = looking({ ...calm, others, reachable: true, suspects: 0 })
    expect([isolation.silence(0), isolation.silence(0), isolation.silence(0)]).toEqual([false, false, true])
    expect(isolation.reason(0)).toBeUndefined()
  }
  const crowd = looking({ ...calm, others: crowdMin, reachable: true, suspects: 0 })
  expect([crowd.silence(0), crowd.silence(0), crowd.silence(0)]).toEqual([false, false, false])
  expect(crowd.reason(0)).toBeDefined()
})

test('one answer ends the silence, and it takes three more to begin another', () => {
  const isolation = looking(calm)
  for (let i = 0; i < 10; i++) isolation.silence(0)
  isolation.heard()
  expect(isolation.reason(0)).toBeUndefined()
  isolation.silence(0)
  isolation.silence(0)
  expect(isolation.reason(0)).toBeUndefined()
  isolation.silence(0)
  expect(isolation.reason(0)).toBeDefined()
})

test('after five minutes even the silence of a crowd is believed', () => {
  const isolation = looking(calm)
  for (let i = 0; i < 3; i++) isolation.silence(1_000)
  expect(isolation.reason(300_999)).toBeDefined()
  expect(isolation.reason(301_000)).toBeUndefined()
  expect([isolation.silence(300_999), isolation.silence(301_000)]).toEqual([false, true])
})

test('a peer whose server is there believes the silence of others, few or many', () => {
  const isolation = looking({ ...calm, served: true, suspects: 9 })
  expect([isolation.silence(0), isolation.silence(0), isolation.silence(0)]).toEqual([false, false, true])
  expect(isolation.reason(0)).toBeUndefined()
})

// Many at once

test('where more than half of a crowd falls silent at once, the last view is kept for half a minute, then believed', () => {
  const isolation = looking({ ...calm, suspects: 6 }, 1_000)
  expect(isolation.reason(1_000)).toBe('6 of 10 members fell silent at once; for now the last view is kept')
  isolation.look({ ...calm, suspects: 8 }, 20_000)
  expect(isolation.reason(30_999)).toBe('8 of 10 members fell silent at once; for now the last view is kept')
  expect(isolation.reason(31_000)).toBeUndefined()
})

test('half of a crowd is not most of it, and four members are no crowd', () => {
  expect(looking({ ...calm, suspects: 5 }).reason(0)).toBeUndefined()
  expect(looking({ ...calm, others: 4, reachable: true, suspects: 4 }).reason(0)).toBeUndefined()
  expect(looking({ ...calm, others: 5, reachable: true, suspects: 5 }).reason(0)).toBeDefined()
})

test('once few are silent again the half minute is over, and the next begins anew', () => {
  const isolation = looking({ ...calm, suspects: 6 }, 0)
  isolation.look({ ...calm, suspects: 2 }, 10_000)
  expect(isolation.reason(10_000)).toBeUndefined()
  isolation.look({ ...calm, suspects: 7 }, 20_000)
  expect(isolation.reason(49_999)).toBeDefined()
  expect(isolation.reason(50_000)).toBeUndefined()
})

// No path

test('without a path to anybody a peer is isolated for as long as that lasts, in a room of any size', () => {
  const isolation = looking({ ...calm, others: 1, reachable: false, suspects: 0 })
  expect(isolation.reason(0)).toBe('no path is left to any of 1 members; the last view is kept')
  expect(isolation.reason(1e9)).toBeDefined()
  isolation.look({ ...calm, others: 2, reachable: true, suspects: 0 }, 1e9)
  expect(isolation.reason(1e9)).toBeUndefined()
})

function looking(survey: Survey, now = 0): Isolation {
  const isolation = new Isolation()
  isolation.look(survey, now)
  return isolation
}
