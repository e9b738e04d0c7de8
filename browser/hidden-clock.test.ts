import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Log } from '../peer/options.ts'
import { HiddenClock } from './hidden-clock.ts'
import { TabAlarm } from './tab-alarm.ts'

/** A page as far as these need one. Its own timers never come, so that whatever rings was rung by the worker. */
class Page extends EventTarget {
  visibilityState: DocumentVisibilityState = 'visible'
  listeners = 0

  turn(state: DocumentVisibilityState): void {
    this.visibilityState = state
    this.dispatchEvent(new Event('visibilitychange'))
  }

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners++
    super.addEventListener(...args)
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--
    super.removeEventListener(...args)
  }
}

class FakeWorker {
  static forbidden = false
  static readonly running = new Set<FakeWorker>()
  readonly posted: number[] = []
  onmessage: () => void = () => {}
  onerror: () => void = () => {}

  constructor() {
    if (FakeWorker.forbidden) throw new Error('forbidden')
    FakeWorker.running.add(this)
  }

  postMessage(ms: number): void {
    this.posted.push(ms)
  }

  terminate(): void {
    FakeWorker.running.delete(this)
  }
}

let page: Page
let now: number
let said: string[]
let clock: HiddenClock
const log: Log = { debug: (line) => said.push(line), info() {}, warn() {} }
const workers = () => [...FakeWorker.running]

beforeEach(() => {
  page = new Page()
  now = 1_000
  said = []
  clock = new HiddenClock()
  FakeWorker.forbidden = false
  FakeWorker.running.clear()
  vi.stubGlobal('document', page)
  vi.stubGlobal('Worker', FakeWorker)
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

test('there is one worker while the page is hidden and a peer lives, and nothing before or behind', () => {
  const revoked = vi.spyOn(URL, 'revokeObjectURL')
  const one = new TabAlarm(clock, log)
  expect(workers()).toHaveLength(0)
  page.turn('hidden')
  expect(workers()).toHaveLength(1)
  const two = new TabAlarm(clock, log)
  expect(workers()).toHaveLength(1)
  page.turn('visible')
  expect(workers()).toHaveLength(0)
  page.turn('hidden')
  one.close()
  expect(workers()).toHaveLength(1)
  two.close()
  expect(workers()).toHaveLength(0)
  expect(revoked).toHaveBeenCalledTimes(2)
  expect(page.listeners).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('while the page is hidden alarms ring by the worker, the earliest first, each once', () => {
  const rung: string[] = []
  const [one, two] = [new TabAlarm(clock, log), new TabAlarm(clock, log)]
  one.set(500, () => rung.push('one'))
  page.turn('hidden')
  const worker = workers()[0]!
  expect(worker.posted).toEqual([500])
  two.set(200, () => rung.push('two'))
  expect(worker.posted).toEqual([500, 200])
  now += 200
  worker.onmessage()
  expect(rung).toEqual(['two'])
  expect(worker.posted).toEqual([500, 200, 300])
  now += 300
  worker.onmessage()
  worker.onmessage()
  expect(rung).toEqual(['two', 'one'])
  expect(vi.getTimerCount()).toBe(0)
  for (const alarm of [one, two]) alarm.close()
})

test('a worker that rings too early, or for an alarm that was set anew, wakes nobody', () => {
  const rung: string[] = []
  const alarm = new TabAlarm(clock, log)
  page.turn('hidden')
  alarm.set(100, () => rung.push('first'))
  alarm.set(300, () => rung.push('second'))
  const worker = workers()[0]!
  now += 100
  worker.onmessage()
  expect(rung).toEqual([])
  expect(worker.posted.at(-1)).toBe(200)
  alarm.close()
  worker.onmessage()
  expect(rung).toEqual([])
})

test('where a worker is forbidden, at once or behind the constructor, timers of the page do, and debug says so', () => {
  const rung: string[] = []
  const alarm = new TabAlarm(clock, log)
  alarm.set(500, () => rung.push('timer'))
  page.turn('hidden')
  workers()[0]!.onerror()
  expect(workers()).toHaveLength(0)
  expect(said).toEqual([expect.stringContaining('worker-src')])
  page.turn('visible')
  page.turn('hidden')
  expect(workers()).toHaveLength(0)
  vi.advanceTimersByTime(500)
  expect(rung).toEqual(['timer'])
  alarm.close()

  FakeWorker.forbidden = true
  clock = new HiddenClock()
  const other = new TabAlarm(clock, log)
  expect(said).toHaveLength(2)
  other.set(500, () => rung.push('another'))
  vi.advanceTimersByTime(500)
  expect(rung).toEqual(['timer', 'another'])
  other.close()
})

test('at once means by a message and not by a timer; one that was set anew or closed does not ring', async () => {
  const rung: string[] = []
  const alarm = new TabAlarm(clock, log)
  const closed = new TabAlarm(clock, log)
  alarm.set(0, () => rung.push('stale'))
  closed.set(0, () => rung.push('closed'))
  closed.close()
  await new Promise<void>((resolve) => {
    alarm.set(0, () => {
      rung.push('at once')
      resolve()
    })
  })
  alarm.close()
  expect(rung).toEqual(['at once'])
  expect(vi.getTimerCount()).toBe(0)
})
