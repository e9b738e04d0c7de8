import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Allowance, costOf, idFromBytes, type PeerId, packetBytesMax } from '../core/index.ts'
import { defaultSignalingLimits, startSignaling } from '../signaling/index.ts'
import { encodePacket } from '../signaling/protocol.ts'
import { type ContractEnd, channelContract, RecordedEvents } from './channel.contract.ts'
import { silentLog } from './options.ts'
import { RelayChannel, relayedBurst, relayedPerSecond } from './relay.ts'
import { SignalingClient } from './signaling.ts'

channelContract('relay', async () => {
  const server = await startSignaling({ port: 0 })
  const [a, b] = [end(1, server.url), end(2, server.url)]
  await Promise.all([a.up, b.up])
  return {
    a,
    b,
    nobody: `relay:${id(9)}`,
    async close() {
      await Promise.all([a.client.close(), b.client.close()])
      await server.close()
    },
  }
})

test('the channel is available exactly while the socket is up, and says so once', async () => {
  const told: boolean[] = []
  const events = Object.assign(new RecordedEvents(), { available: (yes: boolean) => told.push(yes) })
  const client = new SignalingClient({ ...options(1), url: 'ws://localhost:1' }, nothing)
  const relay = new RelayChannel(id(1), client, events)
  relay.receiveDown()
  expect(told).toEqual([])
  relay.receiveUp()
  relay.receiveUp()
  relay.receiveDown()
  relay.receiveDown()
  expect(told).toEqual([true, false])
  await relay.close()
  relay.receiveUp()
  expect(told).toEqual([true, false])
})

test('an endpoint of another channel is not taken for a peer of this one', () => {
  const client = new SignalingClient({ ...options(1), url: 'ws://localhost:1' }, nothing)
  const relay = new RelayChannel(id(1), client, new RecordedEvents())
  for (const to of [`rtc:${id(2)}`, id(2), 'relay:', `relay:${id(2)}x`]) relay.send(to, new Uint8Array(1))
  expect(relay.counters()).toEqual({ unaddressed: 4, overBudget: 0 })
  relay.send(`relay:${id(2)}`, new Uint8Array(1))
  expect(relay.counters()).toEqual({ unaddressed: 4, overBudget: 0 })
  expect(client.counters().packetsDropped).toBe(1)
})

test('the server is asked for 200 packets at once and 50 a second at most, and what is above is counted', () => {
  const client = new SignalingClient({ ...options(1), url: 'ws://localhost:1' }, nothing)
  let now = 0
  const relay = new RelayChannel(id(1), client, new RecordedEvents(), () => now)
  const passed = () => client.counters().packetsDropped // there is no server, so the client counts what reached it
  for (let n = 0; n < 250; n++) relay.send(`relay:${id(2)}`, new Uint8Array(1))
  expect(passed()).toBe(200)
  expect(relay.counters()).toMatchObject({ overBudget: 50 })
  // Ten seconds at twice the budget, to two members: half gets through, not nothing.
  for (let n = 0; n < 1_000; n++) {
    now += 10
    relay.send(`relay:${id(2 + (n % 2))}`, new Uint8Array(1200))
  }
  expect(passed()).toBe(700)
  expect(relay.counters()).toMatchObject({ overBudget: 550 })
})

test('rumours leave a part of the budget to probes and answers', () => {
  const client = new SignalingClient({ ...options(1), url: 'ws://localhost:1' }, nothing)
  let now = 0
  const relay = new RelayChannel(id(1), client, new RecordedEvents(), () => now)
  const gossip = Uint8Array.of(1, 0, 0, 0, 0, 0x91, 5)
  const nack = Uint8Array.of(1, 0, 0, 0, 0, 0x92, 4, 1)
  for (let n = 0; n < 3_000; n++) {
    now += 10
    relay.send(`relay:${id(2)}`, gossip)
  }
  const before = relay.counters().overBudget!
  for (let n = 0; n < 50; n++) relay.send(`relay:${id(2)}`, nack)
  expect(relay.counters().overBudget).toBe(before)
})

test('a server with its default limits drops nothing of a peer that keeps the budget', () => {
  const { messagesPerSecond, messageBurst, bytesPerMessage } = defaultSignalingLimits
  const server = new Allowance(messagesPerSecond, messageBurst, 0)
  const own = new Allowance(relayedPerSecond, relayedBurst, 0)
  const cost = costOf(encodePacket(id(1), new Uint8Array(packetBytesMax)).length, bytesPerMessage)
  let sent = 0
  for (let now = 0; now < 20_000; now += 2) {
    if (!own.take(1, now)) continue
    sent++
    expect(server.take(cost, now)).toBe(true)
  }
  expect(sent).toBeGreaterThan(1_000)
})

const nothing = { welcome() {}, introduced() {}, signal() {}, packet() {}, up() {}, down() {} }

function options(n: number) {
  return { room: 'room', id: id(n), webSocket: WebSocket, random: Math.random, log: silentLog }
}

/** A client and its channel, wired as a peer wires them. */
function end(n: number, url: string): ContractEnd & { client: SignalingClient; up: Promise<void> } {
  const events = new RecordedEvents()
  let isUp = () => {}
  const up = new Promise<void>((resolve) => {
    isUp = resolve
  })
  const client: SignalingClient = new SignalingClient(
    { ...options(n), url },
    {
      ...nothing,
      packet: (from, packet) => channel.receivePacket(from, packet),
      up() {
        channel.receiveUp()
        isUp()
      },
      down: () => channel.receiveDown(),
    },
  )
  const channel = new RelayChannel(id(n), client, events)
  client.open()
  return { id: id(n), channel, events, client, up }
}

function id(n: number): PeerId {
  return idFromBytes(new Uint8Array(16).fill(n))
}
