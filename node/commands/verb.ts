/** A verb of the command line: what follows `shoal`. */

import type { Flags, FlagTable } from '../flags.ts'
import type { Shell } from './shell.ts'

export interface Verb {
  /** One line for the list of verbs. */
  readonly summary: string
  /** How it is called, behind `shoal`. */
  readonly usage: string
  readonly flags: FlagTable
  /** How many arguments that are not flags it takes; none unless told. */
  readonly wordsMax?: number
  /** Resolves when the verb has done its work; rejects with the error that is told in one line. */
  run(flags: Flags, shell: Shell): Promise<void>
}

/** Flags that several verbs share. */
export const httpFlag = {
  http: { value: 'host:port', help: 'address of the agent, 127.0.0.1:7980 unless SHOAL_HTTP_ADDR says otherwise' },
} as const satisfies FlagTable

export const formatFlag = {
  format: { value: 'text|json', help: 'text for people (default) or json for programs' },
} as const satisfies FlagTable

export const logFlag = {
  'log-level': { value: 'warn|info|debug', help: 'how much is told on stderr; warn unless given' },
} as const satisfies FlagTable
