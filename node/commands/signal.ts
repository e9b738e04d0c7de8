/** `shoal signal`: the signalling server, and beside it the demo page. */

import type { SignalingOptions, SignalingServer } from '../../signaling/index.ts'
import { type Flags, type FlagTable, readPort, readUrl } from '../flags.ts'
import { demoPage } from './installation.ts'
import { logTo, readLogLevel, type Shell } from './shell.ts'
import { aborted, watchStop } from './stop.ts'
import { logFlag, type Verb } from './verb.ts'

export type StartSignaling = (options: SignalingOptions) => Promise<SignalingServer>

const flags = {
  port: { value: 'port', help: 'TCP port; 8787 unless given' },
  host: { value: 'address', help: 'address to listen at; 127.0.0.1 unless given, 0.0.0.0 lets other machines in' },
  origin: { value: 'url', many: true, help: 'a page origin that may connect; may be repeated, any page unless given' },
  'no-page': { help: 'sockets only, no demo page' },
  ...logFlag,
} as const satisfies FlagTable

export const signal: Verb = {
  summary: 'run a signalling server, which introduces tabs and servers to each other',
  usage: 'signal [--port port] [--host address] [--origin url ...] [--no-page]',
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
  const page = given.has('no-page') ? undefined : demoPage()
  if (page === undefined && !given.has('no-page')) log.warn('the demo page is not built: serving sockets only')
  return {
    port: readPort('--port', given.text('port') ?? '8787'),
    ...(host !== undefined && { host }),
    // None given, any page may connect; an empty list would let none in.
    ...(origins.length > 0 && { origins }),
    ...(page !== undefined && { page }),
    log,
  }
}
