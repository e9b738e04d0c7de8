import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Channel, Random, Swim, SwimEvent } from '../core/index.ts'
import { idFromBytes, seededRandom } from '../core/index.ts'
import { Driver } from './driver.ts'
import { Hub } from './hub.fake.ts'

/** The clock of the drivers. Timers fire when `vi` is told to; the two may differ, as they do on a busy machine. */
let now = 0
let peers = 0

beforeEach(() => {
  now = 1_000_000
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

test('the core is called when it wants to be, by one timer', () => {
  // Not by chance but halfway, so that every deadline is a whole number of milliseconds, as timers are.
  const { swim } = drive(
    new Hub(),
    () => {},
    () => 0.5,
  )
  const tick = vi.spyOn(swim, 'tick')
  for (let i = 0; i < 20; i++) {
    expect(vi.getTimerCount()).toBe(1)
    pass(swim.nextTimeout() - now - 1)
    expect(tick).toHaveBeenCalledTimes(i)
    pass(1)
    expect(tick).toHaveBeenCalledTimes(i + 1)
  }
})

test('a timer that fires late lets the packets that have arrived meanwhile go first', () => {
  const { swim, driver } = drive(new Hub())
  const order: string[] = []
  vi.spyOn(swim, 'tick').mockImplementation(() => order.push('tick'))
  vi.spyOn(swim, 'receive').mockImplementation(() => order.push('receive'))
  const dueIn = swim.nextTimeout() - now
  now += dueIn + 500
  vi.advanceTimersByTime(Math.ceil(dueIn))
  expect(order).toEqual([])
  driver.eventsOf('sim').receive('sim:other', new Uint8Array(10))
  vi.advanceTimersByTime(1)
  expect(order).toEqual(['receive', 'tick'])
})

test('a timer that is on time waits for nothing', () => {
  const { swim } = drive(new Hub())
  const tick = vi.spyOn(swim, 'tick')
  pass(swim.nextTimeout() - now)
  expect(tick).toHaveBeenCalledTimes(1)
})

test('where timers are held back, a packet that comes when the core is due makes it do so, behind what else has arrived', () => {
  const { swim, driver } = drive(new Hub())
  const order: string[] = []
  vi.spyOn(swim, 'tick').mockImplementation(() => order.push('tick'))
  vi.spyOn(swim, 'receive').mockImplementation(() => order.push('receive'))
  const { receive } = driver.eventsOf('sim')
  // The clock goes on without the timers, as it does in a page whose timers come once a second.
  now = Math.ceil(swim.nextTimeout()) + 300
  receive('sim:a', new Uint8Array(10))
  receive('sim:b', new Uint8Array(10))
  vi.advanceTimersByTime(0)
  expect(order).toEqual(['receive', 'receive', 'tick'])
})

test('after a standstill the flood is skimmed: of each sender the newest few, and then the core learns how late it is', () => {
  const { swim, driver } = drive(new Hub())
  const order: unknown[] = []
  const tick = swim.tick.bind(swim)
  vi.spyOn(swim, 'tick').mockImplementation((at) => {
    order.push(`tick, ${now - at} ms ago`)
    tick(at)
  })
  vi.spyOn(swim, 'receive').mockImplementation(([first]) => order.push(first))
  const { receive } = driver.eventsOf('sim')
  now += 40_000
  for (let i = 1; i <= 200; i++) receive('sim:a', new Uint8Array([i]))
  receive('sim:b', new Uint8Array([250]))
  expect(order).toEqual([])
  pass(20)
  expect(order).toEqual([])
  pass(20)
  expect(order).toEqual([197, 198, 199, 200, 250, 'tick, 0 ms ago'])
  expect(swim.counters().packets_skimmed).toBe(196)
  // And it is over: the next packet is handled as ever.
  pass(1)
  receive('sim:a', new Uint8Array([1]))
  expect(order.at(-1)).toBe(1)
})

test('whatever is asked of a peer while it thaws is done at once, and the flood behind it is skimmed all the same', () => {
  const hub = new Hub()
  const stranger = hub.channel({ receive: () => {}, linkUp: () => {}, linkDown: () => {}, available: () => {} })
  const { swim, driver, channel } = drive(hub)
  const send = vi.spyOn(channel, 'send')
  const tick = vi.spyOn(swim, 'tick')
  const events = driver.eventsOf('sim')
  now += 40_000
  driver.call((core, at) => core.setMode('visible', at))
  driver.wake()
  events.receive('sim:a', new Uint8Array([1]))
  driver.call((core, at) => core.introduce([stranger.endpoint], at))
  expect(send).toHaveBeenCalledTimes(1)
  events.available(false)
  events.linkDown('a')
  driver.hurry()
  pass(10)
  for (let i = 2; i <= 10; i++) events.receive('sim:a', new Uint8Array([i]))
  expect(tick).not.toHaveBeenCalled()
  pass(20)
  pass(20)
  expect(tick).toHaveBeenCalledTimes(1)
  expect(swim.counters().packets_skimmed).toBe(6)
})

test('a flood that does not end is held for 300 ms and no longer', () => {
  const { swim, driver } = drive(new Hub())
  const handled = vi.spyOn(swim, 'receive').mockImplementation(() => {})
  const { receive } = driver.eventsOf('sim')
  now += 40_000
  const thawedAt = now
  while (handled.mock.calls.length === 0) {
    receive('sim:a', new Uint8Array([1]))
    pass(10)
    expect(now - thawedAt).toBeLessThan(1_000)
  }
  expect(now - thawedAt).toBeLessThanOrEqual(320)
})

test('a peer that is woken does at once what is due, and takes a standstill for one', () => {
  const { swim, driver } = drive(new Hub())
  const tick = vi.spyOn(swim, 'tick')
  now = Math.ceil(swim.nextTimeout()) + 300
  driver.wake()
  vi.advanceTimersByTime(0)
  expect(tick).toHaveBeenCalledTimes(1)
  expect(swim.counters().absences ?? 0).toBe(0)
  now += 40_000
  driver.wake()
  vi.advanceTimersByTime(0)
  expect(tick).toHaveBeenCalledTimes(1)
  pass(20)
  expect(tick).toHaveBeenCalledTimes(2)
  expect(swim.counters().absences).toBe(1)
})

test('who is in a hurry has sent its news before the call returns, and time does not run backwards after it', () => {
  const hub = new Hub({ atOnce: true })
  const [one, two] = [drive(hub), drive(hub)]
  two.driver.call((swim, at) => swim.join([one.channel.endpoint], at))
  for (let i = 0; i < 100 && one.swim.members().length < 2; i++) pass(20)
  const modeAtOne = () => one.swim.member(two.swim.id)?.mode
  expect(modeAtOne()).toBe('server')

  two.driver.call((swim, at) => swim.setMode('frozen', at))
  expect(modeAtOne()).toBe('server')
  const tick = vi.spyOn(two.swim, 'tick')
  two.driver.hurry()
  expect(modeAtOne()).toBe('frozen')

  const reached = tick.mock.lastCall![0]
  expect(reached - now).toBeLessThanOrEqual(50)
  two.driver.call((_, at) => expect(at).toBeGreaterThanOrEqual(reached))

  // Within the same moment as well, although bursts keep their distance.
  two.driver.call((swim, at) => swim.setMode('hidden', at))
  two.driver.hurry()
  expect(modeAtOne()).toBe('hidden')
  for (let i = 0; i < 100; i++) two.driver.hurry()
  two.driver.call((_, at) => expect(at - now).toBeLessThanOrEqual(500))
})

test('a peer that is in a hurry just after a standstill thaws first', () => {
  const { swim, driver } = drive(new Hub())
  const tick = vi.spyOn(swim, 'tick')
  now += 40_000
  driver.hurry()
  expect(tick).not.toHaveBeenCalled()
  driver.eventsOf('sim').receive('sim:a', new Uint8Array([1]))
  driver.hurry()
  expect(tick).not.toHaveBeenCalled()
  pass(20)
  pass(20)
  expect(tick).toHaveBeenCalled()
})

test('a clock that is set back an hour stops nothing: the core goes on at its pace', () => {
  const { swim } = drive(new Hub())
  for (let i = 0; i < 200; i++) pass(10)
  const before = swim.counters().periods!
  now -= 3_600_000
  for (let i = 0; i < 1_000; i++) pass(10)
  // Of ten periods one may be late: what passed between the last reading and the jump is lost.
  expect(swim.counters().periods! - before).toBeGreaterThanOrEqual(9)
  expect(swim.counters().absences).toBeUndefined()
})

test('a packet handed over while the core runs waits for its turn, with the bytes it had', () => {
  const { swim, driver } = drive(new Hub())
  const events = driver.eventsOf('sim')
  const received: number[][] = []
  let running = 0
  vi.spyOn(swim, 'receive').mockImplementation((packet) => {
    expect(++running).toBe(1)
    received.push([...packet])
    if (received.length === 1) {
      const borrowed = new Uint8Array([2])
      events.receive('sim:other', borrowed)
      borrowed[0] = 99
      expect(received).toHaveLength(1)
    }
    running--
  })
  events.receive('sim:other', new Uint8Array([1]))
  expect(received).toEqual([[1], [2]])
})

test('peers whose channels hand packets over at once find each other, and no call runs within another', () => {
  const hub = new Hub({ atOnce: true })
  const [one, two] = [drive(hub), drive(hub)]
  two.driver.call((swim, at) => swim.join([one.channel.endpoint], at))
  for (let i = 0; i < 100 && one.swim.members().length < 2; i++) pass(20)
  for (const { swim } of [one, two]) expect(swim.members()).toHaveLength(2)
  expect(two.swim.status).toBe('joined')
  expect(one.swim.counters().packets_malformed).toBeUndefined()
})

test('what was told is heard after the call that raised it, and what the listener does comes after that', () => {
  const heard: string[] = []
  const { swim, driver } = drive(new Hub(), (event) => {
    heard.push(`${event.type}(`)
    if (event.type === 'status') driver.call((core, at) => core.setMode('hidden', at))
    heard.push(')')
  })
  driver.call((core, at) => {
    core.join([], at)
    heard.push('called')
  })
  expect(heard).toEqual(['called', 'status(', ')', 'changed(', ')', 'update(', ')', 'changed(', ')'])
  expect(swim.self().mode).toBe('hidden')
})

test('an endless exchange of packets within one call is cut short', () => {
  const { swim, driver } = drive(new Hub())
  const events = driver.eventsOf('sim')
  const receive = vi.spyOn(swim, 'receive').mockImplementation(() => {
    if (receive.mock.calls.length > 1) return
    for (let i = 0; i < 5000; i++) events.receive('sim:flood', new Uint8Array(1))
  })
  events.receive('sim:flood', new Uint8Array(1))
  expect(receive).toHaveBeenCalledTimes(1 + 1024)
})

test('link events and a channel going away are told to the core by the kind of the channel', () => {
  const { swim, driver } = drive(new Hub())
  const calls = [vi.spyOn(swim, 'linkUp'), vi.spyOn(swim, 'linkDown'), vi.spyOn(swim, 'channelAvailable')]
  const events = driver.eventsOf('sim')
  events.linkUp('a')
  events.linkDown('a')
  events.available(false)
  expect(calls.map((call) => call.mock.calls)).toEqual([
    [['sim', 'a', now]],
    [['sim', 'a', now]],
    [['sim', false, now]],
  ])
})

test('signals of the mesh are heard by the channel of their kind after the call that brought them, with the bytes they had', () => {
  const { swim, driver } = drive(new Hub())
  const heard: unknown[] = []
  driver.carrySignals('rtc', {
    receive: (from, data) => heard.push(['receive', from, ...data]),
    lost: (to, data) => heard.push(['lost', to, ...data]),
  })
  vi.spyOn(swim, 'receive').mockImplementation(() => {
    const borrowed = new Uint8Array([1])
    driver.signal('rtc', 'a', borrowed)
    driver.signalLost('rtc', 'b', borrowed)
    driver.signal('other', 'c', borrowed)
    borrowed[0] = 99
    heard.push('received')
  })
  driver.eventsOf('sim').receive('sim:other', new Uint8Array(1))
  expect(heard).toEqual(['received', ['receive', 'a', 1], ['lost', 'b', 1]])
})

test('a call says whether it is or will be carried out', async () => {
  const unstarted = new Driver(() => {})
  expect(unstarted.call(() => {})).toBe(false)
  const { driver } = drive(new Hub())
  const answers: boolean[] = []
  const inner = driver.call(() => {
    for (let i = 0; i < 1025; i++) answers.push(driver.call(() => {}))
  })
  expect(inner).toBe(true)
  expect([answers.indexOf(false), answers.length]).toEqual([1024, 1025])
  await driver.close()
  expect(driver.call(() => {})).toBe(false)
})

test('behind close nothing is called, heard or timed any more, and the channels are closed', async () => {
  const hub = new Hub()
  const heard: SwimEvent[] = []
  const { swim, driver, channel } = drive(hub, (event) => heard.push(event))
  expect(hub.open).toEqual([channel.endpoint])
  await driver.close()
  expect(hub.open).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
  const receive = vi.spyOn(swim, 'receive')
  driver.eventsOf('sim').receive('sim:other', new Uint8Array(10))
  driver.call((core, at) => core.join([], at))
  expect(receive).not.toHaveBeenCalled()
  expect(heard).toEqual([])
})

test('a peer that is closed while it thaws is through with it', async () => {
  const { swim, driver } = drive(new Hub())
  const receive = vi.spyOn(swim, 'receive')
  now += 40_000
  driver.eventsOf('sim').receive('sim:a', new Uint8Array([1]))
  await driver.close()
  pass(1_000)
  expect(vi.getTimerCount()).toBe(0)
  expect(receive).not.toHaveBeenCalled()
})

test('a channel that speaks before the core runs is not listened to', () => {
  const driver = new Driver(() => {})
  const events = driver.eventsOf('sim')
  events.receive('sim:early', new Uint8Array(10))
  events.linkUp('a')
  expect(vi.getTimerCount()).toBe(0)
})

function drive(
  hub: Hub,
  listen: (event: SwimEvent) => void = () => {},
  random: Random = seededRandom(peers),
): { driver: Driver; swim: Swim; channel: Channel } {
  const driver = new Driver(listen, () => now)
  const channel = hub.channel(driver.eventsOf('sim'))
  const id = idFromBytes(new Uint8Array(16).fill(++peers))
  const swim = driver.start({ id, room: 'r', name: 'n', user: null, mode: 'server', random }, [channel])
  return { driver, swim, channel }
}

/** Lets time pass for the clock and the timers alike. */
function pass(ms: number): void {
  now += ms
  vi.advanceTimersByTime(ms)
}
