/** What `Peer.connect` gives, as far as its users see it. */

import type { PlatformBlob, PlatformStream, PlatformTrack } from './platform-types.ts'

/** What a message may be. A text arrives as a text, all else as bytes. */
export type DirectData = string | ArrayBuffer | ArrayBufferView | PlatformBlob

/**
 * A connection to one member that is the application's own: a connected [simple-peer](https://github.com/feross/simple-peer),
 * of which these are the parts that are documented there. It is a duplex stream, reliable and in order; what is written as
 * one piece arrives as one piece, texts as `string` and bytes as `Uint8Array`. A piece may have 256 KiB at most (Chromium);
 * 16 to 64 KiB are usual.
 *
 * Nothing arrives before somebody listens to `data` or pipes; from then on it comes as fast as the other side
 * sends, so `pause` does not hold that back. Under Node it is a `stream.Duplex` (`connection as unknown as Duplex`). `write` tells by `false` that 64 KiB are waiting, and `drain` that more may
 * come. `end` closes a second after the last piece was handed to the network, so a receiver of much data had better be the
 * one that closes. A connection that fails raises `error` and then `close`; without a listener `error` harms nobody.
 */
export interface DirectConnection {
  /** From the beginning until it closes. */
  readonly connected: boolean
  /** It is closed, by whichever side. */
  readonly destroyed: boolean
  /** Bytes that wait in the data channel. */
  readonly bufferSize: number

  /** Sends at once, whatever waits. Throws when it is closed, or what waits is too much for the browser (16 MiB in Chromium). */
  send(data: DirectData): void
  /** Sends in its turn. False when enough waits: go on at `drain`. */
  write(data: string | Uint8Array, written?: (error?: Error | null) => void): boolean
  /** Closes once everything written was handed to the network, see above. */
  end(written?: () => void): unknown
  /** Closes at once; what was not sent is lost. The other side sees `close`. */
  destroy(error?: Error): unknown

  /** Listens to an event until `off`. */
  on(event: 'data', listener: (data: string | Uint8Array) => void): this
  on(event: 'close' | 'end' | 'drain' | 'finish', listener: () => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'stream', listener: (stream: PlatformStream) => void): this
  on(event: 'track', listener: (track: PlatformTrack, stream: PlatformStream) => void): this
  /** Listens to an event for its next time. */
  once(event: 'data', listener: (data: string | Uint8Array) => void): this
  once(event: 'close' | 'end' | 'drain' | 'finish', listener: () => void): this
  once(event: 'error', listener: (error: Error) => void): this
  once(event: 'stream', listener: (stream: PlatformStream) => void): this
  once(event: 'track', listener: (track: PlatformTrack, stream: PlatformStream) => void): this
  /** Takes off a listener of any event. */
  off(event: string, listener: (...told: never[]) => void): this

  /** Holds `data` back, in memory: the other side goes on sending. */
  pause(): this
  /** Lets `data` come again. */
  resume(): this
  /** Into any writable stream of the kind Node has. */
  pipe<T>(destination: T, options?: { end?: boolean }): T

  /** Sends video or audio as well, at whichever end; the other end hears `stream` and `track`. */
  addStream(stream: PlatformStream): void
  /** Stops sending a stream. */
  removeStream(stream: PlatformStream): void
  /** Sends one more track of a stream. */
  addTrack(track: PlatformTrack, stream: PlatformStream): void
  /** Stops sending a track. */
  removeTrack(track: PlatformTrack, stream: PlatformStream): void
  /** Sends another track in place of one, with no new signalling: a camera for a screen, say. */
  replaceTrack(oldTrack: PlatformTrack, newTrack: PlatformTrack, stream: PlatformStream): void
}
