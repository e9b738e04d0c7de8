/**
 * Errors with a stable `code`. A call that throws one has changed nothing: arguments are checked before anything is done.
 */

/** What went wrong, for programs. */
export type ErrorCode =
  /** An option of a start call is missing, of the wrong type or out of range. */
  | 'bad_option'
  /** A room, member or service name is empty, too long or has characters it may not have. */
  | 'bad_name'
  /** A state value cannot be encoded. */
  | 'bad_value'
  /** A state key begins with the prefix kept for services. */
  | 'reserved_key'
  /** One entry is over 1,000 bytes. */
  | 'entry_too_large'
  /** All entries of a member together are over 16 KiB or 128 keys. */
  | 'state_too_large'
  /** This member offers that service on that port already, or answers that topic. */
  | 'already_registered'
  /** The registration was ended before. */
  | 'not_registered'
  /** More is waited for at the same time than a peer keeps. */
  | 'too_many'
  /** The data of a message is over 1,000 bytes, or over 1,152 with its topic. */
  | 'message_too_large'
  /** Messages are sent faster than a room bears; waiting helps. */
  | 'rate_limited'
  /** The peer has left its room. */
  | 'left'
  /** Nobody present has this id. */
  | 'unknown_member'
  /** One of two members has no WebRTC, so there can be no connection between them. */
  | 'not_connectable'
  /** The other side takes no connections, or no more just now. */
  | 'connection_refused'
  /** No answer came, or no path was found in time. */
  | 'connection_failed'
  /** Nobody in the room serves signalling, so there is no address to give to a newcomer. */
  | 'no_invite'
  /** A call for tabs was made where there is no page: under Node, or in a worker. */
  | 'not_a_page'
  /** A socket could not be opened. */
  | 'bind_failed'
  /** WebRTC was asked for where there is no implementation. */
  | 'webrtc_missing'
  /** Bytes from outside that are no packet of this protocol. */
  | 'packet_malformed'
  /** A packet of another room or protocol version. */
  | 'packet_foreign'

/** What every call of Shoal throws or rejects with, where nothing else is said: branch by `code`, show `message` to people. */
export class ShoalError extends Error {
  /** Stable; the message may change. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message)
    this.name = 'ShoalError'
    this.code = code
    // `cause` is set by hand: the ES2022 constructor would make it an own property even where there is none.
    if (options && 'cause' in options) this.cause = options.cause
  }
}
