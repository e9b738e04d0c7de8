import { expect, test } from 'vitest'
import { fakeShell } from './shell.fake.ts'
import { type LogLevel, logTo } from './shell.ts'

test.each<[LogLevel, string[]]>([
  ['warn', ['shoal: a']],
  ['info', ['shoal: a', 'shoal: b']],
  ['debug', ['shoal: a', 'shoal: b', 'shoal: c']],
])('at level %s what is less important stays untold', (level, lines) => {
  const shell = fakeShell()
  const log = logTo(shell, level)
  log.warn('a')
  log.info('b')
  log.debug('c')
  expect(shell.complaints).toEqual(lines)
})

test('a message of several lines is told in one', () => {
  const shell = fakeShell()
  logTo(shell, 'warn').warn('first\n  second\r\n')
  expect(shell.complaints).toEqual(['shoal: first second'])
})

test('once it stops, a warning is told at level debug only', () => {
  const shell = fakeShell()
  const stopped = AbortSignal.abort()
  logTo(shell, 'info', stopped).warn('the server went away')
  expect(shell.complaints).toEqual([])
  logTo(shell, 'debug', stopped).warn('the server went away')
  expect(shell.complaints).toEqual(['shoal: the server went away'])
})
