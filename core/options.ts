/** How what was given is checked and shown: the same words wherever something cannot be used. */

import { ShoalError } from './errors.ts'

const charsShownMax = 80

/**
 * A misspelt option would do nothing and say nothing, so its name is an error. Throws `bad_option` for what is no object of
 * options, and for the first option that `call` does not have. @internal
 */
export function checkKnown(call: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ShoalError(
      'bad_option',
      `${call}: expected options as an object, got ${shown(options)}; there are ${names.join(', ')}`,
    )
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw new ShoalError('bad_option', `${call}: there is no option ${name}; expected ${names.join(', ')}`)
  }
}

/** Throws `bad_option` for what is neither true nor false nor left out: `'no'` would pass for true. @internal */
export function checkFlag(option: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new ShoalError('bad_option', `${option}: expected true or false, got ${shown(value)}`)
}

/** What was given, for an error: a text in quotes, since `8080` and `"8080"` are two things. @internal */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, charsShownMax))
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) {
    const kind = Object.prototype.toString.call(value).slice(8, -1)
    return kind === 'Object' ? 'an object' : `an object (${kind})`
  }
  return typeof value === 'function' ? 'a function' : String(value)
}
