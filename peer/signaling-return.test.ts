/** How clients come back to their servers: many at a time, and one with several to choose from. Time is simulated. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { idFromBytes, type PeerId, seededRandom } from '../core/index.ts'
import { silentLog } from './options.ts'
import { FakeServer, FakeSocket } from './server.fake.ts'
import { SignalingClient } from './signaling.ts'

const [first, second, third] = ['ws://first/', 'ws://second/', 'ws://third/'] as [string, string, string]
/** What fresh clients draw from; the same in every run. */
let random = seededRandom(0)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  FakeServer.all.clear()
  random = seededRandom(7)
})
afterEach(() => {
  vi.useRealTimers()
})

/** Of `bins` of a tenth of a second each, the fullest. */
function busiest(times: readonly number[]): number {
  const bins = new Map<number, number>()
  for (const time of times) bins.set(Math.floor(time / 100), (bins.get(Math.floor(time / 100)) ?? 0) + 1)
  return Math.max(...bins.values())
}

test('three hundred clients of a server that restarts at once come back spread over a second', () => {
  const server = new FakeServer(first)
  const clients = Array.from({ length: 300 }, (_, n) => connect(n, first))
  vi.advanceTimersByTime(20_000)
  server.restart()
  vi.advanceTimersByTime(1_100)
  expect(clients.filter(({ told }) => told.at(-1) === 'up')).toHaveLength(300)
  // 30 would be perfectly even.
  expect(busiest(server.arrivals)).toBeLessThan(60)
})

test('three hundred clients of a server that was away for half a minute and remembers nobody come back spread over ten seconds', () => {
  const server = new FakeServer(first)
  const clients = Array.from({ length: 300 }, (_, n) => connect(n, first))
  vi.advanceTimersByTime(20_000)
  server.stop()
  vi.advanceTimersByTime(30_000)
  // Nor is a machine that is starting up bothered by more than it will have to welcome.
  expect(busiest(server.attempts.slice(-600))).toBeLessThan(20)
  server.restart()
  vi.advanceTimersByTime(10_100)
  expect(clients.filter(({ told }) => told.at(-1) === 'up')).toHaveLength(300)
  expect(server.arrivals).toHaveLength(300)
  expect(busiest(server.arrivals)).toBeLessThan(20)
})

test('of several servers the first that answers is used, without a pause between them', () => {
  new FakeServer(third)
  const { client, told } = connect(1, [first, second, third])
  vi.advanceTimersByTime(100)
  expect(told).toEqual([`down ${first} refused`, `down ${second} refused`, 'up'])
  expect(client.url).toBe(third)
})

test('a good connection is kept while a better server returns, and left for it once it is lost', () => {
  const spare = new FakeServer(second)
  const { client } = connect(1, [first, second])
  vi.advanceTimersByTime(100)
  expect(client.url).toBe(second)
  const preferred = new FakeServer(first)
  vi.advanceTimersByTime(600_000)
  expect(client.url).toBe(second)
  spare.stop()
  vi.advanceTimersByTime(1_000)
  expect(client.url).toBe(first)
  expect(preferred.arrivals).toHaveLength(1)
})

test('rounds over all servers get further and further apart, up to ten seconds', () => {
  random = () => 1
  const [one, two] = [new FakeServer(first), new FakeServer(second)]
  for (const server of [one, two]) server.stop()
  connect(1, [first, second])
  vi.advanceTimersByTime(60_000)
  const rounds = one.attempts.map((time) => Math.floor((time - one.attempts[0]!) / 100) * 100)
  expect(rounds).toEqual([0, 1_000, 3_000, 7_000, 15_000, 25_000, 35_000, 45_000, 55_000])
  expect(two.attempts).toHaveLength(one.attempts.length)
})

test('a server that welcomes and hangs up again is not the only one tried', () => {
  const fickle = new FakeServer(first)
  new FakeServer(second)
  const { client } = connect(1, [first, second])
  vi.advanceTimersByTime(100)
  expect(client.url).toBe(first)
  fickle.hangUp()
  vi.advanceTimersByTime(1_000)
  expect(client.url).toBe(second)
})

test('one that does not answer at all is given up sooner where there is another', () => {
  const dumb = new FakeServer(first)
  dumb.answers = false
  new FakeServer(second)
  const { told } = connect(1, [first, second])
  vi.advanceTimersByTime(3_999)
  expect(told).toEqual([])
  vi.advanceTimersByTime(100)
  expect(told).toEqual(['down no answer within 4 s', 'up'])
})

test('each server is shown the token that it gave itself', () => {
  const [one, two] = [new FakeServer(first), new FakeServer(second)]
  connect(1, [first, second])
  vi.advanceTimersByTime(20_000)
  one.stop()
  vi.advanceTimersByTime(20_000)
  one.restart()
  two.stop()
  vi.advanceTimersByTime(20_000)
  expect(one.hellos).toEqual([undefined, `token of ${first}`])
  expect(two.hellos).toEqual([undefined])
})

test('a list without an address, or with one that is none, is refused', () => {
  for (const url of [[], [first, 'http://second']]) {
    expect(() => connect(1, url)).toThrow(expect.objectContaining({ code: 'bad_option' }))
  }
})

function connect(n: number, url: string | readonly string[]) {
  const told: string[] = []
  const client = new SignalingClient(
    { url, room: 'room', id: id(n), webSocket: FakeSocket, random, log: silentLog },
    {
      welcome() {},
      introduced() {},
      signal() {},
      packet() {},
      up: () => told.push('up'),
      down: (reason) => told.push(`down ${reason}`),
    },
  )
  client.open()
  return { client, told }
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(new Uint32Array([n, 0, 0, 0]).buffer))
}
