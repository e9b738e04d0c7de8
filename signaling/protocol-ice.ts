/**
 * STUN and TURN servers as a signalling server tells them to its clients, and their parsing. A browser throws for a list
 * that has a single address it cannot read, and then opens no connection at all, so nothing but exact addresses gets by.
 */

/** What `RTCPeerConnection` takes as one of its `iceServers`, with exact types. */
export interface IceServer {
  urls: string[]
  /** With TURN addresses only, and always with them. */
  username?: string
  credential?: string
}

/** Entries of a list, and addresses of an entry: each of them costs every connection a socket and a round trip. */
export const iceServersMax = 4
export const iceUrlsMax = 8
const urlLengthMax = 256
/** coturn itself takes user names up to 512 bytes. */
const secretLengthMax = 256

/** RFC 7064 and RFC 7065, with a numeric IPv6 address in brackets. */
const host = String.raw`(?:\[[\da-f:.]{2,45}\]|[a-z\d](?:[a-z\d.-]{0,251}[a-z\d])?)(?::\d{1,5})?`
const stunPattern = new RegExp(`^stuns?:${host}$`, 'i')
const turnPattern = new RegExp(String.raw`^turns?:${host}(?:\?transport=(?:udp|tcp))?$`, 'i')

export function isStunUrl(url: unknown): url is string {
  return isUrl(url, stunPattern)
}

export function isTurnUrl(url: unknown): url is string {
  return isUrl(url, turnPattern)
}

/** The list in `value`, built anew out of the known fields; undefined if any part of it is not what it has to be. */
export function parseIceServers(value: unknown): IceServer[] | undefined {
  if (!Array.isArray(value) || value.length > iceServersMax) return undefined
  const servers: IceServer[] = []
  for (const entry of value) {
    const server = parseIceServer(entry)
    if (!server) return undefined
    servers.push(server)
  }
  return servers
}

function parseIceServer(value: unknown): IceServer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { urls, username, credential } = value as Record<string, unknown>
  if (!Array.isArray(urls) || urls.length < 1 || urls.length > iceUrlsMax) return undefined
  if (username === undefined && credential === undefined) return urls.every(isStunUrl) ? { urls } : undefined
  if (!isSecret(username) || !isSecret(credential) || !urls.every(isTurnUrl)) return undefined
  return { urls, username, credential }
}

function isUrl(url: unknown, pattern: RegExp): url is string {
  if (typeof url !== 'string' || url.length > urlLengthMax || !pattern.test(url)) return false
  const port = /:(\d+)(?:\?.*)?$/.exec(url)?.[1]
  // Behind an IPv6 address in brackets the digits can only be a port; elsewhere a colon comes before nothing else.
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)
}

function isSecret(text: unknown): text is string {
  return typeof text === 'string' && text.length >= 1 && text.length <= secretLengthMax
}
