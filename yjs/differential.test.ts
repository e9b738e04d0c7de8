/** Awareness beside that of y-protocols: the same calls, the same states and events. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  Awareness as Reference,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import { Doc } from 'yjs'
import { peerIn, simulate } from '../peer/sim.ts'
import { Awareness, type AwarenessChanges } from './awareness.ts'

type State = Record<string, unknown> | null

/** What both have. */
interface Common {
  clientID: number
  states: Map<number, Record<string, unknown>>
  meta: Map<number, { clock: number }>
  getLocalState(): State
  setLocalState(state: State): void
  setLocalStateField(field: string, value: unknown): void
  on(name: string, listener: (changes: AwarenessChanges, origin: unknown) => void): void
  destroy(): void
}

type Call =
  | { who: number; does: 'set'; state: State }
  | { who: number; does: 'setField'; field: string; value: unknown }
  | { who: number; does: 'setAgain' }
  | { who: number; does: 'setCopy' }
  | { who: number; does: 'remove' }

const clients = [2 ** 32 - 1, 7, 36]
const two = clients.slice(0, 2)

// Without undefined and `__proto__` as a field: there lib0 takes some states for equal that are not.
const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }) },
  { weight: 1, arbitrary: fc.date() },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom('a', 'b').map((item) => new Set([item])) },
  { weight: 1, arbitrary: fc.constantFrom('a', 'b').map((item) => new Map([[item, { item }]])) },
)
// What is too long for an entry has a test of its own.
const value = anyValue.filter((value) => (JSON.stringify(value) ?? '').length < 400)
const field = fc.constantFrom('cursor', 'user', 'constructor', '', 'a:b', 'café')
const state = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: fc.dictionary(field, value, { maxKeys: 3 }) },
)
const callOf = (who: fc.Arbitrary<number>): fc.Arbitrary<Call> =>
  fc.oneof(
    fc.record({ who, does: fc.constant('set' as const), state }),
    fc.record({ who, does: fc.constant('setField' as const), field, value }),
    fc.record({ who, does: fc.constant('setAgain' as const) }),
    fc.record({ who, does: fc.constant('setCopy' as const) }),
    fc.record({ who, does: fc.constant('remove' as const) }),
  )

test('one call at a time: the same states, clocks and events, in the same order', () => {
  fc.assert(
    fc.property(fc.array(callOf(fc.nat(1)), { maxLength: 12 }), fc.nat(), (calls, seed) => {
      const theirs = references(two)
      const { ours, settle } = members(two, seed)
      const [heardByTheirs, heardByOurs] = [theirs.map(listen), ours.map(listen)]
      try {
        for (const call of calls) {
          perform(theirs, call)
          perform(ours, call)
          settle()
          expect(ours.map(statesOf)).toEqual(theirs.map(statesOf))
          expect(ours.map(clocksOf)).toEqual(theirs.map(clocksOf))
          expect(heardByOurs).toEqual(heardByTheirs)
        }
      } finally {
        for (const awareness of theirs) awareness.destroy()
      }
    }),
    { numRuns: 100 },
  )
})

test('many calls at once: the same states in the end, and events that tell how they came about', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(callOf(fc.nat(2)), { maxLength: 10 }), { maxLength: 4 }),
      fc.nat(),
      (bursts, seed) => {
        const theirs = references(clients)
        const { ours, settle } = members(clients, seed)
        const told = ours.map((awareness) => tellingOf(awareness))
        try {
          for (const burst of bursts) {
            for (const call of burst) {
              perform(theirs, call)
              perform(ours, call)
            }
            settle()
            expect(ours.map(statesOf)).toEqual(theirs.map(statesOf))
            expect(ours.map(clocksOf)).toEqual(theirs.map(clocksOf))
            expect(told).toEqual(ours.map(statesOf))
          }
        } finally {
          for (const awareness of theirs) awareness.destroy()
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('`change` is raised for the same pairs of states: those lib0 takes for different', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(field, fc.oneof(value, fc.constantFrom(1, 2))), { maxLength: 10 }), (sets) => {
      const [theirs] = references(two)
      const { ours } = members(two, 1)
      const heard = [theirs!, ours[0]!].map(listen)
      for (const [field, value] of sets) {
        for (const awareness of [theirs!, ours[0]!]) {
          awareness.setLocalStateField(field, value)
          awareness.setLocalStateField(field, structuredClone(value))
        }
      }
      theirs!.destroy()
      ours[0]!.destroy()
      expect(heard[1]).toEqual(heard[0])
    }),
    { numRuns: 100 },
  )
})

/** Those of y-protocols, each of whose updates is applied to the others at once. */
function references(clients: readonly number[]): Common[] {
  const made = clients.map((client) => {
    const doc = new Doc()
    doc.clientID = client
    return new Reference(doc)
  })
  for (const one of made) {
    const others = made.filter((other) => other !== one)
    const send = (client: number) => {
      for (const other of others) applyAwarenessUpdate(other, encodeAwarenessUpdate(one, [client]), 'room')
    }
    send(one.clientID)
    one.on('update', (_changes: AwarenessChanges, origin: unknown) => {
      if (origin !== 'room') send(one.clientID)
    })
  }
  return made
}

function members(clients: readonly number[], seed: number): { ours: Awareness<Doc>[]; settle: () => void } {
  const world = simulate({ peers: clients.length, seed, acquainted: true })
  const ours = clients.map((client, i) => {
    const doc = new Doc()
    doc.clientID = client
    return new Awareness(doc, peerIn(world, `p${i}`))
  })
  const settle = () => {
    // What waits for its turn is published by then.
    world.run(500)
    world.settle(60_000)
  }
  settle()
  return { ours, settle }
}

function perform(room: readonly Common[], call: Call): void {
  const awareness = room[call.who]!
  const local = awareness.getLocalState()
  switch (call.does) {
    case 'set':
      return awareness.setLocalState(call.state)
    case 'setField':
      return awareness.setLocalStateField(call.field, call.value)
    case 'setAgain':
      return awareness.setLocalState(local)
    case 'setCopy':
      return awareness.setLocalState(structuredClone(local))
    case 'remove':
      return removeAwarenessStates(awareness as Reference, [awareness.clientID], 'window unload')
  }
}

/** What a state is to others: JSON, as y-protocols sends it. */
function statesOf({ states }: Common): [number, unknown][] {
  return [...states].map(([client, state]) => [client, toJson(state)] as [number, unknown]).sort(([a], [b]) => a - b)
}

function toJson(state: unknown): unknown {
  return JSON.parse(JSON.stringify(state))
}

function clocksOf({ meta }: Common): [number, number][] {
  return [...meta].map(([client, { clock }]) => [client, clock] as [number, number]).sort(([a], [b]) => a - b)
}

/** Everything it tells from now on; the origin of what others did is each side's own. */
function listen(awareness: Common): unknown[] {
  const heard: unknown[] = []
  for (const name of ['change', 'update']) {
    awareness.on(name, (changes, origin) =>
      heard.push([name, changes, typeof origin === 'string' && origin !== 'room' ? origin : 'others']),
    )
  }
  return heard
}

/** The states as one has them who knows nothing but what `change` tells. */
function tellingOf(awareness: Common): [number, unknown][] {
  const told = statesOf(awareness)
  awareness.on('change', ({ added, updated, removed }) => {
    const rest = told.filter(([client]) => ![...added, ...updated, ...removed].includes(client))
    const anew = [...added, ...updated].map(
      (client) => [client, toJson(awareness.states.get(client))] as [number, unknown],
    )
    told.splice(0, told.length, ...[...rest, ...anew].sort(([a], [b]) => a - b))
  })
  return told
}
