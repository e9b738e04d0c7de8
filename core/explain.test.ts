import { expect, test } from 'vitest'
import { because, type Facts } from './because.ts'
import type { Explanation } from './explain.ts'
import { Crowd, rttMs } from './sim/crowd.ts'
import { simulate, type World } from './sim/index.ts'

// From one peer among members that answer by a script

test('an id that nobody has is not explained', () => {
  expect(new Crowd(3).swim.explainer.explain('nobody', 0)).toBeUndefined()
})

test('one that answered is explained by its answer: when, by which channel, and how long the way is', () => {
  const crowd = new Crowd(5)
  crowd.warmUp()
  const before = crowd.swim.explainer.explain(crowd.idOf(2), crowd.now)!
  const explained = crowd.swim.explainer.explain(crowd.idOf(2), crowd.now + 400)!
  expect(explained).toMatchObject({
    name: 'm2',
    self: false,
    status: 'alive',
    lastAnswer: { kind: 'udp', from: 'udp:2', carried: false },
    accusers: [],
    watched: true,
    via: 'direct',
    path: 'udp:2',
    cutOff: false,
    flapping: 0,
    observer: { id: crowd.self, status: 'joined', health: 0 },
  })
  expect(explained.rttMs).toBeCloseTo(rttMs)
  expect(explained.lastAnswer!.agoMs - before.lastAnswer!.agoMs).toBeCloseTo(400)
  expect(explained.because).toMatch(/^answered this peer \d+\.\d s ago over udp$/)
  expect(explained).not.toHaveProperty('deadInMs')
})

test('an explanation survives JSON as it is', () => {
  const crowd = new Crowd(20)
  crowd.warmUp()
  crowd.accuse(12, 7)
  const explained = crowd.swim.explainer.explain(crowd.idOf(12), crowd.now)
  expect(JSON.parse(JSON.stringify(explained))).toEqual(explained)
})

test('asking changes nothing: a peer that is asked all the time sends the very same packets', () => {
  const transcript = (asks: boolean) => {
    const world = simulate({ peers: 30, seed: 5, kinds: ['rtc', 'relay'], linked: true })
    const sent: string[] = []
    world.onPacket((from, to, _, packet) => sent.push(`${from} ${to} ${packet.length}`))
    for (let i = 0; i < 40; i++) {
      if (i === 10) world.crash('p9')
      world.run(250)
      if (asks) for (const { id } of world.peer('p0').members()) world.peer('p0').explainer.explain(id, i)
    }
    return sent
  }
  const [quiet, asked] = [transcript(false), transcript(true)]
  expect(quiet.length).toBeGreaterThan(100)
  expect(asked).toEqual(quiet)
})

test('a suspicion names its accusers, in order and with their times, and when it becomes a death', () => {
  const crowd = new Crowd(40)
  crowd.warmUp()
  const [at] = crowd.witnesses(false)
  crowd.silent.add(at!)
  crowd.accuse(at!, 7)
  crowd.run(1_000)
  crowd.accuse(at!, 8)
  crowd.run(200)
  const explained = crowd.swim.explainer.explain(crowd.idOf(at!), crowd.now)!
  expect(explained.status).toBe('suspect')
  expect(explained.accusers).toEqual([
    { id: crowd.idOf(7), name: 'm7', agoMs: 1_200 },
    { id: crowd.idOf(8), name: 'm8', agoMs: 200 },
  ])
  expect(explained.deadInMs).toBeCloseTo(crowd.belief(at!).suspectUntil - crowd.now, 0)
  expect(explained.because).toMatch(/^suspected by m7 and m8 for 1\.2 s; dead in \d\.\d s unless it answers$/)
})

test('of a suspicion of its own the peer says so', () => {
  const crowd = new Crowd(40)
  crowd.warmUp()
  crowd.silent.add(3)
  crowd.runUntil(() => crowd.told('suspect').length > 0)
  const explained = crowd.swim.explainer.explain(crowd.idOf(3), crowd.now)!
  expect(explained.accusers.map(({ id }) => id)).toEqual([crowd.self])
  expect(explained.failedProbe!.inARow).toBe(1)
  expect(explained.because).toMatch(/^suspected by this peer for /)
})

test('a member that missed a probe and is held alive all the same is explained by both', () => {
  const crowd = new Crowd(11)
  crowd.warmUp()
  crowd.belief(3).punish(1.5, crowd.now)
  crowd.silent.add(3)
  crowd.runUntil(() => crowd.belief(3).failures === 1)
  const explained = crowd.swim.explainer.explain(crowd.idOf(3), crowd.now)!
  expect(explained.status).toBe('alive')
  expect(explained.because).toMatch(/answered this peer \d.* ago over udp; a probe 0\.\d s ago went unanswered$/)
})

test('of an answer that a helper passed on, the helper is named', () => {
  const crowd = new Crowd(11)
  crowd.warmUp()
  crowd.sent.length = 0
  crowd.silent.add(3)
  crowd.runUntil(() => crowd.sent.some(({ header }) => header.kind === 'pingReq' && header.target === crowd.idOf(3)))
  crowd.silent.delete(3)
  const asked = crowd.sent.filter(({ header }) => header.kind === 'pingReq').at(-1)!
  crowd.ack(Number(asked.to.slice(4)), asked.header.kind === 'pingReq' ? asked.header.seq : 0)
  const explained = crowd.swim.explainer.explain(crowd.idOf(3), crowd.now)!
  const name = `m${asked.to.slice(4)}`
  expect(explained.lastAnswer).toMatchObject({ agoMs: 0, from: asked.to, helper: { name } })
  expect(explained.because).toBe(`answered ${name}, which had asked for this peer, 0.0 s ago`)
})

test('a death names who declared it and who had suspected it before', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(false)
  crowd.silent.add(at!)
  for (const accuser of [7, 8]) crowd.accuse(at!, accuser)
  crowd.run(2_000)
  crowd.hear(9, [{ type: 'dead', id: crowd.idOf(at!), incarnation: 1, accuser: crowd.idOf(9) }])
  const explained = crowd.swim.explainer.explain(crowd.idOf(at!), crowd.now + 12_000)!
  expect(explained).toMatchObject({ status: 'dead', declaredBy: { name: 'm9' }, watchers: [], watched: false })
  expect(explained.because).toBe('declared dead by m9 12 s ago, after m7 and m8 had suspected it')
})

test('one that refuted says so for a while, and then is one like any other', () => {
  const crowd = new Crowd(5)
  crowd.warmUp()
  crowd.accuse(2, 1)
  crowd.hear(2, [{ ...crowd.recordOf(2), incarnation: 2 }])
  crowd.run(5_000)
  const explained = crowd.swim.explainer.explain(crowd.idOf(2), crowd.now)!
  expect(explained).toMatchObject({ status: 'alive', accusers: [], flapping: 0.49, comeback: { from: 'suspicion' } })
  expect(explained.because).toMatch(/^refuted a suspicion 5\.0 s ago; answered this peer .* over udp$/)
  crowd.run(60_000)
  expect(crowd.swim.explainer.explain(crowd.idOf(2), crowd.now)!.because).toMatch(/^answered this peer/)
})

test('one that keeps coming back from the dead is explained as shown: suspect, accused by nobody', () => {
  const crowd = new Crowd(5)
  crowd.warmUp()
  crowd.belief(2).punish(1.5, crowd.now)
  crowd.belief(2).punish(1.5, crowd.now + 40_000)
  const explained = crowd.swim.explainer.explain(crowd.idOf(2), crowd.now + 40_000)!
  expect(explained).toMatchObject({ status: 'suspect', accusers: [], comeback: { from: 'death', agoMs: 0 } })
  expect(explained.because).toMatch(
    /^keeps coming and going, so it counts as suspect until it has been steady; answered/,
  )
})

test('of one whose address another has taken, the heir is named', () => {
  const crowd = new Crowd(11)
  crowd.warmUp()
  crowd.denying.add(3)
  crowd.hear(4, [{ ...crowd.recordOf(50), endpoints: [crowd.endpoint(3)] }])
  crowd.run(rttMs)
  const explained = crowd.swim.explainer.explain(crowd.idOf(3), crowd.now)!
  expect(explained.displacedBy).toEqual({ id: crowd.idOf(50), name: 'm50' })
  expect(explained.because).toMatch(/^suspected by this peer for 0\.0 s; m50 lives at its address now; dead in/)
})

test('what an isolated peer holds is kept as it was, and nobody has a time to die', () => {
  const crowd = new Crowd(20)
  crowd.warmUp()
  crowd.accuse(12, 7)
  crowd.silentAll = true
  crowd.runUntil(() => crowd.swim.status === 'isolated', 30_000)
  const explained = crowd.swim.explainer.explain(crowd.idOf(3), crowd.now)!
  expect(explained.because).toMatch(
    /^kept as it was, since this peer takes itself for cut off: none of 20 members answers/,
  )
  expect(crowd.swim.explainer.explain(crowd.idOf(12), crowd.now)).not.toHaveProperty('deadInMs')
  expect(explained.observer.health).toBeGreaterThan(0)
})

test('the peer itself is explained by how it stands', () => {
  const crowd = new Crowd(3)
  crowd.warmUp()
  const explained = crowd.swim.explainer.explain(crowd.self, crowd.now)!
  expect(explained).toMatchObject({ self: true, via: 'direct', watched: false, links: [] })
  expect(explained.because).toBe('this is the peer that was asked: joined, in touch with the room')
})

test('how late this peer was lately is told with every explanation', () => {
  const crowd = new Crowd(5)
  crowd.stall(900)
  expect(crowd.swim.explainer.explain(crowd.idOf(2), crowd.now)!.observer.lagMs).toBe(900)
})

// In rooms

test('in a large room of tabs, a neighbour is explained by its answers, and the others by hearsay and their watchers', () => {
  const world = tabs(40)
  world.run(30_000)
  const all = explainAll(world, 'p0')
  const [near, far] = [true, false].map((watched) => all.filter((one) => one.watched === watched && !one.self))
  expect(near!.length).toBeGreaterThan(3)
  for (const one of near!) {
    expect(one.because).toMatch(/^answered this peer \d+(\.\d)? s ago over rtc$/)
    expect(one.links).toEqual([{ kind: 'rtc', state: 'open', wanted: true, failed: 0 }])
    expect(one.watchers.map(({ name }) => name)).toContain('p0')
  }
  for (const one of far!) {
    expect(one.because).toMatch(/^known by hearsay only: its neighbours p\d+, p\d+ and \d others watch it/)
    expect(one).toMatchObject({ via: 'gossip', path: `rtc:${one.id}`, links: [] })
    // By the links of others, and the member itself last.
    expect(one.route!.at(-1)!.id).toBe(one.id)
    const [first] = one.route!
    expect(near!.map(({ id }) => id)).toContain(first!.id)
  }
})

test('neighbours are each other’s, and everybody computes the same, whatever channels they have', () => {
  const kinds = (i: number) => (i === 0 ? ['rtc', 'relay', 'udp'] : i % 2 ? ['udp'] : ['rtc', 'relay'])
  const world = simulate({ peers: 40, seed: 3, kinds, linked: true })
  world.run(5_000)
  const views = ['p0', 'p1', 'p2'].map((name) => neighboursAt(world, name))
  expect(views[1]).toEqual(views[0])
  expect(views[2]).toEqual(views[0])
  for (const [id, neighbours] of Object.entries(views[0]!)) {
    expect(new Set(neighbours).size).toBe(neighbours.length)
    expect(neighbours).not.toContain(id)
    for (const other of neighbours) expect(views[0]![other]).toContain(id)
  }
  // Rings of foreign channels follow who comes and goes.
  world.crash('p5')
  world.settle(60_000)
  const [here, there] = [neighboursAt(world, 'p1'), neighboursAt(world, 'p2')]
  expect(here).toEqual(there)
  expect(here).not.toEqual(views[0])
  expect(world.peer('p1').explainer.neighbours(world.idOf('p5'))).toEqual([])
})

test('walking from each member to the first of its neighbours leads round the whole room', () => {
  const world = tabs(40)
  const { id } = world.peer('p0')
  const seen = new Set<string>()
  for (let at = id; !seen.has(at); at = world.peer('p0').explainer.neighbours(at)[0]!) seen.add(at)
  expect(seen.size).toBe(40)
})

test('a crashed tab is explained as suspected and then as dead by whoever knew it', () => {
  const world = tabs(8)
  world.run(5_000)
  world.crash('p3')
  const id = world.idOf('p3')
  const explained = () => explainAt(world, 'p0', id)
  world.runUntil(() => explained().status === 'suspect', 30_000)
  expect(explained().because).toMatch(/^suspected by .* for \d\.\d s; dead in \d+(\.\d)? s unless it answers$/)
  world.runUntil(() => explained().status === 'dead', 30_000)
  expect(explained().because).toMatch(/^declared dead by (p\d|this peer) 0\.\d s ago, after .* had suspected it$/)
})

test('a tab that leaves is explained by its farewell', () => {
  const world = tabs(5)
  const id = world.idOf('p3')
  world.leave('p3')
  world.run(3_000)
  expect(explainAt(world, 'p0', id).because).toMatch(/^said farewell \d\.\d s ago$/)
})

test('one that nothing but the server leads to is explained by the server', () => {
  const kinds = (i: number) => (i === 1 ? ['relay'] : ['rtc', 'relay'])
  const world = simulate({ peers: 6, seed: 2, kinds })
  world.settle(30_000)
  world.run(10_000)
  const explained = explainAt(world, 'p0', world.idOf('p1'))
  expect(explained).toMatchObject({ via: 'relayed', path: `relay:${world.idOf('p1')}`, links: [] })
  expect(explained.because).toMatch(/^answered this peer .* ago through the signalling server$/)
})

test('a neighbour that cannot be linked is explained by a link that failed, and by the links of others', () => {
  const world = simulate({
    peers: 6,
    seed: 2,
    kinds: ['rtc', 'relay'],
    linkable: (a, b) => [a, b].sort().join() !== 'p0,p1',
  })
  world.settle(60_000)
  world.run(30_000)
  const explained = explainAt(world, 'p0', world.idOf('p1'))
  expect(explained.links).toEqual([expect.objectContaining({ kind: 'rtc', wanted: true })])
  expect(explained.links[0]!.state).not.toBe('open')
  expect(explained.links[0]!.failed).toBeGreaterThan(0)
  expect(explained.because).toMatch(
    /^answered this peer .* ago (over rtc links of others|through the signalling server)/,
  )
})

test('a frozen tab is explained by what it said before it fell silent', () => {
  const world = tabs(5)
  world.run(3_000)
  const connection = world.connect('p3', () => {})
  connection.call((swim, now) => swim.setMode('frozen', now))
  world.run(1_000)
  const id = world.idOf('p3')
  expect(explainAt(world, 'p0', id).because).toMatch(/^its page is frozen, so silence is expected of it; answered/)
  world.pause('p3', 60_000)
  world.runUntil(() => explainAt(world, 'p0', id).status === 'suspect', 30_000)
  expect(explainAt(world, 'p0', id).because).toMatch(/; dead in 10 min unless its frozen page comes back$/)
})

test('behind the last gateway, members are cut off, and so they are explained', () => {
  const kinds = (i: number) => (i === 0 ? ['rtc', 'udp'] : i < 3 ? ['udp'] : ['rtc'])
  const world = simulate({ peers: 6, seed: 4, kinds, linked: true })
  world.run(3_000)
  const id = world.idOf('p1')
  expect(explainAt(world, 'p4', id).because).toMatch(/^known by hearsay only: its neighbours p\d and p\d watch it$/)
  world.crash('p0')
  world.runUntil(() => explainAt(world, 'p4', id).status === 'suspect', 60_000)
  expect(explainAt(world, 'p4', id)).toMatchObject({ cutOff: true, watched: false })
  expect(explainAt(world, 'p4', id).because).toContain('no chain of members leads to it')
})

test('behind a farewell of its own, the last view is explained as it was', () => {
  const world = tabs(4)
  world.run(3_000)
  world.leave('p0')
  expect(explainAt(world, 'p0', world.idOf('p1'))).toMatchObject({ status: 'alive', observer: { status: 'left' } })
})

// The words

test.each<[string, Partial<Facts>, string]>([
  [
    'one without a name is called by its id',
    { watchers: [named('', 'abcdefghijkl')] },
    'its neighbour abcdefgh watches it',
  ],
  ['long ago is told in minutes', { status: 'left', sinceMs: 1_800_000 }, 'said farewell 30 min ago'],
  ['very long ago in hours', { status: 'left', sinceMs: 10_000_000 }, 'said farewell 3 h ago'],
  ['a death nobody signed has no author', { status: 'dead', sinceMs: 2_000 }, 'declared dead 2.0 s ago'],
  [
    'a suspect that answers is one that has yet to refute',
    {
      status: 'suspect',
      sinceMs: 2_000,
      accusers: [{ ...named('Ana'), agoMs: 2_000 }],
      lastAnswer: { agoMs: 500, kind: 'rtc', from: 'rtc:x', carried: false },
      deadInMs: 0,
    },
    'suspected by Ana for 2.0 s; it has answered this peer since, 0.5 s ago, but not refuted; its time is over',
  ],
])('%s', (_, facts, words) => {
  expect(because({ ...plain, ...facts })).toContain(words)
})

const plain: Facts = {
  ...named('Ben'),
  self: false,
  status: 'alive',
  sinceMs: 60_000,
  mode: 'server',
  incarnation: 1,
  probing: false,
  accusers: [],
  cutOff: false,
  flapping: 0,
  watched: false,
  watchers: [],
  via: 'gossip',
  links: [],
  entries: { count: 0, bytes: 0 },
  observer: { ...named('Cy', 'own-id'), status: 'joined', reason: '', health: 0, lagMs: 0, usualRttMs: 0 },
}

function named(name: string, id = `${name}-id`) {
  return { id, name }
}

/** A room of tabs that have been linked for long. */
function tabs(peers: number): World {
  return simulate({ peers, seed: 9, kinds: ['rtc', 'relay'], linked: true })
}

function explainAt(world: World, at: string, id: string): Explanation {
  // By the clock of the peer.
  return world.peer(at).explainer.explain(id, world.connect(at, () => {}).now())!
}

function explainAll(world: World, at: string): Explanation[] {
  return world
    .peer(at)
    .members()
    .map(({ id }) => explainAt(world, at, id))
}

function neighboursAt(world: World, at: string): Record<string, readonly string[]> {
  const { beliefs } = world.peer(at)
  return Object.fromEntries(beliefs.presentIds().map((id) => [id, world.peer(at).explainer.neighbours(id)]))
}
