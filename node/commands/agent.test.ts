import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { ShoalError } from '../../core/index.ts'
import { silentLog } from '../../peer/options.ts'
import { parseFlags } from '../flags.ts'
import type { NodePeerOptions } from '../index.ts'
import { fakeMember, fakePeer } from '../peer.fake.ts'
import { agent, agentOptions, runAgent } from './agent.ts'
import { fakeShell } from './shell.fake.ts'

const minimal = ['--room', 'lobby', '--bind', '127.0.0.1:0']

test('the flags become the options of a start call', () => {
  const { start, services, http } = read(
    ...['--room', 'lobby', '--name', 'api-1', '--user', 'u-1', '--bind', '127.0.0.1', '--advertise', '10.0.0.7:80'],
    ...['--join', 'db-1', '--join=db-2:1', '--signaling', 'ws://localhost:8787', '--state', 'role=web', '--state=a=b'],
    ...['--register', 'payments:8080', '--register', 'payments:8081', '--http', 'localhost'],
  )
  expect(start).toEqual({
    room: 'lobby',
    name: 'api-1',
    user: 'u-1',
    signaling: ['ws://localhost:8787/'],
    state: { role: 'web', a: 'b' },
    udp: { bind: '127.0.0.1:7946', advertise: '10.0.0.7:80', join: ['db-1:7946', 'db-2:1'] },
    log: silentLog,
  })
  expect(services).toEqual([
    { service: 'payments', port: 8080 },
    { service: 'payments', port: 8081 },
  ])
  expect(http).toEqual({ address: { host: 'localhost', port: 7980 }, optional: false })
})

test('an advertised address without a port has the one that is bound', () => {
  const { udp } = read('--room', 'lobby', '--bind', '127.0.0.1:7999', '--advertise', '10.0.0.1').start
  expect(udp).toMatchObject({ bind: '127.0.0.1:7999', advertise: '10.0.0.1:0' })
})

test('a gateway may be on several signalling servers and be one itself', () => {
  const { start } = read(
    ...['--room', 'lobby', '--signaling', 'ws://a', '--signaling=ws://b'],
    ...['--serve-signaling', '0.0.0.0', '--advertise-signaling', 'wss://gate.example/room'],
  )
  expect(start).toMatchObject({
    signaling: ['ws://a/', 'ws://b/'],
    serveSignaling: { host: '0.0.0.0', port: 8787, advertise: 'wss://gate.example/room' },
  })
  expect(read('--room', 'lobby', '--serve-signaling', '127.0.0.1:0').start.udp).toBeUndefined()
})

test('an invite names the room', () => {
  const invited = read('--signaling', 'ws://a/?room=lobby', '--signaling', 'ws://b').start
  expect(invited).toMatchObject({ room: 'lobby', signaling: ['ws://a/', 'ws://b/'] })
  expect(read('--room', 'lobby', '--signaling', 'ws://a/?room=lobby').start).toMatchObject({ signaling: ['ws://a/'] })
})

test('one that serves signalling prints an invite', async () => {
  const shell = fakeShell()
  const args = ['--room', 'lobby', '--no-http', '--serve-signaling', '127.0.0.1:0']
  const running = runAgent(parseFlags(args, agent.flags), shell, async (options) => fakePeer([], options))
  await expect.poll(() => shell.printed.length).toBe(1)
  expect(shell.printed[0]).toContain('  invite  ws://127.0.0.1:1/?room=lobby')
  shell.send('SIGTERM')
  await running
})

test('the HTTP address is the flag, else the environment, else a default that is optional', () => {
  const env = { SHOAL_HTTP_ADDR: '127.0.0.1:1' }
  expect(readWith(env, ...minimal, '--http', '127.0.0.1:2').http).toMatchObject({
    address: { port: 2 },
    optional: false,
  })
  expect(readWith(env, ...minimal).http).toMatchObject({ address: { port: 1 }, optional: false })
  expect(read(...minimal).http).toMatchObject({ address: { host: '127.0.0.1', port: 7980 }, optional: true })
  expect(readWith(env, ...minimal, '--no-http').http).toBeUndefined()
})

const mistakes: [string, string[], string][] = [
  ['no room', ['--bind', '127.0.0.1:0'], '--room is missing: expected e.g. --room lobby, or an invite as --signaling'],
  ['no room, and an address that is no invite', ['--signaling', 'ws://a'], '--room is missing'],
  [
    'another room than that of the invite',
    ['--room', 'r', '--signaling', 'ws://a/?room=lobby'],
    '--signaling: expected an address for the room "r", got one for "lobby"',
  ],
  ['no channel', ['--room', 'lobby'], '--bind or --signaling is missing'],
  ['a join without UDP', ['--room', 'lobby', '--signaling', 'ws://a', '--join', 'b'], '--join is of use with UDP only'],
  ['an advertised address without UDP', ['--room', 'r', '--signaling', 'ws://a', '--advertise', 'b'], '--advertise'],
  [
    'an address to be told without a server',
    [...minimal, '--advertise-signaling', 'ws://a'],
    'expected --serve-signaling',
  ],
  ['a bad address to serve at', ['--room', 'r', '--serve-signaling', 'a:b'], '--serve-signaling: expected host:port'],
  ['HTTP and no HTTP', [...minimal, '--http', 'a:1', '--no-http'], '--http and --no-http'],
  ['a service twice', [...minimal, '--register', 'a:1', '--register', 'A:1'], '--register: expected each service once'],
  ['a bad address to join', [...minimal, '--join', 'a:b'], '--join: expected host:port'],
  [
    'a signalling server of another scheme',
    ['--room', 'r', '--signaling', 'http://a'],
    '--signaling: expected an address such as ws://',
  ],
]

test.each(mistakes)('%s is refused before anything is opened', (_, args, message) => {
  expect(() => read(...args)).toThrow(message)
})

test('it prints who it is, and leaves and ends on a signal', async () => {
  const shell = fakeShell()
  const peer = fakePeer([fakeMember()], { name: 'api-1', udp: { bind: '127.0.0.1:7946' } })
  const args = [...minimal, '--join', '127.0.0.1:7947', '--http', '127.0.0.1:0']
  const running = runAgent(parseFlags(args, agent.flags), shell, async () => peer)
  await expect.poll(() => shell.printed.length).toBe(1)
  const [title, ...facts] = shell.printed[0]!.split('\n')
  expect(title).toMatch(/^shoal agent \d+\.\d+\.\d+$/)
  expect(facts).toEqual([
    '  name    api-1',
    '  id      self-id',
    '  room    lobby',
    '  udp     127.0.0.1:7946',
    expect.stringMatching(/^ {2}http {4}127\.0\.0\.1:\d+$/),
    '  status  joined; 1 other seen, through 127.0.0.1:7947',
  ])
  shell.send('SIGTERM')
  await running
  expect(peer.left).toBe(1)
  expect(shell.listening()).toBe(0)
  expect(shell.complaints).toEqual([])
})

test('asked to leave by HTTP, it ends as on a signal', async () => {
  const shell = fakeShell()
  const peer = fakePeer()
  const running = runAgent(parseFlags([...minimal, '--http', '127.0.0.1:0'], agent.flags), shell, async () => peer)
  await expect.poll(() => shell.printed.length).toBe(1)
  const address = /http +(\S+)/.exec(shell.printed[0]!)![1]!
  await fetch(`http://${address}/v1/agent/leave`, { method: 'PUT' })
  await running
  expect(peer.left).toBeGreaterThan(0)
  expect(shell.exits).toEqual([])
})

test('a signal while it is starting gives up without a failure', async () => {
  const shell = fakeShell()
  let starting: NodePeerOptions | undefined
  const running = runAgent(parseFlags([...minimal, '--no-http'], agent.flags), shell, (options) => {
    starting = options
    return rejectOnAbort(options.signal!)
  })
  await expect.poll(() => starting).toBeDefined()
  shell.send('SIGINT')
  await running
  expect(shell.printed).toEqual([])
  expect(shell.listening()).toBe(0)
})

test('an HTTP address in use that was asked for fails with one line', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const shell = fakeShell()
  const flags = parseFlags([...minimal, '--http', `127.0.0.1:${port}`], agent.flags)
  await expect(runAgent(flags, shell, async () => fakePeer())).rejects.toThrow(`127.0.0.1:${port} is in use`)
  expect(shell.printed).toEqual([])
  expect(shell.listening()).toBe(0)
  await new Promise((resolve) => server.close(resolve))
})

test('what a peer says of its options names the flags they came from', async () => {
  const shell = fakeShell()
  const args = parseFlags([...minimal, '--no-http'], agent.flags)
  const running = runAgent(args, shell, async ({ log }) => {
    log!.warn('udp.join: db-1:7946 has no IPv4 address, but udp.bind has')
    throw new ShoalError('bad_option', 'udp.bind: cannot resolve db-1')
  })
  await expect(running).rejects.toMatchObject({ code: 'bad_option', message: '--bind: cannot resolve db-1' })
  expect(shell.complaints).toEqual(['shoal: --join: db-1:7946 has no IPv4 address, but --bind has'])
})

test('a peer that is still joining says why', async () => {
  const shell = fakeShell()
  const peer = fakePeer()
  peer.status = 'joining'
  peer.reason = 'no seed answers'
  const running = runAgent(parseFlags([...minimal, '--no-http'], agent.flags), shell, async () => peer)
  await expect.poll(() => shell.printed.length).toBe(1)
  expect(shell.printed[0]).toContain('status  joining (no seed answers); 0 others seen')
  expect(shell.printed[0]).toContain('http    none')
  shell.send('SIGINT')
  await running
})

function read(...args: string[]) {
  return readWith({}, ...args)
}

function readWith(env: Record<string, string>, ...args: string[]) {
  return agentOptions(parseFlags(args, agent.flags), fakeShell(env), silentLog)
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
