/**
 * `shoal/sim`: rooms of hundreds of peers in virtual time, for testing what an application does when members come, go,
 * fall silent and return. It runs the very core that tabs and servers run; only clock, network and chance are made up.
 *
 * ```ts
 * const world = simulate({ peers: 8, seed: 42, link: { loss: 0.05 } })
 * world.settle(10_000)                       // everybody knows everybody
 * world.pause('p3', 900)                     // a garbage collection, say
 * world.run(10_000)
 * expect(world.deaths()).toEqual([])         // nobody live was declared dead
 * world.crash('p3')
 * world.settle(30_000)                       // everybody has dropped it
 * world.peer('p0').members()                 // what one peer believes
 * ```
 *
 * The same seed and the same calls give the same run, to the packet: a failing test names its seed. What must hold at
 * every moment is checked as the world runs, and a violation throws with the seed, the time and the last events.
 *
 * What it does not tell: how fast real sockets and browsers are, and what they do beyond the faults offered here. Bytes
 * are those of the protocol, without the headers of UDP or WebRTC.
 *
 * @module
 */

export type { Connection } from './connection.ts'
export type { FalseDeath, WorldEvent } from './history.ts'
export type { LinkLoad } from './links.ts'
export {
  defaultLink,
  type JoinOptions,
  type Kind,
  type Lateness,
  type LinkOptions,
  type PeerLoss,
  type WorldOptions,
} from './options.ts'
export type { Life, Load, Traffic } from './participant.ts'
export type { PacketListener } from './transit.ts'
export { simulate, simulatedRoom, type World } from './world.ts'
