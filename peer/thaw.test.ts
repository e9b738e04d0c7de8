import { expect, test } from 'vitest'
import { Thaw } from './thaw.ts'

const packet = (...bytes: number[]) => new Uint8Array(bytes)
const left = (thaw: Thaw) => [...thaw.left()].map(({ from, packet }) => `${from} ${packet.join()}`)

test('of each sender the four newest packets are left, in their order, and the rest is counted', () => {
  const thaw = new Thaw(0)
  for (let i = 1; i <= 100; i++) thaw.hold({ from: 'sim:a', packet: packet(i) })
  thaw.hold({ from: 'sim:b', packet: packet(1) })
  expect(left(thaw)).toEqual(['sim:a 97', 'sim:a 98', 'sim:a 99', 'sim:a 100', 'sim:b 1'])
  expect(thaw.skimmed).toBe(96)
})

test('packets are copied, since they are borrowed', () => {
  const thaw = new Thaw(0)
  const borrowed = packet(1)
  thaw.hold({ from: 'sim:a', packet: borrowed })
  borrowed[0] = 9
  expect(left(thaw)).toEqual(['sim:a 1'])
})

test('of more senders than can be remembered those are left that were heard last', () => {
  const thaw = new Thaw(0)
  for (let i = 0; i < 1_000; i++) {
    thaw.hold({ from: 'sim:often', packet: packet(1) })
    thaw.hold({ from: `sim:${i}`, packet: packet(1) })
  }
  const senders = new Set([...thaw.left()].map(({ from }) => from))
  expect(senders.size).toBe(64)
  expect(senders).toContain('sim:often')
  expect(senders).toContain('sim:999')
  expect([...thaw.left()].length + thaw.skimmed).toBe(2_000)
})

test('it is over when nothing came since it was asked before, or when it has lasted long enough', () => {
  const thaw = new Thaw(0)
  thaw.hold({ from: 'sim:a', packet: packet(1) })
  expect(thaw.isOver(20)).toBe(false)
  expect(thaw.isOver(40)).toBe(true)
  const endless = new Thaw(0)
  for (let now = 0; now < 300; now += 20) {
    endless.hold({ from: 'sim:a', packet: packet(1) })
    expect(endless.isOver(now)).toBe(false)
  }
  endless.hold({ from: 'sim:a', packet: packet(1) })
  expect(endless.isOver(300)).toBe(true)
})
