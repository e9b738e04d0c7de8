import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../../peer/options.ts'
import { type Agent, openAgent } from '../agent.ts'
import { fakeInstance, fakeMember, fakePeer } from '../peer.fake.ts'
import { type FakeShell, fakeShell } from './shell.fake.ts'
import { runVerb } from './verbs.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const wrongInput: [string, string[], string][] = [
  ['no verb', [], 'shoal: no verb given: expected agent, signal, members'],
  ['an unknown verb', ['agnet'], 'shoal: unknown verb "agnet": expected agent, signal'],
  ['a name of Object.prototype', ['constructor'], 'shoal: unknown verb "constructor"'],
  ['an unknown flag', ['members', '--stat', 'x'], 'shoal members: unknown flag "--stat": expected --status, --format'],
  ['an argument too many', ['services', 'a', 'b'], 'shoal services: unexpected argument "b"'],
  ['an unknown format', ['info', '--format', 'xml'], 'shoal info: --format: expected text, json, got "xml"'],
  ['a bad address', ['leave', '--http', 'x:y'], 'shoal leave: --http: expected host:port'],
  ['a bad expression', ['members', '--status', '('], 'shoal members: --status: expected a regular expression'],
  [
    'a list of statuses',
    ['members', '--status', 'alive,suspect'],
    'fits at least one of alive, suspect, dead, left, got',
  ],
  ['a status in capitals', ['members', '--status', 'Alive'], '--status: expected a regular expression that fits'],
  ['a part of a status', ['members', '--status', 'live'], 'got "live"'],
  ['a verb to explain that is none', ['help', 'agnet'], 'shoal help: unknown verb "agnet"'],
  ['an agent without a room', ['agent', '--bind', '127.0.0.1:0'], 'shoal agent: --room is missing'],
  ['a bad port to signal at', ['signal', '--port', '-1'], 'shoal signal: --port has no value'],
]

test.each(wrongInput)('%s ends with 2 and one line that names it', async (_, args, line) => {
  const { code, shell } = await run(args)
  expect(shell.complaints).toEqual([expect.stringContaining(line)])
  expect(shell.complaints[0]).not.toContain('\n')
  expect(shell.printed).toEqual([])
  expect(code).toBe(2)
})

test('a wrong address in the environment is named as such', async () => {
  const { code, shell } = await run(['members'], { SHOAL_HTTP_ADDR: 'x:y' })
  expect(code).toBe(2)
  expect(shell.complaints[0]).toContain('SHOAL_HTTP_ADDR: expected host:port')
})

test.each(['members', 'services', 'info', 'invite', 'leave'])(
  '%s without an agent says where it looked and what to do',
  async (verb) => {
    const { code, shell } = await run([verb, '--http', await nobody()])
    expect(code).toBe(1)
    expect(shell.complaints).toEqual([
      expect.stringMatching(/no agent answers at 127\.0\.0\.1:\d+ \(ECONNREFUSED\): start one/),
    ])
  },
)

test('somebody else who answers there is not taken for an agent', async () => {
  const server = createServer((_, response) => response.end('<h1>hello</h1>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  const { code, shell } = await run(['members', '--http', `127.0.0.1:${(server.address() as AddressInfo).port}`])
  expect(code).toBe(1)
  expect(shell.complaints[0]).toContain('is no shoal agent')
})

test('members are listed by name, with aligned columns', async () => {
  const { code, shell } = await run(['members', '--http', (await serve()).address])
  expect(code).toBe(0)
  expect(shell.printed[0]!.split('\n')).toEqual([
    'NAME  ID       STATUS  KIND            ADDRESS        RTT    SERVICES',
    'Ana   tab-id   dead    rtc/visible     -              -      -',
    'api   api-id   alive   udp+rtc/server  10.0.0.7:7946  0.6ms  payments:8080,search',
    'self  self-id  alive   server          -              -      -',
  ])
})

test('members are chosen by an expression for their whole status', async () => {
  const { address } = await serve()
  const statuses = async (re: string) => {
    const { shell } = await run(['members', '--status', re, '--format=json', '--http', address])
    return (JSON.parse(shell.printed[0]!) as { members: { status: string }[] }).members.map(({ status }) => status)
  }
  expect(await statuses('dead|left')).toEqual(['dead'])
  expect(await statuses('a.*')).toEqual(['alive', 'alive'])
  expect(await statuses('suspect')).toEqual([])
})

test('services are listed, and the instances of one', async () => {
  const { address } = await serve()
  const all = await run(['services', '--http', address])
  expect(all.shell.printed[0]).toMatch(/^SERVICE +INSTANCES +PASSING +TAGS\npayments +1 +1 +eu\nsearch +1 +1 +-$/)
  const one = await run(['services', 'payments', '--http', address])
  expect(one.shell.printed[0]).toMatch(/^NAME .*\nmember +10\.0\.0\.7:8080 +passing +alive +1 +1\.5s +eu$/)
  const json = await run(['services', 'payments', '--format', 'json', '--http', address])
  expect(JSON.parse(json.shell.printed[0]!)).toMatchObject({ service: 'payments', instances: [{ port: 8080 }] })
})

test('info tells about the agent, its view and its counters', async () => {
  const { shell } = await run(['info', '--http', (await serve()).address])
  expect(shell.printed[0]).toMatch(/^agent:\n {2}name +self\n/)
  expect(shell.printed[0]).toMatch(/room +lobby/)
  expect(shell.printed[0]).toMatch(/view:\n {2}alive +2\n/)
  expect(shell.printed[0]).toMatch(/counters:\n {2}packetsSent +7$/)
})

test('info with a name or an id tells why a member is believed to be what it is', async () => {
  const { address } = await serve()
  for (const word of ['Ana', 'tab-id']) {
    const { code, shell } = await run(['info', word, '--http', address])
    expect(code).toBe(0)
    const [first, ...lines] = shell.printed[0]!.split('\n')
    expect(first).toBe('Ana: answered this peer 0.4 s ago over udp')
    expect(lines).toContain('  last answer  400 ms ago by udp:10.0.0.7:7946')
    expect(lines).toContain('as self sees it:')
  }
  const { shell } = await run(['info', 'Ana', '--format', 'json', '--http', address])
  expect(JSON.parse(shell.printed[0]!)).toMatchObject({ id: 'tab-id', lastAnswer: { agoMs: 400 } })
})

test('info about somebody unknown fails with one line that says so', async () => {
  const { code, shell } = await run(['info', 'no/body', '--http', (await serve()).address])
  expect(code).toBe(1)
  expect(shell.complaints).toEqual([
    expect.stringMatching(/refused: no member with the id or name "no\/body" is known \(unknown_member\)$/),
  ])
})

test('the environment names the agent where no flag does', async () => {
  const { address } = await serve()
  const { code } = await run(['members'], { SHOAL_HTTP_ADDR: address })
  expect(code).toBe(0)
})

test('invite prints an address and nothing else', async () => {
  const { address } = await serve()
  const { code, shell } = await run(['invite', '--http', address])
  expect({ code, printed: shell.printed }).toEqual({ code: 0, printed: [expect.stringMatching(/^ws:\/\/\S+$/)] })
})

test('leave makes the agent leave and end', async () => {
  const { agent, address } = await serve()
  const { code, shell } = await run(['leave', '--http', address])
  expect(code).toBe(0)
  expect(shell.printed).toEqual(['the agent has left'])
  await agent.ended
})

test.each([['help'], ['--help'], ['-h']])('%s lists the verbs', async (word) => {
  const { code, shell } = await run([word])
  expect(code).toBe(0)
  for (const verb of ['agent', 'signal', 'members', 'services', 'info', 'invite', 'leave', 'version', 'help']) {
    expect(shell.printed[0]).toMatch(new RegExp(`^  ${verb} `, 'm'))
  }
})

test('the flags of a verb are explained by help and by the verb itself', async () => {
  const { shell } = await run(['help', 'agent'])
  expect(shell.printed[0]).toMatch(/^ {2}--register name\[:port\] +a service it offers/m)
  expect((await run(['agent', '--help'])).shell.printed).toEqual(shell.printed)
  const ofMembers = (await run(['members', '--help'])).shell.printed[0]
  expect(ofMembers).toContain('the dead and left that it remembers included')
  expect(ofMembers).toMatch(/--status pattern +.*regular expression; "alive\|suspect" hides those that are gone/)
})

test.each([['version'], ['--version']])('%s prints the version of the package', async (word) => {
  expect((await run([word])).shell.printed[0]).toMatch(/^shoal \d+\.\d+\.\d+/)
})

test('a member cannot steer the terminal by its name', async () => {
  const { address } = await serve('\u001b[2J')
  const { shell } = await run(['members', '--http', address])
  expect(shell.printed[0]).not.toContain('\u001b')
})

async function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number; shell: FakeShell }> {
  const shell = fakeShell(env)
  return { code: await runVerb(args, shell), shell }
}

async function serve(name = 'Ana'): Promise<{ agent: Agent; address: string }> {
  const peer = fakePeer([
    fakeMember({ id: 'tab-id', name, status: 'dead', mode: 'visible', endpoints: ['rtc:tab-id'] }),
    fakeMember({
      id: 'api-id',
      name: 'api',
      endpoints: ['udp:10.0.0.7:7946', 'rtc:api-id'],
      rttMs: 0.63,
      services: [fakeInstance({ tags: ['eu'] }), portless()],
    }),
  ])
  const agent = await openAgent(
    {
      start: { room: 'lobby' },
      services: [],
      http: { address: { host: '127.0.0.1', port: 0 }, optional: false },
      version: '1.2.3',
      log: silentLog,
    },
    { startPeer: async () => peer },
  )
  closers.push(() => agent.close())
  return { agent, address: `127.0.0.1:${agent.http!.address.port}` }
}

function portless() {
  const { port: _, ...instance } = fakeInstance({ service: 'search', id: 'api-id/search' })
  return instance
}

/** An address that nobody listens at. */
async function nobody(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}
