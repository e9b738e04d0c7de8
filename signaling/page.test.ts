import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SignalingServer, startSignaling } from './server.ts'

let directory: string
let server: SignalingServer

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'shoal-page-'))
  const page = path.join(directory, 'page')
  await mkdir(path.join(page, 'img'), { recursive: true })
  await writeFile(path.join(directory, 'secret.txt'), 'secret')
  await writeFile(path.join(page, 'index.html'), '<!doctype html>')
  await writeFile(path.join(page, 'main.js'), 'export {}')
  await writeFile(path.join(page, 'img', 'a b.svg'), '<svg/>')
  await writeFile(path.join(page, 'data.bin'), 'x')
  await symlink(path.join(directory, 'secret.txt'), path.join(page, 'link.txt'))
  server = await startSignaling({ port: 0, page })
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

test('a file is served with its type and the headers that keep a page to itself', async () => {
  const { status, headers, body } = await ask('/')
  expect(status).toBe(200)
  expect(body).toBe('<!doctype html>')
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'self'; connect-src 'self' ws: wss:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  })
  for (const [url, type] of [
    ['/index.html', 'text/html; charset=utf-8'],
    ['/main.js', 'text/javascript; charset=utf-8'],
    ['/main.js?v=2', 'text/javascript; charset=utf-8'],
    ['/img/a%20b.svg', 'image/svg+xml'],
    ['/data.bin', 'application/octet-stream'],
  ]) {
    expect(await ask(url!)).toMatchObject({ status: 200, headers: { 'content-type': type } })
  }
})

test.each([
  '/../secret.txt',
  '/img/../../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/..\\secret.txt',
  '//secret.txt',
  '/link.txt',
  '/img',
  '/img/',
  '/index.html%00',
  '/%',
  '/__proto__',
  'http://localhost/../secret.txt',
])('%s leads nowhere', async (url) => {
  const { status, body } = await ask(url)
  expect({ status, body }).toEqual({ status: 404, body: 'not found\n' })
})

test('HEAD gives the headers alone, and other methods are refused', async () => {
  const head = await ask('/main.js', 'HEAD')
  expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': '9' } })
  expect(await ask('/main.js', 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
})

test('a browser that has the file already is told so', async () => {
  const { headers } = await ask('/main.js')
  expect(await ask('/main.js', 'GET', { 'if-none-match': headers.etag! })).toMatchObject({ status: 304, body: '' })
})

/** `fetch` would tidy the path up before it is sent. */
async function ask(url: string, method = 'GET', headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port: server.port, path: url, method, headers, agent: false }, resolve)
      .on('error', reject)
      .end()
  })
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, headers: response.headers, body }
}
