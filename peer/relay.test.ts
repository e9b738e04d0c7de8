import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { idFromBytes, type PeerId } from '../core/index.ts'
import { startSignaling } from '../signaling/index.ts'
import { type ContractEnd, channelContract, RecordedEvents } from './channel.contract.ts'
import { silentLog } from './options.ts'
import { RelayChannel } from './relay.ts'
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
  expect(relay.counters()).toEqual({ unaddressed: 4 })
  relay.send(`relay:${id(2)}`, new Uint8Array(1))
  expect(relay.counters()).toEqual({ unaddressed: 4 })
  expect(client.counters().packetsDropped).toBe(1)
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
