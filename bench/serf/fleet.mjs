/**
 * The members of one system: real processes, what they say, and the clock that runs until all of them have said it.
 *
 * Verdicts are read from the lines each member writes as it decides, so nothing is polled while a death, a departure or
 * an arrival goes round. No line tells a change of what a member says of itself; for that every member is asked each
 * `pollMs`, over one open connection, which adds up to `pollMs` to a figure. All of it is the same for every system.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { readMemory, readProcessorSeconds, readTraffic } from './usage.mjs'

const pollMs = 20
const settlingPollMs = 200
const deadlineMs = 60_000
/** Newcomers of a large fleet start in groups, or the machine's own start-up is measured as the protocol's. */
const startedTogether = 4
/** A victim is killed at a random moment of its observers' probe periods. */
const phaseMs = 1_000

export class Fleet {
  #system
  #seed
  #started = 0
  /** By name. Those that were killed or told to leave are no longer here. */
  #members = new Map()
  /** Every process that has not ended yet, so that none is left behind. */
  #processes = new Set()
  #listeners = new Set()
  #gone = new Set()
  #falseDeaths = 0
  #falseSuspicions = 0
  #leavesTakenForDeaths = 0

  constructor(system) {
    this.#system = system
  }

  /** Starts so many members and waits until each lists all. Returns how long that took. */
  async open(size) {
    const startedAt = performance.now()
    this.#seed = this.#start()
    await this.#agree()
    while (this.#members.size < size) {
      for (let i = 0; i < startedTogether && this.#members.size < size; i++) this.#start()
      await this.#agree()
    }
    return performance.now() - startedAt
  }

  /** What all members together use within a time in which nobody asks them anything. */
  async idle(ms, countTraffic) {
    const before = this.#usage(countTraffic)
    await pause(ms)
    const after = this.#usage(countTraffic)
    const perMember = (from, to) => (to - from) / this.#members.size / ((after.at - before.at) / 1000)
    const traffic = Object.keys(after.traffic).map((key) => [key, perMember(before.traffic[key], after.traffic[key])])
    const memory = [...this.#members.values()].map(({ process }) => readMemory(process.pid))
    const mean = (key) => memory.reduce((sum, each) => sum + each[key], 0) / memory.length
    return {
      processorSecondsPerMinute: perMember(before.processorSeconds, after.processorSeconds) * 60,
      residentMb: mean('residentMb'),
      shareMb: mean('shareMb'),
      perSecond: Object.fromEntries(traffic),
    }
  }

  /** `kill -9` to any member but the first, then a replacement. */
  async kill() {
    const victim = await this.#draw()
    const suspected = this.#watch(['suspect'], victim.name)
    const dead = this.#watch(['dead'], victim.name)
    victim.process.kill('SIGKILL')
    await dead.byAll(this.#members)
    const { firstMs, lastMs } = dead.times()
    const { firstMs: suspectedMs } = suspected.times()
    return { suspectedMs, firstMs, lastMs, joinMs: await this.#replace() }
  }

  /**
   * SIGINT, which asks an agent of either system to leave; then a replacement. Who takes the leaver for dead knows that it
   * is gone, but not why: that counts, and is told by `mistakes`.
   */
  async leave() {
    const leaver = await this.#draw()
    const left = this.#watch(['leave', 'dead'], leaver.name)
    leaver.process.kill('SIGINT')
    await left.byAll(this.#members)
    const { firstMs, lastMs, said } = left.times()
    this.#leavesTakenForDeaths += said.filter((type) => type === 'dead').length
    return { firstMs, lastMs, joinMs: await this.#replace() }
  }

  /** The first member changes what it says of itself, until every other one shows it. */
  async update(word) {
    const { change, open } = this.#system
    const others = [...this.#members.values()].filter((member) => member !== this.#seed)
    const changing = await change(this.#seed, word)
    const desks = await Promise.all(others.map(open))
    try {
      // One question beforehand, so that no connection is opened while the clock runs.
      await Promise.all(desks.map(({ holds }) => holds(word)))
      const startedAt = performance.now()
      const asked = changing.go()
      const times = await Promise.all(
        desks.map(async ({ holds }) => {
          await until(() => holds(word), pollMs, 'an update')
          return performance.now() - startedAt
        }),
      )
      await asked
      return { firstMs: Math.min(...times), lastMs: Math.max(...times) }
    } finally {
      changing.close()
      for (const desk of desks) desk.close()
    }
  }

  /** Verdicts on members that were there all along, and on those that left in good order. */
  mistakes() {
    return {
      falseSuspicions: this.#falseSuspicions,
      falseDeaths: this.#falseDeaths,
      leavesTakenForDeaths: this.#leavesTakenForDeaths,
    }
  }

  async close() {
    const ended = [...this.#processes].map((child) => once(child, 'exit'))
    for (const child of this.#processes) child.kill('SIGKILL')
    await Promise.all(ended)
  }

  #start() {
    const number = this.#started++
    const { firstPort, command } = this.#system
    const member = { name: `m${number}`, port: firstPort + number, controlPort: firstPort + 500 + number }
    const [file, ...args] = command(member, this.#seed)
    member.process = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#processes.add(member.process)
    this.#members.set(member.name, member)
    member.process.once('exit', () => this.#processes.delete(member.process))
    member.process.stdin.on('error', () => {})
    for (const output of [member.process.stdout, member.process.stderr]) {
      createInterface({ input: output }).on('line', (line) => this.#hear(member, line))
    }
    return member
  }

  #hear(observer, line) {
    const told = this.#system.readLine(line)
    if (told === undefined || told.of === observer.name) return
    const at = performance.now()
    for (const listener of this.#listeners) listener(observer, told, at)
    if (this.#gone.has(told.of) || this.#gone.has(observer.name)) return
    if (told.type === 'dead') this.#falseDeaths++
    if (told.type === 'suspect') this.#falseSuspicions++
  }

  /** A member that goes now; the clocks of those who watch for it start here. */
  async #draw() {
    await pause(Math.random() * phaseMs)
    const candidates = [...this.#members.values()].filter((member) => member !== this.#seed)
    const drawn = candidates[Math.floor(Math.random() * candidates.length)]
    this.#members.delete(drawn.name)
    this.#gone.add(drawn.name)
    return drawn
  }

  /** When each observer first said one of these things, from now on. */
  #watch(types, of) {
    const startedAt = performance.now()
    const heard = new Map()
    let wake = () => {}
    const listener = (observer, told, at) => {
      if (!types.includes(told.type) || told.of !== of || heard.has(observer.name)) return
      heard.set(observer.name, { ms: at - startedAt, type: told.type })
      wake()
    }
    this.#listeners.add(listener)
    return {
      byAll: async (observers) => {
        const missing = () => [...observers.keys()].filter((observer) => observer !== of && !heard.has(observer))
        const deadline = AbortSignal.timeout(deadlineMs)
        const expired = once(deadline, 'abort')
        while (missing().length > 0) {
          const woken = new Promise((resolve) => {
            wake = resolve
          })
          await Promise.race([woken, expired])
          if (deadline.aborted) throw new Error(`${missing().join(', ')} did not say ${types.join(' or ')} of ${of}`)
        }
      },
      times: () => {
        this.#listeners.delete(listener)
        const times = [...heard.values()].map(({ ms }) => ms)
        const said = [...heard.values()].map(({ type }) => type)
        return times.length ? { firstMs: Math.min(...times), lastMs: Math.max(...times), said } : { said }
      },
    }
  }

  /** Returns the time from the first to the last member that said the newcomer is there. */
  async #replace() {
    const observers = new Map(this.#members)
    const joined = this.#watch(['join'], this.#start().name)
    await joined.byAll(observers)
    const { firstMs, lastMs } = joined.times()
    await this.#agree()
    return lastMs - firstMs
  }

  /** Waits until every member lists exactly the members there are. */
  async #agree() {
    const members = [...this.#members.values()]
    await Promise.all(
      members.map(async (member) => {
        let desk
        await until(
          async () => {
            if (!this.#processes.has(member.process)) throw new Error(`${member.name} ended by itself`)
            desk ??= await this.#system.open(member).catch(() => undefined)
            return (await desk?.alive().catch(() => undefined)) === members.length
          },
          settlingPollMs,
          `a list of ${members.length} at ${member.name}`,
        )
        desk.close()
      }),
    )
  }

  #usage(countTraffic) {
    const pids = [...this.#members.values()].map(({ process }) => process.pid)
    return {
      at: performance.now(),
      processorSeconds: pids.reduce((sum, pid) => sum + readProcessorSeconds(pid), 0),
      traffic: countTraffic ? readTraffic() : {},
    }
  }
}

async function until(holds, everyMs, what) {
  const givenUpAt = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > givenUpAt) throw new Error(`no ${what} within ${deadlineMs / 1000} s`)
    await pause(everyMs)
  }
}
