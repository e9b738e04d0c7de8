/** `settled()`, in virtual time. */

import { expect, test } from 'vitest'
import type { Consistency } from '../core/index.ts'
import { peerIn, simulate, type World } from './sim.ts'

test('it resolves once the view has stood still for as long as asked, and another member agrees', async () => {
  const world = simulate({ peers: 8, seed: 1 })
  const outcome = follow(peerIn(world, 'p0').settled({ quietMs: 2_000 }))
  const beganAt = world.now
  let lastJoinAt = beganAt
  peerIn(world, 'p0').on('join', () => {
    lastJoinAt = world.now
  })
  await passUntil(world, outcome, 30_000)
  const { agreeing, lastAgreedAt } = outcome.value!
  expect(world.agrees()).toBe(true)
  expect(agreeing).toBeGreaterThan(0)
  expect(lastAgreedAt).toBeGreaterThan(0)
  expect(world.now - lastJoinAt).toBeGreaterThanOrEqual(2_000)
})

test('a room that does not rest keeps it waiting, state that changes does not', async () => {
  const world = simulate({ peers: 4, seed: 2 })
  world.settle(10_000)
  const peer = peerIn(world, 'p0')
  const outcome = follow(peer.settled({ quietMs: 3_000 }))
  for (let n = 0; n < 8; n++) {
    world.join(`q${n}`)
    await pass(world, 2_000)
  }
  expect(outcome.value).toBeUndefined()
  for (let n = 0; n < 60 && !outcome.value; n++) {
    world.setState('p1', { n }, true)
    await pass(world, 100)
  }
  expect(outcome.value).toBeDefined()
})

test('alone in its room a peer is settled when it is quiet', async () => {
  const world = simulate({ peers: 1, seed: 3 })
  const outcome = follow(peerIn(world, 'p0').settled())
  await pass(world, 2_000)
  expect(outcome.value).toMatchObject({ agreeing: 0, asked: 0 })
})

test('it rejects with the reason of its signal, when the peer leaves, and for an option that cannot be', async () => {
  const world = simulate({ peers: 3, seed: 4 })
  const peer = peerIn(world, 'p0')
  const abort = new AbortController()
  const aborted = peer.settled({ signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await expect(peer.settled({ signal: abort.signal })).rejects.toThrow('enough')
  await expect(peer.settled({ quietMs: -1 })).rejects.toMatchObject({ code: 'bad_option' })
  await expect(peer.settled({ quietMs: '100' as never })).rejects.toThrow('quietMs: expected milliseconds, got "100"')
  const waiting = peer.settled()
  void peer.leave()
  await expect(waiting).rejects.toMatchObject({ code: 'left' })
  const message = 'this peer has left its room; nothing was waited for'
  await expect(peer.settled()).rejects.toMatchObject({ code: 'left', message })
})

test('at most 64 calls wait at a time', async () => {
  const world = simulate({ peers: 2, seed: 5 })
  const peer = peerIn(world, 'p0')
  const outcomes = Array.from({ length: 64 }, () => follow(peer.settled()))
  await expect(peer.settled()).rejects.toMatchObject({ code: 'too_many' })
  await passUntil(world, outcomes[0]!, 20_000)
  await pass(world, 500)
  expect(outcomes.every(({ value }) => value !== undefined)).toBe(true)
  const again = follow(peer.settled())
  await passUntil(world, again, 20_000)
  expect(again.value).toBeDefined()
})

interface Outcome {
  value: Consistency | undefined
}

function follow(settled: Promise<Consistency>): Outcome {
  const outcome: Outcome = { value: undefined }
  void settled.then((value) => {
    outcome.value = value
  })
  return outcome
}

/** Lets virtual time pass, and what it has resolved be told. */
async function pass(world: World, ms: number): Promise<void> {
  world.run(ms)
  await new Promise((resolve) => setImmediate(resolve))
}

async function passUntil(world: World, outcome: Outcome, withinMs: number): Promise<void> {
  for (let ms = 0; ms < withinMs && outcome.value === undefined; ms += 100) await pass(world, 100)
  expect(outcome.value).toBeDefined()
}
