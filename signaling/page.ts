/**
 * The static page that a signalling server can serve beside its sockets. Its files are read into memory once: what was
 * not there at the start does not exist, so no path of a request ever reaches the file system and there is nothing to
 * traverse. (`sirv` does more than this needs: ranges, precompressed files, watching.)
 */

import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import path from 'node:path'
import { ShoalError } from '../core/index.ts'

/** All files together; a page is small, and a directory named by mistake should not fill the memory. */
const pageBytesMax = 32 * 1024 * 1024
const pageFilesMax = 1_000

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
}

const headers = {
  // The page joins rooms on any server, so sockets may go anywhere, and it makes a worker to keep time while it is hidden;
  // all else comes from here.
  'content-security-policy':
    "default-src 'self'; connect-src 'self' ws: wss:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

interface PageFile {
  body: Buffer
  type: string
  etag: string
}

/** By request path: `/main.js`, and `/` as well as `/index.html`. */
export type Page = ReadonlyMap<string, PageFile>

/** Reads a directory and those in it; links are not followed. Throws `bad_option` where it cannot be served. */
export async function loadPage(directory: string): Promise<Page> {
  const bad = (problem: string, cause?: unknown) =>
    new ShoalError('bad_option', `page: expected a directory of static files, ${problem}: ${directory}`, { cause })
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw bad('this one cannot be read', cause)
  })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  if (files.length > pageFilesMax) throw bad(`this one has more than ${pageFilesMax} files`)
  const page = new Map<string, PageFile>()
  let bytes = 0
  for (const file of files) {
    bytes += (await stat(file)).size
    if (bytes > pageBytesMax) throw bad(`this one is larger than ${pageBytesMax / 1024 / 1024} MiB`)
    const body = await readFile(file)
    const type = types[path.extname(file)] ?? 'application/octet-stream'
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    const at = `/${path.relative(directory, file).split(path.sep).map(encodeURIComponent).join('/')}`
    page.set(at, { body, type, etag })
    if (at === '/index.html') page.set('/', { body, type, etag })
  }
  return page
}

/** Answers any request: with a file if it names one. */
export function servePage(page: Page, request: IncomingMessage, response: ServerResponse): void {
  const file = page.get((request.url ?? '/').split('?', 1)[0]!)
  if (!file) {
    refuse(response, 404, 'not found')
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    refuse(response, 405, 'only GET and HEAD')
  } else if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, { ...headers, etag: file.etag }).end()
  } else {
    const { type, etag, body } = file
    response.writeHead(200, { ...headers, etag, 'content-type': type, 'content-length': body.length })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}

export function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`)
}
