/** `shoal signal`: the signalling server, and beside it the demo page. */

import { ShoalError } from '../../core/index.ts'
import type { SignalingOptions, SignalingServer, TurnOptions } from '../../signaling/index.ts'
import { type Flags, type FlagTable, readPort, readSeconds, readSecret, readUrl } from '../flags.ts'
import { demoPage } from './installation.ts'
import { logTo, readLogLevel, type Shell } from './shell.ts'
import { aborted, watchStop } from './stop.ts'
import { logFlag, type Verb } from './verb.ts'

export type StartSignaling = (options: SignalingOptions) => Promise<SignalingServer>

const flags = {
  port: { value: 'port', help: 'TCP port; 8787 unless given' },
  host: { value: 'address', help: 'address to listen at; 127.0.0.1 unless given, 0.0.0.0 lets other machines in' },
  origin: { value: 'url', many: true, help: 'a page origin that may connect; may be repeated, any page unless given' },
  stun: { value: 'stun:host:port', many: true, help: 'a STUN server that peers are told of; may be repeated' },
  turn: { value: 'turn:host:port', many: true, help: 'an address of a TURN server they are told of; may be repeated' },
  'turn-secret-file': {
    value: 'file',
    help: "file with the TURN server's static-auth-secret; SHOAL_TURN_SECRET has it unless given",
  },
  'turn-ttl': { value: 'seconds', help: 'how long a password for it is good; 86400 unless given' },
  'no-page': { help: 'sockets only, no demo page' },
  ...logFlag,
} as const satisfies FlagTable

export const signal: Verb = {
  summary: 'run a signalling server, which introduces tabs and servers to each other',
  usage: 'signal [--port port] [--host address] [--origin url ...] [--turn url ...] [--no-page]',
  flags,
  run: (given, shell) =>
    runSignal(given, shell, async (options) => (await import('../../signaling/index.ts')).startSignaling(options)),
}

/** Runs the server until a signal comes. */
export async function runSignal(given: Flags, shell: Shell, startSignaling: StartSignaling): Promise<void> {
  const { page, ...rest } = signalOptions(given, shell)
  const stop = watchStop(shell)
  try {
    const server = await startSignaling(page === undefined ? rest : { ...rest, page })
    const where = page === undefined ? '' : `; page at ${server.url.replace(/^ws/, 'http')}`
    shell.print(`shoal signal: ${server.url}${where}`)
    await aborted(stop.signal)
    await server.close()
  } finally {
    stop.forget()
  }
}

export function signalOptions(given: Flags, shell: Shell): SignalingOptions {
  const log = logTo(shell, readLogLevel(given))
  const host = given.text('host')
  const origins = given.texts('origin').map((text) => readUrl('--origin', text, ['http', 'https']).href)
  const stun = given.texts('stun')
  const turn = turnOptions(given, shell)
  const page = given.has('no-page') ? undefined : demoPage()
  if (page === undefined && !given.has('no-page')) log.warn('the demo page is not built: serving sockets only')
  return {
    port: readPort('--port', given.text('port') ?? '8787'),
    ...(host !== undefined && { host }),
    // None given, any page may connect; an empty list would let none in.
    ...(origins.length > 0 && { origins }),
    ...(stun.length > 0 && { stun }),
    ...(turn && { turn }),
    ...(page !== undefined && { page }),
    log,
  }
}

/** The secret is no flag of its own: everybody on a machine may read the command lines of its processes. */
function turnOptions(given: Flags, shell: Shell): TurnOptions | undefined {
  const urls = given.texts('turn')
  const ttl = given.text('turn-ttl')
  if (urls.length === 0) {
    for (const name of ['turn-secret-file', 'turn-ttl'] as const) {
      if (given.has(name)) throw wrong(`--${name} is of use with a TURN server only: expected --turn as well`)
    }
    return undefined
  }
  return {
    urls,
    secret: turnSecret(given.text('turn-secret-file'), shell),
    ...(ttl !== undefined && { ttlSeconds: readSeconds('--turn-ttl', ttl) }),
  }
}

function turnSecret(file: string | undefined, shell: Shell): string {
  const secret = file === undefined ? shell.env.SHOAL_TURN_SECRET : readSecret('--turn-secret-file', file)
  if (secret) return secret
  throw wrong('--turn needs the secret of the TURN server: expected --turn-secret-file file, or SHOAL_TURN_SECRET')
}

function wrong(message: string): ShoalError {
  return new ShoalError('bad_option', message)
}
