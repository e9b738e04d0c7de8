/**
 * Types of the browser that users of Shoal meet, for programs that have the DOM's types and for those that have not: a
 * process seldom has them, and would get `any`, or errors in our declarations, for every name of theirs.
 */

/** The DOM's own type where the program knows it, else any object. */
type DomType<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer T }> ? T : object

/** `MediaStream`, or any object. */
export type PlatformStream = DomType<'MediaStream'>
/** `MediaStreamTrack`, or any object. */
export type PlatformTrack = DomType<'MediaStreamTrack'>
/** `RTCIceCandidate`, or any object. */
export type PlatformCandidate = DomType<'RTCIceCandidate'>
/** `Blob`, or any object. */
export type PlatformBlob = DomType<'Blob'>

/** A STUN or TURN server; every `RTCIceServer` of the DOM is one. */
export interface IceServerOption {
  /** One address or several, `stun:host:port` or `turn:host:port`. */
  urls: string | string[]
  /** For TURN. */
  username?: string
  /** For TURN. */
  credential?: string
}
