/** Each example by the command that its readers are given, and what they get for a wrong one. */

import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { runExample } from './example.ts'
import { expect, test } from './fixtures.ts'
import { root } from './process.ts'

const names = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const script = 'scripts/example.mjs'

for (const name of names.filter((name) => name !== 'fleet')) {
  test(`${name} serves its page with nothing missing, and ends with Ctrl-C`, async ({ world }) => {
    const { example, url } = await runExample(world, [name, '--port', '0'])
    const page = await (await fetch(url)).text()
    const files = [...page.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].map(([, path]) => new URL(path!, url))
    expect(files.length).toBeGreaterThanOrEqual(3)
    for (const file of files) expect((await fetch(file)).status, file.pathname).toBe(200)
    expect(await example.interrupt()).toEqual({ code: 0, signal: null })
    expect(example.printed('err')).toEqual([])
  })
}

test('fleet, which has no page, ends with Ctrl-C as well', async ({ world }) => {
  const example = world.run('example', ['fleet', '--instances', '4'], { script })
  await expect.poll(() => example.printed('out').join()).toContain('rolling out')
  expect(await example.interrupt()).toEqual({ code: 0, signal: null })
})

const refused: { args: string[]; code: number; says: RegExp }[] = [
  { args: [], code: 1, says: new RegExp(`expected one of ${names.sort().join(', ')}, got no name$`) },
  { args: ['aquarium'], code: 1, says: /expected one of .*\bfile-transfer\b.*, got "aquarium"$/ },
  { args: ['cursors', '--port', 'x'], code: 1, says: /--port.*got --port x$/ },
  { args: ['cursors', '--prot', '0'], code: 1, says: /--port.*got --prot 0$/ },
  { args: ['fleet', '--instances', 'many'], code: 2, says: /--instances: expected a whole number .*, got many$/ },
  { args: ['fleet', '--instance', '4'], code: 2, says: /--instance\b.*--instances/ },
  { args: ['fleet', '4'], code: 2, says: /'4'/ },
]
for (const { args, code, says } of refused) {
  test(`\`npm run example -- ${args.join(' ')}\` ends with one line that says what was expected`, async ({ world }) => {
    const example = world.run('example', args, { script })
    expect(await example.ended()).toEqual({ code, signal: null })
    expect(example.printed('err')).toEqual([expect.stringMatching(says)])
    expect(example.printed('out')).toEqual([])
  })
}

test('a port that is in use is one line that names it', async ({ world }) => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  try {
    const example = world.run('example', ['cursors', '--port', String(port)], { script })
    expect(await example.ended()).toEqual({ code: 1, signal: null })
    expect(example.printed('err')).toEqual([expect.stringMatching(new RegExp(`:${port}: .* -- cursors --port 0`))])
  } finally {
    taken.close()
  }
})
