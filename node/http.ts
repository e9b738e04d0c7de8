/**
 * The agent's HTTP server: who may ask, how much, and how long. What each path answers is in `routes.ts`.
 *
 * No framework: six fixed paths need one loop over a table, and a framework would bring more code to trust than
 * there is here. The API has no passwords, so it listens on loopback unless told otherwise, and defends the one hole
 * that leaves: pages in the user's own browser. A page cannot read without CORS headers, which are never sent; a name
 * rebound to 127.0.0.1 fails the Host check; a page's write carries an Origin header and is refused.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { type AddressInfo, isIP, type Socket } from 'node:net'
import { ShoalError } from '../core/index.ts'
import type { Log } from '../peer/options.ts'
import { bindFault } from '../signaling/bind-fault.ts'
import { formatHostPort, type HostPort, parseHostPort } from './address.ts'
import { Refusal, type Route, toJson } from './routes.ts'

/** No request needs a body; one up to this size is read and ignored, a larger one is refused. */
export const bodyBytesMax = 64 * 1024
/** More connections than this at the same time are closed unanswered. */
const connectionsMax = 256

export interface HttpOptions {
  readonly address: HostPort
  readonly routes: readonly Route[]
  readonly log: Log
}

export interface HttpApi {
  /** Where it listens; the port is a real one also when 0 was asked for. */
  readonly address: HostPort
  /** Stops listening and ends every connection. */
  close(): Promise<void>
}

/** Listens. Rejects with `bind_failed` whose cause carries Node's code, e.g. `EADDRINUSE`. */
export async function openHttp({ address, routes, log }: HttpOptions): Promise<HttpApi> {
  const server = createServer({ connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 })
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 5_000
  server.maxConnections = connectionsMax
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, routes, address.host).catch((error: unknown) => {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'internal', 'the agent failed to answer')
      if (refusal.status === 500) log.warn(`HTTP ${request.method} ${request.url}: ${String(error)}`)
      refuse(response, refusal)
    })
  })
  server.on('clientError', refuseUnreadable)
  await listen(server, address)
  // E.g. no file descriptors left: one connection is lost, the agent goes on.
  server.on('error', (error) => log.warn(`HTTP: ${error.message}`))
  const bound = { host: address.host, port: (server.address() as AddressInfo).port }
  return { address: bound, close: () => closeServer(server) }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly Route[],
  boundHost: string,
): Promise<void> {
  if (!hostAllowed(request.headers.host, boundHost)) {
    throw new Refusal(
      403,
      'bad_host',
      'the Host header names neither this machine nor the address the agent is bound to',
    )
  }
  const url = readTarget(request.url ?? '/')
  const matching = routes.filter((route) => matchPath(route.path, url.pathname) !== undefined)
  if (matching.length === 0) throw new Refusal(404, 'not_found', `no such path: ${url.pathname}`)
  // A HEAD is a GET whose body Node leaves out.
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = matching.find((candidate) => candidate.method === method)
  if (!route) {
    const allow = matching.flatMap((candidate) => (candidate.method === 'GET' ? ['GET', 'HEAD'] : [candidate.method]))
    throw new Refusal(405, 'method_not_allowed', `expected ${allow.join(' or ')}`, {
      headers: { allow: allow.join(', ') },
    })
  }
  if (route.method !== 'GET' && request.headers.origin !== undefined) {
    throw new Refusal(403, 'cross_origin', 'writes from web pages are refused')
  }
  checkQuery(url.searchParams, route.query)
  await skipBody(request)
  const reply = await route.answer({ word: matchPath(route.path, url.pathname)!, query: url.searchParams })
  const { sent } = reply
  if (sent) {
    response.setHeader('connection', 'close')
    // `close` comes whether the reply was read or the client went away before.
    response.once('close', sent)
  }
  send(response, reply.status, reply.body)
}

function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      const expected = known.length ? `one of ${known.join(', ')}` : 'none'
      throw new Refusal(400, 'bad_query', `unknown query parameter ${name}: expected ${expected}`)
    }
    const values = query.getAll(name)
    if (values.length > 1) {
      throw new Refusal(400, 'bad_query', `${name}: expected one value, got ${JSON.stringify(values)}`)
    }
  }
}

/** `word` is what stands for a closing `:name`, or empty; undefined when the path is another one. */
function matchPath(path: string, actual: string): string | undefined {
  if (!path.endsWith('/:name')) return actual === path ? '' : undefined
  const prefix = path.slice(0, -':name'.length)
  const word = actual.slice(prefix.length)
  if (!actual.startsWith(prefix) || word === '' || word.includes('/')) return undefined
  try {
    return decodeURIComponent(word)
  } catch {
    throw new Refusal(400, 'bad_path', 'the path is not valid percent-encoding')
  }
}

function readTarget(target: string): URL {
  if (!target.startsWith('/') || !URL.canParse(target, 'http://agent')) {
    throw new Refusal(400, 'bad_path', 'expected a path that begins with /')
  }
  return new URL(target, 'http://agent')
}

/**
 * Loopback names, and the host the agent is bound to. Bound to all interfaces it is asked by many addresses, so any
 * literal address will do: rebinding needs a name.
 */
export function hostAllowed(header: string | undefined, boundHost: string): boolean {
  const named = header === undefined ? undefined : (parseHostPort(header) ?? parseHostPort(`${header}:80`))
  if (!named) return false
  const host = named.host.toLowerCase()
  if (host === 'localhost' || host === '::1' || host === boundHost.toLowerCase()) return true
  if (isIP(host) === 4 && host.startsWith('127.')) return true
  return (boundHost === '0.0.0.0' || boundHost === '::') && isIP(host) !== 0
}

/** Reads a body to its end and forgets it, so that the connection stays usable. */
async function skipBody(request: IncomingMessage): Promise<void> {
  const tooLarge = new Refusal(413, 'body_too_large', `expected a body of at most ${bodyBytesMax} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) throw tooLarge
  let bytes = 0
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // What follows is discarded without being kept, until `requestTimeout` cuts it.
      if (bytes > bodyBytesMax) reject(tooLarge)
    })
    request.once('end', resolve)
    request.once('error', reject)
    request.once('close', () => reject(new Refusal(400, 'aborted', 'the request broke off')))
  })
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value)
  send(response, refusal.status, refusal.body)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  const text = `${toJson(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
}

/** Bytes that are no HTTP request get the same shape of error as every other mistake, and lose the connection. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const body = `${toJson({ error: { code: 'bad_request', message: STATUS_CODES[status] } })}\n`
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  )
}

function listen(server: Server, address: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be opened: ${bindFault(cause)}`
      reject(new ShoalError('bind_failed', `HTTP address ${formatHostPort(address)} ${why}`, { cause }))
    })
    server.listen({ host: address.host, port: address.port, exclusive: true }, resolve)
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
