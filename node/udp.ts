/**
 * The UDP channel: one socket of one family carries packets to any numeric endpoint. Names are looked up for the options
 * only; an endpoint from somebody's record that is not numeric, or no single machine's address, is dropped and counted.
 */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { BlockList, isIP } from 'node:net'
import { crc32 } from 'node:zlib'
import {
  addressOf,
  type Channel,
  type ChannelEvents,
  type Endpoint,
  kindOf,
  packetBytesMax,
  ShoalError,
} from '../core/index.ts'
import { type Log, silentLog } from '../peer/options.ts'
import { bindFault } from '../signaling/bind-fault.ts'
import {
  type Address,
  type Family,
  formatHostPort,
  outwardAddress,
  parseHostPort,
  parseHostPortOption,
  resolveHost,
} from './address.ts'

export interface UdpOptions {
  /** `host:port` or `[v6]:port`. Port 0 takes a free one; 0.0.0.0 and [::] listen on every address of their family. */
  bind: string
  /** What others are told to send to, where that is not the address bound: behind a NAT, in a container. Port 0 means the bound one. */
  advertise?: string
  log?: Log
}

/**
 * Bytes of the CRC-32 behind each packet (IEEE, big-endian), as memberlist has it. UDP's own checksum lets one damaged
 * packet in 65,536 pass, and gossip would tell everybody what one bit has become.
 */
const checksumBytes = 4

/** The kernel's queue in front of us: at 2 MiB about 1,700 full packets outlast a blocked event loop. */
const receiveBufferBytes = 2 * 1024 * 1024

/** Packets waiting for the kernel; beyond this they are dropped, since a late probe is worse than a lost one. */
const sendQueueBytesMax = 1024 * 1024

/** Parsed endpoints kept, the oldest dropped first: more than the largest room has members. */
const targetsMax = 16_384

/** Nobody's own address: unspecified, multicast, reserved, broadcast. */
const nobody = new BlockList()
nobody.addSubnet('0.0.0.0', 8, 'ipv4')
nobody.addSubnet('224.0.0.0', 3, 'ipv4')
nobody.addAddress('::', 'ipv6')
nobody.addSubnet('ff00::', 8, 'ipv6')

/**
 * Opens the channel. Rejects with `bad_option` (naming `udp.bind` or `udp.advertise`) or `bind_failed`, and nothing is
 * left open then.
 */
export async function openUdp(options: UdpOptions, events: ChannelEvents): Promise<UdpChannel> {
  const bind = await resolveOption('udp.bind', options.bind)
  const advertise =
    options.advertise === undefined ? undefined : await resolveOption('udp.advertise', options.advertise, bind.family)
  if (advertise && nobody.check(advertise.address, `ipv${advertise.family}`)) {
    throw new ShoalError('bad_option', `udp.advertise: ${advertise.address} is not the address of one machine`)
  }
  const socket = await bindSocket(bind)
  const bound = socket.address()
  const everywhere = bound.address === '0.0.0.0' || bound.address === '::'
  const host = advertise?.address ?? (everywhere ? outwardAddress(bind.family) : bound.address)
  const endpoint = `udp:${formatHostPort({ host, port: advertise?.port || bound.port })}`
  return new UdpChannel(socket, bind.family, endpoint, events, options.log ?? silentLog)
}

/** Every endpoint behind a seed as `host:port` that a socket of `family` can send to; rejects where there is none. */
export async function resolveEndpoint(text: string, family?: Family): Promise<Endpoint[]> {
  const target = parseHostPortOption('udp.join', text)
  const found = await resolveHost(target, family)
  if (found.length === 0)
    throw new ShoalError('bad_option', `udp.join: ${text} has no IPv${family} address, but udp.bind has`)
  return found.map(({ address, port }) => `udp:${formatHostPort({ host: address, port })}`)
}

/** The numeric address behind an endpoint that one packet can be sent to; undefined for everything else. */
export function parseUdpEndpoint(endpoint: Endpoint): Address | undefined {
  if (kindOf(endpoint) !== 'udp') return undefined
  const parsed = parseHostPort(addressOf(endpoint))
  if (!parsed || parsed.port === 0) return undefined
  const family = isIP(parsed.host)
  if (family !== 4 && family !== 6) return undefined
  // IPv4 in the clothes of IPv6 would be a second spelling of the same peer.
  if (parsed.host.startsWith('::ffff:') || nobody.check(parsed.host, `ipv${family}`)) return undefined
  return { address: parsed.host, port: parsed.port, family }
}

export class UdpChannel implements Channel {
  readonly kind = 'udp'
  readonly reach = 'any'
  readonly packetSizeMax = packetBytesMax
  readonly endpoint: Endpoint
  /** The family this socket can send to. */
  readonly family: Family

  readonly #socket: Socket
  readonly #events: ChannelEvents
  readonly #log: Log
  readonly #targets = new Map<Endpoint, Address | undefined>()
  readonly #counts = {
    sent: 0,
    received: 0,
    badEndpoint: 0,
    badSize: 0,
    damaged: 0,
    congested: 0,
    sendFailed: 0,
    socketErrors: 0,
  }
  #closed: Promise<void> | undefined

  /** Takes over a bound socket; use `openUdp`. */
  constructor(socket: Socket, family: Family, endpoint: Endpoint, events: ChannelEvents, log: Log) {
    this.#socket = socket
    this.family = family
    this.endpoint = endpoint
    this.#events = events
    this.#log = log
    socket.on('message', (packet, from) => this.#receive(packet, from))
    // A socket outlives its errors (an unreachable host, a full buffer): the loss is the protocol's to notice.
    socket.on('error', (error) => {
      this.#counts.socketErrors++
      this.#log.debug(`udp: ${error.message}`)
    })
  }

  send(to: Endpoint, packet: Uint8Array): void {
    if (this.#closed) return
    const target = this.#target(to)
    if (!target) this.#counts.badEndpoint++
    else if (packet.length === 0 || packet.length > packetBytesMax) this.#counts.badSize++
    else if (this.#socket.getSendQueueSize() > sendQueueBytesMax) this.#counts.congested++
    else {
      // A copy, because the socket may still read the buffer after this call where the kernel cannot take it at once.
      this.#socket.send(withChecksum(packet), target.port, target.address, this.#sent)
    }
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#socket.close(() => resolve())
    })
    return this.#closed
  }

  /** What was carried and what was dropped, by reason, since the channel was opened. */
  counters(): Readonly<Record<string, number>> {
    return { ...this.#counts }
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    if (this.#closed) return
    const length = datagram.length - checksumBytes
    if (length < 1 || length > packetBytesMax) {
      this.#counts.badSize++
      return
    }
    const packet = datagram.subarray(0, length)
    if (datagram.readUInt32BE(length) !== crc32(packet)) {
      this.#counts.damaged++
      return
    }
    this.#counts.received++
    this.#events.receive(`udp:${formatHostPort({ host: from.address, port: from.port })}`, packet)
  }

  #target(endpoint: Endpoint): Address | undefined {
    if (this.#targets.has(endpoint)) return this.#targets.get(endpoint)
    const parsed = parseUdpEndpoint(endpoint)
    const target = parsed?.family === this.family ? parsed : undefined
    if (this.#targets.size >= targetsMax) this.#targets.delete(this.#targets.keys().next().value!)
    this.#targets.set(endpoint, target)
    return target
  }

  readonly #sent = (error: Error | null): void => {
    if (error) this.#counts.sendFailed++
    else this.#counts.sent++
  }
}

/** What goes over the wire. */
export function withChecksum(packet: Uint8Array): Buffer {
  const datagram = Buffer.allocUnsafe(packet.length + checksumBytes)
  datagram.set(packet)
  datagram.writeUInt32BE(crc32(packet), packet.length)
  return datagram
}

async function resolveOption(option: string, text: string, family?: Family): Promise<Address> {
  const target = parseHostPortOption(option, text)
  const found = await resolveHost(target, family).catch((cause: Error) => {
    throw new ShoalError('bad_option', `${option}: cannot resolve ${target.host}: ${cause.message}`, { cause })
  })
  if (found[0]) return found[0]
  throw new ShoalError('bad_option', `${option}: ${target.host} has no IPv${family} address, but udp.bind has`)
}

async function bindSocket({ address, port, family }: Address): Promise<Socket> {
  const socket = createSocket({
    type: `udp${family}`,
    // One socket, one family: a dual-stack socket would see IPv4 senders under a second spelling of their address.
    ipv6Only: family === 6,
    // Addresses are numeric by now. Without this every packet takes a turn through the resolver's queue.
    lookup: (host, _options, callback) => callback(null, host, family),
  })
  try {
    // Listened for first: with an address that needs no lookup `bind` raises the event before it returns.
    const listening = once(socket, 'listening')
    socket.bind(port, address)
    await listening
  } catch (error) {
    socket.close()
    const cause = error as NodeJS.ErrnoException
    throw new ShoalError(
      'bind_failed',
      `cannot open UDP socket ${formatHostPort({ host: address, port })}: ${bindFault(cause)}`,
      { cause },
    )
  }
  try {
    socket.setRecvBufferSize(receiveBufferBytes)
  } catch {
    // The system's own size does too: packets may be lost, that is all.
  }
  return socket
}
