/** What the peer object makes of messages, in a simulated room: who hears what, once, and what is told when nobody does. */

import { expect, test } from 'vitest'
import type { Message } from '../core/index.ts'
import type { Answer } from './answers.ts'
import { type Peer, peerIn, simulate, type World } from './sim.ts'

test('a message to one member is heard by it alone, and its sender learns that it arrived', async () => {
  const world = settled(5)
  const heard = listen(world)
  const sent = peerIn(world, 'p0').send(world.idOf('p3'), { text: 'hello', bytes: new Uint8Array([1, 2]) })
  world.run(1_000)
  expect(await sent).toBe(true)
  const message = { from: world.idOf('p0'), data: { text: 'hello', bytes: new Uint8Array([1, 2]) } }
  expect(heard).toEqual({ p0: [], p1: [], p2: [], p3: [message], p4: [] })
})

test('what is published is heard once by everybody else who is there', () => {
  const world = settled(5)
  const heard = listen(world)
  peerIn(world, 'p0').publish('weather', 'fine')
  world.run(1_000)
  const message = { from: world.idOf('p0'), topic: 'weather', data: 'fine' }
  expect(heard).toEqual({ p0: [], p1: [message], p2: [message], p3: [message], p4: [message] })
})

test('whoever joins later does not hear what was published before', () => {
  const world = settled(3)
  peerIn(world, 'p0').publish('weather', 'fine')
  world.run(2_000)
  world.join('late')
  const heard: unknown[] = []
  peerIn(world, 'late').onMessage((message) => heard.push(message))
  world.run(10_000)
  expect(heard).toEqual([])
})

test('a listener of one topic hears nothing else, one of all hears messages to its member too, and both can be ended', () => {
  const world = settled(2)
  const [sender, hearer] = [peerIn(world, 'p0'), peerIn(world, 'p1')]
  const [news, all]: string[][] = [[], []]
  const ends = [
    hearer.onMessage('news', ({ data }) => news!.push(String(data))),
    hearer.onMessage(({ data }) => all!.push(String(data))),
    hearer.on('message', ({ data }) => all!.push(String(data))),
  ]
  const speak = () => {
    sender.publish('news', 'a')
    sender.publish('talk', 'b')
    sender.send(hearer.id, 'c')
    world.run(1_000)
  }
  speak()
  for (const end of ends) end()
  speak()
  expect(news).toEqual(['a'])
  expect(all!.sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
})

test('a message to oneself is heard as one of others, and has arrived', async () => {
  const world = settled(1)
  const peer = peerIn(world, 'p0')
  const heard: unknown[] = []
  peer.onMessage((message) => heard.push(message))
  const data = { n: 1 }
  const sent = peer.send(peer.id, data)
  data.n = 2
  expect(await sent).toBe(true)
  expect(heard).toEqual([{ from: peer.id, data: { n: 1 } }])
})

test('what is heard is frozen, and no part of what the sender holds', () => {
  const world = settled(2)
  const heard: Message[] = []
  peerIn(world, 'p1').onMessage((message) => heard.push(message))
  const data = { list: [1, 2] }
  peerIn(world, 'p0').publish('t', data)
  data.list.push(3)
  peerIn(world, 'p0').send(world.idOf('p1'), data)
  world.run(1_000)
  const lists = heard.map(({ data }) => (data as { list: number[] }).list).sort((a, b) => a.length - b.length)
  expect(lists).toEqual([
    [1, 2],
    [1, 2, 3],
  ])
  for (const message of heard) {
    const { list } = message.data as typeof data
    expect([message, message.data, list].every(Object.isFrozen)).toBe(true)
  }
})

test('to a member that is cut off, false comes after three seconds, and nothing is ever rejected', async () => {
  const world = settled(4)
  world.partition(['p0', 'p1'], ['p2', 'p3'])
  const told: boolean[] = []
  peerIn(world, 'p0')
    .send(world.idOf('p3'), 'lost')
    .then((arrived) => told.push(arrived))
  world.run(2_900)
  await turn()
  expect(told).toEqual([])
  world.run(200)
  await turn()
  expect(told).toEqual([false])
})

test('to one that is gone, or that nobody has heard of, no word arrives, and that is no error', async () => {
  const world = settled(3)
  const peer = peerIn(world, 'p0')
  const gone = world.idOf('p2')
  world.leave('p2')
  world.run(1_000)
  const stranger = 'A'.repeat(22)
  expect(await Promise.all([peer.send(gone, 1), peer.send(stranger, 1)])).toEqual([false, false])
  expect(peer.counters().letters_sent).toBeUndefined()
})

test('what cannot be sent is refused at once, and says what was expected', () => {
  const world = settled(2)
  const peer = peerIn(world, 'p0')
  const other = world.idOf('p1')
  expect(codeOf(() => peer.send('nobody', 1))).toBe('bad_option')
  expect(codeOf(() => peer.send(other, 'x'.repeat(1_000)))).toBe('message_too_large')
  expect(codeOf(() => peer.send(other, new Map([[1, 2]])))).toBe('bad_value')
  expect(codeOf(() => peer.publish('', 1))).toBe('bad_option')
  expect(codeOf(() => peer.publish('x'.repeat(65), 1))).toBe('bad_option')
  expect(codeOf(() => peer.publish(7 as unknown as string, 1))).toBe('bad_option')
  expect(codeOf(() => peer.publish('t', 'x'.repeat(1_000)))).toBe('message_too_large')
  expect(codeOf(() => peer.publish('é'.repeat(64), 'x'.repeat(990)))).toBe('none')
  expect(codeOf(() => peer.publish('東'.repeat(64), 'x'.repeat(990)))).toBe('message_too_large')
  expect(codeOf(() => peer.query('t', 1, { timeout: 0 }))).toBe('bad_option')
  expect(codeOf(() => peer.query('t', 1, { timeout: 60_001 }))).toBe('bad_option')
  expect(() => peer.query('t', 1, { timeout: '100' as never })).toThrow(/^timeout: .*, got "100"$/)
})

test('what cannot listen is refused by the name of the call', () => {
  const peer = peerIn(settled(1), 'p0')
  const onMessage = peer.onMessage.bind(peer) as (...given: unknown[]) => void
  const refusalOf = (...given: unknown[]) => expect.soft(() => onMessage(...given), String(given))
  const topic = 'topic: expected a text of 1 to 64 whole characters, got'
  refusalOf().toThrow(/^onMessage: expected a function, got undefined$/)
  refusalOf('t').toThrow(/^onMessage: expected a function, got "t"$/)
  refusalOf('t', 1).toThrow(/^onMessage: expected a function, got 1$/)
  // In the wrong order, and nothing was being sent.
  refusalOf(() => {}, 't').toThrow(new RegExp(`^${topic} a function$`))
  refusalOf('', () => {}).toThrow(new RegExp(`^${topic} ""$`))
  expect(() => peer.onQuery('t', 1 as never)).toThrow(/^onQuery: expected a function, got 1$/)
  expect(() => peer.onConnection(1 as never)).toThrow(/^onConnection: expected a function, got 1$/)
})

test('who sends too much is told so, and may go on a moment later', () => {
  const world = settled(2)
  const peer = peerIn(world, 'p0')
  const other = world.idOf('p1')
  const many = (count: number, run: () => void) => Array.from({ length: count }, () => codeOf(run))
  expect(new Set(many(200, () => peer.publish('t', 1)))).toEqual(new Set(['none']))
  expect(codeOf(() => peer.publish('t', 1))).toBe('rate_limited')
  expect(new Set(many(250, () => peer.send(other, 1)))).toEqual(new Set(['none']))
  expect(codeOf(() => peer.send(other, 1))).toBe('rate_limited')
  world.run(1_000)
  expect(many(51, () => peer.publish('t', 1)).filter((code) => code === 'none')).toHaveLength(50)
  expect(codeOf(() => peer.send(other, 1))).toBe('none')
})

test('a query is answered once by everybody who can, the asker included, and ends in its time', async () => {
  const world = settled(6)
  for (const name of world.names()) {
    if (name !== 'p4') peerIn(world, name).onQuery('load', (data, { from }) => ({ name, data, from }))
  }
  const asker = peerIn(world, 'p0')
  const answers = asker.query<{ name: string }>('load', 'now')
  world.run(999)
  const early = collect(answers)
  await turn()
  world.run(1)
  const found = await early
  expect(found.map(({ data }) => data.name).sort()).toEqual(['p0', 'p1', 'p2', 'p3', 'p5'])
  for (const { from, data } of found) {
    expect(data).toEqual({ name: nameOf(world, from), data: 'now', from: asker.id })
  }
})

test('a handler may take its time, but an answer that comes after the end is not sent', async () => {
  const world = settled(3)
  const open: ((answer: unknown) => void)[] = []
  const slow = () =>
    new Promise((resolve) => {
      open.push(resolve)
    })
  peerIn(world, 'p1').onQuery('q', slow)
  peerIn(world, 'p2').onQuery('q', slow)
  const answers = peerIn(world, 'p0').query('q', undefined, { timeout: 2_000 })
  world.run(500)
  expect(open).toHaveLength(2)
  open[0]!('in time')
  await turn()
  world.run(1_600)
  const sentBy = () => world.names().map((name) => world.peer(name).counters().answers_sent ?? 0)
  expect(sentBy().reduce((a, b) => a + b)).toBe(1)
  open[1]!('too late')
  await turn()
  world.run(2_000)
  expect(sentBy().reduce((a, b) => a + b)).toBe(1)
  expect((await collect(answers)).map(({ data }) => data)).toEqual(['in time'])
})

test('without a handler, with undefined or with an error there is no answer, and the error is told', () => {
  const world = settled(3)
  peerIn(world, 'p1').onQuery('q', () => undefined)
  peerIn(world, 'p2').onQuery('q', () => {
    throw new Error('not today')
  })
  peerIn(world, 'p0').query('q')
  // In a simulated world the log ends the run.
  expect(() => world.run(1_000)).toThrow(/p2: a listener threw: Error: not today/)
})

test('one handler a topic: a second is refused until the first has ended', () => {
  const world = settled(1)
  const peer = peerIn(world, 'p0')
  const end = peer.onQuery('q', () => 1)
  expect(codeOf(() => peer.onQuery('q', () => 2))).toBe('already_registered')
  end()
  expect(codeOf(() => peer.onQuery('q', () => 2))).toBe('none')
  // Ending the first again does not end the second.
  end()
  expect(codeOf(() => peer.onQuery('q', () => 3))).toBe('already_registered')
})

test('`break` ends a query, and what comes later is not kept', async () => {
  const world = settled(4)
  for (const name of world.names()) peerIn(world, name).onQuery('q', () => name)
  const peer = peerIn(world, 'p0')
  const answers = peer.query('q')
  world.run(1_000)
  const first: unknown[] = []
  for await (const { data } of answers) {
    first.push(data)
    break
  }
  expect(first).toHaveLength(1)
  expect(await answers.next()).toEqual({ value: undefined, done: true })
})

test('aborting rejects whoever waits, with its reason, and a query that is aborted before is not asked', async () => {
  const world = settled(3)
  const peer = peerIn(world, 'p0')
  const abort = new AbortController()
  const waiting = peer.query('q', 1, { signal: abort.signal }).next()
  const reason = new Error('enough')
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  const before = world.peer('p0').counters().messages_published
  const late = peer.query('q', 1, { signal: abort.signal })
  await expect(late.next()).rejects.toBe(reason)
  expect(await late.next()).toEqual({ value: undefined, done: true })
  expect(world.peer('p0').counters().messages_published).toBe(before)
})

test("a query that the asker's own handler ends, by leaving or by calling it off, is over at once and holds no place", async () => {
  const world = settled(3)
  const peer = peerIn(world, 'p0')
  let calledOff = new AbortController()
  const off = peer.onQuery('x', () => calledOff.abort(new Error('enough')))
  for (let n = 0; n < 80; n++) {
    calledOff = new AbortController()
    await expect(peer.query('x', n, { signal: calledOff.signal }).next()).rejects.toThrow('enough')
    world.run(500)
  }
  off()
  peer.onQuery('x', () => {
    void peer.leave()
  })
  expect(await collect(peer.query('x'))).toEqual([])
})

test('an answer may be anything that can be waited for', async () => {
  const world = settled(2)
  // biome-ignore lint/suspicious/noThenProperty: this is what it is about
  const later = { then: (given: (answer: number) => void) => given(7) }
  peerIn(world, 'p1').onQuery('x', () => later)
  const found = collect(peerIn(world, 'p0').query('x'))
  for (let n = 0; n < 30; n++) {
    await turn()
    world.run(50)
  }
  expect((await found).map(({ data }) => data)).toEqual([7])
})

test('leaving ends what is waited for, and everything behind it throws `left`', async () => {
  const world = settled(3)
  const peer = peerIn(world, 'p0')
  const sent = peer.send(world.idOf('p1'), 1)
  const answer = peer.query('q').next()
  peer.leave()
  expect(await sent).toBe(false)
  expect(await answer).toEqual({ value: undefined, done: true })
  expect(codeOf(() => peer.send(world.idOf('p1'), 1))).toBe('left')
  expect(() => peer.send(world.idOf('p1'), 1)).toThrow('this peer has left its room; nothing was sent')
  expect(codeOf(() => peer.publish('t', 1))).toBe('left')
  expect(codeOf(() => peer.query('t'))).toBe('left')
})

test('a listener may answer at once, and hears what follows in its turn', async () => {
  const world = settled(2)
  const [one, other] = [peerIn(world, 'p0'), peerIn(world, 'p1')]
  const story: string[] = []
  for (const peer of [one, other]) {
    peer.onMessage<number>(({ from, data }) => {
      story.push(`${nameOf(world, peer.id)} ${data}`)
      if (data < 4) peer.send(from, data + 1)
    })
  }
  one.send(other.id, 1)
  world.run(1_000)
  expect(story).toEqual(['p1 1', 'p0 2', 'p1 3', 'p0 4'])
})

test.each([
  ['members that reach one another', 150, ['sim'], ['sim']],
  ['tabs on a mesh, asked by one of them', 60, ['rtc', 'relay'], ['rtc', 'relay']],
  ['tabs, asked by a server behind one gateway', 60, ['rtc', 'relay'], ['udp']],
])(
  'of %s, everybody answers, though 5 %% of packets are lost, and not all at once',
  async (_name, peers, kinds, asking) => {
    const kindsOf = (i: number) => (i === 0 ? asking : i === 1 ? [...new Set([...asking, ...kinds])] : kinds)
    const world = simulate({ peers, seed: 3, kinds: kindsOf, linked: true, link: { loss: 0.05 } })
    world.run(5_000)
    for (const name of world.names()) peerIn(world, name).onQuery('q', () => name)
    const asker = peerIn(world, 'p0')
    const at: number[] = []
    const off = world.onPacket((_from, to) => {
      if (to === 'p0') at.push(world.now)
    })
    const answers = asker.query('q', undefined, { timeout: 5_000 })
    world.run(5_100)
    off()
    const found = await collect(answers)
    expect(found.map(({ data }) => data).sort()).toEqual(world.names().sort())
    expect(new Set(at.map((ms) => Math.floor(ms / 50))).size).toBeGreaterThan(5)
  },
)

test('a query that claims to wait for weeks holds its place for a minute, and there are places for so many', () => {
  const world = settled(3)
  let asked = 0
  const peer = peerIn(world, 'p1')
  peer.onQuery('q', () => {
    asked++
    return new Promise(() => {})
  })
  const from = world.idOf('p0')
  // As the core tells it, which would not take so many of one.
  const ask = (seq: number) =>
    peer.hear({ type: 'query', query: { from, seq, topic: 'q', data: 1, answerMs: 0xffff_ffff } })
  for (let seq = 1; seq <= 300; seq++) ask(seq)
  expect(asked).toBe(256)
  expect(world.peer('p1').counters().queries_dropped).toBe(44)
  world.run(60_000)
  ask(301)
  expect(asked).toBe(257)
})

test('queries that wait for answers are bounded', () => {
  const world = settled(1)
  const peer = peerIn(world, 'p0')
  for (let i = 0; i < 64; i++) {
    peer.query('q', i, { timeout: 60_000 })
    world.run(200)
  }
  expect(codeOf(() => peer.query('q', 64))).toBe('too_many')
  world.run(50_000)
  expect(codeOf(() => peer.query('q', 64))).toBe('none')
})

function settled(peers: number, seed = 1): World {
  const world = simulate({ peers, seed })
  world.settle(20_000)
  return world
}

function listen(world: World): Record<string, Message[]> {
  const heard: Record<string, Message[]> = {}
  for (const name of world.names()) {
    const messages: Message[] = []
    heard[name] = messages
    peerIn(world, name).onMessage((message) => messages.push(message))
  }
  return heard
}

function nameOf(world: World, id: Peer['id']): string {
  return world.names().find((name) => world.idOf(name) === id)!
}

async function collect<T>(answers: AsyncIterable<Answer<T>>): Promise<Answer<T>[]> {
  const found: Answer<T>[] = []
  for await (const answer of answers) found.push(answer)
  return found
}

/** Lets promises that are settled be heard of. */
async function turn(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

function codeOf(run: () => void): string {
  try {
    run()
    return 'none'
  } catch (error) {
    return (error as { code: string }).code
  }
}
