// One instance of the service `hello`: an HTTP server, and the peer by which clients find it.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPeer } from 'shoal/node'

/** An instance that is to go stays for so long: by then every client has heard that it is draining. */
const drainMs = 3_000
/** ... and for so long it says of itself that it is gone, should anybody still ask. */
const goneMs = 500

export async function startInstance({ name, version, join }) {
  let gone = false
  const server = createServer(async (_request, response) => {
    response.statusCode = gone ? 410 : 200
    await sleep(20 + Math.random() * 80)
    response.end(version)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')

  const peer = await startPeer({ room: 'fleet', name, udp: { bind: '127.0.0.1:0', join } })
  const hello = peer.register({ service: 'hello', port: server.address().port, meta: { version } })

  return {
    address: peer.self.endpoints[0].slice('udp:'.length),
    async stop() {
      hello.drain()
      await sleep(drainMs)
      await peer.leave()
      gone = true
      await sleep(goneMs)
      // What is still being answered is answered to its end.
      server.closeIdleConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
