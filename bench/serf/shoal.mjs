/** How the bench runs, reads and asks `shoal agent`. The same functions as `serf.mjs`. */

import { existsSync, readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../dist/node/cli.js', import.meta.url))
const speaker = fileURLToPath(new URL('speaker.mjs', import.meta.url))

export const name = 'shoal'
export const firstPort = 23_000

export function version() {
  if (!existsSync(cli)) throw new Error('dist/ is missing: npm run build')
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

/** Defaults but for names and addresses. The first is the agent too, opened by `speaker.mjs`. */
export function command(member, seed) {
  const addresses = [`127.0.0.1:${member.port}`, `127.0.0.1:${member.controlPort}`]
  if (!seed) return [process.execPath, speaker, member.name, ...addresses]
  const flags = ['--room', 'bench', '--name', member.name, '--bind', addresses[0], '--http', addresses[1]]
  return [process.execPath, cli, 'agent', ...flags, '--join', `127.0.0.1:${seed.port}`, '--log-level', 'info']
}

export function readLine(line) {
  const event = /^shoal: (join|suspect|leave|dead) (\S+) \S+$/.exec(line)
  return event ? { type: event[1], of: event[2] } : undefined
}

export async function open(member) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (path) => fetchJson({ host: '127.0.0.1', port: member.controlPort, path, agent })
  return {
    alive: async () => (await ask('/v1/members?status=alive')).members.length,
    holds: async (word) => (await ask(`/v1/services/${word}`)).instances.length > 0,
    close: () => agent.destroy(),
  }
}

export async function change(member, word) {
  return { go: async () => void member.process.stdin.write(`${word}\n`), close: () => {} }
}

function fetchJson(options) {
  return new Promise((resolve, reject) => {
    const request = get(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text))
        else reject(new Error(`${options.path}: HTTP ${response.statusCode}`))
      })
    })
    request.on('error', reject)
  })
}
