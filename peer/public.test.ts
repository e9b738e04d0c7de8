/** The types of the public surface: what compiles is the test, what runs is next to nothing. */

import { expectTypeOf, test } from 'vitest'
import { join, type TabOptions } from '../browser/index.ts'
import { type Overlay, showOverlay } from '../browser/overlay.ts'
import { type NodePeerOptions, startPeer } from '../node/index.ts'
import { type SignalingCounters, type SignalingServer, startSignaling } from '../signaling/index.ts'
import type {
  Answer,
  Consistency,
  DirectConnection,
  ErrorCode,
  Explanation,
  Health,
  Instance,
  Link,
  Member,
  Message,
  Peer,
  PeerStatus,
  Registration,
  ServiceChange,
  ShoalError,
  State,
  StateValue,
  User,
} from './public.ts'
import { peerIn, simulate, type World } from './sim.ts'

interface Presence {
  color: string
  cursor: [x: number, y: number]
  typing?: boolean
  seen: Date
}

test('a peer knows the state of its application: its own and, with no key for sure, that of others', () => {
  expectTypeOf(join<Presence>).returns.resolves.toEqualTypeOf<Peer<Presence>>()
  expectTypeOf(startPeer<Presence>).returns.resolves.toEqualTypeOf<Peer<Presence>>()
  expectTypeOf<Peer<Presence>['state']>().toEqualTypeOf<Readonly<Partial<Presence>>>()
  expectTypeOf<Peer<Presence>['self']>().toEqualTypeOf<Member<Presence>>()
  expectTypeOf<ReturnType<Peer<Presence>['members']>>().toEqualTypeOf<readonly Member<Presence>[]>()
  expectTypeOf<Member<Presence>['state']['cursor']>().toEqualTypeOf<[x: number, y: number] | undefined>()
  expectTypeOf<User<Presence>['members'][number]['state']['color']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<TabOptions<Presence>['state']>().toEqualTypeOf<Readonly<Partial<Presence>> | undefined>()
})

test('without a type of its own a state has any keys', () => {
  const open = () => join({ room: 'r', signaling: 'ws://localhost', state: { anything: [1] } })
  expectTypeOf(open).returns.resolves.toEqualTypeOf<Peer<State>>()
  expectTypeOf<Peer['state']>().toEqualTypeOf<State>()
  expectTypeOf<Member['state']['anything']>().toEqualTypeOf<StateValue>()
})

test('a patch names keys of the state, with their types or undefined', () => {
  type Patch = Parameters<Peer<Presence>['setState']>[0]
  expectTypeOf<{ color: string }>().toExtend<Patch>()
  expectTypeOf<{ cursor: undefined }>().toExtend<Patch>()
  expectTypeOf<{ color: number }>().not.toExtend<Patch>()
  const wrong = (peer: Peer<Presence>) => {
    // @ts-expect-error: there is no such key
    peer.setState({ colour: 'teal' })
    // @ts-expect-error: of another type
    peer.setState({ typing: 'yes' })
  }
  expectTypeOf(wrong).toBeFunction()
})

test('listeners are given what belongs to their event', () => {
  const listen = (peer: Peer<Presence>) => {
    expectTypeOf(peer.on('join', (member) => expectTypeOf(member).toEqualTypeOf<Member<Presence>>())).toEqualTypeOf<
      () => void
    >()
    peer.on('status', (status, reason) => {
      expectTypeOf(status).toEqualTypeOf<PeerStatus>()
      expectTypeOf(reason).toEqualTypeOf<string>()
    })
    peer.on('userJoin', (user) => expectTypeOf(user).toEqualTypeOf<User<Presence>>())
    // @ts-expect-error: there is no such event
    peer.on('joined', () => {})
    expectTypeOf(peer.settled({ quietMs: 1 })).resolves.toEqualTypeOf<Consistency>()
    expectTypeOf(peer[Symbol.asyncDispose]()).resolves.toBeVoid()
  }
  expectTypeOf(listen).toBeFunction()
})

test('what is read is readonly, down to the lists in it', () => {
  const change = (member: Member<Presence>, user: User<Presence>, instance: Instance, peer: Peer<Presence>) => {
    // @ts-expect-error: a snapshot
    member.name = 'other'
    // @ts-expect-error: changed by its owner alone, through setState
    member.state.color = 'teal'
    // @ts-expect-error: a list of a snapshot
    member.services.push(instance)
    // @ts-expect-error: a list of a snapshot
    member.endpoints.length = 0
    // @ts-expect-error: a list of a snapshot
    user.members.push(member)
    // @ts-expect-error: a snapshot
    user.away = true
    // @ts-expect-error: a snapshot
    instance.weight = 2
    // @ts-expect-error: a list of a snapshot
    instance.tags.push('eu')
    // @ts-expect-error: of a snapshot
    instance.meta.version = '2'
    // @ts-expect-error: its age is told, not set
    instance.ageMs = 0
    // @ts-expect-error: changed through setState
    peer.state.color = 'teal'
    // @ts-expect-error: a peer keeps its own list
    peer.members().pop()
  }
  expectTypeOf(change).toBeFunction()
  expectTypeOf<Instance['lastKnown']>().toEqualTypeOf<true | undefined>()
  expectTypeOf<Instance['status']>().toEqualTypeOf<'alive' | 'suspect' | 'draining'>()
  expectTypeOf<Instance['address']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<Member['rttMs']>().toEqualTypeOf<number | undefined>()
})

test('services: what is offered, found, chosen and followed', () => {
  const use = async (peer: Peer<Presence>) => {
    const registration = peer.register({ service: 'api', port: 80, tags: ['eu'], meta: { version: '2' }, weight: 3 })
    expectTypeOf(registration).toEqualTypeOf<Registration>()
    expectTypeOf(registration.setHealth).parameters.toEqualTypeOf<[health: Health]>()
    // @ts-expect-error: no health there is
    registration.setHealth('ok')
    // @ts-expect-error: a service has a name
    peer.register({ port: 80 })
    // @ts-expect-error: misspelt
    peer.register({ service: 'api', prot: 80 })

    expectTypeOf(peer.lookup('api', { passing: true, tag: 'eu' })).toEqualTypeOf<readonly Instance[]>()
    // @ts-expect-error: misspelt
    peer.lookup('api', { pasing: true })

    expectTypeOf(peer.pick('api')).toEqualTypeOf<Instance | undefined>()
    peer.pick('api', { policy: 'rendezvous', key: 'u-42', passing: true, tag: 'eu', exclude: ['id'] })
    peer.pick('api', { policy: 'p2c', exclude: new Set(['id']) })
    peer.pick('api', { exclude: (instance) => instance.meta.version === '1' })
    // @ts-expect-error: there is no such policy
    peer.pick('api', { policy: 'round-robin' })
    peer.pick('api', { exclude: [peer.pick('api')!] })
    // @ts-expect-error: ids, not their number
    peer.pick('api', { exclude: 1 })

    peer.report('id', true)
    peer.report(peer.pick('api')!, false)
    // @ts-expect-error: how it went is the point
    peer.report('id')

    for await (const change of peer.watch('api', { tag: 'eu', signal: AbortSignal.abort() })) {
      expectTypeOf(change).toEqualTypeOf<ServiceChange>()
      expectTypeOf(change.added).toEqualTypeOf<readonly Instance[]>()
    }
    // @ts-expect-error: a watch has no end of its own
    peer.watch('api', { timeout: 10 })
  }
  expectTypeOf(use).toBeFunction()
})

test('messages carry what the application says they do, and nothing for sure', () => {
  interface Load {
    readonly busy: number
  }
  const use = async (peer: Peer<Presence>) => {
    expectTypeOf(peer.send('id', { busy: 1 })).toEqualTypeOf<Promise<boolean>>()
    expectTypeOf(peer.publish('topic')).toBeVoid()
    expectTypeOf(peer.onMessage((message) => expectTypeOf(message).toEqualTypeOf<Message>())).toEqualTypeOf<
      () => void
    >()
    peer.onMessage('topic', ({ data, topic }) => {
      expectTypeOf(data).toBeUnknown()
      expectTypeOf(topic).toEqualTypeOf<string | undefined>()
    })
    peer.onMessage<Load>('topic', ({ data }) => expectTypeOf(data).toEqualTypeOf<Load>())
    peer.onMessage((message: Message<Load>) => expectTypeOf(message.data).toEqualTypeOf<Load>())
    peer.on('message', ({ data }) => expectTypeOf(data).toBeUnknown())

    for await (const answer of peer.query('load')) expectTypeOf(answer).toEqualTypeOf<Answer>()
    for await (const { data, from } of peer.query<Load>('load', undefined, { timeout: 500 })) {
      expectTypeOf(data).toEqualTypeOf<Load>()
      expectTypeOf(from).toBeString()
    }
    // @ts-expect-error: in milliseconds
    peer.query('load', undefined, { timeout: '500ms' })
    expectTypeOf(peer.onQuery('load', (_data, { from }) => ({ busy: from.length }))).toEqualTypeOf<() => void>()
    peer.onQuery('load', async (data) => expectTypeOf(data).toBeUnknown())
    // @ts-expect-error: nobody answers everything
    peer.onQuery(() => 1)
  }
  expectTypeOf(use).toBeFunction()
})

test('connections are connected streams of texts and bytes', () => {
  const use = async (peer: Peer<Presence>) => {
    const connection = await peer.connect('id', { signal: AbortSignal.abort() })
    expectTypeOf(connection).toEqualTypeOf<DirectConnection>()
    connection.on('data', (data) => expectTypeOf(data).toEqualTypeOf<string | Uint8Array>())
    connection.on('stream', (stream) => expectTypeOf(stream).toEqualTypeOf<MediaStream>())
    expectTypeOf(connection.write('text')).toBeBoolean()
    // @ts-expect-error: there is no such event
    connection.on('dat', () => {})
    // @ts-expect-error: no piece of data
    connection.send({ text: 'hello' })
    // @ts-expect-error: misspelt
    peer.connect('id', { singal: AbortSignal.abort() })
    peer.onConnection((opened, member) => {
      expectTypeOf(opened).toEqualTypeOf<DirectConnection>()
      expectTypeOf(member).toEqualTypeOf<Member<Presence>>()
    })
  }
  expectTypeOf(use).toBeFunction()
})

test('a peer tells about itself and others', () => {
  expectTypeOf<Peer['explain']>().returns.toEqualTypeOf<Explanation | undefined>()
  expectTypeOf<Explanation['because']>().toBeString()
  expectTypeOf<Explanation['deadInMs']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<Explanation['observer']['health']>().toBeNumber()
  expectTypeOf<Peer['neighbours']>().returns.toEqualTypeOf<readonly string[]>()
  expectTypeOf<Peer['links']>().returns.toEqualTypeOf<readonly Link[]>()
  expectTypeOf<Peer['counters']>().returns.toEqualTypeOf<Readonly<Record<string, number>>>()
  expectTypeOf<Peer['consistency']>().returns.toEqualTypeOf<Consistency>()
  expectTypeOf<Peer['status']>().toEqualTypeOf<'joining' | 'joined' | 'isolated' | 'left'>()
  expectTypeOf<Peer['reason']>().toBeString()
  expectTypeOf<Peer['invite']>().returns.toBeString()
  expectTypeOf<Peer<Presence>['getSnapshot']>().returns.toEqualTypeOf<readonly Member<Presence>[]>()
  expectTypeOf<Peer<Presence>['users']>().returns.toEqualTypeOf<readonly User<Presence>[]>()
  expectTypeOf<Peer['subscribe']>().toEqualTypeOf<(listener: () => void) => () => void>()
})

test('errors have one of these codes', () => {
  expectTypeOf<ShoalError['code']>().toEqualTypeOf<ErrorCode>()
  expectTypeOf<ErrorCode>().toEqualTypeOf<
    | 'already_registered'
    | 'bad_name'
    | 'bad_option'
    | 'bad_value'
    | 'bind_failed'
    | 'connection_failed'
    | 'connection_refused'
    | 'entry_too_large'
    | 'left'
    | 'message_too_large'
    | 'no_invite'
    | 'not_a_page'
    | 'not_connectable'
    | 'not_registered'
    | 'packet_foreign'
    | 'packet_malformed'
    | 'rate_limited'
    | 'reserved_key'
    | 'state_too_large'
    | 'too_many'
    | 'unknown_member'
    | 'webrtc_missing'
  >()
  expectTypeOf<ShoalError>().toExtend<Error>()
})

test('options that start a peer are known by their names', () => {
  // An invite names the room, so the address alone will do.
  expectTypeOf<{ signaling: string }>().toExtend<TabOptions>()
  expectTypeOf<{ room: string; signaling: readonly string[] }>().toExtend<TabOptions>()
  expectTypeOf<{ room: string }>().not.toExtend<TabOptions>()
  expectTypeOf<{ room: string }>().toExtend<NodePeerOptions>()
  const wrong = () => {
    // @ts-expect-error: a tab meets others by way of a signalling server
    join({ room: 'r' })
    // @ts-expect-error: misspelt
    join({ room: 'r', signaling: 'ws://localhost', throtleMs: 50 })
    // @ts-expect-error: of another type
    join<Presence>({ room: 'r', signaling: 'ws://localhost', state: { color: 7 } })
    // @ts-expect-error: no key of the state
    join<Presence>({ room: 'r', signaling: 'ws://localhost', state: { colour: 'teal' } })
    // @ts-expect-error: tabs have no sockets
    join({ room: 'r', signaling: 'ws://localhost', udp: { bind: '127.0.0.1:0' } })
    // @ts-expect-error: misspelt
    startPeer({ room: 'r', udp: { bind: '127.0.0.1:0', seeds: ['10.0.0.7:7946'] } })
    // @ts-expect-error: where to listen has to be told
    startPeer({ room: 'r', udp: { join: ['10.0.0.7:7946'] } })
    // @ts-expect-error: its options, not whether
    startPeer({ room: 'r', serveSignaling: true })
  }
  expectTypeOf(wrong).toBeFunction()
})

test('a signalling server is started by options known by their names, and tells its port', () => {
  expectTypeOf(startSignaling).returns.resolves.toEqualTypeOf<SignalingServer>()
  expectTypeOf<ReturnType<SignalingServer['counters']>>().toEqualTypeOf<Readonly<SignalingCounters>>()
  const wrong = (server: SignalingServer) => {
    // @ts-expect-error: misspelt
    startSignaling({ prot: 0 })
    // @ts-expect-error: no limit there is
    startSignaling({ limits: { socketMax: 1 } })
    // @ts-expect-error: TURN without its secret
    startSignaling({ turn: { urls: ['turn:turn.example.org:3478'] } })
    // @ts-expect-error: as it was started
    server.port = 80
  }
  expectTypeOf(wrong).toBeFunction()
})

test('a simulated world has a seed, and its peers are peers', () => {
  expectTypeOf(simulate).returns.toEqualTypeOf<World>()
  const untyped = (world: World) => peerIn(world, 'p0')
  expectTypeOf(untyped).returns.toEqualTypeOf<Peer>()
  expectTypeOf(peerIn<Presence>).returns.toEqualTypeOf<Peer<Presence>>()
  const wrong = () => {
    // @ts-expect-error: a run that cannot be repeated
    simulate({ peers: 2 })
    // @ts-expect-error: misspelt
    simulate({ peers: 2, seed: 1, link: { lost: 0.1 } })
  }
  expectTypeOf(wrong).toBeFunction()
})

test('the overlay takes peers of any state', () => {
  expectTypeOf(showOverlay).toBeCallableWith({} as Peer<Presence>, { corner: 'top-left', open: false })
  expectTypeOf(showOverlay).toBeCallableWith({} as Peer)
  expectTypeOf(showOverlay).returns.toEqualTypeOf<Overlay>()
  // @ts-expect-error: there is no such corner
  expectTypeOf(showOverlay).toBeCallableWith({} as Peer, { corner: 'middle' })
  // @ts-expect-error: a peer is wanted
  expectTypeOf(showOverlay).toBeCallableWith({})
})
