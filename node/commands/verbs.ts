/** The verbs of the binary, and what happens to the arguments before and after one of them runs. */

import { type ErrorCode, ShoalError } from '../../core/index.ts'
import { type FlagTable, parseFlags } from '../flags.ts'
import { agent } from './agent.ts'
import { info } from './info.ts'
import { invite } from './invite.ts'
import { leave } from './leave.ts'
import { members } from './members.ts'
import { services } from './services.ts'
import { oneLine, type Shell } from './shell.ts'
import { signal } from './signal.ts'
import type { Verb } from './verb.ts'
import { version } from './version.ts'

const verbs: Readonly<Record<string, Verb>> = { agent, signal, members, services, info, invite, leave, version }

const help: Verb = {
  summary: 'explain the verbs, or the flags of one',
  usage: 'help [verb]',
  flags: {},
  wordsMax: 1,
  async run({ words: [name] }, shell) {
    shell.print(name === undefined ? overview() : verbHelp(name, findVerb(name)))
  },
}

const allVerbs: Readonly<Record<string, Verb>> = { ...verbs, help }

/** Errors that mean what was typed, not what went wrong: they end with 2 as wrong flags do. */
const inputCodes: ReadonlySet<ErrorCode> = new Set([
  'bad_option',
  'bad_name',
  'bad_value',
  'reserved_key',
  'entry_too_large',
  'state_too_large',
])

/** Runs `shoal <args>` and returns the exit code: 0, 1 for a failure, 2 for wrong input. Failures are one line. */
export async function runVerb(args: readonly string[], shell: Shell): Promise<0 | 1 | 2> {
  const [name = '', ...rest] = spellOut(args)
  let who = 'shoal'
  try {
    const verb = findVerb(name)
    who = `shoal ${name}`
    if (rest.includes('--help') || rest.includes('-h')) {
      shell.print(verbHelp(name, verb))
      return 0
    }
    await verb.run(parseFlags(rest, verb.flags, verb.wordsMax), shell)
    return 0
  } catch (error) {
    shell.complain(`${who}: ${oneLine(error instanceof Error ? error.message : String(error))}`)
    return error instanceof ShoalError && inputCodes.has(error.code) ? 2 : 1
  }
}

/** `shoal --help` and `shoal --version` are what people try first. */
function spellOut(args: readonly string[]): readonly string[] {
  if (args[0] === '--help' || args[0] === '-h') return ['help', ...args.slice(1)]
  if (args[0] === '--version' || args[0] === '-v') return ['version', ...args.slice(1)]
  return args
}

function findVerb(name: string): Verb {
  const verb = Object.hasOwn(allVerbs, name) ? allVerbs[name] : undefined
  if (verb) return verb
  const what = name === '' ? 'no verb given' : `unknown verb ${JSON.stringify(name)}`
  throw new ShoalError('bad_option', `${what}: expected ${Object.keys(allVerbs).join(', ')}`)
}

function overview(): string {
  const lines = Object.entries(allVerbs).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`)
  return ['usage: shoal <verb> [flags]', '', ...lines, '', 'shoal help <verb> lists its flags.'].join('\n')
}

function verbHelp(name: string, { summary, usage, flags }: Verb): string {
  const lines = flagLines(flags)
  return [`usage: shoal ${usage}`, `${name}: ${summary}`, ...(lines.length ? ['', ...lines] : [])].join('\n')
}

function flagLines(flags: FlagTable): string[] {
  const forms = Object.entries(flags).map(([name, { value, help }]) => [`--${name}${value ? ` ${value}` : ''}`, help])
  const widest = Math.max(0, ...forms.map(([form]) => form!.length))
  return forms.map(([form, help]) => `  ${form!.padEnd(widest)}  ${help}`)
}
