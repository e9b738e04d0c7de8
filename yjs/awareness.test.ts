/** Awareness in rooms: who comes, who goes, and what it does where y-protocols has no rooms. */

import { expect, test } from 'vitest'
import {
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  Awareness as Reference,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import { Doc } from 'yjs'
import type { PeerStatus, StateValue } from '../core/index.ts'
import { peerIn, simulate, type World } from '../peer/sim.ts'
import { Awareness, type AwarenessChanges, type AwarenessOptions } from './awareness.ts'
import type { AwarenessPeer } from './parties.ts'

test('others see a state once it was set, field by field, and a reader has its own copy', () => {
  const world = room(3)
  const [ana, ben] = [awarenessOf(world, 'p0'), awarenessOf(world, 'p1')]
  settle(world)
  expect(ben.getStates().has(ana.clientID)).toBe(false)
  ana.setLocalStateField('user', { name: 'Ana' })
  ana.setLocalStateField('cursor', { at: 3, marks: [1, 2] })
  ana.setLocalStateField('gone', undefined)
  settle(world)
  const seen = { user: { name: 'Ana' }, cursor: { at: 3, marks: [1, 2] } }
  expect(ben.getStates().get(ana.clientID)).toEqual(seen)
  Object.assign(ben.getStates().get(ana.clientID)!.cursor as object, { at: 4 })
  expect(awarenessOf(world, 'p2').getStates().get(ana.clientID)).toEqual(seen)
})

test('a state of any JSON is read back to the letter', () => {
  const world = room(2)
  const [ana, ben] = [awarenessOf(world, 'p0'), awarenessOf(world, 'p1')]
  const state = JSON.parse(
    '{"__proto__":{"x":1},"deep":[[[[[[[[[{"a":null}]]]]]]]]],"half":"\\ud800","constructor":{"":0.1}}',
  )
  ana.setLocalState(state)
  settle(world)
  expect(JSON.stringify(ben.getStates().get(ana.clientID))).toBe(JSON.stringify(state))
  expect(Object.getPrototypeOf(ben.getStates().get(ana.clientID))).toBe(Object.prototype)
})

test('who is there already is there at once', () => {
  const world = room(2)
  const ana = awarenessOf(world, 'p0')
  ana.setLocalStateField('user', 'Ana')
  settle(world)
  expect(awarenessOf(world, 'p1').getStates().get(ana.clientID)).toEqual({ user: 'Ana' })
})

test('a crashed member takes its state along within seconds, in one event that names it', () => {
  const world = room(8)
  const everyone = world.names().map((name) => awarenessOf(world, name))
  for (const awareness of everyone) awareness.setLocalStateField('user', awareness.clientID)
  settle(world)
  const heard = listen(everyone[0]!)
  world.crash('p3')
  const gone = everyone[3]!.clientID
  const tookMs = world.runUntil(() => !everyone[0]!.getStates().has(gone), 60_000)
  expect(tookMs).toBeLessThan(10_000)
  expect(heard.filter(([, { removed }]) => removed.length > 0)).toEqual([
    ['change', { added: [], updated: [], removed: [gone] }],
    ['update', { added: [], updated: [], removed: [gone] }],
  ])
})

test('a member that stands still keeps its state, and one that only seemed dead is back with it', () => {
  const world = room(6)
  const [ana, ben] = [awarenessOf(world, 'p0'), awarenessOf(world, 'p1')]
  ana.setLocalStateField('cursor', 1)
  settle(world)
  const heard = listen(ben)
  world.pause('p0', 1_500)
  world.run(10_000)
  expect(heard).toEqual([])
  world.pause('p0', 60_000)
  world.run(50_000)
  expect(ben.getStates().has(ana.clientID)).toBe(false)
  world.run(10_000)
  settle(world)
  expect(ben.getStates().get(ana.clientID)).toEqual({ cursor: 1 })
  const all = { added: [], updated: [], removed: [] }
  expect(heard.filter(([name]) => name === 'change')).toEqual([
    ['change', { ...all, removed: [ana.clientID] }],
    ['change', { ...all, updated: [ana.clientID] }],
  ])
})

test('documents of different names do not mix on one peer, and editors of one document see each other', () => {
  const world = room(2)
  const [notes, again] = [awarenessOf(world, 'p0', { document: 'n:1' }), awarenessOf(world, 'p0', { document: 'n:1' })]
  const [tasks, unnamed] = [awarenessOf(world, 'p0', { document: 'n' }), awarenessOf(world, 'p0')]
  const afar = awarenessOf(world, 'p1', { document: 'n:1' })
  for (const awareness of [notes, again, tasks, unnamed]) awareness.setLocalStateField('of', awareness.clientID)
  settle(world)
  expect(new Set(afar.getStates().keys())).toEqual(new Set([afar, notes, again].map(({ clientID }) => clientID)))
  expect(again.getStates().get(notes.clientID)).toEqual({ of: notes.clientID })
  expect([...tasks.getStates().keys()]).toEqual([tasks.clientID])
  again.destroy()
  settle(world)
  expect(new Set(afar.getStates().keys())).toEqual(new Set([afar, notes].map(({ clientID }) => clientID)))
})

test('the end of a burst is agreed on, wherever its last change was lost', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = simulate({ peers: 6, seed, acquainted: true, link: { loss: 0.4 } })
    const everyone = world.names().map((name) => awarenessOf(world, name))
    for (let at = 0; at < 40; at++) {
      everyone[0]!.setLocalStateField('cursor', { at })
      world.run(50)
    }
    world.run(40_000)
    const seen = everyone.map(({ states }) => states.get(everyone[0]!.clientID))
    expect(seen).toEqual(everyone.map(() => ({ cursor: { at: 39 } })))
  }
})

test('a cursor on its way is left out of the digest, and is in it once it rests', () => {
  const world = room(2)
  const ana = awarenessOf(world, 'p0')
  ana.setLocalStateField('cursor', 0)
  settle(world)
  const digest = () => world.peer('p0').consistency().digest
  const before = digest()
  ana.setLocalStateField('cursor', 1)
  const moving = digest()
  ana.setLocalStateField('cursor', 2)
  expect(digest()).toBe(moving)
  expect(moving).not.toBe(before)
  world.run(10_000)
  expect(digest()).not.toBe(moving)
})

test('what is too long for an entry is refused at the call, and nothing has changed', () => {
  const world = room(2)
  const ana = awarenessOf(world, 'p0')
  ana.setLocalStateField('user', 'Ana')
  const heard = listen(ana)
  const [state, clock] = [ana.getLocalState(), ana.meta.get(ana.clientID)]
  const fails = (code: string) => expect.objectContaining({ code })
  expect(() => ana.setLocalStateField('avatar', 'x'.repeat(1_000))).toThrow(fails('entry_too_large'))
  expect(() => ana.setLocalStateField('avatar', 1n)).toThrow(fails('bad_value'))
  const circle: Record<string, unknown> = {}
  circle.circle = circle
  expect(() => ana.setLocalState(circle)).toThrow(fails('bad_value'))
  expect(() => ana.setLocalState([] as never)).toThrow(/^awareness state: expected an object or null, got a list/)
  expect(() => ana.setLocalState(undefined as never)).toThrow(fails('bad_value'))
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`field ${i}`, 'x'.repeat(900)]))
  expect(() => ana.setLocalState(many)).toThrow(fails('state_too_large'))
  expect(ana.getLocalState()).toBe(state)
  expect(ana.meta.get(ana.clientID)).toBe(clock)
  expect(heard).toEqual([])
  ana.setLocalStateField('avatar', 'x'.repeat(900))
  settle(world)
  expect(awarenessOf(world, 'p1').getStates().get(ana.clientID)).toEqual({ user: 'Ana', avatar: 'x'.repeat(900) })
})

test('what is no document, no peer or no option is told by its name', () => {
  const peer = peerIn(room(1), 'p0')
  const doc = new Doc()
  const wrong: [given: unknown[], message: string][] = [
    [[doc], 'peer: expected a peer, got undefined'],
    [[doc, Promise.resolve(peer)], 'peer: expected a peer, got an object (Promise)'],
    [[peer, doc], 'doc: expected a document of Yjs, got an object'],
    [[null, peer], 'doc: expected a document of Yjs, got null'],
    [[doc, peer, { documnt: 'x' }], 'new Awareness: there is no option documnt; expected document'],
    [[doc, peer, 'x'], 'new Awareness: expected options as an object, got "x"; there are document'],
  ]
  for (const [given, message] of wrong) {
    expect(() => new Awareness(...(given as [Doc, AwarenessPeer]))).toThrow(
      expect.objectContaining({ code: 'bad_option', message }),
    )
  }
})

test('the name of a document has to be a text that fits', () => {
  const world = room(1)
  for (const document of ['é'.repeat(11), '\ud800', 7 as never]) {
    expect(() => awarenessOf(world, 'p0', { document })).toThrow(expect.objectContaining({ code: 'bad_option' }))
  }
  awarenessOf(world, 'p0', { document: 'x'.repeat(64) }).setLocalStateField('f'.repeat(40), 1)
})

test("a field's name has as much room as the document's leaves, whatever the client, and is told as it was written", () => {
  const world = room(1)
  for (const [document, most] of [
    ['', 115],
    ['x'.repeat(64), 51],
  ] as const) {
    for (const clientID of [1, 2 ** 32 - 1]) {
      const doc = Object.assign(new Doc(), { clientID })
      const ana = new Awareness(doc, peerIn(world, 'p0'), { document })
      const name = 'f'.repeat(most)
      ana.setLocalStateField(name, 1)
      const state = ana.getLocalState()
      const message = `field "${name}f": expected a name of at most ${most} characters, got ${most + 1}; nothing was changed`
      expect(() => ana.setLocalStateField(`${name}f`, 1)).toThrow(
        expect.objectContaining({ code: 'bad_value', message }),
      )
      expect(ana.getLocalState()).toBe(state)
    }
  }
})

test('once destroyed, by itself or with its document, it is gone for others and hears nothing more', () => {
  const world = room(3)
  const [ana, ben, cy] = ['p0', 'p1', 'p2'].map((name) => awarenessOf(world, name)) as [Own, Own, Own]
  for (const awareness of [ana, ben]) awareness.setLocalStateField('user', 1)
  settle(world)
  const destroyed: unknown[] = []
  const heard = listen(ana)
  ana.on('destroy', (awareness) => destroyed.push(awareness))
  ana.destroy()
  ana.destroy()
  ben.doc.destroy()
  expect(destroyed).toEqual([ana])
  expect(heard.map(([name, { removed }]) => [name, removed])).toEqual([
    ['change', [ana.clientID]],
    ['update', [ana.clientID]],
  ])
  settle(world)
  expect([...cy.getStates().keys()]).toEqual([cy.clientID])
  expect(peerIn(world, 'p0').state).toEqual({})
  ana.setLocalState({ user: 2 })
  cy.setLocalStateField('user', 3)
  settle(world)
  expect(peerIn(world, 'p0').state).toEqual({})
  expect(ana.getStates().has(cy.clientID)).toBe(false)
})

test('an editor that is opened again under the same client is seen again, though its clock begins anew', () => {
  const world = room(2)
  const ben = awarenessOf(world, 'p1')
  const doc = new Doc()
  for (const text of ['first', 'second']) {
    const ana = new Awareness(doc, peerIn(world, 'p0'))
    for (const at of [1, 2, text.length]) ana.setLocalState({ text, at })
    ana.setLocalState({ text })
    settle(world)
    expect(ben.getStates().get(doc.clientID)).toEqual({ text })
    if (text === 'first') ana.destroy()
    settle(world)
  }
})

test('functions of y-protocols work on it: it can be read, and what they change is told and published', () => {
  const world = room(2)
  const [ana, ben] = [awarenessOf(world, 'p0'), awarenessOf(world, 'p1')]
  ana.setLocalStateField('user', 'Ana')
  settle(world)
  const doc = new Doc()
  const reference = new Reference(doc)
  applyAwarenessUpdate(reference, encodeAwarenessUpdate(ben, [ana.clientID]), 'here')
  expect(reference.getStates().get(ana.clientID)).toEqual({ user: 'Ana' })

  reference.setLocalStateField('user', 'elsewhere')
  applyAwarenessUpdate(ben, encodeAwarenessUpdate(reference, [doc.clientID]), 'elsewhere')
  ana.setLocalStateField('cursor', 1)
  settle(world)
  expect(ben.getStates().get(doc.clientID)).toEqual({ user: 'elsewhere' })
  expect(ana.getStates().has(doc.clientID)).toBe(false)

  removeAwarenessStates(ana, [ana.clientID], 'window unload')
  settle(world)
  expect(ben.getStates().has(ana.clientID)).toBe(false)
  expect(ben.meta.get(ana.clientID)!.clock).toBe(ana.meta.get(ana.clientID)!.clock)

  // Nobody takes away a state that its client holds on to: it says so with the next clock.
  ben.setLocalStateField('user', 'Ben')
  const [{ clock }, update] = [ben.meta.get(ben.clientID)!, encodeAwarenessUpdate(ben, [ben.clientID], new Map())]
  applyAwarenessUpdate(ben, update, 'elsewhere')
  settle(world)
  expect(ana.getStates().get(ben.clientID)).toEqual({ user: 'Ben' })
  expect(ana.meta.get(ben.clientID)!.clock).toBe(clock + 1)
  reference.destroy()
})

test('a newer state that came from elsewhere is not replaced by an older one of the room', () => {
  const world = room(2)
  const [ana, ben] = [awarenessOf(world, 'p0'), awarenessOf(world, 'p1')]
  ana.setLocalStateField('at', 1)
  settle(world)
  ana.setLocalStateField('at', 2)
  ana.setLocalStateField('at', 3)
  applyAwarenessUpdate(ben, encodeAwarenessUpdate(ana, [ana.clientID]), 'elsewhere')
  const heard = listen(ben)
  settle(world)
  expect(ben.getStates().get(ana.clientID)).toEqual({ at: 3 })
  expect(heard.filter(([name]) => name === 'change')).toEqual([])
})

test('when the peer leaves, others are gone in one event, and the own state goes on without the room', async () => {
  const world = room(4)
  const everyone = world.names().map((name) => awarenessOf(world, name))
  for (const awareness of everyone) awareness.setLocalStateField('user', awareness.clientID)
  settle(world)
  const [ana, ...others] = everyone as [Own, ...Own[]]
  const heard = listen(ana)
  await peerIn(world, 'p0').leave()
  expect(heard.map(([name]) => name)).toEqual(['change', 'update'])
  expect(new Set(heard[0]![1].removed)).toEqual(new Set(others.map(({ clientID }) => clientID)))
  ana.setLocalStateField('cursor', 1)
  expect([...ana.getStates()]).toEqual([[ana.clientID, { user: ana.clientID, cursor: 1 }]])
  ana.destroy()
})

test('a peer that comes back under another id publishes the whole state again, with the next clock', () => {
  const peer = new LonePeer()
  const ana = new Awareness(new Doc(), peer)
  ana.setLocalStateField('user', 'Ana')
  for (const at of [1, 2, 3]) ana.setLocalStateField('cursor', at)
  const before = Object.keys(peer.state)
  peer.leave()
  ana.setLocalStateField('cursor', 4)
  ana.setLocalStateField('user', undefined)
  const { clock } = ana.meta.get(ana.clientID)!
  const heard = listen(ana)
  peer.comeBack('again')
  expect(heard).toEqual([['update', { added: [], updated: [ana.clientID], removed: [] }]])
  const key = `yjs::${ana.clientID.toString(36)}`
  expect(before).toContain(`${key}:user`)
  expect(peer.state).toEqual({ [key]: [clock + 1, ['cursor']], [`${key}:cursor`]: [clock + 1, '4'] })
})

test('a peer that comes back has nothing to publish where no state was set', () => {
  const peer = new LonePeer()
  const ana = new Awareness(new Doc(), peer)
  peer.leave()
  peer.comeBack('again')
  expect(peer.state).toEqual({})
  ana.setLocalState(null)
  peer.leave()
  peer.comeBack('and again')
  expect(peer.state).toEqual({ [`yjs::${ana.clientID.toString(36)}`]: [1] })
})

test('a listener may set the state again, and one that throws is told and harms nobody', () => {
  const world = room(2)
  const [ana, ben] = [awarenessOf(world, 'p0'), awarenessOf(world, 'p1')]
  ben.on('change', (_changes, origin) => {
    if (origin !== 'local') ben.setLocalStateField('seen', ben.getStates().get(ana.clientID))
  })
  ana.setLocalStateField('n', 1)
  settle(world)
  expect(ana.getStates().get(ben.clientID)).toEqual({ seen: { n: 1 } })
  ben.on('change', () => {
    throw new Error('not today')
  })
  ana.setLocalStateField('n', 2)
  expect(() => world.run(5_000)).toThrow(/p1: a listener threw: Error: not today/)
  expect(ben.getStates().get(ana.clientID)).toEqual({ n: 2 })
})

test('of thousands of clients that come and go not all are remembered', () => {
  const peer = new LonePeer()
  const ana = new Awareness(new Doc(), peer)
  for (let client = 1; client <= 3_000; client++) peer.others([{ [`yjs::${client.toString(36)}`]: [1, []] }])
  peer.others([])
  expect([...ana.getStates().keys()]).toEqual([ana.clientID])
  expect(ana.meta.size).toBeLessThan(1_100)
})

type Own = Awareness<Doc>

function room(peers: number): World {
  return simulate({ peers, seed: 7, acquainted: true })
}

/** What waited for its turn is published, and all have it. */
function settle(world: World): void {
  world.run(500)
  world.settle(60_000)
}

function awarenessOf(world: World, name: string, options?: AwarenessOptions): Own {
  return new Awareness(new Doc(), peerIn(world, name), options)
}

function listen(awareness: Own): [string, AwarenessChanges][] {
  const heard: [string, AwarenessChanges][] = []
  for (const name of ['change', 'update'] as const) awareness.on(name, (changes) => heard.push([name, changes]))
  return heard
}

/** A peer whose room is what a test says it is: the simulator has no page that comes back out of a cache. */
class LonePeer implements AwarenessPeer {
  id = 'first'
  status: PeerStatus = 'joined'
  state: Record<string, StateValue> = {}
  readonly #listeners = new Set<() => void>()
  #others: { id: string; state: object }[] = []

  members() {
    return [{ id: this.id, state: { ...this.state } }, ...this.#others]
  }

  setState(patch: Record<string, StateValue | undefined>): void {
    for (const [key, value] of Object.entries(patch)) {
      if (value === undefined) delete this.state[key]
      else this.state[key] = value
    }
    this.#tell()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  on(_type: 'status', listener: () => void): () => void {
    return this.subscribe(listener)
  }

  others(states: readonly object[]): void {
    this.#others = states.map((state, i) => ({ id: `other ${i}`, state }))
    this.#tell()
  }

  leave(): void {
    this.status = 'left'
    this.#tell()
  }

  comeBack(id: string): void {
    this.id = id
    this.status = 'joining'
    this.#tell()
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
