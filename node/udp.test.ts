import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import type { Channel } from '../core/index.ts'
import { type ContractPair, channelContract, RecordedEvents } from '../peer/channel.contract.ts'
import { openUdp, parseUdpEndpoint, resolveEndpoint, type UdpChannel, type UdpOptions, withChecksum } from './udp.ts'

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
if (!hasIPv6) console.log('IPv6 tests are skipped: this machine has no ::1')

channelContract('udp over IPv4', () => openPair('127.0.0.1:0', 'udp:127.0.0.1:1'))
if (hasIPv6) channelContract('udp over IPv6', () => openPair('[::1]:0', 'udp:[::1]:1'))

test('the endpoint names the port that was really bound', async () => {
  await withUdp({ bind: '127.0.0.1:0' }, (channel) => {
    expect(channel.endpoint).toMatch(/^udp:127\.0\.0\.1:[1-9][0-9]*$/)
    expect(channel.family).toBe(4)
  })
})

test.skipIf(!hasIPv6)('an IPv6 endpoint has its address in brackets, in the canonical spelling', async () => {
  await withUdp({ bind: '[0:0::1]:0' }, (channel) => {
    expect(channel.endpoint).toMatch(/^udp:\[::1\]:[1-9][0-9]*$/)
    expect(channel.family).toBe(6)
  })
})

test('a name may be bound, and its address is advertised', async () => {
  await withUdp({ bind: 'localhost:0' }, (channel) => {
    expect(parseUdpEndpoint(channel.endpoint)).toMatchObject({ family: channel.family })
  })
})

test('a socket on every address advertises one that others can send to', async () => {
  await withUdp({ bind: '0.0.0.0:0' }, async (channel) => {
    expect(channel.endpoint).not.toContain('0.0.0.0')
    const { address, port } = parseUdpEndpoint(channel.endpoint)!
    await withUdp({ bind: '0.0.0.0:0' }, async (other, events) => {
      await resendUntil(channel, other.endpoint, () => events.packets.length > 0)
      expect(events.packets[0]!.from).toBe(`udp:${address}:${port}`)
    })
  })
})

test('what is advertised goes into the endpoint, with the bound port where it has port 0', async () => {
  await withUdp({ bind: '127.0.0.1:0', advertise: '192.0.2.7:4000' }, (channel) => {
    expect(channel.endpoint).toBe('udp:192.0.2.7:4000')
  })
  await withUdp({ bind: '127.0.0.1:0', advertise: '192.0.2.7:0' }, (channel) => {
    expect(channel.endpoint).toMatch(/^udp:192\.0\.2\.7:[1-9][0-9]*$/)
  })
})

test.each([
  ['', 'udp.bind'],
  ['127.0.0.1', 'udp.bind'],
  [':7946', 'udp.bind'],
  ['127.0.0.1:65536', 'udp.bind'],
  ['127.0.0.1:-1', 'udp.bind'],
  ['127.0.0.1:7946x', 'udp.bind'],
  ['127.0.0.300:7946', 'udp.bind'],
  ['::1:7946', 'udp.bind'],
  ['[::1]', 'udp.bind'],
  ['[127.0.0.1]:7946', 'udp.bind'],
  ['[fe80::1%lo]:7946', 'udp.bind'],
  ['no such host:7946', 'udp.bind'],
])('the malformed address %j is refused naming the option', async (bind, option) => {
  const refused = openUdp({ bind }, new RecordedEvents())
  await expect(refused).rejects.toMatchObject({ code: 'bad_option', message: expect.stringContaining(`${option}: `) })
})

test('a port out of range is told as such', async () => {
  await expect(openUdp({ bind: '127.0.0.1:65536' }, new RecordedEvents())).rejects.toMatchObject({
    message: 'udp.bind: expected a port from 0 to 65535, got "127.0.0.1:65536"',
  })
})

test.each(['example', '224.0.0.1:7946', '0.0.0.0:7946', '[::1]:7946'])(
  'the address %j cannot be advertised by an IPv4 socket',
  async (advertise) => {
    const refused = openUdp({ bind: '127.0.0.1:0', advertise }, new RecordedEvents())
    await expect(refused).rejects.toMatchObject({
      code: 'bad_option',
      message: expect.stringContaining('udp.advertise: '),
    })
  },
)

test('an address in use is refused in one line that names it and the cause', async () => {
  await withUdp({ bind: '127.0.0.1:0' }, async ({ endpoint }) => {
    const bind = endpoint.slice('udp:'.length)
    await expect(openUdp({ bind }, new RecordedEvents())).rejects.toMatchObject({
      code: 'bind_failed',
      message: `cannot open UDP socket ${bind}: the port is in use`,
    })
  })
})

test('an address this machine does not have is refused in one line', async () => {
  await expect(openUdp({ bind: '192.0.2.1:0' }, new RecordedEvents())).rejects.toMatchObject({
    code: 'bind_failed',
    message: 'cannot open UDP socket 192.0.2.1:0: this machine does not have that address',
  })
})

test('a datagram that is too long, or empty, is dropped and counted', async () => {
  await withUdp({ bind: '127.0.0.1:0' }, async (channel, events) => {
    const stranger = createSocket('udp4')
    try {
      const { address, port } = parseUdpEndpoint(channel.endpoint)!
      const sendAll = () => {
        for (const length of [1201, 65_000, 0, 3]) stranger.send(withChecksum(new Uint8Array(length)), port, address)
      }
      sendAll()
      const again = setInterval(sendAll, 50)
      await events.until('datagrams', () => events.packets.length > 0 && channel.counters().badSize! >= 3)
      clearInterval(again)
      expect(events.packets.every(({ packet }) => packet.length === 3)).toBe(true)
    } finally {
      stranger.close()
      await once(stranger, 'close')
    }
  })
})

test('a datagram with one bit turned is dropped and counted, wherever that bit is', async () => {
  await withUdp({ bind: '127.0.0.1:0' }, async (channel, events) => {
    const stranger = createSocket('udp4')
    try {
      const { address, port } = parseUdpEndpoint(channel.endpoint)!
      const whole = withChecksum(new Uint8Array([1, 2, 3, 4]))
      const sendAll = () => {
        for (let bit = 0; bit < 8 * whole.length; bit++) {
          const damaged = Buffer.from(whole)
          damaged[bit >> 3]! ^= 1 << (bit & 7)
          stranger.send(damaged, port, address)
        }
        for (const short of [whole.subarray(0, 4), whole.subarray(1)]) stranger.send(short, port, address)
        stranger.send(whole, port, address)
      }
      sendAll()
      const again = setInterval(sendAll, 50)
      await events.until('datagrams', () => events.packets.length > 0 && channel.counters().damaged! >= 65)
      clearInterval(again)
      expect(events.packets.every(({ packet }) => packet.length === 4 && packet[0] === 1)).toBe(true)
    } finally {
      stranger.close()
      await once(stranger, 'close')
    }
  })
})

test('endpoints that name no single machine by number are dropped and counted, and nothing is looked up', async () => {
  await withUdp({ bind: '127.0.0.1:0' }, async (channel, events) => {
    const bad = [
      'udp:localhost:7946',
      'udp:evil.example:53',
      'udp:127.0.0.1:0',
      'udp:127.0.0.1',
      'udp:0.0.0.0:7946',
      'udp:239.1.2.3:7946',
      'udp:255.255.255.255:7946',
      'udp:[::1]:7946',
      'udp:[::ffff:127.0.0.1]:7946',
      'udp:[ff02::1]:7946',
      'udp:[fe80::1%lo]:7946',
      'udp:127.1:7946',
      'udp:2130706433:7946',
      'udp:0x7f.1:7946',
      'rtc:AAAAAAAAAAAAAAAAAAAAAA',
      'udp:',
      '',
    ]
    for (const endpoint of bad) channel.send(endpoint, new Uint8Array(1))
    for (const endpoint of bad) channel.send(endpoint, new Uint8Array(1))
    expect(channel.counters().badEndpoint).toBe(2 * bad.length)
    await resendUntil(channel, channel.endpoint, () => events.packets.length > 0)
  })
})

test('sending where nobody listens, and floods of new endpoints, leave the socket working', async () => {
  await withUdp({ bind: '127.0.0.1:0' }, async (channel, events) => {
    for (let i = 0; i < 20_000; i++) channel.send(`udp:host-${i}:1`, new Uint8Array(1))
    for (let i = 0; i < 50; i++) channel.send('udp:127.0.0.1:1', new Uint8Array(1))
    await resendUntil(channel, channel.endpoint, () => events.packets.length > 0)
    expect(channel.counters().badEndpoint).toBe(20_000)
  })
})

test('a seed is resolved to the endpoints behind it', async () => {
  await expect(resolveEndpoint('10.0.0.7:7946')).resolves.toEqual(['udp:10.0.0.7:7946'])
  await expect(resolveEndpoint('[2001:DB8::7]:7946')).resolves.toEqual(['udp:[2001:db8::7]:7946'])
  await expect(resolveEndpoint('[2001:db8::7]:7946', 4)).rejects.toMatchObject({ code: 'bad_option' })
  await expect(resolveEndpoint('localhost:7946', 4)).resolves.toEqual(['udp:127.0.0.1:7946'])
  await expect(resolveEndpoint('7946')).rejects.toMatchObject({
    code: 'bad_option',
    message: expect.stringContaining('udp.join: '),
  })
})

async function openPair(bind: string, nobody: string): Promise<ContractPair> {
  const open = async (id: string) => {
    const events = new RecordedEvents()
    return { id, events, channel: (await openUdp({ bind }, events)) as Channel }
  }
  const a = await open('a')
  const b = await open('b')
  const close = async () => {
    await Promise.all([a.channel.close(), b.channel.close()])
  }
  return { a, b, nobody, close }
}

async function withUdp(
  options: UdpOptions,
  use: (channel: UdpChannel, events: RecordedEvents) => Promise<void> | void,
): Promise<void> {
  const events = new RecordedEvents()
  const channel = await openUdp(options, events)
  try {
    await use(channel, events)
  } finally {
    await channel.close()
  }
}

/** Packets may be lost, so one is sent again until it shows. */
async function resendUntil(channel: Channel, to: string, reached: () => boolean): Promise<void> {
  await expect
    .poll(() => {
      channel.send(to, new Uint8Array([1]))
      return reached()
    })
    .toBe(true)
}
