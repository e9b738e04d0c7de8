import { expect, test } from 'vitest'
import { ShoalError } from '../core/index.ts'
import {
  type FlagTable,
  parseFlags,
  readAddress,
  readChoice,
  readPair,
  readPort,
  readService,
  readUrl,
} from './flags.ts'

const table: FlagTable = {
  name: { value: 'name', help: '' },
  join: { value: 'host:port', many: true, help: '' },
  quiet: { help: '' },
}

test('flags are taken with a space and with an equals sign, and repeated where that is allowed', () => {
  const flags = parseFlags(['--name', 'api', '--join=a:1', '--join', 'b:2', '--quiet'], table)
  expect(flags.text('name')).toBe('api')
  expect(flags.texts('join')).toEqual(['a:1', 'b:2'])
  expect(flags.has('quiet')).toBe(true)
})

test('a flag that was not given is absent', () => {
  const flags = parseFlags([], table)
  expect(flags.text('name')).toBeUndefined()
  expect(flags.texts('join')).toEqual([])
  expect(flags.has('quiet')).toBe(false)
})

test('a value may begin with a hyphen behind an equals sign', () => {
  expect(parseFlags(['--name=-x'], table).text('name')).toBe('-x')
})

test('arguments that are no flags are taken up to their number', () => {
  expect(parseFlags(['payments', '--quiet'], table, 1).words).toEqual(['payments'])
})

test('to ask for a flag that is not in the table is a mistake of ours', () => {
  expect(() => parseFlags([], table).text('nmae')).toThrow('no flag --nmae')
})

const mistakes: [string, string[], string][] = [
  ['an unknown flag', ['--nam', 'x'], 'unknown flag "--nam": expected --name, --join, --quiet'],
  ['a name of Object.prototype', ['--constructor'], 'unknown flag "--constructor"'],
  ['a flag with one hyphen', ['-name=x'], 'unknown flag "-name=x"'],
  ['a missing value', ['--name'], '--name has no value: expected --name name'],
  ['an empty value', ['--name='], '--name has no value'],
  ['a value forgotten before another flag', ['--name', '--quiet'], '--name has no value'],
  ['a value for a switch', ['--quiet=yes'], '--quiet takes no value, got "yes"'],
  ['a flag given twice', ['--name', 'a', '--name', 'b'], '--name is given twice'],
  ['an argument too many', ['stray'], 'unexpected argument "stray"'],
  ['a line break', ['--na\nme'], 'unknown flag "--na\\nme"'],
]

test.each(mistakes)('%s is one line that names it', (_, args, message) => {
  const error = errorOf(() => parseFlags(args, table))
  expect(error.message).toContain(message)
  expect(error.message).not.toContain('\n')
})

test('values become exact types', () => {
  expect(readAddress('--bind', '127.0.0.1:80')).toEqual({ host: '127.0.0.1', port: 80 })
  expect(readAddress('--bind', '[::1]:80')).toEqual({ host: '::1', port: 80 })
  expect(readAddress('--bind', 'db-1.example', 7946)).toEqual({ host: 'db-1.example', port: 7946 })
  expect(readAddress('--bind', '[::1]', 7946)).toEqual({ host: '::1', port: 7946 })
  expect(readPort('--port', '0')).toBe(0)
  expect(readService('--register', 'payments:8080')).toEqual({ service: 'payments', port: 8080 })
  expect(readService('--register', 'payments')).toEqual({ service: 'payments' })
  expect(readPair('--state', 'role=a=b')).toEqual(['role', 'a=b'])
  expect(readPair('--state', 'role=')).toEqual(['role', ''])
  expect(readUrl('--signaling', 'wss://a.example/x', ['ws', 'wss']).href).toBe('wss://a.example/x')
})

const badValues: [string, () => unknown, string][] = [
  ['an address without a port', () => readAddress('--http', 'localhost'), '--http: expected host:port'],
  [
    'a port out of range',
    () => readAddress('--http', 'localhost:70000'),
    '--http: expected a port from 0 to 65535, got "localhost:70000"',
  ],
  [
    'the same where there is a default',
    () => readAddress('--bind', '[::1]:99999', 7946),
    'a port from 0 to 65535, got',
  ],
  ['a v6 address without brackets', () => readAddress('--bind', '::1:70000', 7946), '--bind: expected host:port'],
  ['an address that is a URL', () => readAddress('--join', 'udp://a:1', 7946), 'got "udp://a:1"'],
  ['a port that is no number', () => readPort('--port', 'http'), '--port: expected a port from 0 to 65535'],
  ['a port above the last', () => readPort('--port', '65536'), 'got "65536"'],
  ['a service with a bad name', () => readService('--register', 'pay ments:1'), '--register: service: expected'],
  ['a service with a bad port', () => readService('--register', 'payments:http'), 'expected name or name:port'],
  ['a service on port 0', () => readService('--register', 'payments:0'), '--register: port: expected'],
  ['a pair without an equals sign', () => readPair('--state', 'role'), '--state: expected key=value, got "role"'],
  ['a pair without a key', () => readPair('--state', '=a'), 'got "=a"'],
  [
    'a URL of another scheme',
    () => readUrl('--signaling', 'http://a', ['ws', 'wss']),
    'expected ws://host:port or wss:',
  ],
  ['no URL at all', () => readUrl('--signaling', 'localhost', ['ws', 'wss']), 'got "localhost"'],
  [
    'none of the choices',
    () => readChoice('--format', 'xml', ['text', 'json']),
    '--format: expected text, json, got "xml"',
  ],
]

test.each(badValues)('%s is refused, naming the flag and what was given', (_, read, message) => {
  expect(errorOf(read).message).toContain(message)
})

function errorOf(act: () => unknown): ShoalError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(ShoalError)
    expect((error as ShoalError).code).toBe('bad_option')
    return error as ShoalError
  }
  throw new Error('nothing was thrown')
}
