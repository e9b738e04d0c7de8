/**
 * `shoal/sim`: rooms of hundreds of peers in virtual time, for testing what an application does when members come, go,
 * fall silent and return. It runs the very core and the very `Peer` that tabs and servers run; only clock, network and
 * chance are made up. The guide is docs/simulator.md.
 *
 * ```ts
 * const world = simulate({ peers: 50, seed: 42, link: { loss: 0.05 } })
 * world.settle(10_000)                       // everybody knows everybody
 * const peer = peerIn(world, 'p0')           // as join() and startPeer() give it
 * peer.on('dead', ({ name }) => console.log(`${name} is gone`))
 * world.crash('p3')
 * world.settle(30_000)                       // p3 is gone
 * ```
 *
 * @module
 */

import { type PeerId, type Random, ShoalError, type State, type Swim, seededRandom, shown } from '../core/index.ts'
import { simulatedRoom, type World } from '../core/sim/index.ts'
import type { DirectConnection } from './direct-connection.ts'
import { Peer } from './peer.ts'

export * from '../core/sim/index.ts'
export * from './public.ts'

const peers = new WeakMap<Swim, Peer>()

class SimulatedPeer extends Peer {
  /** What is wrong with the call itself is told first, as by a real peer; then that there is nothing to connect with. */
  override async connect(...asked: Parameters<Peer['connect']>): Promise<DirectConnection> {
    return super.connect(...asked).catch((error: unknown) => {
      if (!(error instanceof ShoalError && error.code === 'not_connectable')) throw error
      throw new ShoalError(
        'not_connectable',
        'connect: simulated peers have no connections of the application; use real ones',
      )
    })
  }
}

/**
 * The peer object of the process that runs under this name: the same one each time, and another one once the name was
 * started again. Its listeners are called while the world runs, and within calls that change something.
 *
 * Other than with a real peer, a listener that throws ends the run with its error, so that a test fails by it; and what
 * changes something throws where the process has crashed. `leave()` says farewell once and is over at once.
 * `connect` rejects with `not_connectable`.
 *
 * `S` is the state of the application, as for `join` and `startPeer`. Throws `unknown_member` where nobody had this name.
 */
export function peerIn<S extends object = State>(world: World, name: string): Peer<S> {
  return peerOf(world, name) as unknown as Peer<S>
}

function peerOf(world: World, name: string): Peer {
  if (typeof world?.connect !== 'function') {
    throw new ShoalError(
      'bad_option',
      `peerIn: expected a world, as simulate() gives it, and a name, got ${shown(world)}`,
    )
  }
  const known = peers.get(world.peer(name))
  if (known) return known
  const connection = world.connect(name, (event) => peer.hear(event))
  const { swim } = connection
  const peer = new SimulatedPeer({
    room: simulatedRoom,
    swim,
    call: (run) => connection.call(run),
    now: connection.now,
    leave: async () => connection.leave(),
    random: chanceOf(swim.id),
    warn: (message) => {
      throw new Error(`${name}: ${message}`)
    },
    links: () => swim.links().flatMap(({ peer: id, open }) => (open ? [{ id, state: 'open' as const }] : [])),
  })
  peers.set(swim, peer)
  return peer
}

/** For `pick` alone: what an application draws does not change what the protocol does. */
function chanceOf(id: PeerId): Random {
  let seed = 0
  for (let i = 0; i < id.length; i++) seed = (Math.imul(seed, 31) + id.charCodeAt(i)) >>> 0
  return seededRandom(seed)
}
