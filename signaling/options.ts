/** What `startSignaling` takes, with its defaults, and the check that turns it into exact settings. */

import { checkKnown, ShoalError, shown } from '../core/index.ts'
import { type Log, silentLog } from '../peer/options.ts'
import { pingMsMax, pingMsMin } from './protocol.ts'
import { iceUrlsMax, isStunUrl, isTurnUrl } from './protocol-ice.ts'
import type { TurnSettings } from './turn.ts'

/** What `startSignaling` takes. */
export interface SignalingOptions {
  /** 8787 unless told; 0 takes any free port, which `SignalingServer.port` then names. */
  port?: number
  /**
   * The address to listen on; 127.0.0.1 unless told, which `http://localhost:8787/` reaches. `0.0.0.0` or `::` lets
   * other machines in.
   */
  host?: string
  /** The origins whose pages may connect, e.g. `https://example.com`. Without it any page may. */
  origins?: readonly string[]
  /** A directory whose files are served as the page. They are read once, at the start. */
  page?: string
  /** Other limits than the defaults. */
  limits?: Partial<SignalingLimits>
  /** How often sockets are asked for a sign of life; one that gave none since the last time is ended. 20,000 unless told. */
  pingIntervalMs?: number
  /** STUN servers that peers are told of, e.g. `stun:stun.example.org:3478`. */
  stun?: readonly string[]
  /** A TURN server that peers are told of, with credentials made for each of them. */
  turn?: TurnOptions
  /** Where problems that the server survives are told; nothing is printed without it. No ids and no addresses. */
  log?: Log
}

/** A TURN server after coturn's REST scheme, whose passwords run out. */
export interface TurnOptions {
  /** Its addresses, e.g. `turn:turn.example.org:3478` and `turns:turn.example.org:443?transport=tcp`. */
  urls: readonly string[]
  /** What the TURN server has as `static-auth-secret`; it never leaves this process and stands in no message. */
  secret: string
  /**
   * How long credentials are good for; 86,400 (a day) unless told. They are renewed at half that time, so it is also how
   * long new links can go by TURN while the signalling server is away: at least half of it.
   */
  ttlSeconds?: number
}

/** What a signalling server bears. Whoever is beyond it is refused, dropped or closed, and counted. */
export interface SignalingLimits {
  /** Sockets in all. */
  socketsMax: number
  /**
   * Sockets from one IPv4 address or one IPv6 /64. Behind a reverse proxy all sockets come from the proxy's address:
   * limit addresses there, and set this as high as `socketsMax`.
   */
  socketsPerAddressMax: number
  /** Rooms with somebody in them. */
  roomsMax: number
  /** Members of one room. */
  membersPerRoomMax: number
  /** A socket that has not said hello after this many milliseconds is closed. */
  helloTimeoutMs: number
  /**
   * What a socket may send each second, and at once after a pause. A peer relays only to those of its at most 8 neighbours
   * that it has no link to, and of itself no more than 50 packets a second and 200 at once (`peer/relay.ts`). At their full
   * 1,216 bytes those count as 95 and 380 messages, so a peer that keeps its budget loses nothing here, and as much again is
   * left for signals. What is above is dropped like on any lossy path.
   */
  messagesPerSecond: number
  /** What it may send at once after a pause. */
  messageBurst: number
  /** A longer message counts as several: with 200 messages a second, 640 bytes make 125 KiB a second. */
  bytesPerMessage: number
  /** Messages beyond the allowance that are borne before the socket is closed; refilled by `messagesPerSecond`. */
  floodBurst: number
  /** Bytes waiting to be sent to a slow reader from which on relayed packets for it are dropped. */
  bufferedBytesDrop: number
  /** ... and from which on the reader is disconnected. */
  bufferedBytesMax: number
  /** Malformed frames until the socket is closed. */
  malformedMax: number
}

/** What `SignalingLimits` says where it is not told otherwise. */
export const defaultSignalingLimits: Readonly<SignalingLimits> = {
  socketsMax: 10_000,
  socketsPerAddressMax: 500,
  roomsMax: 10_000,
  membersPerRoomMax: 10_000,
  helloTimeoutMs: 5_000,
  messagesPerSecond: 200,
  messageBurst: 400,
  bytesPerMessage: 640,
  floodBurst: 2_000,
  bufferedBytesDrop: 256 * 1024,
  bufferedBytesMax: 1024 * 1024,
  malformedMax: 3,
}

export interface Settings {
  port: number
  host: string
  origins: ReadonlySet<string> | undefined
  page: string | undefined
  limits: Readonly<SignalingLimits>
  pingIntervalMs: number
  stun: readonly string[]
  turn: TurnSettings | undefined
  log: Log
}

const optionNames: readonly (keyof SignalingOptions)[] = [
  'port',
  'host',
  'origins',
  'page',
  'limits',
  'pingIntervalMs',
  'stun',
  'turn',
  'log',
]

/** Throws `bad_option`, naming the option and what was expected of it. */
export function settingsOf(options: SignalingOptions): Settings {
  // One that is misspelt opens doors: without `origins` any page may connect.
  checkKnown('startSignaling', options, optionNames)
  const { port = 8787, host = '127.0.0.1', origins, page, pingIntervalMs = 20_000, log = silentLog } = options
  if (!isWhole(port, 0, 65_535)) throw bad('port', 'a whole number from 0 to 65535', port)
  if (typeof host !== 'string' || host === '') throw bad('host', 'a host name or address', host)
  if (page !== undefined && (typeof page !== 'string' || page === '')) throw bad('page', 'a directory', page)
  if (!isWhole(pingIntervalMs, pingMsMin, pingMsMax)) {
    throw bad('pingIntervalMs', `milliseconds from ${pingMsMin} to ${pingMsMax}`, pingIntervalMs)
  }
  return {
    port,
    host,
    origins: originsOf(origins),
    page,
    limits: limitsOf(options.limits ?? {}),
    pingIntervalMs,
    stun: stunOf(options.stun ?? []),
    turn: options.turn === undefined ? undefined : turnOf(options.turn, pingIntervalMs),
    log,
  }
}

function stunOf(urls: readonly string[]): readonly string[] {
  const expected = `up to ${iceUrlsMax} addresses such as stun:stun.example.org:3478`
  if (!Array.isArray(urls) || urls.length > iceUrlsMax) throw bad('stun', expected, urls)
  for (const url of urls) if (!isStunUrl(url)) throw bad('stun', expected, url)
  return urls
}

function turnOf(turn: TurnOptions, pingIntervalMs: number): TurnSettings {
  checkKnown('turn', turn, ['urls', 'secret', 'ttlSeconds'])
  const { urls, secret, ttlSeconds = 86_400 } = turn
  const expected = `1 to ${iceUrlsMax} addresses such as turn:turn.example.org:3478`
  const count = Array.isArray(urls) ? urls.length : 0
  if (count < 1 || count > iceUrlsMax) throw bad('turn.urls', expected, urls)
  for (const url of urls) if (!isTurnUrl(url)) throw bad('turn.urls', expected, url)
  if (typeof secret !== 'string' || secret === '') {
    // What was given is not shown: it may be the secret in another form.
    throw new ShoalError('bad_option', `turn.secret: expected the text of the TURN server's static-auth-secret`)
  }
  // Renewals go out with the pings, so those have to come often enough.
  const least = Math.ceil((4 * pingIntervalMs) / 1000)
  if (!isWhole(ttlSeconds, least, 2 ** 31 - 1)) {
    throw bad('turn.ttlSeconds', `whole seconds, at least four ping intervals (${least})`, ttlSeconds)
  }
  return { urls, secret, ttlSeconds }
}

function limitsOf(limits: Partial<SignalingLimits>): SignalingLimits {
  const settled = { ...defaultSignalingLimits }
  checkKnown('limits', limits, Object.keys(settled))
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue
    if (!isWhole(value, 1, 2 ** 31 - 1)) throw bad(`limits.${name}`, 'a whole number of at least 1', value)
    settled[name as keyof SignalingLimits] = value
  }
  return settled
}

function originsOf(origins: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (origins === undefined) return undefined
  if (!Array.isArray(origins)) throw bad('origins', 'a list of origins such as https://example.com', origins)
  return new Set(origins.map(originOf))
}

function originOf(text: string): string {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  // With a path it would read like a narrower rule than an origin can be.
  if (!url || url.origin === 'null' || url.href !== `${url.origin}/`) {
    throw bad('origins', 'origins such as https://example.com', text)
  }
  return url.origin
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}

function bad(option: string, expected: string, got: unknown): ShoalError {
  return new ShoalError('bad_option', `${option}: expected ${expected}, got ${shown(got)}`)
}
