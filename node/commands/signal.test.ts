import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SignalingOptions } from '../../signaling/index.ts'
import { parseFlags } from '../flags.ts'
import { fakeShell } from './shell.fake.ts'
import { runSignal, signal, signalOptions } from './signal.ts'

test('the flags become the options of the server', () => {
  const args = [
    '--port',
    '9000',
    '--host',
    '0.0.0.0',
    '--origin',
    'https://a.example',
    '--origin=http://b:1',
    '--no-page',
  ]
  const { log: _, ...options } = signalOptions(parseFlags(args, signal.flags), fakeShell())
  expect(options).toEqual({ port: 9000, host: '0.0.0.0', origins: ['https://a.example/', 'http://b:1/'] })
})

test('without flags any page may connect to port 8787 of this machine', () => {
  const { log: _, ...options } = signalOptions(parseFlags(['--no-page'], signal.flags), fakeShell())
  expect(options).toEqual({ port: 8787 })
})

test('the TURN server is named by flags, and its secret comes from a file or the environment', async () => {
  const flags = ['--no-page', '--stun', 'stun:a', '--turn', 'turn:b:3478', '--turn', 'turns:b', '--turn-ttl', '600']
  const urls = ['turn:b:3478', 'turns:b']
  const ofEnvironment = signalOptions(parseFlags(flags, signal.flags), fakeShell({ SHOAL_TURN_SECRET: 'north' }))
  expect(ofEnvironment).toMatchObject({ stun: ['stun:a'], turn: { urls, secret: 'north', ttlSeconds: 600 } })

  const directory = await mkdtemp(join(tmpdir(), 'shoal-signal-'))
  const file = join(directory, 'secret')
  try {
    await writeFile(file, 'south\n')
    const given = parseFlags([...flags, '--turn-secret-file', file], signal.flags)
    expect(signalOptions(given, fakeShell({ SHOAL_TURN_SECRET: 'north' })).turn).toMatchObject({ secret: 'south' })
    await writeFile(file, 'hidden\nlines\n')
    expect(() => signalOptions(given, fakeShell())).toThrow(/^--turn-secret-file: expected a file with one line/)
    expect(() => signalOptions(given, fakeShell())).not.toThrow('hidden')
    await writeFile(file, '\n')
    expect(() => signalOptions(given, fakeShell())).toThrow('is none')
  } finally {
    await rm(directory, { recursive: true })
  }
})

test.each([
  ['a TURN server without its secret', ['--turn', 'turn:a'], '--turn needs the secret'],
  ['a secret without its server', ['--turn-secret-file', 'f'], '--turn-secret-file is of use with a TURN server only'],
  ['a file that is not there', ['--turn', 'turn:a', '--turn-secret-file', '/no/such'], 'got "/no/such" (ENOENT)'],
  ['a bad time', ['--turn', 'turn:a', '--turn-ttl', '1h'], '--turn-ttl: expected whole seconds, got "1h"', 'secret'],
  ['a bad port', ['--port', 'x'], '--port: expected a port'],
  ['an origin that is no page', ['--origin', 'ws://a'], '--origin: expected http://'],
  ['a bad level', ['--log-level', 'loud'], '--log-level: expected warn, info, debug'],
])('%s is refused', (_, args, message, secret = '') => {
  const shell = fakeShell({ SHOAL_TURN_SECRET: secret })
  expect(() => signalOptions(parseFlags(args, signal.flags), shell)).toThrow(message)
})

test('it prints its address and closes on a signal', async () => {
  const shell = fakeShell()
  let closed = 0
  const running = runSignal(parseFlags(['--no-page'], signal.flags), shell, async ({ port }: SignalingOptions) => ({
    port: port!,
    url: `ws://127.0.0.1:${port}`,
    counters: () => {
      throw new Error('not asked for')
    },
    close: async () => void closed++,
  }))
  await expect.poll(() => shell.printed).toEqual(['shoal signal: ws://127.0.0.1:8787'])
  expect(closed).toBe(0)
  shell.send('SIGINT')
  await running
  expect(closed).toBe(1)
  expect(shell.listening()).toBe(0)
})
