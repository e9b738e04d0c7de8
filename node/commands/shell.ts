/** What a verb sees of the process it runs in; tests give it one of their own. */

import type { Log } from '../../peer/options.ts'
import { type Flags, readChoice } from '../flags.ts'

export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signals: SignalSource
  /** Writes to stdout and ends the line. */
  print(text: string): void
  /** Writes one line to stderr. */
  complain(line: string): void
}

/** The part of `process` that ends it. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', fn: () => void): unknown
  off(signal: 'SIGINT' | 'SIGTERM', fn: () => void): unknown
  exit(code: number): void
}

const logLevels = ['warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

export function readLogLevel(flags: Flags): LogLevel {
  return readChoice('--log-level', flags.text('log-level') ?? 'warn', logLevels)
}

/**
 * A log that writes to stderr what is at least as important as `level`, a line each. Once `stopped` is aborted, warnings
 * are of interest to a debugger only: at Ctrl-C those on the other side stop as well, and nobody needs to hear of that.
 */
export function logTo(shell: Shell, level: LogLevel, stopped?: AbortSignal): Log {
  const most = logLevels.indexOf(level)
  const writer = (importance: LogLevel) => (message: string) => {
    const now = stopped?.aborted ? 'debug' : importance
    if (logLevels.indexOf(now) <= most) shell.complain(`shoal: ${oneLine(message)}`)
  }
  return { warn: writer('warn'), info: writer('info'), debug: writer('debug') }
}

export function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim()
}
