import { expect, test } from 'vitest'
import type { Member } from '../../core/index.ts'
import { agreement, facts, sentence } from './wording.ts'

const ana: Member = {
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  name: 'Ana',
  status: 'alive',
  mode: 'visible',
  incarnation: 0,
  state: {},
  services: [],
  endpoints: [],
  via: 'direct',
  since: 0,
  lastHeard: 0,
}

test('one piece of news is told by name', () => {
  expect(sentence('suspect', ['payments-1'])).toBe('payments-1 stopped answering')
  expect(sentence('leave', ['Ana'])).toBe('Ana left')
  expect(sentence('refute', ['Ana'])).toBe('Ana is answering again')
})

test('the same news of many makes one line: two by name, the rest counted', () => {
  expect(sentence('refute', ['Ana', 'Ben'])).toBe('Ana and Ben are answering again')
  expect(sentence('join', ['Ana', 'Ben', 'Cem'])).toBe('Ana, Ben and 1 other joined')
  expect(sentence('dead', ['Ana', 'Ben', 'Cem', 'Dora'])).toBe('Ana, Ben and 2 others are gone without a word')
})

test('a name cannot write the rest of the sentence', () => {
  expect(sentence('join', [`Ana${' left'.repeat(12)}\u202e`])).toBe('Ana left left left left… joined')
})

test('a row says how a member is reached, and how far away it is once that is known', () => {
  expect(facts(ana, false)).toBe('direct')
  expect(facts({ ...ana, rttMs: 12.4 }, false)).toBe('direct, 12 ms')
  expect(facts({ ...ana, rttMs: 0.3, via: 'relayed' }, false)).toBe('relayed, <1 ms')
  expect(facts({ ...ana, mode: 'hidden', via: 'gossip' }, false)).toBe('away, by way of others')
  expect(facts({ ...ana, mode: 'frozen' }, true)).toBe('asleep, this tab')
})

test('doubt and departure come before everything else in a row', () => {
  expect(facts({ ...ana, mode: 'hidden', status: 'suspect' }, false)).toBe('not answering')
  expect(facts({ ...ana, rttMs: 3, status: 'dead' }, false)).toBe('gone')
  expect(facts({ ...ana, status: 'left' }, true)).toBe('left')
})

test('agreement is claimed only when somebody was asked', () => {
  expect(agreement({ agreeing: 0, asked: 0 })).toBe('not compared yet')
  expect(agreement({ agreeing: 3, asked: 3 })).toBe('all agree')
  expect(agreement({ agreeing: 2, asked: 3 })).toBe('2 of the last 3 agree')
})
