/** The pages of the bench over HTTP: for each library one, with one script that holds the library and the diary. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export async function openSite(names) {
  const scripts = new Map()
  for (const name of names) scripts.set(`/${name}.js`, await bundle(name))
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://site')
    const script = scripts.get(pathname)
    const [type, body] = script
      ? ['text/javascript', script]
      : [
          'text/html',
          `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${pathname}.js"></script>`,
        ]
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    urlOf: (name, query) => `http://127.0.0.1:${server.address().port}/${name}?${new URLSearchParams(query)}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function bundle(name) {
  const { outputFiles } = await build({
    stdin: {
      // In this order: the library has to find the classes that count.
      contents: `import './probe.mjs'\nimport { keepDiary } from './diary.mjs'\nimport { join } from './${name}.mjs'\nawait keepDiary(join)`,
      resolveDir: fileURLToPath(new URL('page/', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    logLevel: 'warning',
  })
  return outputFiles[0].contents
}
