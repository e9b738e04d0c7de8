/** Rooms in which somebody sends what no honest peer would, while everything that peers offer is in use. */

import { expect, test } from 'vitest'
import { type Instance, type Random, randomInt, seededRandom } from '../core/index.ts'
import { type Peer, peerIn, type ServiceChange, simulate } from './sim.ts'

const kindsOf = (i: number) => [['udp'], ['udp'], ['udp', 'rtc', 'relay'], ['rtc', 'relay']][i % 4]!

test.each([1, 2, 3])(
  'garbled, replayed and misdirected packets keep nobody from being heard, once (seed %d)',
  (seed) => {
    const world = simulate({ peers: 12, seed, kinds: kindsOf })
    world.settle(30_000)
    const random = seededRandom(seed)
    const draw = (limit: number) => randomInt(random, limit)
    const names = world.names()
    const heard: string[] = []
    for (const name of names) {
      const peer = peerIn(world, name)
      peer.onMessage(({ data }) => {
        if (typeof data === 'string' && data.startsWith('own ')) heard.push(`${name} ${data}`)
      })
      peer.onQuery('load', (data) => `${name} ${String(data)}`)
      peer.register({ service: 'api', port: 80 })
    }
    const caught: { packet: Uint8Array; kind: string }[] = []
    world.onPacket((_from, _to, kind, packet) => {
      if (draw(3) === 0) caught[draw(400)] = { packet: new Uint8Array(packet), kind }
    })
    const sent: string[] = []
    for (let step = 0; step < 600; step++) {
      const name = names[draw(names.length)]!
      const peer = peerIn(world, name)
      const other = names[draw(names.length)]!
      if (step % 3 === 0) {
        peer.publish('news', `own ${step}`)
        sent.push(...names.filter((one) => one !== name).map((one) => `${one} own ${step}`))
      } else if (step % 3 === 1) {
        void peer.send(world.idOf(other), `own ${step}`)
        sent.push(`${other} own ${step}`)
      } else if (step % 30 === 2) {
        peer.query('load', step)
      }
      for (let n = 0; n < 6; n++) {
        const one = caught[draw(400)]
        const to = names[draw(names.length)]!
        const from = names[draw(names.length)]!
        const endpoint =
          one &&
          world
            .peer(from)
            .self()
            .endpoints.find((endpoint) => endpoint.startsWith(one.kind))
        // With another number, the same words would be another message.
        if (one && endpoint)
          world.inject(to, endpoint, says(one.packet, 'own ') ? one.packet : garbled(one.packet, random))
      }
      world.run(draw(60))
    }
    world.run(5_000)
    const counted = (what: string) => names.reduce((sum, name) => sum + (world.peer(name).counters()[what] ?? 0), 0)
    for (const what of ['packets_malformed', 'messages_repeated', 'letters_known', 'letters_foreign']) {
      expect(counted(what), what).toBeGreaterThan(0)
    }
    expect(new Set(heard).size).toBe(heard.length)
    expect(heard.length).toBeGreaterThan(0.98 * sent.length)
    heard.length = 0
    peerIn(world, names[0]!).publish('news', 'own last')
    world.run(2_000)
    expect(heard).toHaveLength(11)
  },
)

test.each([1, 2, 3, 4])(
  'whatever becomes of a fleet, what a watch tells adds up to what is listed (seed %d)',
  async (seed) => {
    const world = simulate({ peers: 9, seed, link: { loss: 0.05 } })
    world.settle(30_000)
    const random = seededRandom(seed)
    const draw = (limit: number) => randomInt(random, limit)
    const client = peerIn(world, 'p0')
    const questions = [{}, { passing: true }, { tag: 't1' }]
    const told = questions.map(() => new Map<string, Instance>())
    const last: (readonly Instance[])[] = []
    let items = 0
    const loops = questions.map(async (question, i) => {
      for await (const change of client.watch('api', question)) {
        items++
        take(told[i]!, change)
        last[i] = change.instances
        for (let n = draw(3); n > 0; n--) await turn()
      }
    })
    let lastKnown = 0
    for (let step = 0; step < 80; step++) {
      const name = `p${1 + draw(8)}`
      const deed = draw(10)
      const isLive = world.names().includes(name)
      if (!isLive) world.restart(name)
      else if (deed === 0) world.crash(name)
      else if (deed === 1) world.leave(name)
      else if (deed === 2) world.partition(world.names().filter((_, i) => i < 1 + draw(4)))
      else if (deed === 3) world.heal()
      else offer(peerIn(world, name), draw)
      world.run(draw(8_000))
      await turn()
      world.run(100)
      await turn()
      for (const { id } of client.members({ gone: true })) {
        const explained = client.explain(id)
        expect(JSON.parse(JSON.stringify(explained))).toStrictEqual(explained)
      }
      for (const question of questions) {
        const listed = client.lookup('api', question)
        lastKnown += listed.filter((one) => one.lastKnown).length
        for (const policy of ['weighted', 'random', 'p2c', 'rendezvous'] as const) {
          const picked = client.pick('api', { ...question, policy, key: String(step) })
          if (picked === undefined) expect(listed).toEqual([])
          else expect(listed).toContain(picked)
          const isWell = (one: Instance) => one.health === 'passing' && one.status === 'alive' && !one.lastKnown
          if (listed.some(isWell)) expect(isWell(picked!)).toBe(true)
        }
      }
    }
    world.heal()
    for (let n = 0; n < 40; n++) {
      world.run(10_000)
      await turn()
    }
    for (const [i, question] of questions.entries()) {
      expect(last[i]).toEqual(client.lookup('api', question))
      expect([...told[i]!.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(client.lookup('api', question))
    }
    expect(items).toBeGreaterThan(20)
    expect(lastKnown).toBeGreaterThan(0)
    await client.leave()
    await Promise.all(loops)
  },
)

/** What the reader holds, by what it was told: nothing that it had, or had not. */
function take(held: Map<string, Instance>, { added, removed, changed, instances }: ServiceChange): void {
  for (const one of removed) expect(held.delete(one.id)).toBe(true)
  for (const one of changed) expect(held.get(one.id)).not.toBe(one)
  for (const one of changed) expect(held.has(one.id)).toBe(true)
  for (const one of added) expect(held.has(one.id)).toBe(false)
  for (const one of [...added, ...changed]) held.set(one.id, one)
  expect(new Set(held.values())).toEqual(new Set(instances))
}

function offer(peer: Peer, draw: (limit: number) => number): void {
  const [port, tags, weight] = [1 + draw(3), [`t${draw(2)}`], 1 + draw(5)]
  const health = (['passing', 'passing', 'warning', 'critical'] as const)[draw(4)]!
  try {
    const registration = peer.register({ service: 'api', port, tags, weight, health })
    if (draw(3) === 0) registration.drain()
  } catch (error) {
    expect(error).toMatchObject({ code: 'already_registered' })
  }
}

/** Some bytes of a packet changed, behind those that tell its room. */
function garbled(packet: Uint8Array, random: Random): Uint8Array {
  const copy = new Uint8Array(packet)
  const first = Math.min(6, copy.length - 1)
  for (let n = randomInt(random, 4); n >= 0; n--) {
    copy[first + randomInt(random, copy.length - first)] = randomInt(random, 256)
  }
  return randomInt(random, 4) === 0 ? copy.slice(0, first + randomInt(random, copy.length - first)) : copy
}

function says(packet: Uint8Array, words: string): boolean {
  return Buffer.from(packet).includes(words)
}

/** Lets promises that are settled be heard of. */
async function turn(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve()
}
