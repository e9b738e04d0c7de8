import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import type { ChannelInfo } from './host.ts'
import { idFromBytes } from './ids.ts'
import { cutOff, islandOf, stepsTo } from './islands.ts'

const udp: ChannelInfo = { kind: 'udp', endpoint: 'udp:10.0.0.1:7', reach: 'any' }
const rtc: ChannelInfo = { kind: 'rtc', endpoint: 'rtc:me', reach: 'linked' }

test('a member lives on the island of the first of our channels that it has too', () => {
  expect(islandOf([udp, rtc], member('rtc', 'udp'))).toBe('udp')
  expect(islandOf([rtc, udp], member('rtc', 'udp'))).toBe('rtc')
  expect(islandOf([udp, rtc], member('rtc'))).toBe('rtc')
  expect(islandOf([udp], member('rtc'))).toBeUndefined()
})

test('each gateway on the way to a channel is a step, by the shortest way, and what does not lead there is left out', () => {
  const chain = [member('udp', 'sim'), member('sim', 'lan'), member('lan', 'rtc'), member('udp'), member('far', 'off')]
  const steps = (...more: Belief[]) => Object.fromEntries(stepsTo(['rtc', 'relay'], [...chain, ...more]))
  expect(steps()).toEqual({ rtc: 0, relay: 0, lan: 1, sim: 2, udp: 3 })
  expect(steps(member('udp', 'relay'))).toEqual({ rtc: 0, relay: 0, lan: 1, udp: 1, sim: 2 })
  expect(Object.fromEntries(stepsTo(['rtc'], []))).toEqual({ rtc: 0 })
})

test('whoever shares a channel with us is not cut off, gateway or not', () => {
  expect(cutOff([udp], [member('udp'), member('udp', 'rtc')])).toEqual([])
})

test('a gateway joins islands, also several in a row', () => {
  const [tab, far] = [member('rtc'), member('radio')]
  const gateways = [member('radio', 'rtc'), member('rtc', 'udp')]
  expect(cutOff([udp], [far, tab, ...gateways])).toEqual([])
})

test('with the last gateway gone, everybody behind it is cut off, and nobody else', () => {
  const [tab, far, server] = [member('rtc'), member('radio', 'rtc'), member('udp')]
  expect(cutOff([udp], [tab, far, server])).toEqual([tab, far])
})

test('one of whom no endpoint is known is cut off', () => {
  const silent = new Belief(idFromBytes(new Uint8Array(16)), 0)
  expect(cutOff([udp, rtc], [silent])).toEqual([silent])
})

let members = 0
function member(...kinds: string[]): Belief {
  const belief = new Belief(idFromBytes(new Uint8Array(16).fill(++members)), 0)
  const endpoints = kinds.map((kind) => `${kind}:${members}`)
  const { id } = belief
  belief.record = { type: 'alive', id, incarnation: 1, name: '', user: null, mode: 'server', endpoints, floor: 0 }
  return belief
}
