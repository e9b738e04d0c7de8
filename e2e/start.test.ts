/** `npm start`, as a newcomer meets it. */

import { expect, test } from './fixtures.ts'
import { freeTcpPort } from './ports.ts'

// One after the other, because its agents have fixed ports.
test.describe.configure({ mode: 'default' })

test('the example starts, shows its members on the page, and Ctrl-C ends all of it with code 0', async ({ world }) => {
  const port = await freeTcpPort()
  const start = world.run('npm start', [], { script: 'scripts/start.mjs', env: { PORT: String(port) } })
  await expect
    .poll(() => {
      start.assertRunning()
      return start.printed('out').join('\n')
    })
    .toContain(`http://localhost:${port}/`)
  const tab = await world.openTab('Ana', { url: `http://localhost:${port}/?name=Ana` })
  await expect.poll(async () => (await tab.view()).filter(({ mode }) => mode === 'server').length).toBe(3)
  const services = () => ['payments', 'search'].map((name) => globalThis.shoal.peer.lookup(name).length)
  await expect.poll(() => tab.page.evaluate(services)).toEqual([1, 1])
  const pids = [
    ...start
      .printed('out')
      .join('\n')
      .matchAll(/\bpid (\d+)/g),
  ].map((match) => Number(match[1]))
  expect(pids).toHaveLength(4)
  // What is stopped under the page ends its connections; the browser notes that by itself.
  tab.allow(/WebSocket connection to .* failed/)

  expect(await start.interrupt()).toEqual({ code: 0, signal: null })

  for (const pid of pids) expect(() => process.kill(pid, 0), `process ${pid} is gone`).toThrow('ESRCH')
})

test('a port that is in use is one clear line, and nothing is left running', async ({ world }) => {
  await world.startSignal()
  const { port } = new URL(world.signaling)
  const start = world.run('npm start', [], { script: 'scripts/start.mjs', env: { PORT: port } })
  expect(await start.ended()).toEqual({ code: 1, signal: null })
  expect(start.printed('err')).toEqual([expect.stringMatching(new RegExp(`port ${port} is in use.* PORT=`))])
})
