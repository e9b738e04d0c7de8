/** A misspelt option would do nothing and say nothing, so its name is an error. */

import { ShoalError } from '../core/index.ts'

/** Throws `bad_option` for what is no object of options, and for the first option that `call` does not have. */
export function checkKnown(call: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new ShoalError('bad_option', `${call}: expected options as an object, got ${String(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw new ShoalError('bad_option', `${call}: there is no option ${name}; expected ${names.join(', ')}`)
  }
}

/** Of every start call; see `PeerOptions`. */
export const startOptions: readonly string[] = [
  'room',
  'name',
  'user',
  'state',
  'signaling',
  'iceServers',
  'iceTransportPolicy',
  'throttleMs',
  'signal',
  'joinTimeoutMs',
  'log',
  'config',
]
