/** What a simulated world is made of: how many peers, on which channels, over what kind of network. */

import type { Config } from '../config.ts'
import type { MemberMode } from '../member.ts'

/** What happens to a packet on its way. Shares are between 0 and 1. */
export interface LinkOptions {
  /** One way, in milliseconds. */
  readonly delayMs: number
  /** Up to this much is added, drawn anew for each packet, so packets may overtake one another. */
  readonly jitterMs: number
  /** Share of packets that are lost. */
  readonly loss: number
  /** Share of packets that arrive twice. */
  readonly duplicate: number
  /** Share of packets that are held back for up to ten times the usual delay. */
  readonly reorder: number
}

/** What `LinkOptions` says where it is not told otherwise. */
export const defaultLink: LinkOptions = { delayMs: 5, jitterMs: 10, loss: 0, duplicate: 0, reorder: 0 }

/** What is lost besides, of everything that goes to one peer and of everything that comes from it; 1 is all of it. */
export interface PeerLoss {
  /** Share of what goes to it, 0 to 1. */
  readonly lossIn: number
  /** Share of what comes from it, 0 to 1. */
  readonly lossOut: number
}

/** A process that gets too little of its processor reads each packet this much late, in order; evenly between the two. */
export interface Lateness {
  /** At the least. */
  readonly minMs: number
  /** At the most. */
  readonly maxMs: number
}

/**
 * A kind of channel a simulated peer may have: `rtc` needs a link, which takes a handshake to open; `relay` goes through
 * a simulated signalling server, which also introduces peers to one another; any other, such as `sim` or `udp`, reaches
 * every endpoint of its kind.
 */
export type Kind = string

/** What `simulate` takes. */
export interface WorldOptions {
  /** How many peers begin, named `p0`, `p1` and so on. They join by way of the first they share a kind with. */
  readonly peers: number
  /** The same seed and the same calls give the same run, to the packet. */
  readonly seed: number
  /** They know one another from the first moment, with nothing left to tell: no join has to be simulated first. */
  readonly acquainted?: boolean
  /** They are acquainted, and neighbours have had links for long: no handshake has to be simulated first. */
  readonly linked?: boolean
  /** Numbers of the protocol other than the defaults, the same for all. */
  readonly config?: Partial<Config>
  /** What packets suffer, where it is not `defaultLink`. */
  readonly link?: Partial<LinkOptions>
  /** The channels of each peer, in order of preference; `['sim']` for all if left out. */
  readonly kinds?: readonly Kind[] | ((index: number) => readonly Kind[])
  /**
   * Which signalling servers the `relay` channel of each peer is at, by number; 0 for all if left out. Peers without a
   * common one are not introduced to each other, and nothing is relayed between them.
   */
  readonly server?: number | readonly number[] | ((index: number) => number | readonly number[])
  /** How long ICE takes once both ends have each other's description; 300 if left out. The signals travel besides. */
  readonly handshakeMs?: number
  /** How long a link lives on after one of its ends fell silent; 15,000 if left out, as in Chromium. */
  readonly linkTimeoutMs?: number
  /** Whether ICE finds a way between two peers, by name. It must say the same for both orders; all can link if left out. */
  readonly linkable?: (a: string, b: string) => boolean
}

/** What `World.join` takes. */
export interface JoinOptions {
  /** Its channels, in order of preference. */
  readonly kinds?: readonly Kind[]
  /** As in the options of the world; server 0 if left out. */
  readonly server?: number | readonly number[]
  /** Whom to join by, by name; by default the first running peer that shares a kind. */
  readonly seeds?: readonly string[]
  /** How far this peer's clock is ahead of the world's. */
  readonly clockOffsetMs?: number
  /** `server` unless told. */
  readonly mode?: MemberMode
  /** Whose connection it is, as in the options of `join()`; a restart keeps it. */
  readonly user?: string | undefined
}
