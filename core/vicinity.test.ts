import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { idFromBytes } from './ids.ts'
import { Members } from './members.ts'
import { randomBytes, seededRandom } from './random.ts'
import { neighboursOf } from './rings.plain.ts'
import { Vicinity } from './vicinity.ts'

test('kept up step by step, it is what a look through the whole room would show', () => {
  const step = fc.record({ come: fc.boolean(), which: fc.nat(99), tab: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.nat(), (steps, seed) => {
      const random = seededRandom(seed)
      const members = new Members()
      const resident = (kinds: string[]) => {
        const id = idFromBytes(randomBytes(random, 16))
        const belief = new Belief(id, 0)
        const endpoints = kinds.map((kind) => `${kind}:${id}`)
        belief.record = { type: 'alive', id, incarnation: 1, name: '', user: null, mode: 'server', endpoints, floor: 0 }
        members.update(belief)
        return belief
      }
      const self = resident(['udp', 'rtc'])
      const vicinity = new Vicinity(self.id, ['udp', 'rtc'], members)
      vicinity.add(self)
      const others: Belief[] = []
      const come = (tab: boolean) => {
        const belief = resident(tab ? ['rtc'] : ['udp'])
        others.push(belief)
        vicinity.add(belief)
      }
      for (let i = 0; i < 20; i++) come(i % 4 === 0)
      for (const { come: comes, which, tab } of steps) {
        if (comes || others.length < 2) come(tab)
        else {
          const [gone] = others.splice(which % others.length, 1)
          gone!.status = 'dead'
          members.update(gone!)
          vicinity.remove(gone!)
        }
        const near = new Set<string>()
        for (const kind of ['udp', 'rtc']) {
          const crowd = members.present().filter((belief) => belief.has(kind))
          const whole = neighboursOf(self, crowd)
          expect(vicinity.of(kind)).toEqual(whole)
          // The same until somebody comes or goes.
          expect(vicinity.of(kind)).toBe(vicinity.of(kind))
          for (const id of whole.all) near.add(id)
          for (const other of [others[0]!, others.at(-1)!]) {
            if (other.has(kind)) expect(vicinity.ofOther(kind, other)).toEqual(neighboursOf(other, crowd))
          }
        }
        for (const { id } of [self, ...others]) expect(vicinity.has(id)).toBe(near.has(id))
      }
    }),
    { numRuns: 100 },
  )
})

test('one whose record names other channels by the time it goes leaves no ghost on the rings', () => {
  const members = new Members()
  const resident = (n: number, endpoints: string[]) => {
    const id = idFromBytes(new Uint8Array(16).fill(n))
    const belief = members.get(id) ?? new Belief(id, 0)
    belief.record = { type: 'alive', id, incarnation: 1, name: '', user: null, mode: 'server', endpoints, floor: 0 }
    members.update(belief)
    return belief
  }
  const self = resident(1, ['rtc:1'])
  const vicinity = new Vicinity(self.id, ['rtc'], members)
  vicinity.add(self)
  const other = resident(2, ['rtc:2'])
  vicinity.add(other)
  expect(vicinity.has(other.id)).toBe(true)
  resident(2, ['udp:2'])
  vicinity.remove(other)
  expect(vicinity.has(other.id)).toBe(false)
})
