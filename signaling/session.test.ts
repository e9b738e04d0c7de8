import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { idFromBytes } from '../core/index.ts'
import { silentLog } from '../peer/options.ts'
import { newTally } from './counters.ts'
import { defaultSignalingLimits } from './options.ts'
import { encodeClientText, parseServerFrame, type ServerFrame } from './protocol.ts'
import { Rooms } from './rooms.ts'
import { Session } from './session.ts'
import { Tokens } from './tokens.ts'
import { IceIssuer } from './turn.ts'

const id = idFromBytes(new Uint8Array(16).fill(1))

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a TURN password is renewed with the first ping behind half its time, again and again', () => {
  let now = 0
  const turn = { urls: ['turn:turn.example'], secret: 'north', ttlSeconds: 100 }
  const { session, socket } = open(new IceIssuer([], turn, () => now / 1000), () => now)
  expect(socket.expiries()).toEqual([100])
  for (let n = 0; n < 10; n++) {
    now += 20_000
    session.beat()
    socket.emit('pong', Buffer.alloc(0))
  }
  // At 60, 120 and 180 s: a password is never older than half its time and one interval.
  expect(socket.expiries()).toEqual([100, 160, 220, 280])
})

test('STUN servers alone are told once', () => {
  let now = 0
  const { session, socket } = open(new IceIssuer(['stun:a'], undefined), () => now)
  for (let n = 0; n < 10; n++) {
    now += 86_400_000
    session.beat()
    socket.emit('pong', Buffer.alloc(0))
  }
  expect(socket.frames.filter(({ t }) => t !== 'ping').map(({ t }) => t)).toEqual(['welcome'])
})

/** A session that has welcomed its client, whose beats and clock the test has in hand. */
function open(ice: IceIssuer, now: () => number): { session: Session; socket: Wire } {
  const socket = new Wire()
  const house = {
    rooms: new Rooms<Session>(defaultSignalingLimits, Math.random),
    tokens: new Tokens(),
    ice,
    limits: defaultSignalingLimits,
    pingIntervalMs: 20_000,
    tally: newTally(),
    log: silentLog,
    now,
  }
  const session = new Session(house, socket as unknown as WebSocket)
  socket.emit('message', Buffer.from(encodeClientText({ t: 'hello', v: 1, room: 'room', id })), false)
  return { session, socket }
}

/** The part of a socket that a session uses; it keeps what it was given to send. */
class Wire extends EventEmitter {
  readonly bufferedAmount = 0
  readonly frames: ServerFrame[] = []

  send(text: string): void {
    this.frames.push(parseServerFrame(text))
  }

  ping(): void {}

  /** When the passwords expire that were told so far, in seconds. */
  expiries(): number[] {
    const lists = this.frames.map((frame) =>
      frame.t === 'welcome' ? frame.iceServers : frame.t === 'ice' ? frame.servers : undefined,
    )
    return lists.filter((servers) => servers !== undefined).map(([server]) => Number(server!.username!.split(':')[0]))
  }
}
