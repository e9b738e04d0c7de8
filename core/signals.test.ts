import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signalBytesMax } from './codec.ts'
import type { PeerId } from './ids.ts'
import { type Hop, Meshwork, packetOf, type Resident } from './sim/meshwork.ts'
import { idsOf } from './sim/standpoint.ts'

const offer = new Uint8Array([1, 2, 3])

test('a signal gets to its peer over the mesh, is acknowledged, and is not sent again', () => {
  const town = new Meshwork(40, 1)
  const [one, other] = town.apart(3)
  expect(send(town, one, other.id)).toBe(true)
  town.pass(60_000)
  expect(other.signals).toEqual([{ from: one.id, data: [1, 2, 3] }])
  expect(signalsOnTheWay(town, one.id)).toHaveLength(3)
  expect(one.lost).toEqual([])
})

test('what is borrowed for a signal is copied: the caller may use its buffer again', () => {
  const town = new Meshwork(40, 1)
  const [one, other] = town.apart(2)
  const data = new Uint8Array([7])
  let lost = 0
  town.loses = () => ++lost <= 1
  one.mesh.signals.send('rtc', other.id, data, town.now)
  data.fill(0)
  town.pass(5_000)
  expect(other.signals).toEqual([{ from: one.id, data: [7] }])
})

test('where no ack comes it is repeated by another first hop, each time after a longer wait', () => {
  const town = new Meshwork(60, 2)
  const [one, other] = town.apart(3)
  town.loses = ({ from }) => from === one.id
  const sentAt: number[] = []
  let sent = 0
  send(town, one, other.id)
  for (let i = 0; i < 600; i++) {
    const now = town.now
    town.pass(10)
    while (sent < signalsOnTheWay(town, one.id).length) {
      sentAt.push(now)
      sent++
    }
  }
  expect(sentAt.map((at) => Math.round(at / 100) * 100)).toEqual([0, 800, 2_400])
  const firstHops = signalsOnTheWay(town, one.id).map(({ to }) => to)
  expect(new Set(firstHops).size).toBe(3)
})

test('one that never gets through is handed back once, with what it was', () => {
  const town = new Meshwork(60, 2)
  const [one, other] = town.apart(3)
  town.loses = ({ from }) => from === one.id
  send(town, one, other.id)
  town.pass(4_790)
  expect(one.lost).toEqual([])
  town.pass(20)
  expect(one.lost).toEqual([{ to: other.id, data: [1, 2, 3] }])
  town.pass(60_000)
  expect(one.lost).toHaveLength(1)
  expect(other.signals).toEqual([])
})

test('one whose ack alone is lost is repeated, handed on once, and not handed back', () => {
  const town = new Meshwork(60, 3)
  const [one, other] = town.apart(3)
  let acks = 0
  town.loses = ({ from }) => from === other.id && ++acks === 1
  send(town, one, other.id)
  town.pass(60_000)
  expect(acks).toBe(2)
  expect(other.signals).toHaveLength(1)
  expect(one.lost).toEqual([])
})

test('the same data sent twice on purpose is handed on twice', () => {
  const town = new Meshwork(40, 1)
  const [one, other] = town.apart(2)
  send(town, one, other.id)
  send(town, one, other.id)
  town.pass(10_000)
  expect(other.signals).toHaveLength(2)
})

test('where nobody leads there it is refused at once, and so is what is too long or of another channel', () => {
  const town = new Meshwork(40, 1)
  const [one, other] = town.apart(2)
  const [stranger] = idsOf(1, 99)
  expect(send(town, one, stranger!)).toBe(false)
  expect(one.mesh.signals.send('udp', other.id, offer, 0)).toBe(false)
  expect(one.mesh.signals.send('rtc', other.id, new Uint8Array(signalBytesMax + 1), 0)).toBe(false)
  expect(town.hops).toEqual([])
  expect(one.mesh.signals.send('rtc', other.id, new Uint8Array(signalBytesMax), 0)).toBe(true)
  town.pass(10_000)
  expect(other.signals).toHaveLength(1)
  expect(one.lost).toEqual([])
})

test('a notice that the mesh does not lead there hands back at once what waits for that peer, and nothing else', () => {
  const town = new Meshwork(60, 7)
  const [one, other] = town.apart(3)
  const [third] = one.stand.neighbours()
  town.loses = ({ from, header }) => from === one.id || header.kind === 'signalAck'
  send(town, one, other.id)
  send(town, one, other.id)
  send(town, one, third!)
  one.mesh.signals.astray(other.id)
  expect(one.lost.map(({ to }) => to)).toEqual([other.id, other.id])
})

test('a path that ends on its way is reported back, so that another way is taken without a wait', () => {
  const town = new Meshwork(60, 7)
  const [one, other] = town.apart(3)
  for (const id of other.stand.neighbours()) town.cut(other.id, id)
  // Nobody but those at the end knows that the links are gone.
  expect(send(town, one, other.id)).toBe(true)
  town.run()
  expect(one.lost).toEqual([{ to: other.id, data: [1, 2, 3] }])
})

test('when the last link is gone by the time of the repetition, it is handed back', () => {
  const town = new Meshwork(40, 1)
  const [one, other] = town.apart(2)
  town.loses = () => true
  send(town, one, other.id)
  for (const id of [...one.stand.paths.overlay('rtc')!.links()]) town.cut(one.id, id)
  town.pass(800)
  expect(one.lost).toHaveLength(1)
})

test('no more than 128 signals are under way: beyond it another way is wanted at once, until one is through', () => {
  const town = new Meshwork(40, 1)
  const [one, other] = town.apart(2)
  town.loses = ({ from }) => from === one.id
  for (let i = 0; i < 128; i++) expect(send(town, one, other.id)).toBe(true)
  expect(send(town, one, other.id)).toBe(false)
  one.mesh.signals.astray(other.id)
  expect(send(town, one, other.id)).toBe(true)
})

test('an ack of what was never sent, or was acknowledged already, changes nothing', () => {
  const town = new Meshwork(40, 1)
  const [one, other] = town.apart(2)
  send(town, one, other.id)
  for (const seq of [1, 2, 3]) one.mesh.signals.receiveAck(seq)
  town.pass(10_000)
  expect(other.signals).toHaveLength(1)
  town.hand(one, other.id, packetOf({ kind: 'signalAck', seq: 4 }))
  expect(one.lost).toEqual([])
})

test('what was taken is remembered for 512 signals, whoever they are from', () => {
  const town = new Meshwork(20, 1)
  const [one, two] = town.residents as [Resident, Resident]
  const receive = (from: PeerId, seq: number) => one.mesh.signals.receive({ kind: 'signal', seq, data: offer }, from)
  for (let seq = 0; seq < 512; seq++) receive(two.id, seq)
  expect(receive(two.id, 0)).toEqual({ kind: 'signalAck', seq: 0 })
  expect(one.signals).toHaveLength(512)
  receive(town.residents[2]!.id, 0)
  expect(one.signals).toHaveLength(513)
  receive(two.id, 0)
  expect(one.signals).toHaveLength(514)
})

test('whatever is lost, each signal is handed on once at most, and handed back unless it was acknowledged', () => {
  const scene = fc.record({
    seed: fc.nat(20),
    size: fc.integer({ min: 2, max: 40 }),
    losses: fc.infiniteStream(fc.nat(99)),
    share: fc.constantFrom(0, 5, 20, 50, 100),
    count: fc.integer({ min: 1, max: 20 }),
  })
  let through = 0
  let back = 0
  fc.assert(
    fc.property(scene, ({ seed, size, losses, share, count }) => {
      const town = new Meshwork(size, seed)
      town.loses = () => losses.next().value! < share
      const sent: string[] = []
      for (let i = 0; i < count; i++) {
        const one = town.residents[i % size]!
        const other = town.residents[(i * 7 + 1) % size]!
        if (one === other) continue
        expect(one.mesh.signals.send('rtc', other.id, new Uint8Array([i]), town.now)).toBe(true)
        sent.push(`${i}`)
      }
      town.pass(20_000)
      const taken = town.residents.flatMap(({ signals }) => signals.map(({ data }) => `${data[0]}`))
      const lost = town.residents.flatMap((resident) => resident.lost.map(({ data }) => `${data[0]}`))
      for (const list of [taken, lost]) expect(new Set(list).size).toBe(list.length)
      // One may be both: it was taken, and no ack of it got back.
      expect([...new Set([...taken, ...lost])].sort()).toEqual(sent.sort())
      if (share === 0) expect(lost).toEqual([])
      through += taken.length
      back += lost.length
    }),
    { numRuns: 100 },
  )
  expect(Math.min(through, back)).toBeGreaterThan(0)
})

function send(town: Meshwork, from: Resident, to: PeerId): boolean {
  return from.mesh.signals.send('rtc', to, offer, town.now)
}

/** Every hop of what one resident has sent. */
function signalsOnTheWay(town: Meshwork, from: PeerId): Hop[] {
  return town.hops.filter(({ header }) => header.kind === 'route' && header.from === from)
}
