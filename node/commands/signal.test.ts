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

test.each([
  ['a bad port', ['--port', 'x'], '--port: expected a port'],
  ['an origin that is no page', ['--origin', 'ws://a'], '--origin: expected http://'],
  ['a bad level', ['--log-level', 'loud'], '--log-level: expected warn, info, debug'],
])('%s is refused', (_, args, message) => {
  expect(() => signalOptions(parseFlags(args, signal.flags), fakeShell())).toThrow(message)
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
