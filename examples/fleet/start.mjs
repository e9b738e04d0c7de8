// A rolling deploy: every instance of a fleet is replaced by one on another port, while a client goes on asking.
//
//     npm run example -- fleet                                  20 instances within 20 s
//     npm run example -- fleet --instances 200 --seconds 60     what the README tells of

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startClient } from './client.mjs'
import { startInstance } from './instance.mjs'

const { instances, seconds, hosts, rate } = options()
// The other processes end when this one does.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0))

class Host {
  #process = fork(new URL('host.mjs', import.meta.url))
  #waiting = new Map()
  #seq = 0

  constructor() {
    this.#process.on('message', ({ seq, address, error }) => {
      const { resolve, reject } = this.#waiting.get(seq)
      this.#waiting.delete(seq)
      if (error) reject(new Error(error))
      else resolve(address)
    })
  }

  start(start) {
    return this.#tell({ start })
  }

  stop(name) {
    return this.#tell({ stop: name })
  }

  async end() {
    const ended = once(this.#process, 'exit')
    this.#process.disconnect()
    await ended
  }

  #tell(message) {
    const seq = ++this.#seq
    this.#process.send({ seq, ...message })
    return new Promise((resolve, reject) => this.#waiting.set(seq, { resolve, reject }))
  }
}

const fleet = Array.from({ length: hosts }, () => new Host())
const hostOf = (n) => fleet[n % hosts]
// One that stays: whoever comes later joins by it.
const first = await startInstance({ name: 'first', version: 'v1', join: [] })
const join = [first.address]
const all = [...Array(instances).keys()]

console.log(`starting ${instances} instances of v1 in ${hosts} processes`)
await inTurns(all, (n) => hostOf(n).start({ name: `hello-${n}-v1`, version: 'v1', join }))
const client = await startClient({ join, perSecond: rate })
await client.peer.settled({ signal: AbortSignal.timeout(60_000) })

console.log(`rolling out v2 within ${seconds} s; the client asks ${rate} times a second`)
const beganAt = performance.now()
const stopping = []
for (const n of all) {
  await sleep(Math.max(0, beganAt + ((n + 1) * seconds * 1_000) / instances - performance.now()))
  await hostOf(n).start({ name: `hello-${n}-v2`, version: 'v2', join })
  stopping.push(hostOf(n).stop(`hello-${n}-v1`))
  if ((n + 1) % Math.ceil(instances / 10) === 0) console.log(progress(n + 1))
}
const rolledOutMs = performance.now() - beganAt
await Promise.all([...stopping, first.stop()])

const { requests, failed, toGone, byVersion, errors } = await client.stop()
await inTurns(all, (n) => hostOf(n).stop(`hello-${n}-v2`), instances)
await Promise.all(fleet.map((host) => host.end()))

for (const error of errors.slice(0, 10)) console.error(error)
console.log(
  `${instances} instances replaced in ${(rolledOutMs / 1_000).toFixed(1)} s; ${requests} requests, ${failed} failed, ` +
    `${toGone} to an instance that had left; answered by v1 ${byVersion.v1 ?? 0}, by v2 ${byVersion.v2 ?? 0}`,
)
process.exitCode = failed + toGone === 0 ? 0 : 1

function progress(replaced) {
  const versions = client.peer.lookup('hello').map(({ meta }) => meta.version)
  const count = (version) => versions.filter((one) => one === version).length
  const { requests, failed } = client.result
  return `${replaced} replaced; the client sees v1 x${count('v1')}, v2 x${count('v2')}; ${requests} requests, ${failed} failed`
}

/** A few at a time, as a deploy would. */
async function inTurns(items, run, atATime = 8) {
  const waiting = [...items]
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await run(item)
  }
  await Promise.all(Array.from({ length: Math.min(atATime, waiting.length) }, work))
}

function options() {
  const options = Object.fromEntries(
    Object.entries({ instances: 20, seconds: 20, hosts: 4, rate: 50 }).map(([name, value]) => [
      name,
      { type: 'string', default: String(value) },
    ]),
  )
  try {
    const { values } = parseArgs({ options })
    return Object.fromEntries(
      Object.entries(values).map(([name, text]) => {
        const value = Number(text)
        if (Number.isInteger(value) && value >= 1 && value <= 1_000) return [name, value]
        throw new Error(`--${name}: expected a whole number from 1 to 1,000, got ${text}`)
      }),
    )
  } catch (error) {
    const [problem] = error.message.split('. ')
    const known = error.code
      ? `; expected ${Object.keys(options)
          .map((name) => `--${name}`)
          .join(', ')}`
      : ''
    console.error(`${problem}${known}`)
    process.exit(2)
  }
}
