/** Signals that applications hand over, wherever something waits. */

import { ShoalError, shown } from '../core/index.ts'

/** Throws `bad_option` for what is no AbortSignal; its controller, say. */
export function checkSignal(signal: unknown): void {
  // Of another realm, or somebody's own for an old platform, it is as good.
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>
  if (signal === undefined || (typeof aborted === 'boolean' && typeof addEventListener === 'function')) return
  throw new ShoalError('bad_option', `signal: expected an AbortSignal (controller.signal), got ${shown(signal)}`)
}

/** Who waits for each signal; nobody is in it behind an abort, or once all were called off. */
const waiting = new Map<AbortSignal, Set<{ abort: () => void }>>()

/**
 * Calls `abort` when the signal is aborted, which it is not yet; returns what calls that off. However many wait, a signal
 * has one listener: a process may well watch a dozen services until it is shut down, and Node warns of a leak beyond ten.
 */
export function onAbort(signal: AbortSignal | undefined, abort: () => void): () => void {
  if (signal === undefined) return () => {}
  const entry = { abort }
  const entries = waiting.get(signal) ?? begin(signal)
  entries.add(entry)
  return () => {
    entries.delete(entry)
    if (entries.size === 0 && waiting.get(signal) === entries) end(signal)
  }
}

function begin(signal: AbortSignal): Set<{ abort: () => void }> {
  const entries = new Set<{ abort: () => void }>()
  waiting.set(signal, entries)
  signal.addEventListener('abort', aborted)
  return entries
}

function end(signal: AbortSignal): void {
  waiting.delete(signal)
  signal.removeEventListener('abort', aborted)
}

function aborted(this: AbortSignal): void {
  const entries = waiting.get(this) ?? []
  end(this)
  // One that is called off by another is not called any more.
  for (const { abort } of entries) abort()
}
