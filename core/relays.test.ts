import { expect, test } from 'vitest'
import type { Header } from './codec.ts'
import type { Endpoint } from './host.ts'
import { idFromBytes } from './ids.ts'
import { nackMsMax, Relays } from './relays.ts'

const [ann, target] = [1, 2].map((n) => idFromBytes(new Uint8Array(16).fill(n)))

test('an ack goes back to the one who asked, under the number of the asking, with the digest it came with', () => {
  const { relays, sent } = world()
  const seq = relays.open(asking(70), 'udp:ann', 0)!
  expect(seq).not.toBe(70)
  expect(relays.pass({ kind: 'ack', seq, hi: 5, lo: 6 })).toBe(true)
  expect(sent).toEqual([['udp:ann', { kind: 'ack', seq: 70, hi: 5, lo: 6 }]])
})

test('an ack of nothing that was asked for is not passed on, nor is one passed on twice', () => {
  const { relays, sent } = world()
  const seq = relays.open(asking(70), 'udp:ann', 0)!
  expect(relays.pass({ kind: 'ack', seq: 70, hi: 0, lo: 0 })).toBe(false)
  relays.pass({ kind: 'ack', seq, hi: 0, lo: 0 })
  expect(relays.pass({ kind: 'ack', seq, hi: 0, lo: 0 })).toBe(false)
  expect(sent).toHaveLength(1)
})

test('where no ack comes, a nack leaves at the time that was asked for, once', () => {
  const { relays, sent, wakes } = world()
  const seq = relays.open(asking(70, 400), 'udp:ann', 1_000)!
  expect(wakes).toEqual([[seq, 1_400]])
  relays.expire(seq, 1_400)
  expect(sent).toEqual([['udp:ann', { kind: 'nack', seq: 70 }]])
  expect(wakes).toEqual([
    [seq, 1_400],
    [seq, 4_400],
  ])
  relays.expire(seq, 4_400)
  relays.expire(seq, 4_400)
  expect(sent).toHaveLength(1)
  expect(wakes).toHaveLength(2)
})

test('where an ack came, no nack follows', () => {
  const { relays, sent } = world()
  const seq = relays.open(asking(70), 'udp:ann', 0)!
  relays.pass({ kind: 'ack', seq, hi: 0, lo: 0 })
  relays.expire(seq, 400)
  expect(sent.map(([, { kind }]) => kind)).toEqual(['ack'])
})

test('an ack that comes after the nack is passed on still, for three seconds', () => {
  for (const [expiries, passed] of [
    [1, true],
    [2, false],
  ] as const) {
    const { relays, sent } = world()
    const seq = relays.open(asking(70), 'udp:ann', 0)!
    for (let i = 0; i < expiries; i++) relays.expire(seq, 400 + i * 3_000)
    expect(relays.pass({ kind: 'ack', seq, hi: 0, lo: 0 })).toBe(passed)
    expect(sent.map(([, { kind }]) => kind)).toEqual(passed ? ['nack', 'ack'] : ['nack'])
  }
})

test('nobody is waited for longer than half a minute, whatever the asker would like', () => {
  const { relays, wakes } = world()
  relays.open(asking(70, 0xffffffff), 'udp:ann', 1_000)
  expect(wakes[0]![1]).toBe(1_000 + nackMsMax)
})

test('what the same peer asks twice is done once; of another peer the same number is another asking', () => {
  const { relays } = world()
  expect(relays.open(asking(70), 'udp:ann', 0)).toBeDefined()
  expect(relays.open(asking(70), 'udp:ann', 1)).toBeUndefined()
  expect(relays.open(asking(71), 'udp:ann', 2)).toBeDefined()
  expect(relays.open(asking(70), 'udp:bob', 3)).toBeDefined()
})

test('256 pings are under way for others at most; one that is done makes room', () => {
  const { relays } = world()
  const seqs = Array.from({ length: 300 }, (_, i) => relays.open(asking(i), 'udp:ann', 0))
  expect(seqs.filter((seq) => seq !== undefined)).toHaveLength(256)
  relays.pass({ kind: 'ack', seq: seqs[0]!, hi: 0, lo: 0 })
  expect(relays.open(asking(1_000), 'udp:ann', 0)).toBeDefined()
  expect(relays.open(asking(1_001), 'udp:ann', 0)).toBeUndefined()
})

test('after an absence nothing is passed on, and no nack leaves', () => {
  const { relays, sent } = world()
  const seq = relays.open(asking(70), 'udp:ann', 0)!
  relays.clear()
  expect(relays.pass({ kind: 'ack', seq, hi: 0, lo: 0 })).toBe(false)
  relays.expire(seq, 400)
  expect(sent).toEqual([])
})

function asking(seq: number, nackMs = 400): Header & { kind: 'pingReq' } {
  return { kind: 'pingReq', seq, from: ann!, target: target!, nackMs }
}

function world() {
  const sent: [Endpoint, Header][] = []
  const wakes: [number, number][] = []
  let seq = 1_000
  const relays = new Relays(
    { forward: (header, to) => sent.push([to, header]) },
    { wake: (_kind, number, at) => wakes.push([number, at]), nextSeq: () => ++seq },
  )
  return { relays, sent, wakes }
}
