/** The end of a verb that runs until it is told to stop: the first signal asks, a second one or the deadline forces. */

import type { Shell } from './shell.ts'

/** A farewell takes milliseconds; what takes longer than this is stuck. */
const deadlineMs = 5_000

/**
 * A second signal this soon is the first one again: at Ctrl-C the terminal signals the whole process group, and npm and
 * npx, which are in it, pass the signal on to us as well.
 */
const echoMs = 500

export interface Stop {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Starts the deadline without a signal: the agent was asked to leave by HTTP. */
  begin(): void
  /** Gives the signals back to Node. A deadline that was begun still ends a process that fails to end by itself. */
  forget(): void
}

export function watchStop({ signals, complain }: Shell): Stop {
  const asked = new AbortController()
  let askedAt = 0
  let begun = false
  const force = (why: string) => {
    complain(`shoal: ${why}, ending without a farewell`)
    signals.exit(1)
  }
  const begin = () => {
    if (begun) return
    begun = true
    // Not a reason to stay alive: when everything is closed the process ends before it fires.
    setTimeout(() => force(`still not stopped after ${deadlineMs / 1000} s`), deadlineMs).unref()
  }
  const handle = () => {
    const now = performance.now()
    if (asked.signal.aborted) {
      if (now - askedAt >= echoMs) force('told to stop twice')
      return
    }
    askedAt = now
    begin()
    asked.abort()
  }
  signals.on('SIGINT', handle)
  signals.on('SIGTERM', handle)
  const forget = () => {
    signals.off('SIGINT', handle)
    signals.off('SIGTERM', handle)
  }
  return { signal: asked.signal, begin, forget }
}

/** Settles with the abort, at once if it has happened. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
