/**
 * Errors with a stable `code`. A call that throws one has changed nothing: arguments are checked before anything is done.
 */

export type ErrorCode =
  | 'bad_option' // an option of a start call is missing, of the wrong type or out of range
  | 'bad_name' // a room, member or service name is empty, too long or has characters it may not have
  | 'bad_value' // a state value cannot be encoded
  | 'reserved_key' // a state key begins with the prefix kept for services
  | 'entry_too_large' // one entry is over 1,000 bytes
  | 'state_too_large' // all entries of a member together are over 16 KiB or 128 keys
  | 'already_registered' // this member offers that service on that port already
  | 'not_registered' // the registration was ended before
  | 'left' // the peer has left its room
  | 'no_invite' // nobody in the room serves signalling, so there is no address to give to a newcomer
  | 'bind_failed' // a socket could not be opened
  | 'webrtc_missing' // WebRTC was asked for where there is no implementation
  | 'packet_malformed' // bytes from outside that are no packet of this protocol
  | 'packet_foreign' // a packet of another room or protocol version

export class ShoalError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message)
    this.name = 'ShoalError'
    this.code = code
    // `cause` is set by hand: the ES2022 constructor would make it an own property even where there is none.
    if (options && 'cause' in options) this.cause = options.cause
  }
}
