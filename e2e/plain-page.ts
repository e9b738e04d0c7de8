/** Serves the small page that dozens of tabs can have open at once, and what a test builds for a page of its own. */

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { root } from './process.ts'

declare global {
  /** What `e2e/plain-page/index.html` keeps. */
  var seen: { completeMs: number | undefined; linksMost: number; cursorMs: Record<string, number> }
}

export class PlainPage {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** `script` takes the place of the library: a module that a test wants to run in a page. */
  static async serve(script?: string): Promise<PlainPage> {
    const files: Record<string, [type: string, body: string | Buffer]> = {
      '/': ['text/html', await readFile(join(root, 'e2e/plain-page/index.html'))],
      '/shoal.js': ['text/javascript', await readFile(join(root, 'dist/browser/index.js'))],
      '/blank': [
        'text/html',
        '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/script.js"></script>',
      ],
      '/script.js': ['text/javascript', script ?? ''],
    }
    const server = createServer((request, response) => {
      const file = files[request.url!.split('?')[0]!]
      if (file) response.setHeader('content-type', `${file[0]}; charset=utf-8`).end(file[1])
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new PlainPage(server)
  }

  url(path: string, query: Record<string, string> = {}): string {
    const { port } = this.#server.address() as { port: number }
    return `http://127.0.0.1:${port}${path}?${new URLSearchParams(query)}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
