/** Wrong input, from the one who starts a process and from the network. */

import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { randomBytes, randomInt, seededRandom } from '../core/index.ts'
import { withChecksum } from '../node/udp.ts'
import { expect, test } from './fixtures.ts'
import { freeUdpPort } from './ports.ts'
import { atAll, statusesAtAll } from './view.ts'

/** Not an address of any machine (RFC 5737). */
const nowhere = '192.0.2.1:7946'

const refused: { args: string[]; code: number; says: RegExp }[] = [
  { args: ['agnet'], code: 2, says: /agnet/ },
  { args: ['agent', '--nmae', 'api-1'], code: 2, says: /--nmae/ },
  { args: ['agent', '--room', 'r', '--bind', 'no address'], code: 2, says: /--bind.*no address/ },
  { args: ['agent', '--room', 'r', '--name', 'api-1'], code: 2, says: /--bind.*--signaling/ },
  { args: ['agent', '--room', 'r', '--bind', '127.0.0.1:0', '--join', ':1:2:3'], code: 2, says: /--join/ },
  { args: ['agent', '--room', 'r', '--bind', '127.0.0.1:0', '--register', 'no_label'], code: 2, says: /--register/ },
  { args: ['agent', '--room', 'r', '--bind', '127.0.0.1:0', '--state', 'novalue'], code: 2, says: /--state/ },
  { args: ['agent', '--room', 'r', '--signaling', 'http://x'], code: 2, says: /--signaling/ },
  { args: ['agent', '--room', 'r', '--no-http', '--bind', nowhere], code: 1, says: /192\.0\.2\.1/ },
  { args: ['signal', '--port', '99999'], code: 2, says: /--port.*99999/ },
  { args: ['members', '--http', '127.0.0.1:1'], code: 1, says: /127\.0\.0\.1:1/ },
]

for (const { args, code, says } of refused) {
  test(`\`shoal ${args.join(' ')}\` ends with one clear line and exit code ${code}`, async ({ world }) => {
    const process = world.run('shoal', args)
    expect(await process.ended()).toEqual({ code, signal: null })
    expect(process.printed('err')).toEqual([expect.stringMatching(says)])
    expect(process.printed('out')).toEqual([])
  })
}

test('a port in use is named, and nothing is half started', async ({ world }) => {
  await world.startSignal()
  const agent = await world.startAgent('gate', { gateway: true })
  const udp = String(agent.udpPort)
  const tcp = new URL(world.signaling).port
  const free = await freeUdpPort()
  const attempts = [
    { taken: udp, args: ['agent', '--room', 'r', '--no-http', '--bind', `127.0.0.1:${udp}`] },
    { taken: tcp, args: ['agent', '--room', 'r', '--bind', `127.0.0.1:${free}`, '--http', `127.0.0.1:${tcp}`] },
    { taken: tcp, args: ['signal', '--port', tcp] },
  ]
  for (const { taken, args } of attempts) {
    const process = world.run('second', args)
    expect(await process.ended()).toEqual({ code: 1, signal: null })
    expect(process.printed('err')).toEqual([expect.stringContaining(taken)])
    expect(process.printed('out')).toEqual([])
  }
  await expect.poll(() => statusesAtAll([agent])).toEqual({ gate: 'gate alive' })
})

test('an agent that is sent garbage goes on as if nothing had been sent', async ({ world }) => {
  const gate = await world.startAgent('gate')
  const api = await world.startAgent('api-1', { join: gate })
  const random = seededRandom(20)
  const socket = createSocket('udp4')
  const send = (packet: Uint8Array) =>
    new Promise<void>((resolve, reject) =>
      socket.send(packet, gate.udpPort, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    )
  for (const size of [0, 1, 2, 5, 64, 1199, 1200, 1201, 9000, 65_507]) await send(randomBytes(random, size))
  // With their checksum, so that more than the first look at them is tried.
  for (let i = 0; i < 2000; i++) await send(withChecksum(randomBytes(random, 1 + randomInt(random, 200))))
  socket.close()

  // A newcomer gets in through the agent that was under fire, so it has read on past all of it.
  const late = await world.startAgent('late', { join: gate })
  const everyone = [gate, api, late]
  await expect.poll(() => statusesAtAll(everyone)).toEqual(atAll(everyone, 'api-1 alive, gate alive, late alive'))
})

test('a signalling server that is sent garbage serves the others on', async ({ world }) => {
  const server = await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const random = seededRandom(21)
  const frames: (string | Uint8Array)[] = [
    '',
    'hello',
    '{',
    'null',
    '[]',
    '{}',
    '{"type":"join"}',
    '{"__proto__":{"type":"join"}}',
    '['.repeat(5000),
    'x'.repeat(2_000_000),
    ...Array.from({ length: 50 }, () => randomBytes(random, 1 + randomInt(random, 3000))),
  ]
  // One connection each: a server may well hang up on such a client.
  for (const frame of frames) await sendFrame(world.signaling, frame)
  await sendRaw(new URL(world.signaling), 'GET / HTTP/1.1\r\nUpgrade: websocket\r\nnonsense\r\n\r\n')
  await sendRaw(new URL(world.signaling), '\u0016\u0003\u0001\u0000')

  const tab = await world.openTab('Ana')
  const everyone = [tab, gate]
  await expect.poll(() => statusesAtAll(everyone)).toEqual(atAll(everyone, 'Ana alive, gate alive'))
  server.assertRunning()
})

/** Opens a connection, sends one frame and closes; done when the connection is closed, by whichever side. */
function sendFrame(url: string, frame: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url)
    socket.on('open', () => socket.send(frame, () => socket.close()))
    // To be hung up on is a fine answer.
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
}

/** The same below WebSocket: bytes that are no request. */
function sendRaw({ hostname, port }: URL, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.end(text, 'latin1'))
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
  })
}
