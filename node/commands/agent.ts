/** `shoal agent`: a peer for this machine, which runs until it is told to stop. */

import { hostname } from 'node:os'
import { addressOf, kindOf, type ServiceOptions, ShoalError, serviceKey, serviceRecord } from '../../core/index.ts'
import { type Directions, readSignaling } from '../../peer/invite.ts'
import type { Log } from '../../peer/options.ts'
import { formatHostPort } from '../address.ts'
import { type Agent, type AgentOptions, openAgent, type StartPeer } from '../agent.ts'
import {
  type Flags,
  type FlagTable,
  gossipPort,
  readAddress,
  readPair,
  readService,
  readUrl,
  signalingPort,
} from '../flags.ts'
import type { NodePeerOptions } from '../index.ts'
import { httpAddress } from './ask.ts'
import { installedVersion } from './installation.ts'
import { logTo, readLogLevel, type Shell } from './shell.ts'
import { aborted, type Stop, watchStop } from './stop.ts'
import { textFacts } from './table.ts'
import { logFlag, type Verb } from './verb.ts'

/** Advertised, it stands for the port that was bound. */
const boundPort = 0

const flags = {
  room: { value: 'name', help: 'the room to join, unless an invite names it; members of other rooms are never seen' },
  name: { value: 'name', help: "a label for people; the machine's name unless given" },
  bind: { value: 'host:port', help: `UDP address to listen at; port ${gossipPort} unless given` },
  advertise: {
    value: 'host:port',
    help: 'UDP address others reach it at, when it is not the one it binds; the port bound unless given',
  },
  join: { value: 'host:port', many: true, help: 'UDP address of a member to join; may be repeated' },
  signaling: {
    value: 'url',
    many: true,
    help: 'ws:// or wss:// address of a signalling server, to meet browser tabs, or an invite; may be repeated, and all are used at once',
  },
  'serve-signaling': {
    value: 'host:port',
    help: `be a signalling server as well, at this address; port ${signalingPort} unless given`,
  },
  'advertise-signaling': {
    value: 'url',
    help: 'ws:// or wss:// address that newcomers are told, when it is not the one served at',
  },
  register: { value: 'name[:port]', many: true, help: 'a service it offers; may be repeated' },
  state: { value: 'key=value', many: true, help: 'a text it publishes about itself; may be repeated' },
  user: { value: 'id', help: 'whose connection this is' },
  http: { value: 'host:port', help: 'address of its HTTP API; 127.0.0.1:7980 or SHOAL_HTTP_ADDR unless given' },
  'no-http': { help: 'no HTTP API' },
  ...logFlag,
} as const satisfies FlagTable

export const agent: Verb = {
  summary: 'run a peer on this machine: UDP, WebRTC through a signalling server, or both',
  usage:
    'agent [--room name] [--bind host:port] [--join host:port ...] [--signaling url ...] [--serve-signaling host:port] [--register name[:port] ...]',
  flags,
  // Loaded once the flags are known to be good: WebRTC for Node takes its time.
  run: (given, shell) => runAgent(given, shell, async (options) => (await import('../index.ts')).startPeer(options)),
}

/** Starts an agent, prints its banner, and closes it on a signal or once it was asked to leave by HTTP. */
export async function runAgent(given: Flags, shell: Shell, startPeer: StartPeer): Promise<void> {
  const level = readLogLevel(given)
  const stop = watchStop(shell)
  try {
    const options = agentOptions(given, shell, logInFlags(logTo(shell, level, stop.signal)))
    const agent = await openUnlessStopped(options, startPeer, stop)
    if (!agent) return
    shell.print(banner(agent, options))
    await Promise.race([aborted(stop.signal), agent.ended])
    stop.begin()
    await agent.close()
  } finally {
    stop.forget()
  }
}

/** Told to stop while it is starting, it gives up and has closed everything: that is what was asked for, no failure. */
async function openUnlessStopped(options: AgentOptions, startPeer: StartPeer, stop: Stop): Promise<Agent | undefined> {
  try {
    return await openAgent({ ...options, start: { ...options.start, signal: stop.signal } }, { startPeer })
  } catch (error) {
    if (stop.signal.aborted) return undefined
    if (!(error instanceof ShoalError)) throw error
    throw new ShoalError(error.code, inFlags(error.message), { cause: error })
  }
}

/** The options of `startPeer` that a message names, by the flags they came from. */
function inFlags(message: string): string {
  return message.replace(/\budp\.(bind|advertise|join)\b/g, '--$1')
}

function logInFlags({ debug, info, warn }: Log): Log {
  return {
    debug: (message) => debug(inFlags(message)),
    info: (message) => info(inFlags(message)),
    warn: (message) => warn(inFlags(message)),
  }
}

/** The flags as options, checked as a whole before anything is opened. */
export function agentOptions(given: Flags, shell: Shell, log: Log): AgentOptions {
  const { room, servers: signaling } = readDirections(given)
  if (room === undefined) {
    throw wrong('--room is missing: expected e.g. --room lobby, or an invite as --signaling, which names the room')
  }
  const bind = given.text('bind')
  const serveSignaling = readServeSignaling(given)
  if (bind === undefined && signaling.length === 0 && !serveSignaling) {
    throw wrong(
      '--bind or --signaling is missing: expected e.g. --bind 127.0.0.1:7946, --signaling ws://localhost:8787, or --serve-signaling 127.0.0.1:8787',
    )
  }
  for (const name of ['advertise', 'join'] as const) {
    if (bind === undefined && given.has(name)) throw wrong(`--${name} is of use with UDP only: expected --bind as well`)
  }
  if (given.has('http') && given.has('no-http')) throw wrong('--http and --no-http: expected one of them')
  const user = given.text('user')
  const start: AgentOptions['start'] = {
    room,
    name: given.text('name') ?? hostname().slice(0, 64),
    ...(user !== undefined && { user }),
    ...(signaling.length > 0 && { signaling }),
    ...(serveSignaling && { serveSignaling }),
    ...(bind !== undefined && { udp: readUdp(bind, given) }),
    state: Object.fromEntries(given.texts('state').map((text) => readPair('--state', text))),
    log,
  }
  const { address, told } = httpAddress(given, shell)
  return {
    start,
    services: readServices(given.texts('register')),
    ...(!given.has('no-http') && { http: { address, optional: !told } }),
    version: installedVersion(),
    log,
  }
}

/** As `startPeer` reads its `signaling` and `room`. */
function readDirections(given: Flags): Directions {
  const room = given.text('room')
  if (!given.has('signaling')) return { servers: [], ...(room !== undefined && { room }) }
  try {
    return readSignaling(given.texts('signaling'), room)
  } catch (error) {
    throw wrong(`--${(error as Error).message}`)
  }
}

function readUdp(bind: string, given: Flags): NonNullable<NodePeerOptions['udp']> {
  const normal = (flag: string, text: string, port = gossipPort) => formatHostPort(readAddress(flag, text, port))
  const advertise = given.text('advertise')
  return {
    bind: normal('--bind', bind),
    ...(advertise !== undefined && { advertise: normal('--advertise', advertise, boundPort) }),
    join: given.texts('join').map((text) => normal('--join', text)),
  }
}

function readServeSignaling(given: Flags): NodePeerOptions['serveSignaling'] {
  const at = given.text('serve-signaling')
  const advertise = given.text('advertise-signaling')
  if (at === undefined) {
    if (advertise === undefined) return undefined
    throw wrong('--advertise-signaling is of use to one that serves only: expected --serve-signaling as well')
  }
  return {
    ...readAddress('--serve-signaling', at, signalingPort),
    ...(advertise !== undefined && { advertise: readUrl('--advertise-signaling', advertise, ['ws', 'wss']).href }),
  }
}

function readServices(texts: readonly string[]): ServiceOptions[] {
  const keys = new Set<string>()
  return texts.map((text) => {
    const options = readService('--register', text)
    const key = serviceKey(serviceRecord(options))
    if (keys.has(key)) throw wrong(`--register: expected each service once per port, got ${JSON.stringify(text)} twice`)
    keys.add(key)
    return options
  })
}

function banner({ peer, http }: Agent, { start, version }: AgentOptions): string {
  const { self } = peer
  const udp = self.endpoints.filter((endpoint) => kindOf(endpoint) === 'udp').map(addressOf)
  const through = [...(start.udp?.join ?? []), ...[start.signaling ?? []].flat()]
  const others = peer.members().length - 1
  const state = peer.status === 'joined' ? peer.status : `${peer.status}${peer.reason && ` (${peer.reason})`}`
  const facts: [string, string][] = [
    ['name', self.name],
    ['id', self.id],
    ['room', start.room],
    ['udp', udp.join(' ') || 'none'],
    ['http', http ? formatHostPort(http.address) : 'none'],
    [
      'status',
      `${state}; ${others} other${others === 1 ? '' : 's'} seen${through.length ? `, through ${through.join(' ')}` : ''}`,
    ],
  ]
  if (start.serveSignaling) facts.push(['invite', peer.invite()])
  return `shoal agent ${version}\n${textFacts(facts)}`
}

function wrong(message: string): ShoalError {
  return new ShoalError('bad_option', message)
}
