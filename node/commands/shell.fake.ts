/** A shell for tests: it keeps what was written, and signals are sent by hand. */

import { EventEmitter } from 'node:events'
import type { Shell } from './shell.ts'

export interface FakeShell extends Shell {
  readonly printed: string[]
  readonly complaints: string[]
  readonly exits: number[]
  send(signal: 'SIGINT' | 'SIGTERM'): void
  /** Listeners for signals that are still there. */
  listening(): number
}

export function fakeShell(env: Record<string, string> = {}): FakeShell {
  const signals = new EventEmitter()
  const printed: string[] = []
  const complaints: string[] = []
  const exits: number[] = []
  return {
    env,
    printed,
    complaints,
    exits,
    signals: Object.assign(signals, { exit: (code: number) => void exits.push(code) }),
    print: (text) => void printed.push(text),
    complain: (line) => void complaints.push(line),
    send: (signal) => void signals.emit(signal),
    listening: () => signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM'),
  }
}
