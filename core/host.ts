/**
 * What joins the core to the world: channels carry packets in and out, a host carries out what the core decides.
 */

import type { PeerId } from './ids.ts'
import type { Member, MemberEvent } from './member.ts'
import type { Message } from './message.ts'

/** Where a channel reaches a peer: `<kind>:<address>`, e.g. `udp:10.0.0.7:7946`, `udp:[::1]:7946`, `rtc:<id>`. */
export type Endpoint = string

/** The longest packet any channel has to carry, in bytes: a rumour that fits one channel fits all. */
export const packetBytesMax = 1200

/**
 * A way to carry packets. Packets may be lost, doubled and reordered; they are never cut, joined or changed.
 * One contract suite (`peer/channel.contract.ts`) is run by every implementation.
 */
export interface Channel {
  /** `udp`, `rtc`, `relay`, `sim` or a kind of your own: lower-case letters and digits. */
  readonly kind: string
  /** Where others reach this peer by this channel; it goes into the peer's record. */
  readonly endpoint: Endpoint
  /** The largest packet it carries, in bytes; at least `packetBytesMax`. */
  readonly packetSizeMax: number
  /** `any`: every endpoint can be sent to at no cost. `linked`: only peers it has an open link to. */
  readonly reach: 'any' | 'linked'
  /** Best effort: what cannot be sent is dropped and never throws. `packet` is borrowed until `send` returns. */
  send(to: Endpoint, packet: Uint8Array): void
  /** Starts opening a link to a peer; `linkUp` or `linkDown` of the events tells how it went. */
  dial?(to: PeerId): void
  /** Closes the link to a peer, or gives up opening it. */
  hangUp?(to: PeerId): void
  /** Releases every socket, timer and connection; afterwards no event is raised and `send` does nothing. */
  close(): Promise<void>
}

/** What a channel tells its owner. `packet` is borrowed until `receive` returns. */
export interface ChannelEvents {
  /** A packet came from an endpoint. */
  receive(from: Endpoint, packet: Uint8Array): void
  /** A link to a peer is open. */
  linkUp(peer: PeerId): void
  /** A link to a peer is closed, or could not be opened. */
  linkDown(peer: PeerId): void
  /** A channel that depends on a server (`relay`) says whether it can carry anything just now. */
  available(yes: boolean): void
}

/** The facts about a channel that the protocol decides by. */
export type ChannelInfo = Pick<Channel, 'kind' | 'endpoint' | 'reach'>

/** What the core asks for. Calls are made while it runs and must not call back into it. */
export interface Host {
  /** Hands a packet to the channel of the endpoint's kind. `packet` is borrowed. */
  send(to: Endpoint, packet: Uint8Array): void
  /** Starts opening a link; see `Channel.dial`. */
  dial(kind: string, to: PeerId): void
  /** Closes a link; see `Channel.hangUp`. */
  hangUp(kind: string, to: PeerId): void
  /** A signal for a linked channel came over the mesh (see `Swim.sendSignal`). `data` is borrowed, and from a stranger. */
  signal(kind: string, from: PeerId, data: Uint8Array): void
  /** One of ours found no way over the mesh: it wants another one. `data` is borrowed. */
  signalLost(kind: string, to: PeerId, data: Uint8Array): void
  /** Tells what happened. It may be told while the call is running: keep it until the call is over. */
  notify(event: SwimEvent): void
}

/**
 * `changed` follows every change of the view, once per call into the core, after the events that tell what changed.
 * `reminder` is what `Swim.remind` was asked for. What members say to one another comes last, when the view has changed.
 */
export type SwimEvent =
  | MemberEvent
  | { type: 'status'; status: PeerStatus; reason: string }
  | { type: 'changed' }
  | { type: 'reminder'; seq: number }
  | { type: 'message'; message: Message }
  | { type: 'query'; query: Query }
  | { type: 'answer'; from: PeerId; seq: number; data: unknown }
  | { type: 'receipt'; ref: number; arrived: boolean }

/** Somebody asks everybody. Answers go back by `Swim.send` with its number. */
export interface Query {
  /** Who asks. */
  readonly from: PeerId
  /** Its number, for the answer. */
  readonly seq: number
  /** What is asked about, 1 to 64 characters. */
  readonly topic: string
  /** What was sent with it, frozen; undefined for nothing. */
  readonly data: unknown
  /** For how long answers are waited for, in milliseconds. */
  readonly answerMs: number
}

/** `isolated`: this peer is probably cut off; it keeps the last view and declares nobody dead. */
export type PeerStatus = 'joining' | 'joined' | 'isolated' | 'left'

export type { Member }

/** The kind of an endpoint: what stands before its first colon. */
export function kindOf(endpoint: Endpoint): string {
  return endpoint.slice(0, endpoint.indexOf(':'))
}

/** The address of an endpoint: what stands behind its first colon. */
export function addressOf(endpoint: Endpoint): string {
  return endpoint.slice(endpoint.indexOf(':') + 1)
}
