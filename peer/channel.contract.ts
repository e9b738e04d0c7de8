/**
 * What every channel has to do, as tests that each implementation runs on itself. Packets may be lost, so nothing is
 * expected of a single one: the suite sends again until one arrives or the deadline passes.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Channel, type ChannelEvents, type Endpoint, type PeerId, packetBytesMax } from '../core/index.ts'

/** One end of a pair: who it is, its channel, and everything the channel told its owner. */
export interface ContractEnd {
  id: PeerId
  channel: Channel
  events: RecordedEvents
}

export interface ContractPair {
  a: ContractEnd
  b: ContractEnd
  /** A well-formed endpoint of the same kind behind which there is nobody. */
  nobody: Endpoint
  /** Somebody who cannot be dialled; channels with links give it. A dial has to fail within `dialTimeoutMs`. */
  unreachable?: PeerId
  dialTimeoutMs?: number
  /** Closes what is left of the pair and whatever stands behind it. */
  close(): Promise<void>
}

const deadlineMs = 10_000
const sendEveryMs = 50

/**
 * Declares the suite. `open` gives two fresh ends that can reach each other, without a link between them; `reach` is
 * what the channel says of itself, and `linked` adds the claims about links.
 */
export function channelContract(
  name: string,
  open: () => Promise<ContractPair>,
  reach: Channel['reach'] = 'any',
): void {
  describe(`${name} keeps the contract of a channel`, () => {
    const linked = reach === 'linked'
    let pair: ContractPair

    beforeEach(async () => {
      pair = await open()
    })
    afterEach(() => pair.close())

    /** Makes sending possible: over links one has to be opened first. */
    async function connect(): Promise<void> {
      if (!linked) return
      pair.a.channel.dial?.(pair.b.id)
      await Promise.all([pair.a.events.linkUpTo(pair.b.id), pair.b.events.linkUpTo(pair.a.id)])
    }

    test('it names its kind in its endpoint and carries packets of the common size', () => {
      for (const { channel } of [pair.a, pair.b]) {
        expect(channel.endpoint.startsWith(`${channel.kind}:`)).toBe(true)
        expect(channel.kind).toMatch(/^[a-z0-9]+$/)
        expect(channel.reach).toBe(reach)
        expect(channel.packetSizeMax).toBeGreaterThanOrEqual(packetBytesMax)
      }
      expect(pair.a.channel.endpoint).not.toBe(pair.b.channel.endpoint)
    })

    test.each([1, 2, 100, packetBytesMax])(
      'a packet of %i bytes arrives whole, unchanged and under its sender',
      async (length) => {
        await connect()
        for (const [from, to] of bothWays(pair)) {
          const packet = pattern(length)
          const arrived = await deliver(from, to, () => packet)
          expect(arrived).toEqual({ from: from.channel.endpoint, packet })
        }
      },
    )

    test('a packet that is a view into a larger buffer arrives without its surroundings', async () => {
      await connect()
      const packet = pattern(300).subarray(100, 200)
      const arrived = await deliver(pair.a, pair.b, () => packet)
      expect(arrived.packet).toEqual(new Uint8Array(packet))
    })

    test('the buffer of a packet may be reused as soon as send has returned', async () => {
      await connect()
      const borrowed = new Uint8Array(500)
      const arrived = await deliver(
        pair.a,
        pair.b,
        () => borrowed.fill(1),
        () => borrowed.fill(2),
      )
      expect(arrived.packet).toEqual(new Uint8Array(500).fill(1))
    })

    test('a packet to nobody is lost without an error, and later ones arrive', async () => {
      await connect()
      for (const to of [pair.nobody, 'nothing:like:it', '', pair.nobody.replace(/.$/, '?')]) {
        pair.a.channel.send(to, pattern(10))
      }
      const arrived = await deliver(pair.a, pair.b, () => pattern(20))
      expect(arrived.packet).toEqual(pattern(20))
      expect(pair.a.events.packets).toEqual([])
    })

    test('a packet that is too long or empty is lost without an error', async () => {
      await connect()
      pair.a.channel.send(pair.b.channel.endpoint, new Uint8Array(pair.a.channel.packetSizeMax + 1))
      pair.a.channel.send(pair.b.channel.endpoint, new Uint8Array(0))
      await deliver(pair.a, pair.b, () => pattern(20))
      expect(pair.b.events.packets.filter(({ packet }) => packet.length !== 20)).toEqual([])
    })

    test('after close nothing is sent, nothing arrives and no event is raised', async () => {
      await connect()
      await deliver(pair.a, pair.b, () => pattern(5))
      const closing = pair.a.channel.close()
      const told = pair.a.events.told
      const heard = pair.b.events.packets.length
      expect(() => pair.a.channel.send(pair.b.channel.endpoint, pattern(6))).not.toThrow()
      expect(() => pair.a.channel.dial?.(pair.b.id)).not.toThrow()
      expect(() => pair.a.channel.hangUp?.(pair.b.id)).not.toThrow()
      for (let i = 0; i < 20; i++) pair.b.channel.send(pair.a.channel.endpoint, pattern(7))
      await closing
      await expect(pair.a.channel.close()).resolves.toBeUndefined()
      // The other end closes after it: by then all it had sent has either arrived or gone.
      if (linked) await pair.b.events.linkDownTo(pair.a.id)
      await pair.b.channel.close()
      expect(pair.a.events.told).toBe(told)
      expect(pair.b.events.packets.slice(heard).filter(({ packet }) => packet.length === 6)).toEqual([])
    })

    if (!linked) return

    test('either side may dial, and hanging up takes the link down at both', async () => {
      for (const [from, to] of bothWays(pair)) {
        const before = [from.events.ups(to.id), to.events.ups(from.id)]
        from.channel.dial?.(to.id)
        await Promise.all([from.events.linkUpTo(to.id), to.events.linkUpTo(from.id)])
        from.channel.hangUp?.(to.id)
        await Promise.all([from.events.linkDownTo(to.id), to.events.linkDownTo(from.id)])
        expect([from.events.ups(to.id), to.events.ups(from.id)]).toEqual(before.map((ups) => ups + 1))
      }
    })

    test('both sides may dial at once and get one link', async () => {
      pair.a.channel.dial?.(pair.b.id)
      pair.b.channel.dial?.(pair.a.id)
      await Promise.all([pair.a.events.linkUpTo(pair.b.id), pair.b.events.linkUpTo(pair.a.id)])
      for (const [from, to] of bothWays(pair)) await deliver(from, to, () => pattern(9))
      expect(pair.a.events.links).toEqual([{ up: true, peer: pair.b.id }])
      expect(pair.b.events.links).toEqual([{ up: true, peer: pair.a.id }])
    })

    test('dialling somebody who cannot be reached ends in one linkDown within its deadline', async () => {
      const { unreachable = '' } = pair
      const startedAt = performance.now()
      pair.a.channel.dial?.(unreachable)
      expect(pair.a.events.links).toEqual([])
      await pair.a.events.linkDownTo(unreachable)
      expect(pair.a.events.links).toEqual([{ up: false, peer: unreachable }])
      expect(performance.now() - startedAt).toBeLessThan((pair.dialTimeoutMs ?? deadlineMs) + 1_000)
    })
  })
}

/** Keeps what a channel tells, and lets a test wait for it. Packets are copied, because they are borrowed. */
export class RecordedEvents implements ChannelEvents {
  readonly packets: { from: Endpoint; packet: Uint8Array }[] = []
  readonly links: { up: boolean; peer: PeerId }[] = []
  /** How many events there have been of any kind. */
  told = 0
  readonly #waiting = new Set<() => void>()

  receive(from: Endpoint, packet: Uint8Array): void {
    this.packets.push({ from, packet: new Uint8Array(packet) })
    this.#tell()
  }

  linkUp(peer: PeerId): void {
    this.links.push({ up: true, peer })
    this.#tell()
  }

  linkDown(peer: PeerId): void {
    this.links.push({ up: false, peer })
    this.#tell()
  }

  available(_yes: boolean): void {
    this.#tell()
  }

  /** How often a link to this peer has come up. */
  ups(peer: PeerId): number {
    return this.links.filter((link) => link.up && link.peer === peer).length
  }

  /** Waits until the last thing told about this peer is that its link is up. */
  linkUpTo(peer: PeerId): Promise<void> {
    return this.until(`linkUp(${peer})`, () => this.#last(peer)?.up === true)
  }

  /** Waits until the last thing told about this peer is that its link is down. */
  linkDownTo(peer: PeerId): Promise<void> {
    return this.until(`linkDown(${peer})`, () => this.#last(peer)?.up === false)
  }

  /** Waits until an event makes `reached` true; rejects at the deadline. */
  until(what: string, reached: () => boolean): Promise<void> {
    if (reached()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const check = () => {
        if (reached()) end(resolve)
      }
      const timer = setTimeout(
        () => end(() => reject(new Error(`${what} did not come in ${deadlineMs} ms`))),
        deadlineMs,
      )
      const end = (settle: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        settle()
      }
      this.#waiting.add(check)
    })
  }

  #last(peer: PeerId): { up: boolean } | undefined {
    return this.links.filter((link) => link.peer === peer).at(-1)
  }

  #tell(): void {
    this.told++
    for (const check of [...this.#waiting]) check()
  }
}

/** Sends until something new arrives, and gives the first of it. `afterSend` runs right behind each send. */
async function deliver(
  from: ContractEnd,
  to: ContractEnd,
  make: () => Uint8Array,
  afterSend: () => void = () => {},
): Promise<{ from: Endpoint; packet: Uint8Array }> {
  const heard = to.events.packets.length
  const sendOne = () => {
    from.channel.send(to.channel.endpoint, make())
    afterSend()
  }
  sendOne()
  const again = setInterval(sendOne, sendEveryMs)
  try {
    await to.events.until('a packet', () => to.events.packets.length > heard)
  } finally {
    clearInterval(again)
  }
  return to.events.packets[heard]!
}

function bothWays({ a, b }: ContractPair): [ContractEnd, ContractEnd][] {
  return [
    [a, b],
    [b, a],
  ]
}

/** Bytes that differ from their neighbours, so that cutting, shifting and joining show. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff)
}
