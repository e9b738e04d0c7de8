import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fakeShell } from './shell.fake.ts'
import { aborted, watchStop } from './stop.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test.each(['SIGINT', 'SIGTERM'] as const)('the first %s asks to stop and forces nothing', async (signal) => {
  const shell = fakeShell()
  const stop = watchStop(shell)
  expect(stop.signal.aborted).toBe(false)
  shell.send(signal)
  await aborted(stop.signal)
  expect(shell.exits).toEqual([])
})

test('the same Ctrl-C that arrives again by way of npm does not force', () => {
  const shell = fakeShell()
  watchStop(shell)
  shell.send('SIGINT')
  vi.advanceTimersByTime(20)
  shell.send('SIGINT')
  shell.send('SIGTERM')
  expect(shell.exits).toEqual([])
})

test('a second signal forces, with one line', () => {
  const shell = fakeShell()
  watchStop(shell)
  shell.send('SIGINT')
  vi.advanceTimersByTime(1_000)
  shell.send('SIGTERM')
  expect(shell.exits).toEqual([1])
  expect(shell.complaints).toHaveLength(1)
})

test('after five seconds the end is forced', () => {
  const shell = fakeShell()
  watchStop(shell)
  shell.send('SIGTERM')
  vi.advanceTimersByTime(4_999)
  expect(shell.exits).toEqual([])
  vi.advanceTimersByTime(1)
  expect(shell.exits).toEqual([1])
})

test('a stop without a signal has the same deadline', () => {
  const shell = fakeShell()
  watchStop(shell).begin()
  vi.advanceTimersByTime(5_000)
  expect(shell.exits).toEqual([1])
})

test('without a stop nothing is ever forced', () => {
  const shell = fakeShell()
  watchStop(shell)
  vi.advanceTimersByTime(60_000)
  expect(shell.exits).toEqual([])
})

test('signals forgotten go back to Node', () => {
  const shell = fakeShell()
  const stop = watchStop(shell)
  expect(shell.listening()).toBe(2)
  stop.forget()
  expect(shell.listening()).toBe(0)
})
