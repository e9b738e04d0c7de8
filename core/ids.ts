/**
 * Peer ids. An id is 16 random bytes, new at every start and never reused; inside the process it is always its text
 * form, 22 characters of base64url, because strings are what maps and applications want as keys.
 */

/** 22 characters of base64url standing for 16 bytes. */
export type PeerId = string

/** Bytes of an id. */
export const idBytes = 16
/** Characters of an id as text. */
export const idTextLength = 22

/** base64url, in the order of its values. @internal */
export const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const codeOf = new Int16Array(128).fill(-1)
const charCodes = new Uint8Array(64)
for (let i = 0; i < alphabet.length; i++) {
  charCodes[i] = alphabet.charCodeAt(i)
  codeOf[charCodes[i]!] = i
}

/** The characters of the id that is being written. */
const written: number[] = new Array(idTextLength).fill(0)

/** Where the first character of a text stands in the alphabet; the caller vouches that it does. @internal */
export function indexInAlphabet(text: string): number {
  return codeOf[text.charCodeAt(0)]!
}

/** Text of 16 bytes. `bytes` is borrowed. */
export function idFromBytes(bytes: Uint8Array): PeerId {
  let at = 0
  for (let i = 0; i < 15; i += 3) {
    const triple = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    written[at++] = charCodes[triple >> 18]!
    written[at++] = charCodes[(triple >> 12) & 63]!
    written[at++] = charCodes[(triple >> 6) & 63]!
    written[at++] = charCodes[triple & 63]!
  }
  const last = bytes[15]!
  written[at++] = charCodes[last >> 2]!
  written[at] = charCodes[(last & 3) << 4]!
  // At once and not character by character: engines would keep a chain of concatenations and flatten it at first use.
  return String.fromCharCode.apply(null, written)
}

/** The 16 bytes of an id; the caller vouches for `isPeerId(id)`. */
export function idToBytes(id: PeerId): Uint8Array {
  const bytes = new Uint8Array(idBytes)
  let bits = 0
  let held = 0
  let at = 0
  for (let i = 0; i < idTextLength; i++) {
    held = ((held << 6) | codeOf[id.charCodeAt(i)]!) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 0xff
    }
  }
  return bytes
}

/** The first 32 bits of an id: enough to tell members from one another where it is only a hint. @internal */
export function idPrefix(id: PeerId): number {
  const bytes = idToBytes(id)
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
}

/** True for exactly the texts `idFromBytes` can give: the last character carries two bits, so four values are left. */
export function isPeerId(text: unknown): text is PeerId {
  if (typeof text !== 'string' || text.length !== idTextLength) return false
  for (let i = 0; i < idTextLength; i++) {
    const code = text.charCodeAt(i)
    if (code > 127 || codeOf[code]! < 0) return false
  }
  return (codeOf[text.charCodeAt(21)]! & 15) === 0
}
