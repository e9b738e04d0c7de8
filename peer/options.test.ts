import { expect, test, vi } from 'vitest'
import { checkOptions, consoleLog, type PeerOptions, settleOptions, silentLog } from './options.ts'

test('the least and the most that can be said is accepted', () => {
  checkOptions({ room: 'r' })
  checkOptions({ room: 'r'.repeat(128), name: 'n'.repeat(64), user: 'u'.repeat(128), state: {}, joinTimeoutMs: 0 })
  const iceServers = [{ urls: 'stun:a' }, { urls: ['turn:b', 'turns:b'], username: 'u', credential: 'c' }]
  checkOptions({ room: 'r', iceServers, iceTransportPolicy: 'relay' })
  checkOptions({ room: 'r', iceServers: [], iceTransportPolicy: 'all' })
})

test('a start call without options says what it expects', () => {
  for (const options of [undefined, null, 'lobby']) {
    expect(() => settleOptions(options as unknown as PeerOptions)).toThrow(
      expect.objectContaining({ code: 'bad_option', message: expect.stringMatching(/^options: expected .*room/) }),
    )
  }
})

test.each<[string, unknown]>([
  ['room', undefined],
  ['room', ''],
  ['room', 'r'.repeat(129)],
  ['room', 7],
  ['name', ''],
  ['name', 'n'.repeat(65)],
  ['name', null],
  ['user', ''],
  ['user', 'u'.repeat(129)],
  ['user', {}],
])('%s %j is a bad name, and the message begins with the option', (option, value) => {
  expect(() => checkOptions({ room: 'r', [option]: value } as PeerOptions)).toThrow(
    expect.objectContaining({ code: 'bad_name', message: expect.stringMatching(`^${option}: expected `) }),
  )
})

test.each<[string, unknown]>([
  ['state', null],
  ['state', 'x'],
  ['state', [1]],
  ['joinTimeoutMs', -1],
  ['joinTimeoutMs', Number.NaN],
  ['joinTimeoutMs', 'soon'],
  ['throttleMs', -1],
  ['throttleMs', '5'],
  ['joinTimeoutMs', '5'],
  ['log', {}],
  ['log', console.log],
  ['signal', {}],
  ['signal', new AbortController()],
  ['iceServers', { urls: 'stun:a' }],
  ['iceServers', ['stun:a']],
  ['iceServers', [{ urls: [] }]],
  ['iceServers', [{ urls: ['stun:a', 'https://a'] }]],
  ['iceTransportPolicy', 'turn'],
])('%s %j is a bad option, and the message begins with it', (option, value) => {
  expect(() => checkOptions({ room: 'r', [option]: value } as PeerOptions)).toThrow(
    expect.objectContaining({ code: 'bad_option', message: expect.stringMatching(`^${option}: expected `) }),
  )
})

test.each(['throttleMs', 'joinTimeoutMs'])('%s as a text is shown in quotes', (option) => {
  expect(() => checkOptions({ room: 'r', [option]: '100' })).toThrow(/, got "100"$/)
})

test('unless told otherwise, problems go to the console, and only those', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const others = [vi.spyOn(console, 'info'), vi.spyOn(console, 'debug'), vi.spyOn(console, 'log')]
  for (const log of [consoleLog, silentLog]) {
    log.debug('detail')
    log.info('fact')
    log.warn('problem')
  }
  expect(warn.mock.calls).toEqual([['shoal: problem']])
  for (const other of others) expect(other).not.toHaveBeenCalled()
  vi.restoreAllMocks()
})
