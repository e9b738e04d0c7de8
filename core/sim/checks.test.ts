/** What tests get wrong in plain JavaScript is told, where it would make them pass and test nothing, or never end. */

import { expect, test } from 'vitest'
import { simulate, type World } from './index.ts'

/** What no compiler has seen. */
// biome-ignore lint/suspicious/noExplicitAny: as in plain JavaScript
const unchecked = (value: unknown) => value as any

const room = (options: object) => () => simulate(unchecked({ peers: 2, seed: 1, ...options }))

test.each<[call: () => unknown, message: string]>([
  [
    () => simulate(unchecked(undefined)),
    'simulate: expected options as an object, got undefined; there are peers, seed',
  ],
  [() => simulate(unchecked({ peer: 5 })), 'simulate: there is no option peer; expected peers, seed, acquainted,'],
  [() => simulate(unchecked({ seed: 1 })), 'peers: expected a whole number from 0, got undefined'],
  [room({ peers: -1 }), 'peers: expected a whole number from 0, got -1'],
  [room({ peers: 2.5 }), 'peers: expected a whole number from 0, got 2.5'],
  [room({ peers: '5' }), 'peers: expected a whole number from 0, got "5"'],
  [room({ seed: 'a' }), 'seed: expected a whole number, got "a"'],
  [room({ seed: undefined }), 'seed: expected a whole number, got undefined'],
  [room({ acquainted: 'no' }), 'acquainted: expected true or false, got "no"'],
  [room({ config: { probeMs: 5 } }), 'config: there is no option probeMs; expected probePeriodMs,'],
  [room({ config: { probePeriodMs: '5' } }), 'config.probePeriodMs: expected a number from 0, got "5"'],
  [room({ link: { los: 1, delay: 500 } }), 'link: there is no option los; expected delayMs, jitterMs, loss, duplicate'],
  [room({ link: { loss: 5 } }), 'loss: expected a share between 0 and 1, got 5'],
  [room({ link: { reorder: Number.NaN } }), 'reorder: expected a share between 0 and 1, got NaN'],
  [room({ link: { delayMs: -5 } }), 'delayMs: expected milliseconds, got -5'],
  [room({ kinds: 'udp' }), `kinds: expected a list such as ['rtc', 'relay'], got "udp"`],
  [room({ kinds: () => 'udp' }), `kinds: expected a list such as ['rtc', 'relay'], got "udp"`],
  [room({ acquainted: true, kinds: () => 'udp' }), `kinds: expected a list such as ['rtc', 'relay'], got "udp"`],
  [room({ server: [0, 'b'] }), 'server: expected a whole number from 0, got "b"'],
  [room({ handshakeMs: -1 }), 'handshakeMs: expected milliseconds, got -1'],
  [room({ linkTimeoutMs: 'soon' }), 'linkTimeoutMs: expected milliseconds, got "soon"'],
  [room({ linkable: true }), 'linkable: expected a function, got true'],
])('%s is refused', (call, message) => {
  expect(call).toThrow(refusal(message))
})

test.each<[call: (world: World) => unknown, message: string]>([
  [(world) => world.run(unchecked(undefined)), 'run: expected milliseconds, got undefined'],
  [(world) => world.run(unchecked('1000')), 'run: expected milliseconds, got "1000"'],
  [(world) => world.run(-1), 'run: expected milliseconds, got -1'],
  [(world) => world.run(Number.POSITIVE_INFINITY), 'run: expected milliseconds, got Infinity'],
  [(world) => world.runUntil(unchecked(undefined), 5), 'runUntil: expected a function, got undefined'],
  [(world) => world.runUntil(() => false, unchecked(undefined)), 'withinMs: expected milliseconds, got undefined'],
  [(world) => world.settle(unchecked(undefined)), 'withinMs: expected milliseconds, got undefined'],
  [(world) => world.pause('p1', unchecked(undefined)), 'pause: expected milliseconds, got undefined'],
  [(world) => world.sleep('p1', unchecked('5')), 'sleep: expected milliseconds, got "5"'],
  [(world) => world.suspend('p1', -5), 'suspend: expected milliseconds, got -5'],
  [(world) => world.stall('p1', Number.NaN), 'stall: expected milliseconds, got NaN'],
  [(world) => world.jumpClock('p0', unchecked(undefined)), 'jumpClock: expected milliseconds, got undefined'],
  [(world) => world.starve('p0', unchecked({})), 'minMs: expected milliseconds, got undefined'],
  [(world) => world.starve('p0', { minMs: 5, maxMs: 1 }), 'maxMs: expected at least minMs (5), got 1'],
  [(world) => world.join('n', unchecked({ usr: 'x' })), 'join: there is no option usr; expected kinds, server, seeds,'],
  [(world) => world.join(unchecked(undefined)), 'name: expected 1 to 64 characters, got undefined'],
  [(world) => world.join('n', { user: '' }), 'user: expected 1 to 128 characters, got ""'],
  [
    (world) => world.join('n', unchecked({ mode: 'tab' })),
    'mode: expected one of visible, hidden, frozen, server, got',
  ],
  [(world) => world.join('n', { seeds: unchecked('p0') }), "seeds: expected a list of names such as ['p0', 'p1'], got"],
  [(world) => world.join('n', { seeds: ['zz'] }), 'there is no peer named zz; there are p0, p1, p2'],
  [(world) => world.join('n', { clockOffsetMs: unchecked('5') }), 'clockOffsetMs: expected milliseconds, got "5"'],
  [
    (world) => world.restart('p0', unchecked({ kinds: [] })),
    'restart: there is no option kinds; expected server, seeds',
  ],
  [(world) => world.restart('p0', { seeds: ['zz'] }), 'there is no peer named zz'],
  [
    (world) => world.setState('p0', unchecked(undefined)),
    "setState: expected an object of values such as { mood: 'fine'",
  ],
  [(world) => world.setLink(unchecked({ los: 1 })), 'setLink: there is no option los; expected delayMs,'],
  [
    (world) => world.setLinkOf('p0', unchecked({ loss: 1 })),
    'setLinkOf: there is no option loss; expected lossIn, lossOut',
  ],
  [(world) => world.setLinkOf('p0', { lossIn: 2 }), 'lossIn: expected a share between 0 and 1, got 2'],
  [(world) => world.setSignaling(unchecked('no')), 'setSignaling: expected true or false, got "no"'],
  [(world) => world.partition(unchecked('p0')), `partition: expected a list of names such as ['p0', 'p1'], got "p0"`],
  [(world) => world.partition(['zz']), 'there is no peer named zz; there are p0, p1, p2'],
  [(world) => world.partition(unchecked([['p0'], ['p1']])), 'there is no peer named a list of 1'],
  [(world) => world.partition(['p0', 'p1'], ['p0']), 'partition: "p0" is named twice'],
  [(world) => world.block('p0', 'zz'), 'there is no peer named zz'],
  [(world) => world.inject('p0', 'sim:x', unchecked('y')), 'packet: expected a Uint8Array, got "y"'],
  [(world) => world.onPacket(unchecked(5)), 'onPacket: expected a function, got 5'],
  [(world) => world.onEvent(unchecked(undefined)), 'onEvent: expected a function, got undefined'],
])('%s is refused, and nothing is changed', (call, message) => {
  const world = simulate({ peers: 3, seed: 1 })
  world.run(1_000)
  const before = world.idOf('p0')
  expect(() => call(world)).toThrow(refusal(message))
  expect([world.now, world.names(), world.idOf('p0')]).toEqual([1_000, ['p0', 'p1', 'p2'], before])
  world.settle(10_000)
})

test('what goes by name takes those that have crashed, and an absence may last for ever', () => {
  const world = simulate({ peers: 4, seed: 1 })
  world.settle(10_000)
  world.crash('p3')
  world.partition(['p0', 'p1', 'p3'])
  world.block('p3', 'p0')
  world.setLinkOf('p3', { lossIn: 0.1 })
  world.heal()
  world.sleep('p2', Number.POSITIVE_INFINITY)
  world.run(60_000)
  expect(world.peer('p0').members()).toHaveLength(2)
})

test('of many peers an error names the first', () => {
  const world = simulate({ peers: 20, seed: 1 })
  expect(() => world.crash('zz')).toThrow(/^there is no peer named zz; there are p0, p1, p2, p3, p4, \.\.\.$/)
  expect(() => simulate({ peers: 0, seed: 1 }).crash('zz')).toThrow(/^there is no peer named zz$/)
})

test('a listener may not let time pass, wherever it is called from', () => {
  const world = simulate({ peers: 3, seed: 1 })
  world.settle(10_000)
  const refused = refusal('a listener cannot let time pass')
  const calls = [() => world.run(10), () => world.runUntil(() => true, 10), () => world.settle(10)]
  let heard = 0
  const tryAll = () => {
    heard++
    for (const call of calls) expect(call).toThrow(refused)
  }
  const off = world.onEvent(tryAll)
  world.leave('p2')
  world.run(1_000)
  expect(heard).toBeGreaterThan(0)
  off()
  // Within a call that changes something, while no time passes.
  world.connect('p0', tryAll)
  heard = 0
  world.setState('p0', { n: 1 })
  expect(heard).toBeGreaterThan(0)
  world.settle(10_000)
})

test('time passes again behind a listener that threw, and a predicate may let it pass', () => {
  const world = simulate({ peers: 3, seed: 1 })
  world.settle(10_000)
  let isWrong = true
  const listener = () => {
    if (isWrong) throw new Error('not what was expected')
  }
  for (const name of ['p0', 'p1']) world.connect(name, listener)
  expect(() => world.setState('p0', { n: 1 })).toThrow('not what was expected')
  expect(() => world.run(1_000)).toThrow('not what was expected')
  isWrong = false
  const before = world.now
  world.runUntil(() => {
    world.run(5)
    return world.now >= before + 100
  }, 1_000)
})

/** With a code, as every error of bad input. */
function refusal(message: string): unknown {
  const code = message.startsWith('there is no peer')
    ? 'unknown_member'
    : /^(name|user):/.test(message)
      ? 'bad_name'
      : 'bad_option'
  return expect.objectContaining({ name: 'ShoalError', code, message: expect.stringContaining(message) })
}
