import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Belief } from './belief.ts'
import { idFromBytes } from './ids.ts'
import { Members } from './members.ts'
import { randomBytes, seededRandom } from './random.ts'
import { neighboursOf } from './rings.ts'
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
      const others: Belief[] = []
      const come = (tab: boolean) => {
        const belief = resident(tab ? ['rtc'] : ['udp'])
        others.push(belief)
        vicinity.add(belief)
      }
      for (let i = 0; i < 20; i++) come(i % 4 === 0)
      for (const { come: comes, which, tab } of steps) {
        if (comes || others.length === 0) come(tab)
        else {
          const [gone] = others.splice(which % others.length, 1)
          gone!.status = 'dead'
          members.update(gone!)
          vicinity.remove(gone!)
        }
        const streets = vicinity.streets()
        for (const { kind, successors } of streets) {
          const whole = neighboursOf(
            self,
            members.present().filter((belief) => belief.has(kind)),
          )
          expect(successors).toEqual(whole.successors)
          for (const id of whole.all) expect(vicinity.has(id)).toBe(true)
        }
      }
    }),
    { numRuns: 100 },
  )
})
