/** The fleet of examples/fleet, deployed anew while a client asks on. */

import { expect, test } from './fixtures.ts'

const fleet = { script: 'examples/fleet/start.mjs' }

test('through a rolling deploy no request fails, and none goes to an instance that has left', async ({ world }) => {
  const run = world.run('the fleet', ['--instances', '12', '--seconds', '6'], fleet)
  expect(await run.ended(), run.lines.join('\n')).toEqual({ code: 0, signal: null })
  const told = run.printed('out').at(-1)!
  expect(told).toMatch(
    /^12 instances replaced in .* requests, 0 failed, 0 to an instance that had left; answered by v1 \d+, by v2 \d+$/,
  )
  const [requests, v1, v2] = [/(\d+) requests/, /by v1 (\d+)/, /by v2 (\d+)/].map((figure) =>
    Number(figure.exec(told)![1]),
  )
  expect(requests).toBe(v1! + v2!)
  expect(Math.min(v1!, v2!)).toBeGreaterThan(20)
})
