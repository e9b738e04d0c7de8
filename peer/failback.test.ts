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
const [lookedMs, movedMs] = [90_100, 400_000]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  FakeServer.all.clear()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A tab with this list, or a process that is on each of its servers. */
function enter(id: PeerId, urls: readonly string[], random = seededRandom(1), isProcess = false) {
  const told: string[] = []
  const heard: string[] = []
  const servers = new SignalingServers(
    isProcess ? urls.map((url) => ({ url })) : [{ url: urls }],
    { room: 'room', id, webSocket: FakeSocket, random, log: silentLog },
    {
      welcome: (ids) => ids.length > 0 && told.push(`welcome ${ids}`),
      introduced() {},
      signal: (from) => heard.push(`signal ${from}`),
      packet: (from) => heard.push(`packet ${from}`),
      absent: (id) => heard.push(`absent ${id}`),
      up: () => told.push('up'),
      down: () => told.push('down'),
    },
  )
  servers.open()
  return { servers, told, heard }
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
  // The servers but the last are away, and come back at these moments.
  const returns = fc.array(fc.integer({ min: 5_000, max: 300_000 }), { minLength: 1, maxLength: 2 })
  fc.assert(
    fc.property(fc.integer(), returns, (seed, at) => {
      FakeServer.all.clear()
      const urls = [first, second, third].slice(0, at.length + 1)
      const servers = urls.map((url) => new FakeServer(url))
      for (const server of servers.slice(0, -1)) server.stop()
      const random = seededRandom(seed)
      const room = Array.from({ length: 10 }, (_, n) => id(n))
      const peers = room.map((id) => enter(id, urls, random))
      for (let ms = 0; ms < 300_000 + 2 * movedMs; ms += 1_000) {
        for (const [n, returnsAt] of at.entries())
          if (Math.floor(returnsAt / 1_000) * 1_000 === ms) servers[n]!.restart()
        vi.advanceTimersByTime(1_000)
        if (ms < 5_000) continue
        const present = servers.map((server) => new Set(server.present))
        const apart = room.flatMap((a) => room.filter((b) => !present.some((on) => on.has(a) && on.has(b))))
        expect(apart, `${ms} ms`).toEqual([])
      }
      expect(servers.map((server) => server.present.length)).toEqual([room.length, ...at.map(() => 0)])
      for (const { servers } of peers) servers.bye()
    }),
    // Those that are early find the second, those that are late the first.
    { numRuns: 12, examples: [[1, [50_000, 20_000]]] },
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

test('who is on both hears everything once, and is told who is on neither', () => {
  const { one, servers, heard } = failedOver()
  const other = enter(ben, [first, second])
  vi.advanceTimersByTime(1_000)
  one.restart()
  vi.advanceTimersByTime(lookedMs)
  // Nobody has been heard yet, so all are asked.
  servers.sendSignal(id(3), {})
  vi.advanceTimersByTime(10)
  expect(heard).toEqual([`absent ${id(3)}`])
  other.servers.sendPacket(self, Uint8Array.of(1))
  vi.advanceTimersByTime(10)
  servers.sendPacket(ben, Uint8Array.of(2))
  servers.sendSignal(ben, {})
  vi.advanceTimersByTime(10)
  expect(other.heard).toEqual([`packet ${self}`, `signal ${self}`])
})

test('a process reaches a tab all the time while that moves back', () => {
  const { one, two, servers, heard } = failedOver()
  two.delayMs = 5 // so that it is this one that the tab was heard by last
  const process = enter(ben, [first, second], seededRandom(2), true)
  one.restart()
  vi.advanceTimersByTime(lookedMs)
  while (two.present.includes(self)) {
    servers.sendPacket(ben, Uint8Array.of(1))
    process.servers.sendPacket(self, Uint8Array.of(2))
    heard.length = 0
    vi.advanceTimersByTime(1_000)
    expect(heard).toContain(`packet ${ben}`)
  }
  // From here on the tab says nothing.
  for (let n = 1; n <= 60; n++) {
    heard.length = 0
    process.servers.sendPacket(self, Uint8Array.of(2))
    vi.advanceTimersByTime(1_000)
    expect(heard).toEqual([`packet ${ben}`])
  }
})

test('nobody leaves a server that answers for one that has fallen silent', () => {
  const { one } = failedOver()
  one.restart()
  while (!one.present.includes(self)) vi.advanceTimersByTime(1_000)
  vi.advanceTimersByTime(225_000)
  one.mute = true
  for (let n = 0; n < 90; n++) {
    expect(whereabouts(self)).toContain(second)
    vi.advanceTimersByTime(1_000)
  }
})

/** The tab has gone back, and still listens to what comes by the second for a few seconds. */
function listening() {
  const room = failedOver()
  room.one.restart()
  while (!room.one.present.includes(self)) vi.advanceTimersByTime(1_000)
  vi.advanceTimersByTime(265_000)
  expect(whereabouts(self)).toEqual([first, second])
  return room
}

test('who has gone back sends nothing by the server it left, even if it was heard from there', () => {
  const { two, servers } = listening()
  two.delayMs = 5
  const process = enter(ben, [first, second], seededRandom(2), true)
  vi.advanceTimersByTime(1_000)
  process.servers.sendPacket(self, Uint8Array.of(1))
  vi.advanceTimersByTime(25_000)
  expect(whereabouts(self)).toEqual([first])
  servers.sendPacket(ben, Uint8Array.of(2))
  vi.advanceTimersByTime(10)
  expect(process.heard).toEqual([`packet ${self}`])
})

test('who has gone back and loses that server too is on no server twice', () => {
  const { one, told } = listening()
  one.stop()
  vi.advanceTimersByTime(2_000)
  expect(whereabouts(self)).toEqual([second])
  expect(told).toEqual(['down', 'down', 'up'])
})

test('a first server that welcomes and hangs up keeps nobody on the third from the second', () => {
  const [one, two] = [new FakeServer(first), new FakeServer(second), new FakeServer(third)]
  one.stop()
  two.stop()
  enter(self, [first, second, third])
  vi.advanceTimersByTime(1_000)
  expect(whereabouts(self)).toEqual([third])
  one.restart()
  two.restart()
  const hear = one.hear.bind(one)
  one.hear = (socket, data) => {
    hear(socket, data)
    setTimeout(() => one.hangUp(), 50)
  }
  vi.advanceTimersByTime(movedMs + lookedMs)
  expect(whereabouts(self)).toEqual([second])
})

test('what wakes a page opens nothing behind its farewell', () => {
  const { servers } = failedOver()
  servers.bye()
  vi.advanceTimersByTime(10)
  servers.open()
  vi.advanceTimersByTime(10_000)
  expect(whereabouts(self)).toEqual([])
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
