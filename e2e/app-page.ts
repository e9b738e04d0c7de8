/** A page of an application on a web server of its own, as users have it: the signalling server can be away. */

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { root } from './process.ts'

const html = `<!doctype html><link rel="icon" href="data:," /><script type="module">
  import { join } from './shoal.js'
  const asked = new URLSearchParams(location.search)
  const peer = await join({ signaling: asked.getAll('signaling'), name: asked.get('name') })
  globalThis.shoal = { peer }
</script>`

export interface AppPage {
  /** The address at which a tab joins by these servers or invites. */
  url(name: string, signaling: readonly string[]): string
  close(): void
}

export async function openAppPage(): Promise<AppPage> {
  const script = await readFile(join(root, 'dist/browser/index.js'))
  const server = createServer(({ url }, response) => {
    if (url === '/shoal.js') response.setHeader('content-type', 'text/javascript').end(script)
    else response.setHeader('content-type', 'text/html').end(html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url(name, signaling) {
      const query = new URLSearchParams([['name', name], ...signaling.map((one) => ['signaling', one])])
      return `http://127.0.0.1:${port}/?${query}`
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
