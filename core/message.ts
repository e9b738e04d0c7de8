/** What members say to one another beside their state: its shape, its limits, and its way into bytes and back. */

import { ShoalError } from './errors.ts'
import type { PeerId } from './ids.ts'
import type { StateValue } from './member.ts'
import { shown } from './options.ts'
import { checkValue, decodeValue, encodeValue, textFault } from './value.ts'

/** `T` is the type that the application expects; what arrives is a stranger's word until it is checked. */
export interface Message<T = unknown> {
  /** Who sent it, as far as members can be believed: there is no proof of it. */
  readonly from: PeerId
  /** Absent for what was sent to this member alone. */
  readonly topic?: string
  /** Frozen; undefined where nothing was sent with it. */
  readonly data: T
}

export const topicCharsMax = 64
/** The data of one message, encoded, in bytes: with every header it may have, it fits one packet. */
export const dataBytesMax = 1000

/** Throws `bad_option`. @internal */
export function checkTopic(topic: unknown): string {
  const isFit = typeof topic === 'string' && topic.length > 0 && topic.length <= topicCharsMax
  // What arrives as another text is heard by nobody.
  if (isFit && textFault(topic) === undefined) return topic
  throw new ShoalError(
    'bad_option',
    `topic: expected a text of 1 to ${topicCharsMax} whole characters, got ${shown(topic)}`,
  )
}

/** A frozen copy of what is to be sent; undefined for nothing. Reading it may run code of the application's. Throws `bad_value`. */
export function checkData(data: unknown): StateValue | undefined {
  return data === undefined ? undefined : checkValue(data, 'message data', 'nothing was sent')
}

/** The bytes of what is to be sent; null for nothing. Throws `bad_value` or `message_too_large`. */
export function encodeData(data: unknown): Uint8Array | null {
  const value = checkData(data)
  if (value === undefined) return null
  const bytes = encodeValue(value)
  if (bytes.length <= dataBytesMax) return bytes
  throw new ShoalError(
    'message_too_large',
    `message data: it takes ${bytes.length} bytes, at most ${dataBytesMax} fit; nothing was sent`,
  )
}

/** The data in a field from outside, frozen and sharing no memory with it. Throws `packet_malformed`. */
export function decodeData(field: Uint8Array | null): StateValue | undefined {
  return field === null ? undefined : decodeValue(field)
}
