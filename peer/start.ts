/** What every start call does once it knows its channels: check, open, join, and on failure close what was opened. */

import {
  type Channel,
  idBytes,
  idFromBytes,
  type MemberMode,
  type PeerId,
  type Random,
  type ServiceOptions,
} from '../core/index.ts'
import type { Alarm } from './alarm.ts'
import { Driver } from './driver.ts'
import type { PeerParts } from './grounds.ts'
import { checkOptions, consoleLog, type Log, type PeerOptions } from './options.ts'
import { Peer } from './peer.ts'

export interface Opened {
  /** In order of preference. */
  channels: readonly Channel[]
  /** What the peer offers by itself. */
  services?: readonly ServiceOptions[]
  /** What wakes the core, and is closed with it; a timer unless told. */
  alarm?: Alarm
  /** Looks for members; called once the core runs. */
  begin(): void
  /** Closes what is no channel. */
  close(): Promise<void>
  /** What the peer can show of its links, and what is known to be wrong with the ways to others. */
  web?: Required<Pick<PeerParts, 'links' | 'counters' | 'trouble'>> & Pick<PeerParts, 'calls'>
}

export interface Opening {
  id: PeerId
  driver: Driver
  random: Random
  log: Log
}

const joinTimeoutMs = 5_000
/** How long a peer that is given up while it joins waits for those it has asked. */
const lastAnswerMs = 500
/** Between repeated farewells, in milliseconds: where packets are lost, one may not be heard. */
const farewellsMs = [40, 80]
/** Timers take no longer times (24 days) and fire at once instead. */
const timerMsMax = 0x7fff_ffff

/**
 * Resolves with a peer that has joined, or with one that is still `joining` when the time is up. Rejects where an option
 * cannot be used, a socket cannot be opened or `options.signal` is aborted. `again` is a peer that left and is to be
 * started anew, under a new id, with the state and services it had.
 */
export async function start(
  options: PeerOptions & { room: string },
  mode: MemberMode,
  open: (opening: Opening) => Promise<Opened>,
  again?: Peer,
): Promise<Peer> {
  checkOptions(options)
  options.signal?.throwIfAborted()
  const log = options.log ?? consoleLog
  const random = cryptoRandom()
  const id = idFromBytes(crypto.getRandomValues(new Uint8Array(idBytes)))
  let peer = again
  let begun = false
  const driver = new Driver((event) => peer?.hear(event))
  const opened = await open({ id, driver, random, log })
  const close = async () => {
    await driver.close()
    await opened.close()
  }
  const leave = async () => {
    driver.call((swim, now) => swim.leave(now))
    for (const pauseMs of farewellsMs) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      driver.call((swim, now) => swim.leave(now))
    }
    await close()
  }
  try {
    const { room, name = 'peer', user = null, config = {} } = options
    const swim = driver.start({ id, room, name, user, mode, random, config }, opened.channels, opened.alarm)
    // Only now, since from here on the driver closes the channels.
    options.signal?.throwIfAborted()
    const call: Driver['call'] = (run) => driver.call(run)
    const { web } = opened
    const watched = web && {
      links: web.links,
      counters: web.counters,
      trouble: web.trouble,
      ...(web.calls && { calls: web.calls }),
    }
    const { throttleMs } = options
    const parts = {
      room,
      swim,
      call,
      now: () => driver.now(),
      leave,
      random,
      throttleMs,
      warn: (message: string) => log.warn(message),
      ...watched,
    }
    if (peer) peer.resume(parts)
    else {
      peer = new Peer(parts)
      if (options.state) peer.setState(options.state)
      for (const service of opened.services ?? []) peer.register(service)
    }
    begun = true
    opened.begin()
    await joined(peer, options.joinTimeoutMs ?? joinTimeoutMs, options.signal)
    return peer
  } catch (error) {
    // Whoever was asked may know of this peer already, but can be told its farewell only once it is known here, too.
    if (begun && peer?.status === 'joining') await joined(peer, lastAnswerMs, undefined)
    // One that was to go on has left already, for as long as it does not stand on what was opened here.
    await (peer && (begun || peer !== again) ? peer.leave() : close())
    throw error
  }
}

function joined(peer: Peer, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer)
      unsubscribe()
      signal?.removeEventListener('abort', abort)
      end()
    }
    const abort = () => settle(() => reject(signal?.reason))
    const timer = setTimeout(() => settle(resolve), Math.min(timeoutMs, timerMsMax))
    const unsubscribe = peer.on('status', () => settle(resolve))
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
    else if (peer.status !== 'joining') settle(resolve)
  })
}

/** Numbers nobody can guess: answers are recognised by them. Drawn in blocks, since each draw has a price. */
function cryptoRandom(): Random {
  const block = new Uint32Array(256)
  let at = block.length
  return () => {
    if (at === block.length) {
      crypto.getRandomValues(block)
      at = 0
    }
    return block[at++]! / 4294967296
  }
}
