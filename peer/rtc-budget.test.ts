/** What a page makes of connections over a day, with a collector that behaves as badly as a browser's may. */

import { expect, test } from 'vitest'
import { idFromBytes, type PeerId, type Random, randomInt, seededRandom } from '../core/index.ts'
import { RecordedEvents } from './channel.contract.ts'
import { RtcBudget, RtcChannel, type RtcConnection } from './rtc.ts'
import { connectionsBurst, connectionsPerSecond, uncollectedMax } from './rtc-budget.ts'

const dayMs = 24 * 3_600_000
/** What Chromium allows a page. */
const chromiumMax = 500

/** Between those numbered from 1, who offer, and those from 0x20_00_00, who ask; as text, ids are not in the order of numbers. */
const own = idOf(0x10_00_00)
const sdp = 'v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n'

test.each([
  ['every 30 s', 30_000],
  ['every 10 minutes', 600_000],
  ['twice a day', dayMs / 2],
])('over a day of churn far fewer connections are in memory than Chromium allows, collected %s', async (_, everyMs) => {
  const page = new Page()
  const channel = page.join(own)
  const random = seededRandom(1)
  // Neighbours come and go far faster than in any room: a link is opened or hung up every second, by either side.
  for (let second = 1; second <= dayMs / 1000; second++) {
    page.now = second * 1000
    churn(channel, random, second)
    if (page.now % everyMs === 0) page.collect()
    if (second % 1000 === 0) await Promise.resolve()
  }
  expect(page.made).toBeGreaterThan(uncollectedMax)
  expect(page.mostInMemory).toBeLessThanOrEqual(chromiumMax / 2)
  // Whoever was refused is let in again as soon as there is memory.
  page.collect()
  page.now += connectionsBurst * 1000
  const before = page.made
  channel.receiveSignal(idOf(1), { t: 'offer', s: 1e9, sdp })
  expect(page.made).toBe(before + 1)
  await channel.close()
})

test('a room in which one in twenty is replaced every minute never waits for a connection', async () => {
  const page = new Page()
  const channel = page.join(own)
  // Eight neighbours, of which 5 % go each minute and as many newcomers move in, with twice the links for good measure.
  for (let minute = 1; minute <= 24 * 60; minute++) {
    for (let i = 0; i < 2; i++) {
      page.now += 30_000
      channel.receiveSignal(idOf(minute * 2 + i), { t: 'offer', s: 1, sdp })
      channel.hangUp(idOf(minute * 2 + i - 16))
    }
    if (minute % 5 === 0) page.collect()
  }
  expect(channel.counters().refused).toBe(0)
  await channel.close()
})

test('peers that come and go on one page share one budget', async () => {
  const page = new Page()
  for (let i = 0; i < 50; i++) {
    const channel = page.join(own)
    for (let to = 1; to <= 8; to++) channel.dial(idOf(0x20_00_00 + to))
    await channel.close()
  }
  expect(page.made).toBe(connectionsBurst)
  page.now += 10_000
  const channel = page.join(own)
  for (let to = 1; to <= 8; to++) channel.dial(idOf(0x20_00_00 + to))
  expect(page.made).toBe(connectionsBurst + 10 * connectionsPerSecond)
  await channel.close()
})

test('memory that was really given back is noticed', async () => {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const budget = new RtcBudget(() => 0)
  const make = (i: number) => {
    const connection = { i }
    budget.made(connection)
    return connection
  }
  const kept = Array.from({ length: 100 }, (_, i) => make(i)).filter(({ i }) => i % 10 === 0)
  await expect
    .poll(() => {
      collectGarbage()
      return budget.uncollected
    })
    .toBe(kept.length)
})

/** A page whose connections stay in memory until `collect`, and are collected only if they were destroyed by then. */
class Page {
  now = 0
  made = 0
  mostInMemory = 0
  readonly #budget = new RtcBudget(
    () => this.now,
    (connection, collected) => {
      this.made++
      this.#memory.set(connection as Connection, collected)
      this.mostInMemory = Math.max(this.mostInMemory, this.#memory.size)
    },
  )
  readonly #memory = new Map<Connection, () => void>()

  join(id: PeerId): RtcChannel {
    const options = { id, simplePeer: Connection, signal() {}, random: seededRandom(7), budget: this.#budget }
    return new RtcChannel(options, new RecordedEvents())
  }

  collect(): void {
    for (const [connection, collected] of this.#memory) {
      if (!connection.destroyed) continue
      this.#memory.delete(connection)
      collected()
    }
  }
}

/** A connection that lives until it is destroyed. */
class Connection implements RtcConnection {
  readonly bufferSize = 0
  destroyed = false
  readonly #listeners: [event: string, listener: (value: unknown) => void][] = []

  on(event: string, listener: (value: unknown) => void): void {
    this.#listeners.push([event, listener])
  }

  signal(): void {}

  send(): void {}

  destroy(): void {
    this.destroyed = true
    queueMicrotask(() => {
      for (const [event, listener] of this.#listeners) if (event === 'close') listener(undefined)
    })
  }
}

/** One thing that happens to a neighbour: this peer or the other one dials it, or it is hung up on. */
function churn(channel: RtcChannel, random: Random, second: number): void {
  const peer = idOf(1 + randomInt(random, 500))
  const stranger = idOf(0x20_00_00 + randomInt(random, 500))
  const events = [
    () => channel.receiveSignal(peer, { t: 'offer', s: second, sdp }),
    () => channel.receiveSignal(stranger, { t: 'ask' }),
    () => channel.dial(stranger),
    () => channel.hangUp(channel.links()[0]?.id ?? peer),
  ]
  events[randomInt(random, events.length)]!()
  while (channel.links().length > 16) channel.hangUp(channel.links()[0]!.id)
}

function idOf(n: number): PeerId {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(0, n)
  return idFromBytes(bytes)
}
