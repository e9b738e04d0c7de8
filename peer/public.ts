/**
 * The peer object, and its words: what `shoal/browser`, `shoal/node` and `shoal/sim` export beside their own. The protocol
 * under it is `shoal` itself, for those who drive it.
 * The guides are docs/presence.md, docs/services.md, docs/messages.md, docs/consistency.md and docs/why.md.
 *
 * @module
 */

export {
  type Config,
  type Consistency,
  type Endpoint,
  type ErrorCode,
  type Explanation,
  type Health,
  type Instance,
  type LinkProgress,
  type Member,
  type MemberMode,
  type MemberStatus,
  type Message,
  type Named,
  type PeerId,
  type PeerStatus,
  type ServiceOptions,
  ShoalError,
  type State,
  type StateOf,
  type StateValue,
} from '../core/index.ts'
export type { Answer } from './answers.ts'
export type { DirectConnection, DirectData } from './direct-connection.ts'
export type { Registration } from './directory.ts'
export type { PeerEvents } from './listeners.ts'
export type { Log, PeerOptions } from './options.ts'
export { Peer } from './peer.ts'
export type { Exclude, PickOptions, PickPolicy } from './pick.ts'
export type { IceServerOption, PlatformBlob, PlatformStream, PlatformTrack } from './platform-types.ts'
export type { QueryHandler, QueryOptions } from './post.ts'
export type { Link } from './rtc.ts'
export type { LookupOptions } from './selection.ts'
export type { SettledOptions } from './settling.ts'
export type { User } from './users.ts'
export type { ServiceChange } from './watch.ts'
