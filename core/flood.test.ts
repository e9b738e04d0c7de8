import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Flood, targetsMax } from './flood.ts'
import type { Share } from './rumours.ts'
import { fingerprintOf } from './seen.ts'

const plenty = 1_000_000

test('each target is told once, in the order the rumours came, and the one it came from is not', () => {
  const { flood, add } = aimedAt('a', 'b', 'c', 'd')
  const [first, second] = [add('x', 'a'), add('y')]
  expect(flood.take('a', plenty)).toEqual([second])
  for (const target of ['b', 'c', 'd']) expect(flood.take(target, plenty)).toEqual([first, second])
  for (const target of ['a', 'b', 'c', 'd']) expect(flood.take(target, plenty)).toEqual([])
  expect(flood.size).toBe(2)
  flood.turn()
  expect(flood.size).toBe(0)
})

test('where there are few to be told a rumour goes several times, since a packet may be lost', () => {
  const copies = (...targets: string[]) => {
    const { flood, add } = aimedAt(...targets)
    add('x')
    let sent = 0
    for (let burst = 0; burst < 10 && flood.size > 0; burst++) {
      for (const target of targets) sent += flood.take(target, plenty).length
      flood.turn()
    }
    return sent
  }
  expect(copies('a')).toBe(3)
  expect(copies('a', 'b')).toBe(4)
  expect(copies('a', 'b', 'c')).toBe(3)
  expect(copies('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')).toBe(8)
})

test('who told a rumour, or tells it again, is told it in no further round', () => {
  const { flood, add } = aimedAt('a', 'b')
  const bytes = add('x', 'a')
  flood.take('b', plenty)
  flood.turn()
  expect([flood.take('a', plenty), flood.take('b', plenty)]).toEqual([[], [bytes]])

  const other = aimedAt('a', 'b')
  const own = other.add('x')
  other.flood.heard(fingerprintOf(own), 'a')
  expect([other.flood.take('a', plenty), other.flood.take('b', plenty)]).toEqual([[], [own]])
  other.flood.turn()
  expect([other.flood.take('a', plenty), other.flood.take('b', plenty)]).toEqual([[], [own]])
  other.flood.heard(fingerprintOf(own), 'b')
  other.flood.turn()
  expect(other.flood.size).toBe(0)
})

test('a rumour that everybody there has told us waits for nobody', () => {
  const { flood, add } = aimedAt('a')
  add('x', 'a')
  flood.turn()
  expect(flood.size).toBe(0)
})

test('who is new among the targets hears what still waits, and who is gone holds up nothing', () => {
  const { flood, add } = aimedAt('a', 'b', 'c')
  const bytes = add('x')
  flood.take('a', plenty)
  flood.aim(['a', 'c', 'd'])
  expect([...flood.targets].sort()).toEqual(['a', 'c', 'd'])
  expect(flood.take('a', plenty)).toEqual([])
  expect(flood.take('b', plenty)).toEqual([])
  expect(flood.take('d', plenty)).toEqual([bytes])
  expect(flood.take('c', plenty)).toEqual([bytes])
  flood.turn()
  expect(flood.size).toBe(0)
})

test('a target that takes the place of one that knew is told all the same', () => {
  const { flood, add } = aimedAt('a', 'b', 'c')
  const bytes = add('x', 'a')
  flood.aim(['b', 'c', 'd'])
  expect(flood.take('d', plenty)).toEqual([bytes])
})

test('what came before there was anybody to tell is told to the first who come', () => {
  const { flood, add } = aimedAt()
  const bytes = add('x')
  flood.aim(['a'])
  expect(flood.take('a', plenty)).toEqual([bytes])
})

test('with nobody to tell nothing is kept: whoever comes later gets it by sync', () => {
  const { flood, add } = aimedAt()
  add('x')
  flood.turn()
  expect(flood.size).toBe(0)
})

test('of two shares that wait each has a third of the room at least, and alone it has all', () => {
  const { flood } = aimedAt('a')
  const claim = new Uint8Array(100).fill(1)
  const entry = new Uint8Array(100).fill(2)
  for (let i = 0; i < 40; i++) flood.add(`member ${i}`, claim, i, 'membership', undefined)
  expect(flood.take('a', 900)).toHaveLength(9)
  for (let i = 0; i < 40; i++) flood.add(`entry ${i}`, entry, 100 + i, 'state', undefined)
  const taken = flood.take('a', 900)
  expect(taken).toHaveLength(9)
  expect(taken.filter((bytes) => bytes === entry).length).toBeGreaterThanOrEqual(3)
  expect(taken.filter((bytes) => bytes === claim).length).toBeGreaterThanOrEqual(3)
})

test('an entry too long for a third of a packet gets its turn, however many claims come', () => {
  const { flood } = aimedAt('a')
  const entry = new Uint8Array(850).fill(2)
  flood.add('entry', entry, 1, 'state', undefined)
  let bursts = 0
  for (let told = false; !told && bursts < 20; bursts++) {
    for (let i = 0; i < 20; i++)
      flood.add(`${bursts} ${i}`, new Uint8Array(100).fill(1), i + 2, 'membership', undefined)
    told = flood.take('a', 900).includes(entry)
    flood.turn()
  }
  expect(bursts).toBeLessThanOrEqual(4)
})

test('what one share leaves free the other takes', () => {
  const { flood } = aimedAt('a')
  for (let i = 0; i < 20; i++) flood.add(`member ${i}`, new Uint8Array(100).fill(1), i, 'membership', undefined)
  flood.add('entry', new Uint8Array(50).fill(2), 99, 'state', undefined)
  expect(flood.take('a', 900).map(({ length }) => length)).toEqual([...Array(6).fill(100), 50, 100, 100])
})

test('a newer rumour of a subject takes the place of the older one, and everybody is told it', () => {
  const { flood, add } = aimedAt('a', 'b', 'c')
  add('x')
  flood.take('a', plenty)
  const newer = add('x', undefined, 2)
  for (const target of ['a', 'b', 'c']) expect(flood.take(target, plenty)).toEqual([newer])
})

test('the older rumour of a subject is not mistaken for the newer one when it is told again', () => {
  const { flood, add } = aimedAt('a', 'b', 'c')
  const older = add('x')
  const newer = add('x', undefined, 2)
  flood.heard(fingerprintOf(older), 'a')
  expect(flood.take('a', plenty)).toEqual([newer])
})

test('beyond the bound of a share its oldest rumour is dropped and counted, and the other share keeps its own', () => {
  const flood = new Flood(2)
  flood.aim(['a'])
  const bytes = [1, 2, 3].map((n) => new Uint8Array([n]))
  flood.add('entry', new Uint8Array([9]), 9, 'state', undefined)
  bytes.forEach((one, i) => {
    flood.add(`member ${i}`, one, i, 'membership', undefined)
  })
  expect([flood.size, flood.dropped]).toEqual([3, 1])
  expect(flood.take('a', plenty)).toEqual([bytes[1], bytes[2], new Uint8Array([9])])
})

test('what is withdrawn is told to nobody any more', () => {
  const { flood, add } = aimedAt('a', 'b', 'c')
  add('x')
  const kept = add('xy')
  flood.withdraw(['x', 'unknown'])
  expect(flood.take('a', plenty)).toEqual([kept])
  flood.clear()
  expect([flood.size, flood.take('b', plenty)]).toEqual([0, []])
})

test('no more are told than there are bits for, each once, and places become free again', () => {
  const many = Array.from({ length: targetsMax + 5 }, (_, i) => `t${i}`)
  const { flood, add } = aimedAt(...many)
  const bytes = add('x')
  const told = many.filter((target) => flood.take(target, plenty).includes(bytes))
  expect(told).toEqual(many.slice(0, targetsMax))
  expect(many.flatMap((target) => flood.take(target, plenty))).toEqual([])
  flood.aim(many.slice(5))
  expect(many.filter((target) => flood.take(target, plenty).includes(bytes))).toEqual(many.slice(targetsMax))
})

test('whatever is added, heard, taken and turned, everybody is told what a plain list of who lacks what would tell', () => {
  const target = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const subject = fc.nat(7)
  const action = fc.oneof(
    fc.record({ what: fc.constant('aim' as const), targets: fc.subarray(['a', 'b', 'c', 'd', 'e']) }),
    fc.record({ what: fc.constant('add' as const), subject, length: fc.integer({ min: 1, max: 40 }), target }),
    fc.record({ what: fc.constant('heard' as const), subject, target }),
    fc.record({ what: fc.constant('withdraw' as const), subject }),
    fc.record({ what: fc.constant('take' as const), target, room: fc.constantFrom(0, 30, 60, plenty) }),
    fc.record({ what: fc.constant('turn' as const) }),
  )
  let dropped = 0
  fc.assert(
    fc.property(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => {
      const sizeMax = 2
      const flood = new Flood(sizeMax)
      const plain = new PlainFlood(sizeMax)
      for (const [serial, one] of actions.entries()) {
        switch (one.what) {
          case 'aim':
            flood.aim(one.targets)
            plain.aim(one.targets)
            break
          case 'add': {
            const bytes = new Uint8Array(one.length).fill(serial)
            const [name, share] = [`subject ${one.subject}`, shareOf(one.subject)]
            flood.add(name, bytes, serial, share, one.target)
            plain.add({ subject: name, share, bytes, fingerprint: serial }, one.target)
            break
          }
          case 'heard': {
            const fingerprint = plain.fingerprintOf(`subject ${one.subject}`)
            if (fingerprint === undefined) break
            flood.heard(fingerprint, one.target)
            plain.heard(fingerprint, one.target)
            break
          }
          case 'withdraw':
            flood.withdraw([`subject ${one.subject}`])
            plain.withdraw(`subject ${one.subject}`)
            break
          case 'turn':
            flood.turn()
            plain.turn()
            expect(flood.size).toBe(plain.size)
            break
          case 'take': {
            const lacking = plain.lacking(one.target)
            const taken = flood.take(one.target, one.room)
            expect(lacking).toEqual(expect.arrayContaining(taken))
            expect(new Set(taken).size).toBe(taken.length)
            const left = one.room - taken.reduce((sum, bytes) => sum + bytes.length, 0)
            expect(left).toBeGreaterThanOrEqual(0)
            // Nothing is left out for which there is room.
            for (const bytes of lacking) if (!taken.includes(bytes)) expect(bytes.length).toBeGreaterThan(left)
            plain.tell(one.target, taken)
          }
        }
      }
      expect([flood.size, flood.dropped]).toEqual([plain.size, plain.dropped])
      dropped += flood.dropped
    }),
    { numRuns: 1_000 },
  )
  expect(dropped).toBeGreaterThan(0)
})

interface PlainRumour {
  readonly subject: string
  readonly share: Share
  readonly bytes: Uint8Array
  readonly fingerprint: number
}

/** The same by lists of names. */
class PlainFlood {
  readonly #sizeMax: number
  #targets: string[] = []
  #rumours: (PlainRumour & { lack: Set<string>; know: Set<string>; rounds: number })[] = []
  dropped = 0

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#rumours.length
  }

  aim(targets: string[]): void {
    const added = targets.filter((target) => !this.#targets.includes(target))
    this.#targets = targets
    for (const { lack, know } of this.#rumours) {
      for (const target of added) lack.add(target)
      for (const target of [...lack, ...know]) {
        if (targets.includes(target)) continue
        lack.delete(target)
        know.delete(target)
      }
    }
  }

  add(rumour: PlainRumour, source: string): void {
    this.withdraw(rumour.subject)
    const same = this.#rumours.filter(({ share }) => share === rumour.share)
    if (same.length >= this.#sizeMax) {
      this.withdraw(same[0]!.subject)
      this.dropped++
    }
    const know = new Set(this.#targets.filter((target) => target === source))
    const lack = new Set(this.#targets.filter((target) => target !== source))
    this.#rumours.push({ ...rumour, lack, know, rounds: 0 })
  }

  heard(fingerprint: number, source: string): void {
    for (const rumour of this.#rumours) {
      if (rumour.fingerprint !== fingerprint || !this.#targets.includes(source)) continue
      rumour.know.add(source)
      rumour.lack.delete(source)
    }
  }

  withdraw(subject: string): void {
    this.#rumours = this.#rumours.filter((rumour) => rumour.subject !== subject)
  }

  turn(): void {
    this.#rumours = this.#rumours.filter((rumour) => {
      if (rumour.lack.size > 0) return true
      rumour.rounds++
      rumour.lack = new Set(this.#targets.filter((target) => !rumour.know.has(target)))
      return rumour.lack.size > 0 && rumour.rounds * this.#targets.length < 3
    })
  }

  lacking(target: string): Uint8Array[] {
    return this.#rumours.filter(({ lack }) => lack.has(target)).map(({ bytes }) => bytes)
  }

  tell(target: string, taken: readonly Uint8Array[]): void {
    for (const { bytes, lack } of this.#rumours) if (taken.includes(bytes)) lack.delete(target)
  }

  fingerprintOf(subject: string): number | undefined {
    return this.#rumours.find((rumour) => rumour.subject === subject)?.fingerprint
  }
}

function aimedAt(...targets: string[]) {
  const flood = new Flood(100)
  flood.aim(targets)
  const add = (subject: string, source?: string, version = 1) => {
    const bytes = new TextEncoder().encode(`${subject} ${version}`)
    flood.add(subject, bytes, fingerprintOf(bytes), 'membership', source)
    return bytes
  }
  return { flood, add }
}

function shareOf(subject: number): Share {
  return subject % 2 === 0 ? 'membership' : 'state'
}
