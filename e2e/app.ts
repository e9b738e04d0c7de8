/** A page of somebody else's, with a script of its own that imports `shoal/browser` as it was built. */

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { root } from './process.ts'

export class App {
  readonly url: string
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  /** `script` finds the library at `/shoal.js` and the overlay at `/overlay.js`; `policy` is the Content-Security-Policy of the page. */
  static async serve(script: string, policy?: string): Promise<App> {
    const files: Record<string, [type: string, body: string | Buffer]> = {
      '/': [
        'text/html',
        '<!doctype html><link rel="icon" href="data:," /><script type="module" src="/main.js"></script>',
      ],
      '/main.js': ['text/javascript', script],
      '/shoal.js': ['text/javascript', await readFile(join(root, 'dist/browser/index.js'))],
      '/overlay.js': ['text/javascript', await readFile(join(root, 'dist/browser/overlay.js'))],
    }
    const server = createServer((request, response) => {
      const file = files[request.url!]
      if (file === undefined) return response.writeHead(404).end()
      response.setHeader('content-type', file[0])
      if (policy !== undefined) response.setHeader('content-security-policy', policy)
      return response.end(file[1])
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new App(server)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
