/**
 * What is asked of a world is checked before anything is done: a misspelt option or a missing number would make a test
 * pass that tests nothing, or never end. Only the calls of tests are checked, never what happens in between.
 */

import { defaultConfig } from '../config.ts'
import { type ErrorCode, ShoalError } from '../errors.ts'
import { memberModes } from '../member.ts'
import { checkFlag, checkKnown, shown } from '../options.ts'
import {
  defaultLink,
  type JoinOptions,
  type Lateness,
  type LinkOptions,
  type PeerLoss,
  type WorldOptions,
} from './options.ts'
import type { Roster } from './roster.ts'

const worldOptions: readonly (keyof WorldOptions)[] = [
  'peers',
  'seed',
  'acquainted',
  'linked',
  'config',
  'link',
  'kinds',
  'server',
  'handshakeMs',
  'linkTimeoutMs',
  'linkable',
]
/** Of a restart; a newcomer has kinds besides. */
const restartOptions: readonly (keyof JoinOptions)[] = ['server', 'seeds', 'clockOffsetMs', 'mode', 'user']
const joinOptions: readonly (keyof JoinOptions)[] = ['kinds', ...restartOptions]

function requireThat(
  holds: boolean,
  what: string,
  expected: string,
  got: unknown,
  code: ErrorCode = 'bad_option',
): void {
  if (!holds) throw new ShoalError(code, `${what}: expected ${expected}, got ${shown(got)}`)
}

export function checkObject(what: string, value: unknown, expected: string): void {
  requireThat(typeof value === 'object' && value !== null && !Array.isArray(value), what, expected, value)
}

export function checkFunction(what: string, value: unknown): void {
  requireThat(typeof value === 'function', what, 'a function', value)
}

export function checkBoolean(what: string, value: unknown): void {
  requireThat(typeof value === 'boolean', what, 'true or false', value)
}

export function checkWhole(what: string, value: unknown, least: number): void {
  const expected = least === 0 ? 'a whole number from 0' : 'a whole number'
  requireThat(Number.isSafeInteger(value) && (value as number) >= least, what, expected, value)
}

/** Finite, forward or back. */
export function checkOffset(what: string, value: unknown): void {
  requireThat(Number.isFinite(value), what, 'milliseconds', value)
}

/** Time that passes: it has to end. */
export function checkPassing(what: string, value: unknown): void {
  requireThat(Number.isFinite(value) && (value as number) >= 0, what, 'milliseconds', value)
}

/** Time that something may last; Infinity is for ever. */
export function checkLasting(what: string, value: unknown): void {
  requireThat(typeof value === 'number' && value >= 0, what, 'milliseconds', value)
}

function checkShare(what: string, value: unknown): void {
  requireThat(typeof value === 'number' && value >= 0 && value <= 1, what, 'a share between 0 and 1', value)
}

/** For calls that let time pass. */
export function checkStill(call: string, busy: boolean): void {
  if (!busy) return
  throw new ShoalError('bad_option', `${call}: a listener cannot let time pass; expected the call before to be over`)
}

export function checkWorld(options: WorldOptions): void {
  checkKnown('simulate', options, worldOptions)
  const { peers, seed, acquainted, linked, config, link, kinds, server, handshakeMs, linkTimeoutMs, linkable } = options
  checkWhole('peers', peers, 0)
  checkWhole('seed', seed, Number.MIN_SAFE_INTEGER)
  checkFlag('acquainted', acquainted)
  checkFlag('linked', linked)
  if (config !== undefined) {
    checkKnown('config', config, Object.keys(defaultConfig))
    for (const [name, value] of Object.entries(config)) {
      requireThat(typeof value === 'number' && value >= 0, `config.${name}`, 'a number from 0', value)
    }
  }
  if (link !== undefined) checkLink('link', link)
  checkChannels(typeof kinds === 'function' ? undefined : kinds, typeof server === 'function' ? undefined : server)
  if (handshakeMs !== undefined) checkPassing('handshakeMs', handshakeMs)
  if (linkTimeoutMs !== undefined) checkLasting('linkTimeoutMs', linkTimeoutMs)
  if (linkable !== undefined) checkFunction('linkable', linkable)
}

/** Of `join`, or of `restart`, which keeps the kinds. */
export function checkJoin(call: 'join' | 'restart', name: string, options: JoinOptions, roster: Roster): void {
  checkText('name', name, 64)
  checkKnown(call, options, call === 'join' ? joinOptions : restartOptions)
  const { kinds, server, seeds, clockOffsetMs, mode, user } = options
  checkChannels(kinds, server)
  if (seeds !== undefined) checkNames('seeds', seeds, roster)
  if (clockOffsetMs !== undefined) checkOffset('clockOffsetMs', clockOffsetMs)
  if (mode !== undefined) requireThat(memberModes.includes(mode), 'mode', `one of ${memberModes.join(', ')}`, mode)
  if (user !== undefined) checkText('user', user, 128)
}

export function checkLink(call: string, link: Partial<LinkOptions>): void {
  checkKnown(call, link, Object.keys(defaultLink))
  for (const [name, value] of Object.entries(link)) {
    if (name.endsWith('Ms')) checkPassing(name, value)
    else checkShare(name, value)
  }
}

export function checkedLoss(loss: Partial<PeerLoss>): Partial<PeerLoss> {
  checkKnown('setLinkOf', loss, ['lossIn', 'lossOut'])
  for (const [name, value] of Object.entries(loss)) if (value !== undefined) checkShare(name, value)
  return loss
}

export function checkLateness(late: Lateness): void {
  checkKnown('starve', late, ['minMs', 'maxMs'])
  checkPassing('minMs', late.minMs)
  checkPassing('maxMs', late.maxMs)
  requireThat(late.maxMs >= late.minMs, 'maxMs', `at least minMs (${late.minMs})`, late.maxMs)
}

/** The groups of a partition; nobody can be on two sides. */
export function checkGroups(groups: readonly (readonly string[])[], roster: Roster): void {
  requireThat(groups.length > 0, 'partition', "lists of names such as ['p0', 'p1']", undefined)
  for (const names of groups) checkNames('partition', names, roster)
  const all = groups.flat()
  const twice = all.find((name, i) => all.indexOf(name) < i)
  if (twice !== undefined) throw new ShoalError('bad_option', `partition: ${shown(twice)} is named twice`)
}

/** For `inject`. */
export function checkPacket(from: string, packet: Uint8Array): void {
  requireThat(typeof from === 'string', 'inject', 'an endpoint, as endpoint() gives it', from)
  requireThat(packet instanceof Uint8Array, 'packet', 'a Uint8Array', packet)
}

/** Undefined is what was left out. */
export function checkChannels(kinds: unknown, server: unknown): void {
  if (kinds !== undefined) {
    const fit = Array.isArray(kinds) && kinds.every((kind) => typeof kind === 'string' && /^[^:]+$/.test(kind))
    requireThat(fit, 'kinds', "a list such as ['rtc', 'relay']", kinds)
  }
  if (server !== undefined) for (const one of [server].flat()) checkWhole('server', one, 0)
}

function checkNames(what: string, names: readonly string[], roster: Roster): void {
  requireThat(Array.isArray(names), what, "a list of names such as ['p0', 'p1']", names)
  for (const name of names) roster.known(name)
}

/** As of real peers. */
function checkText(what: string, value: unknown, charsMax: number): void {
  const fit = typeof value === 'string' && value.length > 0 && value.length <= charsMax
  requireThat(fit, what, `1 to ${charsMax} characters`, value, 'bad_name')
}
