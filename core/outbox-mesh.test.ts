/** What the outbox does on sparse kinds of channels: links, the links of others, and the server. */

import { expect, test } from 'vitest'
import { decodePacket, type Header, prefixBytes, routeBytesMax } from './codec.ts'
import { defaultConfig } from './config.ts'
import { entryBytesMax } from './entries.ts'
import { type Endpoint, packetBytesMax } from './host.ts'
import type { PeerId } from './ids.ts'
import { Mesh } from './mesh.ts'
import { claimBytesMax, Outbox } from './outbox.ts'
import { seededRandom } from './random.ts'
import { Routes } from './routes.ts'
import { encodeRumour, type Rumour } from './rumour.ts'
import { accusationSubject, entrySubject } from './rumours.ts'
import { fingerprintOf } from './seen.ts'
import { idsOf, Standpoint } from './sim/standpoint.ts'

const tag = 0x12345678
const random = seededRandom(1)
const ack: Header = { kind: 'ack', seq: 1, hi: 0, lo: 0 }

// Floods

test('a rumour goes once over every link, and to nobody else', () => {
  const { outbox, stand, sent, neighbours } = benchOf(60)
  stand.link(...neighbours)
  const rumour = entryOf(neighbours[0]!, 'k')
  add(outbox, rumour)
  outbox.gossip(random)
  expect(sent.map(({ to }) => to).sort()).toEqual(neighbours.map((id) => `rtc:${id}`).sort())
  for (const { rumours } of sent) expect(rumours).toEqual([rumour])
  expect(outbox.waiting).toBe(0)
  outbox.gossip(random)
  expect(sent).toHaveLength(neighbours.length)
})

test('it is not told to the neighbour whose packet brought it, nor to those that bring it again meanwhile', () => {
  const { outbox, stand, sent, neighbours } = benchOf(60)
  stand.link(...neighbours)
  // Who is told is looked up when rumours leave.
  add(outbox, entryOf(stand.self, 'first'))
  outbox.gossip(random)
  sent.length = 0
  const [from, again, ...others] = neighbours
  const rumour = entryOf(others[0]!, 'k')
  outbox.source = from
  expect(outbox.knows(fingerprintOf(encodeRumour(rumour)))).toBe(false)
  add(outbox, rumour)
  outbox.source = again
  expect(outbox.knows(fingerprintOf(encodeRumour(rumour)))).toBe(true)
  outbox.source = undefined
  outbox.gossip(random)
  expect(sent.map(({ to }) => to).sort()).toEqual(others.map((id) => `rtc:${id}`).sort())
})

test('what a packet only gives rise to, as a refutation, is told to the neighbour that sent it too', () => {
  const { outbox, stand, sent, neighbours } = benchOf(60)
  stand.link(...neighbours)
  add(outbox, entryOf(stand.self, 'first'))
  outbox.gossip(random)
  sent.length = 0
  const claim: Rumour = { type: 'suspect', id: stand.self, incarnation: 1, accuser: neighbours[1]! }
  outbox.source = neighbours[0]
  expect(outbox.knows(fingerprintOf(encodeRumour(claim)))).toBe(false)
  const own = { ...stand.belief(stand.self).record!, incarnation: 2 }
  outbox.add(own.id, encodeRumour(own))
  outbox.source = undefined
  outbox.gossip(random)
  expect(sent.map(({ to }) => to).sort()).toEqual(neighbours.map((id) => `rtc:${id}`).sort())
})

test('a rumour that was taken over is known for a period and more, one that was not is not', () => {
  const { outbox, neighbours } = benchOf(20)
  const [known, unknown] = ['one', 'two'].map((key) => encodeRumour(entryOf(neighbours[0]!, key)))
  add(outbox, entryOf(neighbours[0]!, 'one'))
  const knows = () => [known!, unknown!].map((bytes) => outbox.knows(fingerprintOf(bytes)))
  expect(knows()).toEqual([true, false])
  outbox.turn()
  expect(knows()).toEqual([true, false])
  outbox.turn()
  expect(knows()).toEqual([false, false])
})

test('what waits rides on whatever is sent to a neighbour first, and is then not sent once more', () => {
  const { outbox, stand, sent, neighbours } = benchOf(60)
  stand.link(...neighbours)
  add(outbox, entryOf(stand.self, 'first'))
  outbox.gossip(random)
  const rumour = entryOf(stand.self, 'second')
  add(outbox, rumour)
  sent.length = 0
  const [one] = neighbours
  outbox.send(ack, stand.belief(one!), `rtc:${one}`)
  expect(sent).toMatchObject([{ to: `rtc:${one}`, header: ack, rumours: [rumour] }])
  outbox.gossip(random)
  expect(sent.filter(({ to }) => to === `rtc:${one}`)).toHaveLength(1)
  expect(sent).toHaveLength(neighbours.length)
})

test('a burst sends two packets at most to each neighbour, and the rest in the next', () => {
  const { outbox, stand, sent, neighbours } = benchOf(60)
  stand.link(...neighbours)
  for (let i = 0; i < 5; i++) add(outbox, entryOf(stand.self, `key ${i}`, 700))
  const perBurst = [1, 2, 3].map(() => {
    sent.length = 0
    outbox.gossip(random)
    return sent.length / neighbours.length
  })
  expect(perBurst).toEqual([2, 2, 1])
  expect(outbox.waiting).toBe(0)
})

test('without anybody to tell, rumours are let go: whoever comes later gets everything by sync', () => {
  const { outbox, stand, sent } = benchOf(60, ['rtc'])
  add(outbox, entryOf(stand.self, 'k'))
  outbox.gossip(random)
  expect([sent.length, outbox.waiting]).toEqual([0, 0])
})

test('claims that are withdrawn leave over no link', () => {
  const { outbox, stand, sent, neighbours } = benchOf(60)
  stand.link(...neighbours)
  const [one, two] = neighbours as [PeerId, PeerId]
  const claim: Rumour = { type: 'suspect', id: one, incarnation: 1, accuser: two }
  outbox.add(accusationSubject(one, two), encodeRumour(claim))
  outbox.withdraw([accusationSubject(one, two)])
  outbox.gossip(random)
  expect(sent).toEqual([])
})

// By the links of others

test('what is for a member without a link goes by the links of others, without rumours that are for everybody', () => {
  const { outbox, stand, sent, neighbours, far } = benchOf(60)
  stand.link(...neighbours)
  add(outbox, entryOf(stand.self, 'k'))
  outbox.send(ack, stand.belief(far), `rtc:${far}`)
  expect(sent).toHaveLength(1)
  const [{ to, header, wrapped }] = sent as [Sent]
  expect(neighbours.map((id) => `rtc:${id}`)).toContain(to)
  expect(header).toMatchObject({ kind: 'route', from: stand.self, to: far, at: 0 })
  expect(wrapped).toMatchObject({ header: ack, rumours: [] })
})

test('a suspect hears of it by the links of others too', () => {
  const { outbox, stand, sent, neighbours, far } = benchOf(60)
  stand.link(...neighbours)
  const claim: Rumour = { type: 'suspect', id: far, incarnation: 1, accuser: neighbours[0]! }
  stand.belief(far).claimBytes = encodeRumour(claim)
  outbox.send(ack, stand.belief(far), `rtc:${far}`, true)
  expect(sent[0]!.wrapped!.rumours).toEqual([claim])
})

test('answers, questions and pushed records leave room for the wrapping, and none of them is longer than a packet', () => {
  const { outbox, stand, sent, neighbours, far } = benchOf(60)
  stand.link(...neighbours)
  const to = `rtc:${far}`
  expect(outbox.spaceTo(to, packetBytesMax)).toBe(packetBytesMax - routeBytesMax)
  expect(outbox.spaceTo(`rtc:${neighbours[0]}`, packetBytesMax)).toBe(packetBytesMax)
  const records = Array.from({ length: 60 }, (_, i) => encodeRumour(entryOf(stand.self, `key ${i}`)))
  outbox.reply(ack, records, to, packetBytesMax, far)
  const fetch: Header = {
    kind: 'fetch',
    seq: 1,
    from: far,
    prefix: '',
    cursor: null,
    known: new Uint8Array(640),
    pad: 0,
  }
  outbox.ask(to, fetch, records[0]!, true)
  outbox.push(
    to,
    stand.members.present().map(({ id }) => id),
  )
  expect(sent.length).toBeGreaterThan(3)
  for (const { header, length } of sent) {
    expect(header.kind).toBe('route')
    expect(length).toBeLessThanOrEqual(packetBytesMax)
  }
  expect(sent.slice(0, 2).every(({ length }) => length > packetBytesMax - routeBytesMax)).toBe(true)
  // Of all that a page may have to carry, so that a sync gets past it.
  expect(packetBytesMax - routeBytesMax - claimBytesMax - 40).toBeGreaterThanOrEqual(entryBytesMax)
})

test('where the links of others do not lead there, the server does; where it is gone, that is counted', () => {
  const { outbox, stand, sent, neighbours, far, counts } = benchOf(60)
  stand.link(neighbours[0]!)
  for (const id of stand.members.presentIds()) if (id !== far && id !== stand.self) stand.suspect(id)
  outbox.send(ack, stand.belief(far), `rtc:${far}`)
  expect(sent).toMatchObject([{ to: `relay:${far}`, header: ack }])
  stand.paths.setAvailable('relay', false)
  outbox.send(ack, stand.belief(far), `rtc:${far}`)
  expect(sent).toHaveLength(1)
  expect(counts.filter((what) => what === 'packets_unrouted')).toHaveLength(1)
})

interface Sent {
  to: Endpoint
  header: Header
  rumours: Rumour[]
  length: number
  wrapped: { header: Header; rumours: Rumour[] } | undefined
}

/** One of a room of tabs, without links yet. What it sends is decoded, and unwrapped. */
function benchOf(size: number, kinds: readonly string[] = ['rtc', 'relay']) {
  const ids = idsOf(size, 4)
  const [self] = ids.splice(size >> 1, 1) as [PeerId]
  const stand = new Standpoint(self, kinds)
  stand.meet(ids, kinds)
  const sent: Sent[] = []
  const counts: string[] = []
  const host = {
    send: (to: Endpoint, packet: Uint8Array) => {
      const { header, rumours, wrapped } = opened(packet)
      const inner =
        header.kind === 'route' ? opened(new Uint8Array([...packet.subarray(0, prefixBytes), ...wrapped])) : undefined
      sent.push({ to, header, rumours, length: packet.length, wrapped: inner })
    },
    signal() {},
    signalLost() {},
  }
  const count = (what: string) => counts.push(what)
  const outbox = new Outbox(tag, stand.members, stand.paths, defaultConfig, host, count)
  const routes = new Routes('rtc', self, stand.members, stand.paths, seededRandom(2))
  outbox.mesh = new Mesh(self, tag, routes, host, { wake() {}, nextSeq: () => 1, count })
  const neighbours = stand.neighbours()
  const far = ids.find((id) => !neighbours.includes(id))!
  return { outbox, stand, sent, counts, neighbours, far }
}

function opened(packet: Uint8Array) {
  const { header, rumours, wrapped } = decodePacket(packet, tag)!
  return { header, rumours: rumours.map(({ rumour }) => rumour), wrapped }
}

function add(outbox: Outbox, rumour: Rumour & { type: 'entry' }): void {
  outbox.add(entrySubject(rumour.id, rumour.key), encodeRumour(rumour))
}

function entryOf(id: PeerId, key: string, length = 20): Rumour & { type: 'entry' } {
  return { type: 'entry', id, key, version: 1, volatile: false, value: 'x'.repeat(length) }
}
