/**
 * The command line, parsed at the edge: arguments become flags that a verb has declared, and their values exact types.
 *
 * Every error is a `bad_option` in one line that names the flag and what was expected. Conventions are those of Serf
 * and Consul (`--join` may be repeated, addresses are `host:port`), with two hyphens instead of one.
 */

import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type ServiceOptions, ShoalError, serviceRecord } from '../core/index.ts'
import { expectedOf, type HostPort, parseHostPort } from './address.ts'

export interface Flag {
  /** What stands for the value in the help text, e.g. `host:port`; a flag without it is a switch. */
  readonly value?: string
  /** It may be given more than once. */
  readonly many?: boolean
  readonly help: string
}

/** The flags of one verb, by name without hyphens. They serve for parsing and for the help text. */
export type FlagTable = Readonly<Record<string, Flag>>

/** UDP port of the gossip, as with Serf. */
export const gossipPort = 7946
export const signalingPort = 8787

/** What was given on the command line. Asking for a flag that the table does not have is a mistake of ours, and throws. */
export class Flags {
  readonly #table: FlagTable
  readonly #given: ReadonlyMap<string, readonly string[]>
  /** What is not a flag, e.g. the name in `shoal services payments`. */
  readonly words: readonly string[]

  constructor(table: FlagTable, given: ReadonlyMap<string, readonly string[]>, words: readonly string[]) {
    this.#table = table
    this.#given = given
    this.words = words
  }

  has(name: string): boolean {
    return this.#values(name) !== undefined
  }

  text(name: string): string | undefined {
    return this.#values(name)?.[0]
  }

  texts(name: string): readonly string[] {
    return this.#values(name) ?? []
  }

  #values(name: string): readonly string[] | undefined {
    if (!Object.hasOwn(this.#table, name)) throw new Error(`no flag --${name} in this verb's table`)
    return this.#given.get(name)
  }
}

/**
 * Parses `args` as strictly as parseArgs does by itself. Its own checks are switched off and made here from its
 * tokens, because its messages run over several sentences and do not say which flags there are.
 */
export function parseFlags(args: readonly string[], table: FlagTable, wordsMax = 0): Flags {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, flag] of Object.entries(table)) options[name] = { type: flag.value ? 'string' : 'boolean' }
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true })
  const given = new Map<string, string[]>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (words.length === wordsMax)
        throw wrong(`unexpected argument ${quote(token.value)}: expected ${flagList(table)}`)
      words.push(token.value)
    }
    if (token.kind !== 'option') continue
    const flag = Object.hasOwn(table, token.name) ? table[token.name] : undefined
    if (!flag) throw wrong(`unknown flag ${quote(args[token.index]!)}: expected ${flagList(table)}`)
    if (given.has(token.name) && !flag.many) throw wrong(`--${token.name} is given twice: expected it once`)
    if (!flag.value && token.value !== undefined) {
      throw wrong(`--${token.name} takes no value, got ${quote(token.value)}`)
    }
    // `--name --join x` is a forgotten value; a value that does begin with a hyphen can be given as `--name=-x`.
    const forgotten = !token.value || (!token.inlineValue && token.value.startsWith('-'))
    if (flag.value && forgotten) throw wrong(`--${token.name} has no value: expected --${token.name} ${flag.value}`)
    const values = given.get(token.name) ?? []
    given.set(token.name, values)
    values.push(token.value ?? '')
  }
  return new Flags(table, given, words)
}

/** `host:port`, `[v6]:port`; with `defaultPort` also a host alone. */
export function readAddress(what: string, text: string, defaultPort?: number): HostPort {
  const address =
    parseHostPort(text) ?? (defaultPort === undefined ? undefined : parseHostPort(`${text}:${defaultPort}`))
  if (address) return address
  const form = `host:port, e.g. 127.0.0.1:${defaultPort || gossipPort}`
  throw wrong(`${what}: expected ${expectedOf(text, form)}, got ${quote(text)}`)
}

export function readPort(what: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65535)) throw wrong(`${what}: expected a port from 0 to 65535, got ${quote(text)}`)
  return port
}

export function readSeconds(what: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw wrong(`${what}: expected whole seconds, got ${quote(text)}`)
}

/** The text of a small file without the line break that editors put behind it. No error shows any of it. */
export function readSecret(what: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trimEnd()
  } catch (error) {
    throw wrong(`${what}: expected a file that can be read, got ${quote(file)} (${(error as { code?: string }).code})`)
  }
  if (text === '' || text.length > 256 || text.includes('\n')) {
    throw wrong(`${what}: expected a file with one line of 1 to 256 characters, and ${quote(file)} is none`)
  }
  return text
}

/** `payments` or `payments:8080`; checked here as it will be when it is registered, so that nothing is half started. */
export function readService(what: string, text: string): ServiceOptions {
  const colon = text.indexOf(':')
  const digits = colon < 0 ? undefined : text.slice(colon + 1)
  if (digits !== undefined && !/^\d{1,5}$/.test(digits)) {
    throw wrong(`${what}: expected name or name:port, got ${quote(text)}`)
  }
  const options = colon < 0 ? { service: text } : { service: text.slice(0, colon), port: Number(digits) }
  try {
    serviceRecord(options)
  } catch (error) {
    throw wrong(`${what}: ${(error as Error).message}`)
  }
  return options
}

/** `key=value`; the value stays text, as with Serf's tags, because a guess at numbers surprises sooner or later. */
export function readPair(what: string, text: string): readonly [key: string, value: string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw wrong(`${what}: expected key=value, got ${quote(text)}`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** An absolute URL of one of the given schemes. */
export function readUrl(what: string, text: string, schemes: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !schemes.includes(url.protocol.slice(0, -1))) {
    const forms = schemes.map((scheme) => `${scheme}://host:port`).join(' or ')
    throw wrong(`${what}: expected ${forms}, got ${quote(text)}`)
  }
  return url
}

export function readChoice<T extends string>(what: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text)
  if (choice === undefined) throw wrong(`${what}: expected ${choices.join(', ')}, got ${quote(text)}`)
  return choice
}

function wrong(message: string): ShoalError {
  return new ShoalError('bad_option', message)
}

function flagList(table: FlagTable): string {
  return Object.keys(table)
    .map((name) => `--${name}`)
    .join(', ')
}

/** JSON quotes: what was typed stays on one line, whatever it is. */
function quote(text: string): string {
  return JSON.stringify(text)
}
