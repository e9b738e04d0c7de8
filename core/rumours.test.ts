import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Rumours, transmitLimit } from './rumours.ts'

/** The plain version: a list that is sorted anew for every packet. */
class PlainRumours {
  waiting: { subject: string; bytes: Uint8Array; sent: number; order: number }[] = []
  dropped = 0
  #order = 0
  readonly #sizeMax: number

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  add(subject: string, bytes: Uint8Array): void {
    this.waiting = this.waiting.filter((one) => one.subject !== subject)
    if (this.waiting.length >= this.#sizeMax) {
      const most = Math.max(...this.waiting.map(({ sent }) => sent))
      const oldest = this.#sorted().find(({ sent }) => sent === most)
      this.waiting = this.waiting.filter((one) => one !== oldest)
      this.dropped++
    }
    this.waiting.push({ subject, bytes, sent: 0, order: this.#order++ })
  }

  take(room: number, limit: number): Uint8Array[] {
    let left = room
    const taken = this.#sorted().filter(({ bytes }) => {
      const fits = bytes.length <= left
      if (fits) left -= bytes.length
      return fits
    })
    for (const one of taken) {
      one.sent++
      one.order = this.#order++
    }
    this.waiting = this.waiting.filter((one) => !taken.includes(one) || one.sent < limit)
    return taken.map(({ bytes }) => bytes)
  }

  #sorted() {
    return [...this.waiting].sort((a, b) => a.sent - b.sent || a.order - b.order)
  }
}

const step = fc.oneof(
  fc.record({ subject: fc.constantFrom(...'abcdefgh'), length: fc.integer({ min: 20, max: 60 }) }),
  fc.record({ room: fc.nat(200), limit: fc.integer({ min: 1, max: 5 }) }),
)

test('the queue gives what sorting by times sent and then by age gives, within the room there is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (steps, sizeMax) => {
      const queue = new Rumours(sizeMax)
      const plain = new PlainRumours(sizeMax)
      let mark = 0
      for (const one of steps) {
        if ('subject' in one) {
          const bytes = new Uint8Array(one.length).fill(mark++)
          queue.add(one.subject, bytes)
          plain.add(one.subject, bytes)
        } else {
          expect(queue.take(one.room, one.limit)).toEqual(plain.take(one.room, one.limit))
        }
        expect([queue.size, queue.dropped]).toEqual([plain.waiting.length, plain.dropped])
      }
    }),
    { numRuns: 1000 },
  )
})

test('a rumour is sent as often as the limit says and then no more', () => {
  const queue = new Rumours(10)
  queue.add('a', bytesOf(1))
  const sent = Array.from({ length: 6 }, () => queue.take(1200, 4).length)
  expect(sent).toEqual([1, 1, 1, 1, 0, 0])
  expect(queue.size).toBe(0)
})

test('a later rumour of the same subject takes the place of the older one and starts from nothing', () => {
  const queue = new Rumours(10)
  queue.add('a', bytesOf(1))
  queue.take(1200, 4)
  queue.add('a', bytesOf(2))
  expect(queue.size).toBe(1)
  expect(Array.from({ length: 5 }, () => queue.take(1200, 4)[0]?.[0])).toEqual([2, 2, 2, 2, undefined])
})

test('a rumour too large for what room is left lets smaller ones past it and keeps its turn', () => {
  const queue = new Rumours(10)
  queue.add('large', bytesOf(1, 500))
  queue.add('small', bytesOf(2, 30))
  expect(queue.take(100, 4).map(([mark]) => mark)).toEqual([2])
  expect(queue.take(1200, 4).map(([mark]) => mark)).toEqual([1, 2])
})

test('what is removed is not sent, and removing it again does nothing', () => {
  const queue = new Rumours(10)
  queue.add('a', bytesOf(1))
  queue.add('b', bytesOf(2))
  queue.remove('a')
  queue.remove('a')
  expect(queue.take(1200, 4).map(([mark]) => mark)).toEqual([2])
  queue.clear()
  expect([queue.size, queue.take(1200, 4)]).toEqual([0, []])
})

test('a packet looks at a bounded number of waiting rumours, however many there are', () => {
  const queue = new Rumours(4096)
  for (let i = 0; i < 4096; i++) queue.add(`k${i}`, bytesOf(1, 500))
  queue.add('behind them all', bytesOf(2, 30))
  expect(queue.take(100, 4)).toEqual([])
})

// memberlist's retransmitLimit, section 2a of its defaults: mult * ceil(log10(n + 1)).
test.each([
  [3, 0, 0],
  [3, 1, 3],
  [3, 9, 3],
  [3, 10, 6],
  [3, 99, 6],
  [4, 100, 12],
  [4, 10_000, 20],
])('with a multiple of %i a rumour in a room of %i is sent %i times', (transmitMult, size, limit) => {
  expect(transmitLimit({ transmitMult }, size)).toBe(limit)
})

function bytesOf(mark: number, length = 20): Uint8Array {
  return new Uint8Array(length).fill(mark)
}
