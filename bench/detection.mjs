/**
 * How long until everybody knows that a process was killed? Real agents over UDP on loopback; the victim of each trial gets
 * `kill -9`, and the clock runs until every other agent lists it as dead.
 *
 *     npm run build && node bench/detection.mjs [--members 5] [--trials 5]
 *
 * Each trial replaces the victim, so the room keeps its size. The answers are polled, which adds up to 50 ms.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist/node/cli.js')
const pollMs = 50
const deadlineMs = 60_000
const firstPort = 21_000

const { values } = parseArgs({
  options: { members: { type: 'string', default: '5' }, trials: { type: 'string', default: '5' } },
})
const members = wholeNumber('members', 2, 64)
const trials = wholeNumber('trials', 1, 50)

let nextPort = firstPort
const agents = new Set()
try {
  for (let i = 0; i < members; i++) start()
  const seconds = []
  for (let trial = 0; trial < trials; trial++) {
    await until(async (agent) => (await list(agent)).filter(({ status }) => status === 'alive').length === members)
    // Never the first, by which newcomers join.
    const victim = [...agents][1 + Math.floor(Math.random() * (members - 1))]
    const killedAt = performance.now()
    agents.delete(victim)
    victim.process.kill('SIGKILL')
    await until(async (agent) =>
      (await list(agent)).some(({ name, status }) => name === victim.name && status === 'dead'),
    )
    seconds.push((performance.now() - killedAt) / 1000)
    start()
  }
  seconds.sort((a, b) => a - b)
  const [min, median, max] = [seconds[0], seconds[seconds.length >> 1], seconds.at(-1)].map((s) => Number(s.toFixed(2)))
  console.log(
    `killed to dead at all, ${members} members, ${trials} trials: min ${min} s, median ${median} s, max ${max} s`,
  )
  console.log(JSON.stringify({ bench: 'detection', members, trials, min, median, max }))
} finally {
  for (const { process } of agents) process.kill('SIGTERM')
  await Promise.all([...agents].map(({ process }) => process.exitCode ?? once(process, 'exit')))
}

function start() {
  const port = nextPort++
  const name = `m${port - firstPort}`
  const http = `127.0.0.1:${port + 1000}`
  const seed = port === firstPort ? [] : ['--join', `127.0.0.1:${firstPort}`]
  const flags = ['--name', name, '--room', 'bench', '--bind', `127.0.0.1:${port}`, '--http', http, ...seed]
  agents.add({ name, http, process: spawn(process.execPath, [cli, 'agent', ...flags], { stdio: 'ignore' }) })
}

/** What an agent lists; nothing while it is starting. */
async function list({ http }) {
  const response = await fetch(`http://${http}/v1/members`).catch(() => undefined)
  return response?.ok ? (await response.json()).members : []
}

/** Waits until `holds` for every agent; each is asked again only until it does. */
async function until(holds) {
  const givenUpAt = performance.now() + deadlineMs
  await Promise.all(
    [...agents].map(async (agent) => {
      while (!(await holds(agent))) {
        if (performance.now() > givenUpAt) throw new Error(`${agent.name} did not come to it within ${deadlineMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, pollMs))
      }
    }),
  )
}

function wholeNumber(flag, least, most) {
  const value = Number(values[flag])
  if (Number.isInteger(value) && value >= least && value <= most) return value
  console.error(`--${flag}: expected a whole number from ${least} to ${most}, got ${values[flag]}`)
  process.exit(2)
}
