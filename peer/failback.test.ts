/** Which servers of their lists tabs are on, while those go away and come back. Time is simulated. */

import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { idFromBytes, type PeerId, seededRandom } from '../core/index.ts'
import { silentLog } from './options.ts'
import { FakeServer, FakeSocket } from './server.fake.ts'
import { SignalingServers } from './servers.ts'

const [first, second, third] = ['ws://first/', 'ws://second/', 'ws://third/'] as [string, string, string]
const [self, ben] = [id(1), id(2)]
/** By then everybody has looked once, and is on the first alone. */
const [lookedMs, movedMs] = [90_100, 280_000]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  FakeServer.all.clear()
})
afterEach(() => {
  vi.useRealTimers()
})

function enter(id: PeerId, urls: readonly string[], random = seededRandom(1)) {
  const told: string[] = []
  const servers = new SignalingServers(
    [{ url: urls }],
    { room: 'room', id, webSocket: FakeSocket, random, log: silentLog },
    {
      welcome: (ids) => ids.length > 0 && told.push(`welcome ${ids}`),
      introduced() {},
      signal() {},
      packet() {},
      up: () => told.push('up'),
      down: () => told.push('down'),
    },
  )
  servers.open()
  return { servers, told }
}

/** The first is away, the second is not. */
function failedOver() {
  const [one, two] = [new FakeServer(first), new FakeServer(second)]
  one.stop()
  const peer = enter(self, [first, second])
  vi.advanceTimersByTime(1_000)
  expect(whereabouts(self)).toEqual([second])
  peer.told.length = 0
  return { one, two, ...peer }
}

/** On which servers somebody is; on none twice. */
function whereabouts(id: PeerId): string[] {
  const found = [...FakeServer.all].flatMap(([url, server]) =>
    server.present.filter((one) => one === id).map(() => url),
  )
  expect(new Set(found).size).toBe(found.length)
  return found
}

test('who went to the second server is on both once the first is back, and then on the first alone', () => {
  const { one, two, told, servers } = failedOver()
  vi.advanceTimersByTime(300_000)
  expect(whereabouts(self)).toEqual([second])
  expect(one.attempts.length).toBeGreaterThanOrEqual(3)
  expect(one.attempts.length).toBeLessThanOrEqual(12)
  one.restart()
  enter(ben, [first])
  vi.advanceTimersByTime(lookedMs)
  expect(whereabouts(self)).toEqual([first, second])
  // Nothing was out of reach for a moment.
  expect(told).toEqual([`welcome ${ben}`])
  vi.advanceTimersByTime(movedMs - lookedMs)
  expect(whereabouts(self)).toEqual([first])
  expect(told).toEqual([`welcome ${ben}`])
  expect(servers.counters()).toMatchObject({ welcomes: 2, losses: 0 })
  const attempts = one.attempts.length
  vi.advanceTimersByTime(3_600_000)
  expect(one.attempts).toHaveLength(attempts)
  two.stop()
  expect(told.at(-1)).not.toBe('down')
  one.stop()
  expect(told.at(-1)).toBe('down')
})

test('of a room that moves back any two share a server at any time', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 100_000 }), (seed, awayMs) => {
      FakeServer.all.clear()
      const [one, two] = [new FakeServer(first), new FakeServer(second)]
      one.stop()
      const random = seededRandom(seed)
      const room = Array.from({ length: 20 }, (_, n) => id(n))
      const peers = room.map((id) => enter(id, [first, second], random))
      vi.advanceTimersByTime(5_000 + awayMs)
      one.restart()
      for (let ms = 0; ms <= movedMs; ms += 1_000) {
        const [atFirst, atSecond] = [new Set(one.present), new Set(two.present)]
        expect(atFirst.size === room.length || atSecond.size === room.length).toBe(true)
        vi.advanceTimersByTime(1_000)
      }
      expect(one.present).toHaveLength(room.length)
      expect(two.present).toEqual([])
      for (const { servers } of peers) servers.bye()
    }),
    { numRuns: 20 },
  )
})

test('a room does not come back to its first server as a herd', () => {
  const [one] = [new FakeServer(first), new FakeServer(second)]
  one.stop()
  const random = seededRandom(3)
  for (let n = 0; n < 180; n++) enter(id(n), [first, second], random)
  vi.advanceTimersByTime(120_000)
  one.restart()
  vi.advanceTimersByTime(lookedMs)
  expect(one.arrivals).toHaveLength(180)
  const seconds = one.arrivals.map((time) => Math.floor(time / 1_000))
  // Two would be perfectly even.
  expect(Math.max(...seconds.map((at) => seconds.filter((other) => other === at).length))).toBeLessThan(12)
})

test('the second server may go as soon as the first has been found', () => {
  const { one, two, told } = failedOver()
  one.restart()
  vi.advanceTimersByTime(lookedMs)
  two.stop()
  expect(whereabouts(self)).toEqual([first])
  vi.advanceTimersByTime(600_000)
  expect(whereabouts(self)).toEqual([first])
  expect(told).toEqual([])
})

test('the first server may go again while somebody is on both, and is looked for again', () => {
  const { one, told } = failedOver()
  one.restart()
  vi.advanceTimersByTime(lookedMs)
  one.stop()
  expect(whereabouts(self)).toEqual([second])
  vi.advanceTimersByTime(600_000)
  expect(whereabouts(self)).toEqual([second])
  one.restart()
  vi.advanceTimersByTime(movedMs)
  expect(whereabouts(self)).toEqual([first])
  expect(told).toEqual([])
  // Its own token proved who it is.
  expect(one.hellos).toEqual([undefined, `token of ${first}`])
})

test('where the second is lost in the middle of a look, the first is dialled once', () => {
  const { one, two, told, servers } = failedOver()
  vi.advanceTimersByTime(20_000)
  one.restart()
  one.answers = false
  servers.open()
  vi.advanceTimersByTime(10)
  expect(one.attempts).toHaveLength(2)
  two.stop()
  one.answers = true
  vi.advanceTimersByTime(2_000)
  expect(whereabouts(self)).toEqual([first])
  expect(one.connections).toBe(1)
  expect(told).toEqual(['down', 'up'])
})

test('a page that wakes up looks at once, but not all the time', () => {
  const { one, servers } = failedOver()
  const attempts = one.attempts.length
  for (let n = 0; n < 50; n++) {
    servers.open()
    vi.advanceTimersByTime(100)
  }
  expect(one.attempts).toHaveLength(attempts + 1)
  vi.advanceTimersByTime(5_000)
  one.restart()
  servers.open()
  vi.advanceTimersByTime(10)
  expect(whereabouts(self)).toEqual([first, second])
})

test('of three servers the best that is there is found, and the best of all later', () => {
  const [one, two, three] = [new FakeServer(first), new FakeServer(second), new FakeServer(third)]
  one.stop()
  two.stop()
  enter(self, [first, second, third])
  vi.advanceTimersByTime(1_000)
  expect(whereabouts(self)).toEqual([third])
  two.restart()
  vi.advanceTimersByTime(movedMs)
  expect(whereabouts(self)).toEqual([second])
  one.restart()
  vi.advanceTimersByTime(movedMs)
  expect(whereabouts(self)).toEqual([first])
  // Back down the list, as at the beginning.
  one.stop()
  two.stop()
  vi.advanceTimersByTime(5_000)
  expect(whereabouts(self)).toEqual([third])
  expect(three.hellos).toEqual([undefined, `token of ${third}`])
})

for (const [when, ms] of [
  ['before it looks', 1_000],
  ['while it is on both', lookedMs],
  ['when it has moved', movedMs],
] as const) {
  for (const how of ['close', 'bye'] as const) {
    test(`${how} ${when} leaves no server and no timer`, async () => {
      const { one, servers } = failedOver()
      one.restart()
      vi.advanceTimersByTime(ms)
      const closed = servers[how]()
      vi.advanceTimersByTime(1_000)
      await closed
      expect(whereabouts(self)).toEqual([])
      vi.advanceTimersByTime(3_600_000)
      expect(whereabouts(self)).toEqual([])
      expect(vi.getTimerCount()).toBe(0)
    })
  }
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(new Uint32Array([n, 0, 0, 0]).buffer))
}
