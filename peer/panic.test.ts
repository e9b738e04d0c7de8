import { expect, test } from 'vitest'
import type { Instance } from '../core/index.ts'
import { instance } from './instance.fake.ts'
import { Panic } from './panic.ts'

const minute = 60_000

test('when more die within a minute than are left, the dead are kept', () => {
  const panic = losing(4, 10_000)
  panic.judge(4, 10_000)
  expect(panic.on).toBe(false)
  panic.judge(3, 10_000)
  expect(panic.on).toBe(true)
  expect([...panic.lost.keys()]).toEqual(['0', '1', '2', '3'])
})

test('those that died more than a minute ago count for nothing', () => {
  const panic = losing(4, 0)
  panic.lose(instance('late'), 30_000)
  panic.judge(5, 30_000)
  expect(panic.nextAt).toBe(minute)
  panic.judge(3, minute)
  expect(panic.on).toBe(false)
  expect([...panic.lost.keys()]).toEqual(['late'])
})

test('a service of two that both die is simply gone', () => {
  const panic = losing(2, 0)
  panic.judge(0, 0)
  expect(panic.on).toBe(false)
  const three = losing(3, 0)
  three.judge(0, 0)
  expect(three.on).toBe(true)
})

test('it ends when as many are there as are missed, and those are forgotten', () => {
  const panic = losing(6, 0)
  panic.judge(2, 0)
  panic.forget('0')
  panic.judge(3, 90_000)
  expect(panic.on).toBe(true)
  panic.forget('1')
  panic.judge(4, 91_000)
  expect(panic.on).toBe(false)
  expect(panic.lost.size).toBe(0)
  expect(panic.nextAt).toBe(Number.POSITIVE_INFINITY)
})

test('it ends after five minutes, whatever died in the meantime, and does not begin anew by itself', () => {
  const panic = losing(6, 0)
  panic.judge(2, 1_000)
  panic.lose(instance('more'), 200_000)
  panic.judge(1, 200_000)
  expect(panic.nextAt).toBe(301_000)
  panic.judge(1, 300_999)
  expect(panic.on).toBe(true)
  panic.judge(1, 301_000)
  expect(panic.on).toBe(false)
  panic.judge(1, 301_001)
  expect(panic.on).toBe(false)
})

test('who started anew on the address of a lost one has taken its place', () => {
  const at = (id: string, address: string, port?: number): Instance =>
    instance(id, { address, ...(port === undefined ? {} : { port }) })
  const panic = new Panic()
  for (const one of [at('a', '10.0.0.1', 80), at('b', '10.0.0.1', 81), at('c', '10.0.0.2', 80), at('d', '10.0.0.2')]) {
    panic.lose(one, 0)
  }
  panic.replace([at('e', '10.0.0.1', 80), at('f', '10.0.0.2')])
  expect([...panic.lost.keys()]).toEqual(['b', 'c', 'd'])
})

test('the dead that are remembered are bounded, and the first to die go first', () => {
  const panic = losing(16_390, 0)
  expect(panic.lost.size).toBe(16_384)
  expect([...panic.lost.keys()][0]).toBe('6')
})

function losing(count: number, at: number): Panic {
  const panic = new Panic()
  for (let i = 0; i < count; i++) panic.lose(instance(`${i}`), at)
  return panic
}
