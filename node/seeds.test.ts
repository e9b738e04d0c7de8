import { lookup } from 'node:dns/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Endpoint } from '../core/index.ts'
import { Seeds } from './seeds.ts'

vi.mock('node:dns/promises', () => ({ lookup: vi.fn() }))

/** What the resolver knows; a name that is not here cannot be looked up. */
const names = new Map<string, string[]>()
const joined: (readonly Endpoint[])[] = []
const warnings: string[] = []

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  vi.mocked(lookup).mockImplementation((async (host: string, options: { family?: number }) => {
    const found = names.get(host)
    if (found === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`)
    const all = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    return all.filter(({ family }) => options.family === undefined || family === options.family)
  }) as unknown as typeof lookup)
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.mocked(lookup).mockReset()
  names.clear()
  joined.length = 0
  warnings.length = 0
})

test('without any seeds the room begins here, and nothing is looked up again', () => {
  const seeds = open([])
  expect(joined).toEqual([[]])
  expect(vi.getTimerCount()).toBe(0)
  seeds.close()
})

test('a name joins by every address of the family that can be sent to', async () => {
  names.set('db.example', ['10.0.0.1', '10.0.0.2', '2001:db8::1'])
  const four = open(['db.example:7946', '10.0.0.9:7947'])
  await settled()
  expect(joined).toEqual([['udp:10.0.0.1:7946', 'udp:10.0.0.2:7946', 'udp:10.0.0.9:7947']])
  four.close()
  const six = open(['db.example:7946'], 6)
  await settled()
  expect(joined[1]).toEqual(['udp:[2001:db8::1]:7946'])
  six.close()
  expect(warnings).toEqual([])
})

test('a name is looked up again every minute, and what it has come to stand for is joined by', async () => {
  names.set('db.example', ['10.0.0.1'])
  const seeds = open(['db.example:7946'])
  await settled()
  names.set('db.example', ['10.0.0.5'])
  await vi.advanceTimersByTimeAsync(59_999)
  expect(joined).toEqual([['udp:10.0.0.1:7946']])
  await vi.advanceTimersByTimeAsync(1)
  expect(joined).toEqual([['udp:10.0.0.1:7946'], ['udp:10.0.0.5:7946']])
  seeds.close()
})

test('a failed look-up is told once and repeated with pauses that double up to a minute, and succeeds in the end', async () => {
  const seeds = open(['db.example:7946'])
  await settled()
  const pauses = [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000)
  for (const [i, pauseMs] of pauses.entries()) {
    expect(lookup).toHaveBeenCalledTimes(i + 1)
    await vi.advanceTimersByTimeAsync(pauseMs - 1)
    expect(lookup).toHaveBeenCalledTimes(i + 1)
    await vi.advanceTimersByTimeAsync(1)
  }
  expect(warnings).toEqual([
    'udp.join: cannot resolve db.example:7946: getaddrinfo ENOTFOUND db.example; it is looked up again until it is found',
  ])
  expect(joined).toEqual([])
  names.set('db.example', ['10.0.0.1'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(joined).toEqual([['udp:10.0.0.1:7946']])
  // Lost again, it is told again.
  names.clear()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(warnings).toHaveLength(2)
  seeds.close()
})

test('one name that cannot be looked up does not keep the others from being joined by, and is tried again soon', async () => {
  names.set('db.example', ['10.0.0.1'])
  const seeds = open(['gone.example:7946', 'db.example:7946'])
  await settled()
  expect(joined).toEqual([['udp:10.0.0.1:7946']])
  names.set('gone.example', ['10.0.0.2'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(joined[1]).toEqual(['udp:10.0.0.2:7946', 'udp:10.0.0.1:7946'])
  seeds.close()
})

test('a name without an address of the family is told like one that cannot be looked up', async () => {
  names.set('six.example', ['2001:db8::1'])
  const seeds = open(['six.example:7946'])
  await settled()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(warnings).toEqual(['udp.join: six.example:7946 has no IPv4 address, but udp.bind has'])
  seeds.close()
})

test('behind close nobody is joined by, not even by a look-up that was under way', async () => {
  names.set('db.example', ['10.0.0.1'])
  const seeds = open(['db.example:7946'])
  seeds.close()
  await settled()
  expect(joined).toEqual([])
})

function open(texts: readonly string[], family: 4 | 6 = 4): Seeds {
  const log = { debug() {}, info() {}, warn: (message: string) => warnings.push(message) }
  const seeds = new Seeds(texts, family, log, (endpoints) => joined.push(endpoints))
  seeds.open()
  return seeds
}

/** Lets look-ups that are under way come to their end. */
async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}
