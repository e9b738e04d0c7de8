import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { onAbort } from './signal.ts'
import { peerIn, simulate } from './sim.ts'

test('all who wait for a signal are told once, in order, but those that were called off', () => {
  const controller = new AbortController()
  const { signal } = controller
  const told: string[] = []
  onAbort(signal, () => {
    told.push('first')
    callOffThird()
  })
  const callOff = onAbort(signal, () => told.push('second'))
  const callOffThird = onAbort(signal, () => told.push('third'))
  onAbort(signal, () => told.push('fourth'))
  onAbort(undefined, () => told.push('nobody'))()
  callOff()
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  controller.abort()
  controller.abort()
  expect(told).toEqual(['first', 'fourth'])
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('a signal that everybody was called off has no listener left, and may be waited for again', () => {
  const controller = new AbortController()
  const { signal } = controller
  for (const off of [onAbort(signal, () => {}), onAbort(signal, () => {})]) {
    off()
    off()
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  let told = 0
  onAbort(signal, () => told++)
  controller.abort()
  expect(told).toBe(1)
})

test('many loops that one signal ends are one listener to it', async () => {
  const peer = peerIn(simulate({ peers: 1, seed: 1 }), 'p0')
  const controller = new AbortController()
  const { signal } = controller
  const nexts = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const items = peer.watch(`service-${i}`, { signal })[Symbol.asyncIterator]()
      await items.next()
      return { next: items.next() }
    }),
  )
  await Promise.resolve()
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  controller.abort(new Error('shutting down'))
  const ends = await Promise.allSettled(nexts.map(({ next }) => next))
  expect(ends.map(({ status }) => status)).toEqual(Array(20).fill('rejected'))
})
