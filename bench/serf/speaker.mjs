/**
 * A Shoal agent that registers a service for each line it reads: the CLI's own agent, HTTP API and log lines included,
 * opened here because a running agent cannot be asked to change what it says of itself. It is the first of its room.
 */

import { createInterface } from 'node:readline'
import { openAgent } from '../../dist/node/agent.js'
import { startPeer } from '../../dist/node/index.js'

const [name, bind, http] = process.argv.slice(2)
const tell = (message) => process.stderr.write(`shoal: ${message}\n`)
const [host, port] = http.split(':')
const agent = await openAgent(
  {
    start: { room: 'bench', name, udp: { bind } },
    services: [],
    http: { address: { host, port: Number(port) }, optional: false },
    version: 'bench',
    log: { warn: tell, info: tell, debug: () => {} },
  },
  { startPeer },
)
const lines = createInterface({ input: process.stdin })
lines.on('line', (service) => agent.peer.register({ service }))
lines.once('close', () => agent.close())
process.once('SIGINT', () => lines.close())
process.once('SIGTERM', () => lines.close())
