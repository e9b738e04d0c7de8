/** Asks the agent of this machine by HTTP, as the short verbs do. */

import { formatHostPort, type HostPort } from '../address.ts'
import { type Flags, readAddress, readChoice } from '../flags.ts'
import type { Shell } from './shell.ts'
import { printableJson } from './table.ts'

export const defaultHttp = '127.0.0.1:7980'
const httpPort = 7980
/** A leave may take a few seconds; every other answer comes from memory. */
const patienceMs = 10_000

/** The agent's address: the flag, else the environment, else the default. `told` says whether somebody chose it. */
export function httpAddress(flags: Flags, shell: Shell): { address: HostPort; told: boolean } {
  const flag = flags.text('http')
  if (flag !== undefined) return { address: readAddress('--http', flag, httpPort), told: true }
  const variable = shell.env.SHOAL_HTTP_ADDR
  if (variable) return { address: readAddress('SHOAL_HTTP_ADDR', variable, httpPort), told: true }
  return { address: readAddress('--http', defaultHttp), told: false }
}

/**
 * One request. Agent and command come from one package, so a body is trusted once it is JSON that has `field`. Throws
 * an error whose message says what to do when nobody, or somebody else, answers there.
 */
export async function ask<T>(
  address: HostPort,
  method: 'GET' | 'PUT',
  path: string,
  field: keyof T & string,
): Promise<T> {
  const at = formatHostPort(address)
  let response: Response
  try {
    response = await fetch(`http://${at}${path}`, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
    })
  } catch (error) {
    throw new Error(
      `no agent answers at ${at} (${reasonOf(error)}): ` +
        'start one with shoal agent --bind 127.0.0.1:7946 --room lobby, or name its address with --http',
    )
  }
  const body = (await response.json().catch(() => undefined)) as
    | (T & { error?: { code: string; message: string } })
    | undefined
  if (body?.error) throw new Error(`the agent at ${at} refused: ${body.error.message} (${body.error.code})`)
  if (!response.ok || typeof body !== 'object' || !Object.hasOwn(body, field)) {
    throw new Error(`what answers at ${at} is no shoal agent: name the agent's address with --http`)
  }
  return body
}

/** Prints `body` as JSON or as `text` makes it, whichever `--format` says. */
export function printAs<T>(flags: Flags, shell: Shell, body: T, text: (body: T) => string): void {
  const format = readFormat(flags)
  shell.print(format === 'json' ? printableJson(body) : text(body))
}

/** Called before anything is asked too, so that a wrong `--format` fails without a request. */
export function readFormat(flags: Flags): 'text' | 'json' {
  return readChoice('--format', flags.text('format') ?? 'text', ['text', 'json'])
}

/** Node's own code for it, e.g. `ECONNREFUSED`, which `fetch` keeps in the cause. */
function reasonOf(error: unknown): string {
  if ((error as Error).name === 'TimeoutError') return `no answer in ${patienceMs / 1000} s`
  const cause = (error as Error).cause as { code?: string; message?: string } | undefined
  return cause?.code ?? cause?.message ?? (error as Error).message
}
