import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { decodePacket, type Header } from './codec.ts'
import { type Config, defaultConfig } from './config.ts'
import { type Endpoint, packetBytesMax } from './host.ts'
import { idFromBytes, type PeerId } from './ids.ts'
import { Members } from './members.ts'
import { Outbox } from './outbox.ts'
import { Paths } from './paths.ts'
import { seededRandom } from './random.ts'
import { type AliveRecord, encodeRumour, type Rumour } from './rumour.ts'
import { accusationSubject, entrySubject, transmitLimit } from './rumours.ts'

const tag = 0x12345678
const self = idOf(1)
const ann = idOf(2)
const bob = idOf(3)
const accuser = idOf(4)
const ping: Header = { kind: 'ping', seq: 1, from: self, to: 0, hi: 0, lo: 0 }
const ack: Header = { kind: 'ack', seq: 1, hi: 0, lo: 0 }

test('a packet to a member is filled with rumours, as often as the limit says', () => {
  const { outbox, sent, belief, limit } = world()
  outbox.add(bob, encodeRumour(suspicion(bob)))
  for (let i = 0; i < limit + 2; i++) outbox.send(ping, belief(ann), 'udp:ann')
  expect(sent.map(({ rumours }) => rumours.length)).toEqual([...Array(limit).fill(1), 0, 0])
  expect(sent[0]).toMatchObject({ to: 'udp:ann', header: ping, rumours: [suspicion(bob)] })
})

test('a room in churn does not keep entries from leaving, nor does a flood of entries keep back a suspicion', () => {
  const { outbox, sent, belief } = world()
  for (let i = 0; i < 200; i++) outbox.add(idOf(i), encodeRumour(suspicion(idOf(i))))
  const state = entry(bob, 'state')
  outbox.add(entrySubject(bob, 'state'), encodeRumour(state))
  outbox.send(ping, belief(ann), 'udp:ann')
  expect(sent[0]!.rumours).toContainEqual(state)

  const other = world()
  for (let i = 0; i < 200; i++) {
    other.outbox.add(entrySubject(bob, `key ${i}`), encodeRumour(entry(bob, `key ${i}`)))
  }
  other.outbox.add(accusationSubject(bob, accuser), encodeRumour(suspicion(bob)))
  other.outbox.send(ping, other.belief(ann), 'udp:ann')
  expect(other.sent[0]!.rumours).toContainEqual(suspicion(bob))
})

test('accusations that are withdrawn leave on no channel, and what else waits of that member does', () => {
  const { outbox, sent, belief } = world()
  const subjects = [accuser, ann].map((by) => accusationSubject(bob, by))
  for (const subject of subjects) outbox.add(subject, encodeRumour(suspicion(bob)))
  outbox.add(entrySubject(bob, `!${accuser}`), encodeRumour(entry(bob, `!${accuser}`)))
  expect(outbox.waiting).toBe(6)
  outbox.withdraw(subjects)
  expect(outbox.waiting).toBe(2)
  outbox.send(ping, belief(ann), 'udp:ann')
  outbox.gossip(seededRandom(1))
  expect(sent.map(({ to, rumours }) => [to, rumours])).toEqual([
    ['udp:ann', [entry(bob, `!${accuser}`)]],
    ['udp:ann', [entry(bob, `!${accuser}`)]],
    [`relay:${bob}`, [entry(bob, `!${accuser}`)]],
  ])
})

test('a rumour has its transmissions on each island: those to one take none from the other', () => {
  const { outbox, sent, belief, limit } = world()
  outbox.add(ann, encodeRumour(suspicion(ann)))
  for (let i = 0; i < limit; i++) outbox.send(ping, belief(ann), 'udp:ann')
  expect(outbox.waiting).toBe(1)
  outbox.gossip(seededRandom(1))
  expect(sent.at(-1)).toMatchObject({ to: `relay:${bob}`, rumours: [suspicion(ann)] })
})

test('what waits for a neighbour by the server rides on a ping there too', () => {
  const { outbox, sent, belief } = world()
  outbox.add(ann, encodeRumour(suspicion(ann)))
  // Who is told is looked up when rumours leave.
  outbox.gossip(seededRandom(1))
  outbox.add(bob, encodeRumour(suspicion(bob)))
  outbox.send(ping, belief(bob), `relay:${bob}`)
  expect(sent.at(-1)).toMatchObject({ header: ping, rumours: expect.arrayContaining([suspicion(bob)]) })
})

test('the bound on waiting rumours holds for each share of each channel, and what is dropped is counted', () => {
  const { outbox } = world({ rumoursMax: 3 })
  for (let i = 0; i < 5; i++) outbox.add(idOf(i), encodeRumour(suspicion(idOf(i))))
  for (let i = 0; i < 4; i++) outbox.add(entrySubject(bob, `${i}`), encodeRumour(entry(bob, `${i}`)))
  expect([outbox.waiting, outbox.dropped]).toEqual([2 * (3 + 3), 2 * (2 + 1)])
})

test('the suspect hears of it first, ahead of all rumours, and only where it is meant to', () => {
  const { outbox, sent, belief } = world()
  outbox.add(bob, encodeRumour(suspicion(bob)))
  belief(ann).claimBytes = encodeRumour(suspicion(ann))
  outbox.send(ping, belief(ann), 'udp:ann', true)
  outbox.send(ping, belief(ann), 'udp:ann')
  expect(sent.map(({ rumours }) => rumours)).toEqual([[suspicion(ann), suspicion(bob)], [suspicion(bob)]])
})

test('an answer tells the asker what is held against it, and is filled for members alone', () => {
  const { outbox, sent, belief } = world()
  outbox.add(bob, encodeRumour(suspicion(bob)))
  belief(ann).claimBytes = encodeRumour(suspicion(ann))
  outbox.reply(ack, [], 'udp:ann', packetBytesMax, ann, true)
  outbox.reply(ack, [], 'udp:a stranger', packetBytesMax, ann, true)
  expect(sent.map(({ rumours }) => rumours)).toEqual([[suspicion(ann), suspicion(bob)], [suspicion(ann)]])
})

test('an answer keeps to the room there is, and one whose header alone is too long is withheld and counted', () => {
  const { outbox, sent, counts } = world()
  const records = [encodeRumour(entry(bob, 'one')), encodeRumour(entry(bob, 'two'))]
  outbox.reply(ack, [], 'udp:ann', packetBytesMax, accuser)
  const bare = sent[0]!.length
  outbox.reply(ack, records, 'udp:ann', bare + records[0]!.length, accuser)
  expect(sent.at(-1)).toMatchObject({ length: bare + records[0]!.length, rumours: [entry(bob, 'one')] })
  outbox.reply(ack, records, 'udp:ann', bare - 1, accuser)
  expect(sent).toHaveLength(2)
  expect(counts.filter((what) => what === 'answers_withheld')).toHaveLength(1)
})

test('a padded question is as long as a packet can be, to two bytes, with its records in it', () => {
  const { outbox, sent } = world()
  const fetch: Header = { kind: 'fetch', seq: 1, from: self, prefix: '', cursor: null, known: new Uint8Array(), pad: 0 }
  const ranges: Header = { kind: 'ranges', seq: 1, from: self, prefix: 'a', pad: 0 }
  for (const header of [fetch, ranges]) {
    outbox.ask('udp:ann', header, encodeRumour(alive(self, [])), true)
    expect(sent.at(-1)).toMatchObject({ header, rumours: [alive(self, [])] })
    expect(sent.at(-1)!.length).toBeGreaterThanOrEqual(packetBytesMax - 2)
    outbox.ask('udp:ann', header, encodeRumour(alive(self, [])), false)
    expect(sent.at(-1)!.length).toBeLessThan(150)
  }
})

test('what is passed on for somebody carries nothing else, and what is told at once goes out at once', () => {
  const { outbox, sent } = world()
  outbox.add(bob, encodeRumour(suspicion(bob)))
  outbox.forward(ack, 'udp:ann')
  outbox.tell(encodeRumour(entry(bob, 'k')), seededRandom(1))
  const [passedOn, ...told] = sent.map(({ to, rumours }) => ({ to, rumours }))
  expect(passedOn).toEqual({ to: 'udp:ann', rumours: [] })
  expect(told.sort((a, b) => (a.to > b.to ? -1 : 1))).toEqual([
    { to: 'udp:ann', rumours: [entry(bob, 'k')] },
    { to: `relay:${bob}`, rumours: [entry(bob, 'k')] },
  ])
})

/** A gateway with a member on each side: ann by udp, bob by relay. What it sends is decoded. */
function world(config: Partial<Config> = {}) {
  const all = { ...defaultConfig, ...config }
  const members = new Members()
  const channels = [
    { kind: 'udp', endpoint: 'udp:self', reach: 'any' as const },
    { kind: 'relay', endpoint: 'relay:self', reach: 'any' as const },
  ]
  const sent: { to: Endpoint; header: Header; rumours: Rumour[]; length: number }[] = []
  const host = {
    send: (to: Endpoint, packet: Uint8Array) => {
      const { header, rumours } = decodePacket(packet, tag)!
      sent.push({ to, header, rumours: rumours.map(({ rumour }) => rumour), length: packet.length })
    },
    dial: () => {},
    hangUp: () => {},
  }
  const counts: string[] = []
  const paths = new Paths(self, channels, members, all, seededRandom(1), host)
  const outbox = new Outbox(tag, members, paths, all, host, (what) => counts.push(what))
  for (const record of [
    alive(self, ['udp:self', 'relay:self']),
    alive(ann, ['udp:ann']),
    alive(bob, [`relay:${bob}`]),
  ]) {
    const belief = new Belief(record.id, 0)
    belief.record = record
    belief.recordBytes = encodeRumour(record)
    members.update(belief)
    paths.vicinity.add(belief)
  }
  return { outbox, sent, counts, belief: (id: PeerId) => members.get(id)!, limit: transmitLimit(all, members.size) }
}

function alive(id: PeerId, endpoints: Endpoint[]): AliveRecord {
  return { type: 'alive', id, incarnation: 1, name: 'n', user: null, mode: 'server', endpoints, floor: 0 }
}

function suspicion(id: PeerId): Rumour {
  return { type: 'suspect', id, incarnation: 1, accuser }
}

function entry(id: PeerId, key: string): Rumour {
  return { type: 'entry', id, key, version: 1, volatile: false, value: 'a value of some length' }
}

function idOf(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
