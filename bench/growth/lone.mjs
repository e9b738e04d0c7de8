/**
 * One real protocol core in virtual time whose n - 1 others are made up. It remembers them, they ack its pings after 1 ms,
 * and they send it what a room of that size would.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decodePacket, idPrefix, PacketWriter } from '../../dist/core/codec.js'
import { roomTag } from '../../dist/core/digest.js'
import { defaultConfig, idBytes, idFromBytes, randomInt, Swim, seededRandom } from '../../dist/core/index.js'
import { randomBytes } from '../../dist/core/random.js'
import { encodeRumour } from '../../dist/core/rumour.js'
import { transmitLimit } from '../../dist/core/rumours.js'
import { serviceKey, serviceRecord, serviceToValue } from '../../dist/core/services.js'

const room = 'growth'
const ackMs = 1
const updateEveryMs = 1_000
/** Clocks begin here, because a time of 0 means never. */
const epochMs = 1_000_000
const services = ['payments', 'search', 'mail', 'images']

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

/** One core, and a host that plays all others. */
export class Lone {
  coreMs = 0
  packetsOut = 0
  packetsIn = 0
  bytesOut = 0
  bytesIn = 0
  heapBytes
  membersMs = []
  lookupMs = []
  #random = seededRandom(1)
  #tag = roomTag(room)
  #writer = new PacketWriter(this.#tag)
  #others
  #now = epochMs
  /** Packets of the others by when they arrive: `{ at, act }`, kept in order. */
  #arrivals = []
  #sent = []

  constructor(members) {
    const id = idFromBytes(randomBytes(this.#random, idBytes))
    this.#others = Array.from({ length: members - 1 }, (_, i) => ({
      id: idFromBytes(randomBytes(this.#random, idBytes)),
      endpoint: `udp:10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:7946`,
      version: 1,
      number: i,
    }))
    const host = {
      send: (to, packet) => this.#sent.push([to, new Uint8Array(packet)]),
      dial: () => {},
      hangUp: () => {},
      signal: () => {},
      signalLost: () => {},
      notify: () => {},
    }
    const channels = [{ kind: 'udp', endpoint: 'udp:10.255.0.1:7946', reach: 'any' }]
    const options = { id, name: 'one', user: null, mode: 'server', room, channels, random: this.#random, host }
    // Twice: what has finalizers goes the second time.
    collectGarbage()
    collectGarbage()
    const heapBefore = process.memoryUsage().heapUsed
    this.swim = new Swim({ ...options, now: this.#now })
    this.swim.join([], this.#now)
    this.swim.remember(this.#records(), this.#now)
    this.swim.members()
    collectGarbage()
    this.heapBytes = process.memoryUsage().heapUsed - heapBefore
    this.#schedulePing()
    this.#scheduleUpdate()
  }

  run(ms) {
    const until = this.#now + ms
    for (;;) {
      const timeout = this.swim.nextTimeout()
      const arrival = this.#arrivals[0]?.at ?? Number.POSITIVE_INFINITY
      const at = Math.max(this.#now, Math.min(timeout, arrival))
      if (at > until) break
      this.#now = at
      // Packets first, as a driver does.
      if (arrival <= timeout) this.#arrivals.shift().act()
      else this.#call(() => this.swim.tick(at))
    }
    this.#now = until
  }

  forgetCounts() {
    this.coreMs = this.packetsOut = this.packetsIn = this.bytesOut = this.bytesIn = 0
    this.membersMs = []
    this.lookupMs = []
  }

  /** Calls into the core; only the call itself is counted, and what it sent is answered afterwards. */
  #call(into) {
    const before = process.cpuUsage()
    into()
    const { user, system } = process.cpuUsage(before)
    this.coreMs += (user + system) / 1000
    for (const [to, packet] of this.#sent.splice(0)) {
      this.packetsOut++
      this.bytesOut += packet.length
      this.#answer(to, decodePacket(packet, this.#tag).header)
    }
  }

  #answer(to, header) {
    if (header.kind !== 'ping') return
    const { seq } = header
    this.#at(this.#now + ackMs, () => this.#receive(to, { kind: 'ack', seq, ...this.#digest() }))
  }

  #receive(from, header, rumours = []) {
    this.#writer.begin(header)
    for (const bytes of rumours) this.#writer.add(bytes)
    const packet = this.#writer.finish()
    this.packetsIn++
    this.bytesIn += packet.length
    this.#call(() => this.swim.receive(packet, from, this.#now))
  }

  /** n members that ping one of the n - 1 others each are one ping a period for each, at any time. */
  #schedulePing() {
    const waitMs = -Math.log(1 - this.#random()) * defaultConfig.probePeriodMs
    this.#at(this.#now + waitMs, () => {
      const { id, endpoint } = this.#anyOther()
      const seq = randomInt(this.#random, 2 ** 32)
      const header = { kind: 'ping', seq, from: id, to: idPrefix(this.swim.id), ...this.#digest() }
      this.#receive(endpoint, header)
      this.#schedulePing()
    })
  }

  /** The first to bring it is heard at once, the rest as the others' gossip ticks come. */
  #scheduleUpdate() {
    this.#at(this.#now + updateEveryMs, () => {
      const other = this.#anyOther()
      other.version++
      const rumour = this.#entry(other)
      const copies = transmitLimit(defaultConfig, this.swim.beliefs.size)
      this.#receive(this.#anyOther().endpoint, { kind: 'gossip' }, [rumour])
      this.#timeReading()
      for (let i = 1; i < copies; i++) {
        const at = this.#now + this.#random() * updateEveryMs
        this.#at(at, () => this.#receive(this.#anyOther().endpoint, { kind: 'gossip' }, [rumour]))
      }
      this.#scheduleUpdate()
    })
  }

  /** What an application does after a change: it draws the list, and asks for a service. The second has the list already. */
  #timeReading() {
    const startedAt = performance.now()
    const members = this.swim.members()
    const listedAt = performance.now()
    let found = 0
    for (const member of members) for (const { service } of member.services) if (service === services[0]) found++
    this.lookupMs.push(performance.now() - listedAt)
    this.membersMs.push(listedAt - startedAt)
    if (found === 0) throw new Error(`nobody offers ${services[0]}`)
  }

  #anyOther() {
    return this.#others[randomInt(this.#random, this.#others.length)]
  }

  /** All views agree, so the others show the digest that is held here. */
  #digest() {
    const { hi, lo } = this.swim.beliefs.digest
    return { hi, lo }
  }

  *#records() {
    for (const other of this.#others) {
      const { id, endpoint, number } = other
      const base = { type: 'alive', id, incarnation: 1, name: `member ${number}`, user: null, mode: 'server' }
      yield encodeRumour({ ...base, endpoints: [endpoint], floor: 0 })
      yield this.#entry(other)
    }
  }

  /** Each member offers one service; what changes is its version, and a number in it. */
  #entry({ id, version, number }) {
    const service = services[number % services.length]
    const record = serviceRecord({ service, port: 8080, meta: { build: String(version) } })
    const value = serviceToValue(record)
    return encodeRumour({ type: 'entry', id, key: serviceKey(record), version, volatile: false, value })
  }

  #at(at, act) {
    let i = this.#arrivals.length
    while (i > 0 && this.#arrivals[i - 1].at > at) i--
    this.#arrivals.splice(i, 0, { at, act })
  }
}
