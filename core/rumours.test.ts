import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packetBytesMax } from './host.ts'
import { idFromBytes } from './ids.ts'
import {
  accusationSubject,
  entrySubject,
  messageSubject,
  messagesMax,
  Rumours,
  type Share,
  shareOf,
  shares,
  transmitLimit,
} from './rumours.ts'

/** The plain version: a list that is sorted anew for every packet. */
class PlainRumours {
  waiting: { subject: string; bytes: Uint8Array; share: Share; sent: number; order: number }[] = []
  dropped = 0
  credit = { membership: 0, state: 0, message: 0 }
  leftOut = { membership: 0, state: 0, message: 0 }
  #order = 0
  readonly #sizeMax: number

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  of(share: Share) {
    return this.waiting.filter((one) => one.share === share)
  }

  add(subject: string, bytes: Uint8Array, share: Share): void {
    this.withdraw([subject])
    const same = this.of(share)
    if (same.length >= this.#sizeMax) {
      const most = Math.max(...same.map(({ sent }) => sent))
      const oldest = same.sort(byTurn).find(({ sent }) => sent === most)
      this.waiting = this.waiting.filter((one) => one !== oldest)
      this.dropped++
    }
    this.waiting.push({ subject, bytes, share, sent: 0, order: this.#order++ })
  }

  withdraw(subjects: readonly string[]): void {
    this.waiting = this.waiting.filter(({ subject }) => !subjects.includes(subject))
  }

  clear(): void {
    this.waiting = []
    this.credit = { membership: 0, state: 0, message: 0 }
    this.leftOut = { membership: 0, state: 0, message: 0 }
  }

  take(room: number, limit: number): Uint8Array[] {
    if (this.waiting.length === 0 || room < 20) return []
    let left = room
    const taken: typeof this.waiting = []
    const take = (one: (typeof this.waiting)[number]) => {
      left -= one.bytes.length
      taken.push(one)
    }
    const waiting = shares.filter((share) => this.of(share).length > 0)
    for (const share of shares) {
      const isCredited = waiting.length > 1 && waiting.includes(share)
      this.credit[share] = isCredited ? Math.min(this.credit[share] + Math.floor(room / 3), packetBytesMax) : 0
      this.leftOut[share] = isCredited ? this.leftOut[share] + 1 : 0
    }
    waiting.sort((a, b) => this.credit[b] - this.credit[a] || this.leftOut[b] - this.leftOut[a])
    for (const share of waiting.length > 1 ? waiting : []) {
      for (const one of this.of(share).sort(byTurn)) {
        if (one.bytes.length > room) continue
        if (one.bytes.length > this.credit[share] || one.bytes.length > left) break
        this.credit[share] -= one.bytes.length
        take(one)
      }
    }
    // Of those sent as often, membership first.
    const rest = this.waiting.filter((one) => !taken.includes(one)).sort(byTurn)
    rest.sort((a, b) => a.sent - b.sent || shares.indexOf(a.share) - shares.indexOf(b.share))
    for (const one of rest) if (one.bytes.length <= left) take(one)
    for (const one of taken) {
      this.leftOut[one.share] = 0
      one.sent++
      one.order = this.#order++
    }
    this.waiting = this.waiting.filter((one) => !taken.includes(one) || one.sent < limit)
    return taken.map(({ bytes }) => bytes)
  }
}

function byTurn(a: { sent: number; order: number }, b: { sent: number; order: number }): number {
  return a.sent - b.sent || a.order - b.order
}

interface Real {
  queue: Rumours
  /** How often each rumour was sent, by its bytes. */
  sent: Map<Uint8Array, number>
}
type Command = fc.Command<PlainRumours, Real>

/** Of each share some subjects, so that replacing and withdrawing meet what waits. */
const subject = fc.constantFrom(...shares.flatMap((share) => [...'abcdef'].map((name) => ({ name, share }))))

/** A command that is always allowed and must leave queue and list alike. */
function command(name: string, run: (plain: PlainRumours, real: Real) => void): Command {
  return {
    check: () => true,
    run: (plain, real) => {
      run(plain, real)
      expect([real.queue.size, real.queue.dropped]).toEqual([plain.waiting.length, plain.dropped])
    },
    toString: () => name,
  }
}

const add = fc
  .record({ subject, length: fc.oneof(fc.integer({ min: 20, max: 60 }), fc.integer({ min: 20, max: 1152 })) })
  .map(({ subject: { name, share }, length }) =>
    command(`add ${share} ${name}, ${length} bytes`, (plain, { queue }) => {
      const bytes = new Uint8Array(length)
      queue.add(`${share} ${name}`, bytes, share)
      plain.add(`${share} ${name}`, bytes, share)
    }),
  )
const withdraw = fc.array(subject, { maxLength: 4 }).map((some) => {
  const subjects = some.map(({ name, share }) => `${share} ${name}`)
  return command(`withdraw ${subjects}`, (plain, { queue }) => {
    queue.withdraw(subjects)
    plain.withdraw(subjects)
  })
})
const clear = fc.constant(
  command('clear', (plain, { queue }) => {
    queue.clear()
    plain.clear()
  }),
)
const takeUpTo = (limit: number) =>
  fc.oneof(fc.nat(200), fc.integer({ min: 1000, max: 1195 })).map((room) =>
    command(`take ${room} bytes`, (plain, { queue, sent }) => {
      const taken = queue.take(room, limit)
      const expected = plain.take(room, limit)
      // The very same rumours, not only such with the same bytes.
      expect(taken.map((bytes) => expected.indexOf(bytes))).toEqual(expected.map((_, i) => i))
      expect(taken.reduce((sum, bytes) => sum + bytes.length, 0)).toBeLessThanOrEqual(room)
      for (const bytes of taken) {
        sent.set(bytes, (sent.get(bytes) ?? 0) + 1)
        expect(sent.get(bytes)).toBeLessThanOrEqual(limit)
      }
    }),
  )

test('the queue gives what a list sorted by times sent and then by age gives, whatever is asked of it', () => {
  const runs = fc
    .integer({ min: 1, max: 5 })
    .chain((limit) => fc.commands([add, takeUpTo(limit), withdraw, clear, add, takeUpTo(limit)], { maxCommands: 80 }))
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 6 }), (commands, sizeMax) => {
      fc.modelRun(
        () => ({ model: new PlainRumours(sizeMax), real: { queue: new Rumours(sizeMax), sent: new Map() } }),
        commands,
      )
    }),
    { numRuns: 1000 },
  )
})

test('a rumour is sent as often as the limit says and then no more', () => {
  const queue = new Rumours(10)
  queue.add('a', bytesOf(1), 'membership')
  const sent = Array.from({ length: 6 }, () => queue.take(1200, 4).length)
  expect(sent).toEqual([1, 1, 1, 1, 0, 0])
  expect(queue.size).toBe(0)
})

test('a later rumour of the same subject takes the place of the older one and starts from nothing', () => {
  const queue = new Rumours(10)
  queue.add('a', bytesOf(1), 'membership')
  queue.take(1200, 4)
  queue.add('a', bytesOf(2), 'membership')
  expect(queue.size).toBe(1)
  expect(Array.from({ length: 5 }, () => queue.take(1200, 4)[0]?.[0])).toEqual([2, 2, 2, 2, undefined])
})

test('a rumour too large for what room is left lets smaller ones past it and keeps its turn', () => {
  const queue = new Rumours(10)
  queue.add('large', bytesOf(1, 500), 'membership')
  queue.add('small', bytesOf(2, 30), 'membership')
  expect(queue.take(100, 4).map(([mark]) => mark)).toEqual([2])
  expect(queue.take(1200, 4).map(([mark]) => mark)).toEqual([1, 2])
})

test('what is withdrawn is not sent, of either share, and withdrawing it again does nothing', () => {
  const queue = new Rumours(10)
  queue.add('a', bytesOf(1), 'membership')
  queue.add('b', bytesOf(2), 'state')
  queue.add('c', bytesOf(3), 'membership')
  queue.withdraw(['a', 'b', 'unheard of'])
  queue.withdraw(['a', 'b'])
  expect(queue.size).toBe(1)
  expect(queue.take(1200, 4).map(([mark]) => mark)).toEqual([3])
  queue.clear()
  expect([queue.size, queue.take(1200, 4)]).toEqual([0, []])
})

test('a packet looks at a bounded number of waiting rumours, however many there are', () => {
  const queue = new Rumours(4096)
  for (const share of shares) for (let i = 0; i < 4096; i++) queue.add(`${share} ${i}`, bytesOf(1, 500), share)
  queue.add('behind them all', bytesOf(2, 30), 'membership')
  expect(queue.take(100, 4)).toEqual([])
})

test.each([
  ['membership', 'state'],
  ['membership', 'message'],
  ['state', 'membership'],
  ['state', 'message'],
  ['message', 'membership'],
  ['message', 'state'],
] as const)('however much of %s there is, a third of a packet is there for %s', (busy, other) => {
  const queue = new Rumours(4096)
  for (let i = 0; i < 500; i++) queue.add(`busy ${i}`, bytesOf(1, 30), busy)
  for (let i = 0; i < 100; i++) queue.add(`other ${i}`, bytesOf(2, 30), other)
  // Sent before, so that by the times sent alone all of the busy share would go first.
  for (let i = 0; i < 3; i++) queue.take(3000, 20)
  for (let i = 0; i < 500; i++) queue.add(`busy ${i}`, bytesOf(1, 30), busy)
  const marks = queue.take(900, 20).map(([mark]) => mark)
  expect(marks).toHaveLength(30)
  expect(marks.filter((mark) => mark === 2)).toHaveLength(10)
})

const together: readonly (readonly Share[])[] = [
  ['membership', 'state'],
  ['membership', 'message'],
  ['state', 'message'],
  [...shares],
]

test.each(together)(
  'with %s, %s and %s busy over many packets, each gets its share, to within two rumours',
  (...busy) => {
    fc.assert(
      fc.property(lengths(380), lengths(380), lengths(380), roomOfPacket, (membership, state, message, room) => {
        const got = { membership: 0, state: 0, message: 0 }
        // With all three, each pays a third of what no rumour is short enough for.
        const sure = Math.floor((busy.length < shares.length ? room : room - 380) / 3)
        busyPackets(room, busy, { membership, state, message }, (bytes, packet) => {
          for (const share of busy) {
            got[share] += bytes[share]
            expect(got[share]).toBeGreaterThan((packet + 1) * sure - 2 * 380)
          }
        })
      }),
      { numRuns: 50 },
    )
  },
)

test.each(together)(
  'with %s, %s and %s busy and rumours of any length, none is left out of more than four packets in a row',
  (...busy) => {
    fc.assert(
      fc.property(lengths(1152), lengths(1152), lengths(1152), roomOfPacket, (membership, state, message, room) => {
        const sentLast = { membership: -1, state: -1, message: -1 }
        busyPackets(room, busy, { membership, state, message }, (bytes, packet) => {
          for (const share of busy) {
            if (bytes[share] > 0) sentLast[share] = packet
            expect(packet - sentLast[share]).toBeLessThanOrEqual(4)
          }
        })
      }),
      // Of these no two fit a packet, and all have saved as much as they may.
      { numRuns: 50, examples: [[[577, 20], [576, 20], [576, 20], 1152]] },
    )
  },
)

test('an entry as long as a packet gets its turn within four packets of a flood of short claims', () => {
  const queue = new Rumours(4096)
  queue.add('long', bytesOf(2, 1152), 'state')
  const sentIn = Array.from({ length: 4 }, (_, packet) => {
    for (let i = 0; i < 60; i++) queue.add(`claim ${packet} ${i}`, bytesOf(1, 25), 'membership')
    return queue.take(1180, 20).some(([mark]) => mark === 2)
  })
  expect(sentIn).toEqual([false, false, true, false])
})

test('a share that has waited alone for long owes nothing and is owed nothing when the other comes', () => {
  const queue = new Rumours(4096)
  for (let i = 0; i < 300; i++) queue.add(`claim ${i}`, bytesOf(1, 30), 'membership')
  for (let i = 0; i < 10; i++) queue.take(900, 20)
  for (let i = 0; i < 100; i++) queue.add(`entry ${i}`, bytesOf(2, 30), 'state')
  const marks = queue.take(900, 20).map(([mark]) => mark)
  // Never sent, the entries have the last third too; the claims keep theirs.
  expect(marks.filter((mark) => mark === 1)).toHaveLength(10)
  expect(marks.filter((mark) => mark === 2)).toHaveLength(20)
})

test('each share drops its own when it is full, and counts it', () => {
  const queue = new Rumours(2)
  for (const share of shares) for (const name of 'abc') queue.add(`${share} ${name}`, bytesOf(1), share)
  expect([queue.size, queue.dropped]).toEqual([6, 3])
  for (const name of 'defgh') queue.add(`state ${name}`, bytesOf(2), 'state')
  expect(queue.take(1200, 4).map(([mark]) => mark)).toEqual([1, 1, 2, 2, 1, 1])
})

test('of too many messages each goes fewer times, and none too late', () => {
  const queue = new Rumours(4096)
  const sent = new Map<number, number>()
  for (let n = 0; n < 1_000; n++) {
    queue.add(`message ${n}`, bytesOf(n % 256, 300 + Math.floor(n / 256)), 'message')
    for (const bytes of queue.take(1_190, 8)) {
      const number = bytes[0]! + 256 * (bytes.length - 300)
      sent.set(number, (sent.get(number) ?? 0) + 1)
    }
  }
  expect(queue.size).toBeLessThanOrEqual(messagesMax)
  expect(queue.dropped).toBeGreaterThan(0)
  expect(sent.size).toBe(1_000)
})

test('claims about a member are membership, its entries state, whatever the key looks like, and what it says messages', () => {
  const id = idFromBytes(new Uint8Array(16).fill(1))
  const accuser = idFromBytes(new Uint8Array(16).fill(2))
  expect([id, accusationSubject(id, accuser)].map(shareOf)).toEqual(['membership', 'membership'])
  const keys = ['color', `!${accuser}`, '$service/api', '/', '!']
  expect(keys.map((key) => shareOf(entrySubject(id, key)))).toEqual(keys.map(() => 'state'))
  expect(shareOf(messageSubject(id, 7))).toBe('message')
})

// memberlist's retransmitLimit is mult * ceil(log10(n + 1)): 8 at 16, 12 at 128, 16 at 1,000, 20 at 10,000.
test.each([
  [4, 0, 1],
  [4, 1, 1],
  [4, 5, 4],
  [4, 9, 8],
  [4, 16, 8],
  [4, 128, 8],
  [4, 400, 10],
  [4, 1_000, 12],
  [4, 10_000, 16],
  [3, 10_000, 12],
])('with a multiple of %i a rumour in a room of %i is sent %i times', (transmitMult, size, limit) => {
  expect(transmitLimit({ transmitMult }, size)).toBe(limit)
})

const roomOfPacket = fc.integer({ min: 1152, max: 1195 })

function lengths(most: number): fc.Arbitrary<number[]> {
  const length = fc.oneof(fc.integer({ min: 20, max: 100 }), fc.integer({ min: 20, max: most }))
  return fc.array(length, { minLength: 1, maxLength: 5 })
}

/** Forty packets of a queue that never runs out of rumours of these lengths, and what each share got of each. */
function busyPackets(
  room: number,
  busy: readonly Share[],
  sizes: Record<Share, readonly number[]>,
  each: (bytes: Record<Share, number>, packet: number) => void,
): void {
  const queue = new Rumours(4096)
  let added = 0
  for (let packet = 0; packet < 40; packet++) {
    for (const share of busy) {
      for (let i = 0; i < 60; i++, added++) {
        queue.add(`${share} ${added}`, bytesOf(shares.indexOf(share), sizes[share][i % sizes[share].length]), share)
      }
    }
    const got = { membership: 0, state: 0, message: 0 }
    for (const bytes of queue.take(room, 1)) got[shares[bytes[0]!]!] += bytes.length
    each(got, packet)
  }
}

function bytesOf(mark: number, length = 20): Uint8Array {
  return new Uint8Array(length).fill(mark)
}
