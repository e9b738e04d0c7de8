/** Ports that nobody uses, found by asking the system for one and giving it back. */

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const host = '127.0.0.1'
/** Given out by this worker before. Another worker may be given the same by the system only after it is closed here. */
const given = new Set<number>()

export async function freeTcpPort(): Promise<number> {
  return unused(
    () =>
      new Promise((resolve, reject) => {
        const server = createServer()
        server.once('error', reject)
        server.listen(0, host, () => {
          const { port } = server.address() as { port: number }
          server.close(() => resolve(port))
        })
      }),
  )
}

export async function freeUdpPort(): Promise<number> {
  return unused(
    () =>
      new Promise((resolve, reject) => {
        const socket = createSocket('udp4')
        socket.once('error', reject)
        socket.bind(0, host, () => {
          const { port } = socket.address()
          socket.close(() => resolve(port))
        })
      }),
  )
}

/** The system may offer a port again that was given out and is not taken yet. */
async function unused(ask: () => Promise<number>): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const port = await ask()
    if (given.has(port)) continue
    given.add(port)
    return port
  }
  throw new Error('the system offered no new port in 20 attempts')
}
