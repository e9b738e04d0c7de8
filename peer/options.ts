/** What the isomorphic parts of a start call share; `join()` and `startPeer()` add their channels to it. */

import { type Config, checkKnown, defaultConfig, ShoalError, type State, type StateOf, shown } from '../core/index.ts'
import { readSignaling } from './invite.ts'
import type { IceServerOption } from './platform-types.ts'
import { checkSignal } from './signal.ts'

/** `S` is the type of the state that the members of the application publish. */
export interface PeerOptions<S extends object = State> {
  /** 1 to 128 characters. Packets of another room are dropped. May be left out where an invite names it. */
  room?: string
  /** A label for people, 1 to 64 characters; `peer` unless told. */
  name?: string
  /** Whose connection this is, 1 to 128 characters. */
  user?: string
  /** Published from the first moment, as by `setState`. */
  state?: StateOf<NoInfer<S>>
  /**
   * `ws://` or `wss://` address of a signalling server, an invite (see `Peer.invite`), or a list of up to eight. A tab is on
   * one server at a time: whenever it has no connection it tries the first, then the others, and it goes back to the first
   * when that has returned. A process is on all at once.
   */
  signaling?: string | readonly string[]
  /** STUN and TURN servers for WebRTC, beside those that the signalling server tells; none unless told. */
  iceServers?: readonly IceServerOption[]
  /** `relay` sends nothing but by TURN, and so shows nobody this machine's addresses. */
  iceTransportPolicy?: 'all' | 'relay'
  /** Gives up starting: the call rejects with the signal's reason and everything it opened is closed. Later it does nothing. */
  signal?: AbortSignal
  /** The least time between two publications of one key of the state, in milliseconds: 100 unless told, 0 for none. */
  throttleMs?: number
  /** After this long the call returns a peer that is still `joining` and keeps trying; 5,000 unless told. */
  joinTimeoutMs?: number
  /** Where problems that the peer survives are told; warnings go to the console unless told. */
  log?: Log
  /** Protocol numbers other than the defaults, for tests. */
  config?: Partial<Config>
}

/** Longer, and others would take an old state for the present one. */
const throttleMsMax = 60_000

/** Where a peer tells of what people who run it may want to know: `console` is one. */
export interface Log {
  /** What only a search for a fault wants. */
  debug(message: string): void
  /** What is well. */
  info(message: string): void
  /** What went wrong, and was survived. */
  warn(message: string): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {} }

export const consoleLog: Log = { ...silentLog, warn: (message) => console.warn(`shoal: ${message}`) }

/** Options with all that invites say. */
export type Settled<T extends PeerOptions> = T & {
  room: string
  /** Addresses of signalling servers; empty where none was given. */
  servers: readonly string[]
}

/** Checks the options, as `checkOptions`, and reads the invites among them. */
export function settleOptions<T extends PeerOptions>(options: T): Settled<T> {
  if (typeof options !== 'object' || options === null) {
    throw new ShoalError('bad_option', `options: expected an object such as { room: 'lobby' }, got ${shown(options)}`)
  }
  if (options.room !== undefined) requireText('room', options.room, 128)
  const { room, servers } =
    options.signaling === undefined
      ? { room: options.room, servers: [] }
      : readSignaling(options.signaling, options.room)
  const settled = { ...options, room, servers } as Settled<T>
  checkOptions(settled)
  return settled
}

/** Throws `bad_name` or `bad_option` for the first option that cannot be used, naming it; nothing is opened by then. */
export function checkOptions(options: PeerOptions): void {
  requireText('room', options.room, 128)
  if (options.name !== undefined) requireText('name', options.name, 64)
  if (options.user !== undefined) requireText('user', options.user, 128)
  const { state, signal, throttleMs, joinTimeoutMs, log, iceServers, iceTransportPolicy, config } = options
  if (state !== undefined && (typeof state !== 'object' || state === null || Array.isArray(state))) {
    throw new ShoalError('bad_option', `state: expected an object of values, got ${shown(state)}`)
  }
  checkSignal(signal)
  if (log !== undefined) requireLog(log)
  if (throttleMs !== undefined && !(typeof throttleMs === 'number' && throttleMs >= 0 && throttleMs <= throttleMsMax)) {
    throw new ShoalError(
      'bad_option',
      `throttleMs: expected 0 to ${throttleMsMax} milliseconds, got ${shown(throttleMs)}`,
    )
  }
  if (joinTimeoutMs !== undefined && !(typeof joinTimeoutMs === 'number' && joinTimeoutMs >= 0)) {
    throw new ShoalError('bad_option', `joinTimeoutMs: expected milliseconds, got ${shown(joinTimeoutMs)}`)
  }
  // What was given is not shown: there are passwords in it.
  if (iceServers !== undefined && !(Array.isArray(iceServers) && iceServers.every(isIceServer))) {
    throw new ShoalError('bad_option', "iceServers: expected a list of { urls: 'stun:...' or 'turn:...' }")
  }
  if (iceTransportPolicy !== undefined && iceTransportPolicy !== 'all' && iceTransportPolicy !== 'relay') {
    throw new ShoalError('bad_option', `iceTransportPolicy: expected all or relay, got ${shown(iceTransportPolicy)}`)
  }
  if (config !== undefined) checkKnown('config', config, Object.keys(defaultConfig))
}

function requireLog(log: Partial<Log>): void {
  for (const level of ['debug', 'info', 'warn'] as const) {
    if (typeof log?.[level] === 'function') continue
    const expected = 'an object with the functions debug, info and warn, such as console'
    throw new ShoalError('bad_option', `log: expected ${expected}; ${level} is none`)
  }
}

/** Browsers throw for a list they cannot read when a link is made: too late, and where nobody is told. */
function isIceServer(server: unknown): boolean {
  if (typeof server !== 'object' || server === null) return false
  const urls = [(server as { urls?: unknown }).urls].flat()
  return urls.length > 0 && urls.every((url) => typeof url === 'string' && /^(stun|turn)s?:./i.test(url))
}

function requireText(option: string, value: unknown, charsMax: number): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= charsMax) return
  const got = typeof value === 'string' ? `${value.length}` : shown(value)
  throw new ShoalError('bad_name', `${option}: expected 1 to ${charsMax} characters, got ${got}`)
}
