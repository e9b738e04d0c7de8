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

import { type PeerId, type Random, type Swim, seededRandom } from '../core/index.ts'
import { simulatedRoom, type World } from '../core/sim/index.ts'
import { Peer } from './peer.ts'

export * from '../core/sim/index.ts'
export * from './public.ts'

const peers = new WeakMap<Swim, Peer>()

/**
 * The peer object of the process that runs under this name: the same one each time, and another one once the name was
 * started again. Its listeners are called while the world runs, and within calls that change something.
 *
 * Other than with a real peer, a listener that throws ends the run with its error, so that a test fails by it; and what
 * changes something throws where the process has crashed. `leave()` says farewell once and is over at once.
 */
export function peerIn(world: World, name: string): Peer {
  const known = peers.get(world.peer(name))
  if (known) return known
  const connection = world.connect(name, (event) => peer.hear(event))
  const { swim } = connection
  const peer = new Peer({
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
