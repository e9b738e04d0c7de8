/**
 * The signalling server: introduces peers to each other and carries their first messages, and the packets of those who
 * get no better connection. It keeps nothing on disk and answers for nobody's liveness; while it is away, rooms go on.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { ShoalError } from '../core/index.ts'
import { Admission } from './admission.ts'
import { bindFault } from './bind-fault.ts'
import { newTally, type SignalingCounters } from './counters.ts'
import { type Settings, type SignalingOptions, settingsOf } from './options.ts'
import { loadPage, type Page, refuse, servePage } from './page.ts'
import { closeCodes, frameBytesMax } from './protocol.ts'
import { Rooms } from './rooms.ts'
import { type House, Session } from './session.ts'
import { Tokens } from './tokens.ts'
import { IceIssuer } from './turn.ts'

/** Connections that are plain HTTP at the moment, on top of the sockets. */
const httpConnectionsMax = 256
/** How long a socket may take to answer a close before it is cut off: in general, and when the server itself ends. */
const closeTimeoutMs = 5_000
const shutdownTimeoutMs = 1_000

/** A signalling server that listens. */
export interface SignalingServer {
  /** The port it listens on. */
  readonly port: number
  /** What peers put into their `signaling` option, e.g. `ws://127.0.0.1:8787`; the page is there under `http:`. */
  readonly url: string
  /** What it has counted since its start, as of now. */
  counters(): Readonly<SignalingCounters>
  /** Tells all sockets that the server restarts (1012), and resolves when the last is gone. May be called again. */
  close(): Promise<void>
}

/**
 * Starts a signalling server. Throws `bad_option` for an option it cannot use and `bind_failed` where the address cannot
 * be listened on; in either case nothing is left open.
 */
export async function startSignaling(options: SignalingOptions = {}): Promise<SignalingServer> {
  const settings = settingsOf(options)
  const page = settings.page === undefined ? undefined : await loadPage(settings.page)
  const { limits, log } = settings
  const tally = newTally()
  const house: House = {
    rooms: new Rooms<Session>(limits, Math.random),
    tokens: new Tokens(),
    ice: settings.stun.length > 0 || settings.turn ? new IceIssuer(settings.stun, settings.turn) : undefined,
    limits,
    pingIntervalMs: settings.pingIntervalMs,
    tally,
    log,
    now: () => performance.now(),
  }
  const admission = new Admission(limits, settings.origins)
  const sessions = new Map<WebSocket, Session>()
  // Node's defaults let a connection without a whole request live for 90 s.
  const http = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 },
    (request, response) => answer(request, response, house, page),
  )
  http.maxConnections = limits.socketsMax + httpConnectionsMax
  const sockets = new WebSocketServer(socketOptions)

  http.on('upgrade', (request, stream, head) => {
    stream.on('error', () => stream.destroy())
    const address = request.socket.remoteAddress ?? ''
    const rejection = admission.admit(request.headers.origin, address)
    if (rejection) {
      tally[rejection.counter]++
      reject(stream, rejection.status)
      return
    }
    stream.once('close', () => admission.release(address))
    sockets.handleUpgrade(request, stream, head, (socket) => {
      tally.accepted++
      sessions.set(socket, new Session(house, socket))
      socket.once('close', () => sessions.delete(socket))
    })
  })

  await listen(http, settings)
  http.on('error', (error) => log.warn(`signaling: ${error.message}`))
  const beats = setInterval(() => {
    for (const session of sessions.values()) session.beat()
  }, settings.pingIntervalMs)
  const { port } = http.address() as AddressInfo
  let closing: Promise<void> | undefined

  return {
    port,
    url: `ws://${reachableHost(settings.host)}:${port}`,
    counters: () => ({
      sockets: sessions.size,
      rooms: house.rooms.roomCount,
      members: house.rooms.memberCount,
      ...tally,
    }),
    close() {
      clearInterval(beats)
      closing ??= shutDown(http, sessions)
      return closing
    },
  }
}

/** `closeTimeout` is newer than the typings, so the options stand apart from the call. */
const socketOptions = {
  noServer: true,
  clientTracking: false,
  autoPong: false, // the session answers within its allowance
  perMessageDeflate: false, // a few bytes on the wire could unfold to megabytes
  maxPayload: frameBytesMax,
  maxFragments: 16,
  maxBufferedChunks: 64,
  closeTimeout: closeTimeoutMs,
}

function answer(request: IncomingMessage, response: ServerResponse, house: House, page: Page | undefined): void {
  if (request.url === '/v1/health' && request.method === 'GET') {
    const { roomCount: rooms, memberCount: members } = house.rooms
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify({ status: 'ok', rooms, members }))
  } else if (page) servePage(page, request, response)
  else refuse(response, 404, 'this is a signalling server: connect with a WebSocket')
}

function reject(stream: Duplex, status: 403 | 429 | 503): void {
  const text = { 403: 'Forbidden', 429: 'Too Many Requests', 503: 'Service Unavailable' }[status]
  stream.once('finish', () => stream.destroy())
  stream.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

async function listen(http: Server, { host, port }: Settings): Promise<void> {
  http.listen(port, host)
  try {
    await once(http, 'listening')
  } catch (cause) {
    const why = bindFault(cause as NodeJS.ErrnoException)
    throw new ShoalError('bind_failed', `cannot listen on ${bracketed(host)}:${port}: ${why}`, { cause })
  }
}

async function shutDown(http: Server, sessions: ReadonlyMap<WebSocket, Session>): Promise<void> {
  const closed = once(http, 'close')
  http.close()
  http.closeAllConnections() // those that are plain HTTP; upgraded ones are no longer its own
  for (const session of sessions.values()) session.close(closeCodes.restarting, 'the server restarts')
  const deadline = setTimeout(() => {
    for (const session of sessions.values()) session.terminate()
  }, shutdownTimeoutMs)
  await closed
  clearTimeout(deadline)
}

/** Where a peer on this machine reaches a server that listens everywhere. */
function reachableHost(host: string): string {
  return host === '0.0.0.0' || host === '::' ? 'localhost' : bracketed(host)
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
