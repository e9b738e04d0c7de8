import { expect, test } from 'vitest'
import { type Header, PacketWriter, prefixBytes } from './codec.ts'
import { defaultConfig } from './config.ts'
import type { Endpoint } from './host.ts'
import { idPrefix, type PeerId } from './ids.ts'
import { Inbox } from './inbox.ts'
import { Mesh } from './mesh.ts'
import { pack } from './msgpack.ts'
import { Outbox } from './outbox.ts'
import { seededRandom } from './random.ts'
import { Routes } from './routes.ts'
import { encodeRumour, type Rumour } from './rumour.ts'
import { idsOf, Standpoint } from './sim/standpoint.ts'

const tag = 0x12345678
const nack: Header = { kind: 'nack', seq: 7 }

test('a packet is opened with who sent it and how long it is', () => {
  const { open, farewell, counts, far } = benchOf()
  const packet = packetOf(nack, [farewell])
  expect(open(packet, `relay:${far}`)).toMatchObject({
    header: nack,
    rumours: [{ rumour: farewell }],
    from: `relay:${far}`,
    length: packet.length,
  })
  expect(counts).toEqual(['packets_received'])
})

test('what is wrong with a packet is counted, and nothing of it is used', () => {
  const { open, counts, far } = benchOf()
  const from = `relay:${far}`
  for (const packet of [
    packetOf(nack, [], tag + 1),
    new Uint8Array([...packetOf(nack), 0xc1]),
    new Uint8Array(3),
    behindPrefix(pack([99, 1])),
  ]) {
    expect(open(packet, from)).toBeUndefined()
  }
  expect(counts.filter((what) => what !== 'packets_received')).toEqual([
    'packets_foreign',
    'packets_malformed',
    'packets_malformed',
    'packets_unknown',
  ])
})

test('rumours of later versions are counted, and the others used', () => {
  const { open, counts, farewell, far } = benchOf()
  const packet = new Uint8Array([...packetOf(nack), ...pack([77, 'later']), ...encodeRumour(farewell)])
  expect(open(packet, `relay:${far}`)!.rumours).toMatchObject([{ rumour: farewell }])
  expect(counts).toContain('rumours_unknown')
})

test('a rumour that was taken over lately is left out, and whoever told it need not be told', () => {
  const { open, outbox, stand, sent, farewell, near } = benchOf()
  stand.link(...stand.neighbours())
  outbox.add(farewell.id, encodeRumour(farewell))
  outbox.gossip(seededRandom(1))
  const later: Rumour = { ...farewell, incarnation: 2 }
  outbox.add(later.id, encodeRumour(later))
  expect(open(packetOf(nack, [later]), `rtc:${near}`)!.rumours).toEqual([])
  outbox.source = undefined
  sent.length = 0
  outbox.gossip(seededRandom(1))
  expect(sent).toHaveLength(stand.neighbours().length - 1)
  expect(sent).not.toContain(`rtc:${near}`)
})

test('while the packet of a neighbour is read, it is the source of what is learnt; one on a dense channel is none', () => {
  for (const [kind, told] of [
    ['rtc', false],
    ['udp', true],
  ] as const) {
    const { open, outbox, stand, sent, farewell, near } = benchOf(['udp', 'rtc'])
    stand.link(...stand.neighbours())
    // Who is told is looked up when rumours leave.
    outbox.add(stand.self, encodeRumour({ ...farewell, id: stand.self }))
    outbox.gossip(seededRandom(1))
    open(packetOf(nack, [farewell]), `${kind}:${near}`)
    outbox.add(farewell.id, encodeRumour(farewell))
    sent.length = 0
    outbox.gossip(seededRandom(1))
    const others = stand.neighbours().filter((id) => id !== near)
    expect(sent).toEqual(expect.arrayContaining(others.map((id) => `rtc:${id}`)))
    expect(sent.includes(`rtc:${near}`)).toBe(told)
  }
})

test('what a page tells is used, known or not, and need not be told back to who told it', () => {
  const { open, outbox, stand, sent, farewell, near } = benchOf()
  stand.link(...stand.neighbours())
  outbox.add(farewell.id, encodeRumour(farewell))
  const page: Header = { kind: 'page', seq: 1, next: null, wants: new Uint8Array() }
  outbox.gossip(seededRandom(1))
  const later: Rumour = { ...farewell, incarnation: 2 }
  for (let times = 0; times < 2; times++) {
    expect(open(packetOf(page, [later]), `rtc:${near}`)!.rumours).toHaveLength(1)
    outbox.add(later.id, encodeRumour(later))
  }
  sent.length = 0
  outbox.gossip(seededRandom(1))
  expect(sent).toHaveLength(stand.neighbours().length - 1)
  expect(sent).not.toContain(`rtc:${near}`)
})

test('what others have carried here is opened as if its sender had a link, without its wrapping', () => {
  const { open, stand, farewell, near, far } = benchOf()
  stand.link(near)
  const inside = packetOf(nack, [farewell])
  const opened = open(routed(stand, far, inside), `rtc:${near}`)
  expect(opened).toMatchObject({
    header: nack,
    rumours: [{ rumour: farewell }],
    from: `rtc:${far}`,
    length: inside.length,
  })
})

test('the neighbour that has carried a packet has not read it, and is told what was in it', () => {
  const { open, outbox, stand, sent, farewell, near, far } = benchOf()
  stand.link(...stand.neighbours())
  outbox.add(stand.self, encodeRumour({ ...farewell, id: stand.self }))
  outbox.gossip(seededRandom(1))
  open(routed(stand, far, packetOf(nack, [farewell])), `rtc:${near}`)
  outbox.add(farewell.id, encodeRumour(farewell))
  sent.length = 0
  outbox.gossip(seededRandom(1))
  expect(sent.sort()).toEqual(
    stand
      .neighbours()
      .map((id) => `rtc:${id}`)
      .sort(),
  )
})

test('what is on its way to another goes on, and is not for this peer to read', () => {
  const { open, stand, sent, counts, near } = benchOf()
  const [, other] = stand.neighbours() as [PeerId, PeerId]
  stand.link(near, other)
  const path = [idPrefix(stand.self), idPrefix(other)]
  const route: Header = { kind: 'route', from: near, to: other, path, at: 0 }
  const packet = new Uint8Array([...packetOf(route), ...packetOf(nack).subarray(prefixBytes)])
  expect(open(packet, `rtc:${near}`)).toBeUndefined()
  expect(sent).toEqual([`rtc:${other}`])
  expect(counts).toContain('routes_carried')
})

test('a route within a route, and one around something damaged, are malformed and lead nowhere', () => {
  const { open, stand, sent, counts, near, far } = benchOf()
  stand.link(...stand.neighbours())
  const within = routed(stand, far, packetOf(nack))
  expect(open(routed(stand, far, within), `rtc:${near}`)).toBeUndefined()
  expect(open(routed(stand, far, new Uint8Array([...packetOf(nack), 0xc1])), `rtc:${near}`)).toBeUndefined()
  expect(open(routed(stand, far, packetOf(nack).subarray(0, prefixBytes)), `rtc:${near}`)).toBeUndefined()
  expect(counts.filter((what) => what === 'packets_malformed')).toHaveLength(3)
  expect(sent).toEqual([])
})

test('one without linked channels has no use for a route', () => {
  const { open, stand, sent, far } = benchOf(['relay'])
  expect(open(routed(stand, far, packetOf(nack)), `relay:${far}`)).toBeUndefined()
  expect(sent).toEqual([])
})

/** One of a room of 40, all with these channels. */
function benchOf(kinds: readonly string[] = ['rtc', 'relay']) {
  const ids = idsOf(40, 4)
  const [self] = ids.splice(20, 1) as [PeerId]
  const stand = new Standpoint(self, kinds)
  stand.meet(ids, kinds)
  const sent: Endpoint[] = []
  const counts: string[] = []
  const count = (what: string) => counts.push(what)
  const host = { send: (to: Endpoint) => sent.push(to), signal() {}, signalLost() {} }
  const outbox = new Outbox(tag, stand.members, stand.paths, defaultConfig, host, count)
  if (kinds.includes('rtc')) {
    const routes = new Routes('rtc', self, stand.members, stand.paths, seededRandom(2))
    outbox.mesh = new Mesh(self, tag, routes, host, { wake() {}, nextSeq: () => 1, count })
  }
  const inbox = new Inbox(tag, stand.paths, outbox, count)
  const open = (packet: Uint8Array, from: Endpoint) => inbox.open(packet, from, 0)
  const [near] = stand.neighbours(kinds.at(-1)) as [PeerId]
  const far = ids.find((id) => !stand.neighbours(kinds.at(-1)).includes(id))!
  const farewell = { type: 'left' as const, id: ids[3]!, incarnation: 1 }
  return { open, outbox, stand, sent, counts, near, far, farewell }
}

function routed(stand: Standpoint, from: PeerId, packet: Uint8Array): Uint8Array {
  const route: Header = { kind: 'route', from, to: stand.self, path: [1, idPrefix(stand.self)], at: 1 }
  return new Uint8Array([...packetOf(route), ...packet.subarray(prefixBytes)])
}

function packetOf(header: Header, rumours: readonly Rumour[] = [], room = tag): Uint8Array {
  const writer = new PacketWriter(room)
  writer.begin(header)
  for (const rumour of rumours) writer.add(encodeRumour(rumour))
  return new Uint8Array(writer.finish())
}

function behindPrefix(bytes: Uint8Array): Uint8Array {
  return new Uint8Array([...packetOf(nack).subarray(0, prefixBytes), ...bytes])
}
