import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../peer/options.ts'
import { bodyBytesMax, type HttpApi, hostAllowed, openHttp } from './http.ts'
import { Refusal, type Route } from './routes.ts'

const open: HttpApi[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.close()))
})

let leaves = 0
let sent = 0
const routes: Route[] = [
  { method: 'GET', path: '/v1/things', query: ['colour'], answer: ({ query }) => ok([query.get('colour')]) },
  { method: 'GET', path: '/v1/things/:name', query: [], answer: ({ word }) => ok(word) },
  { method: 'GET', path: '/v1/broken', query: [], answer: () => JSON.parse('{') as never },
  { method: 'GET', path: '/v1/refused', query: [], answer: () => Promise.reject(new Refusal(503, 'busy', 'not now')) },
  {
    method: 'PUT',
    path: '/v1/leave',
    query: [],
    answer: () => {
      leaves++
      return { ...ok('left'), sent: () => void sent++ }
    },
  },
]

test('a path answers with JSON that is never cached', async () => {
  const reply = await ask(await start(), { path: '/v1/things?colour=teal' })
  expect(reply.status).toBe(200)
  expect(reply.body).toEqual({ answer: ['teal'] })
  expect(reply.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(reply.headers['cache-control']).toBe('no-store')
})

test('the word at the end of a path is decoded', async () => {
  const port = await start()
  expect((await ask(port, { path: '/v1/things/a%20b' })).body).toEqual({ answer: 'a b' })
  expect((await ask(port, { path: '/v1/things/a%' })).status).toBe(400)
  expect((await ask(port, { path: '/v1/things/' })).status).toBe(404)
  expect((await ask(port, { path: '/v1/things/a/b' })).status).toBe(404)
})

test('HEAD answers as GET does, without a body', async () => {
  const reply = await ask(await start(), { method: 'HEAD', path: '/v1/things' })
  expect(reply.status).toBe(200)
  expect(Number(reply.headers['content-length'])).toBeGreaterThan(0)
  expect(reply.body).toBeUndefined()
})

const refusals: [string, Asked, number, string][] = [
  ['an unknown path', { path: '/v1/nothing' }, 404, 'not_found'],
  ['a path outside the API', { path: '/' }, 404, 'not_found'],
  ['a wrong method', { method: 'POST', path: '/v1/things' }, 405, 'method_not_allowed'],
  ['an unknown query parameter', { path: '/v1/things?color=teal' }, 400, 'bad_query'],
  ['a query parameter given twice', { path: '/v1/things?colour=teal&colour=red' }, 400, 'bad_query'],
  ['a Host of somebody else, as after DNS rebinding', { headers: { host: 'evil.example:7980' } }, 403, 'bad_host'],
  ['a Host that only begins with 127.', { headers: { host: '127.0.0.1.evil.example' } }, 403, 'bad_host'],
  ['the Host of another machine', { headers: { host: '10.0.0.7:7980' } }, 403, 'bad_host'],
  [
    'a write from a page',
    { method: 'PUT', path: '/v1/leave', headers: { origin: 'http://localhost' } },
    403,
    'cross_origin',
  ],
  [
    'a write from a sandboxed page',
    { method: 'PUT', path: '/v1/leave', headers: { origin: 'null' } },
    403,
    'cross_origin',
  ],
  ['a large body', { method: 'PUT', path: '/v1/leave', body: 'x'.repeat(bodyBytesMax + 1) }, 413, 'body_too_large'],
  ['an error of our own', { path: '/v1/broken' }, 500, 'internal'],
  ['a refusal of the route', { path: '/v1/refused' }, 503, 'busy'],
]

test.each(refusals)('%s is refused with a code and a message', async (_, asked, status, code) => {
  const before = leaves
  const reply = await ask(await start(), asked)
  expect(reply.status).toBe(status)
  expect(reply.body).toEqual({ error: { code, message: expect.any(String) } })
  expect(leaves).toBe(before)
})

test('a wrong method is told which are right', async () => {
  const port = await start()
  expect((await ask(port, { method: 'DELETE', path: '/v1/things' })).headers.allow).toBe('GET, HEAD')
  expect((await ask(port, { path: '/v1/leave' })).headers.allow).toBe('PUT')
})

test('a body whose size nobody announced is refused at the same limit', async () => {
  const headers = { 'transfer-encoding': 'chunked' }
  const asked = { method: 'PUT', path: '/v1/leave', headers }
  const port = await start()
  expect((await ask(port, { ...asked, body: 'x'.repeat(bodyBytesMax + 1) })).status).toBe(413)
  expect((await ask(port, { ...asked, body: 'x'.repeat(bodyBytesMax) })).status).toBe(200)
})

test.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '127.1.2.3:99', '[::1]:7980'])(
  'the Host %s is this machine',
  async (host) => {
    expect((await ask(await start(), { headers: { host } })).status).toBe(200)
  },
)

test('an agent bound to one address of the network may be asked by that address', () => {
  expect(hostAllowed('10.0.0.7:7980', '10.0.0.7')).toBe(true)
  expect(hostAllowed('api.example:7980', 'API.example')).toBe(true)
  expect(hostAllowed('10.0.0.8:7980', '10.0.0.7')).toBe(false)
})

test('an agent on all interfaces may be asked by any address, but by no name', () => {
  expect(hostAllowed('10.0.0.7:7980', '0.0.0.0')).toBe(true)
  expect(hostAllowed('[2001:db8::7]', '::')).toBe(true)
  expect(hostAllowed('evil.example', '0.0.0.0')).toBe(false)
  expect(hostAllowed(undefined, '0.0.0.0')).toBe(false)
})

test('a reply that ends the agent is out before it is told so, and closes its connection', async () => {
  const before = sent
  const reply = await ask(await start(), { method: 'PUT', path: '/v1/leave' })
  expect(reply.body).toEqual({ answer: 'left' })
  expect(reply.headers.connection).toBe('close')
  await expect.poll(() => sent).toBe(before + 1)
})

test.each([
  ['bytes that are no HTTP', 'nonsense\r\n\r\n', '400'],
  ['headers that are too long', `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`, '431'],
])('%s get an error in the same shape, and the connection ends', async (_, bytes, status) => {
  const socket = connect(await start(), '127.0.0.1')
  socket.write(bytes)
  const reply = await text(socket)
  expect(reply.startsWith(`HTTP/1.1 ${status} `)).toBe(true)
  expect(JSON.parse(reply.slice(reply.indexOf('\r\n\r\n')))).toMatchObject({ error: { code: 'bad_request' } })
})

test('an address in use is bind_failed and says so', async () => {
  const port = await start()
  const again = openHttp({ address: { host: '127.0.0.1', port }, routes, log: silentLog })
  await expect(again).rejects.toMatchObject({
    code: 'bind_failed',
    message: `HTTP address 127.0.0.1:${port} is in use by another process`,
  })
})

test('an address this machine does not have is told in words', async () => {
  const elsewhere = openHttp({ address: { host: '192.0.2.1', port: 0 }, routes, log: silentLog })
  await expect(elsewhere).rejects.toThrow(
    'HTTP address 192.0.2.1:0 cannot be opened: this machine does not have that address',
  )
})

test('closing ends connections that are still open', async () => {
  const port = await start()
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /v1/things HTTP/1.1\r\n')
  const ended = text(socket).catch(() => 'reset')
  await new Promise((resolve) => socket.once('connect', resolve))
  await Promise.all(open.splice(0).map((api) => api.close()))
  expect(await ended).toMatch(/^(reset)?$/)
})

interface Asked {
  method?: string
  path?: string
  headers?: OutgoingHttpHeaders
  body?: string
}

function ok(answer: unknown) {
  return { status: 200, body: { answer } }
}

async function start(): Promise<number> {
  const api = await openHttp({ address: { host: '127.0.0.1', port: 0 }, routes, log: silentLog })
  open.push(api)
  return api.address.port
}

/** `fetch` may set neither Host nor Origin, so this is a plain request. */
function ask(
  port: number,
  { method = 'GET', path = '/v1/things', headers = {}, body }: Asked,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: unknown }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, async (response) => {
      const got = await text(response)
      const { statusCode = 0, headers } = response
      resolve({ status: statusCode, headers, body: got === '' ? undefined : (JSON.parse(got) as unknown) })
    })
    asking.once('error', reject)
    asking.end(body)
  })
}
