/** The example `file-transfer`, as somebody runs it who tries it. */

import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { runExample } from './example.ts'
import { expect, test } from './fixtures.ts'

test('a file of 5 MB goes from tab to tab, byte for byte, and its connection is closed behind it', async ({
  world,
}) => {
  const { url } = await runExample(world, ['file-transfer', '--port', '0'])
  const ana = await world.openTab('Ana', { url: `${url}?name=Ana` })
  const ben = await world.openTab('Ben', { url: `${url}?name=Ben` })
  const sent = randomBytes(5_000_000)
  const hash = createHash('sha256').update(sent).digest('hex')
  await ana.page
    .getByLabel('Send files to Ben')
    .setInputFiles({ name: 'reef.bin', mimeType: 'application/octet-stream', buffer: sent })
  await expect(ana.page.locator('#transfers li')).toHaveText(/^reef\.bin to Ben.*sent, 5\.0 MB/)
  const arrived = ben.page.locator('#transfers li')
  await expect(arrived).toHaveText(/^reef\.bin from Ana.*arrived, 5\.0 MB/)
  await expect(arrived.locator('code')).toHaveAttribute('data-hash', hash)
  const [download] = await Promise.all([ben.page.waitForEvent('download'), arrived.getByText('Save').click()])
  expect(download.suggestedFilename()).toBe('reef.bin')
  expect((await readFile(await download.path())).equals(sent)).toBe(true)
  // The receiver answered with the hash, and the sender has closed the connection.
  const open = async () => (await ben.counters()).connections_open
  await expect.poll(open).toBe(0)
})

test('a transfer whose connection is closed in the middle of it ends at the sender with a reason', async ({
  world,
}) => {
  const { url } = await runExample(world, ['file-transfer', '--port', '0'])
  const ana = await world.openTab('Ana', { url: `${url}?name=Ana` })
  const ben = await world.openTab('Ben', { url: `${url}?name=Ben` })
  // Not before the first piece: then the sender has the connection for sure.
  await ben.page.evaluate(() => {
    globalThis.shoal.peer.onConnection((connection) => connection.once('data', () => connection.destroy()))
  })
  await ana.page
    .getByLabel('Send files to Ben')
    .setInputFiles({ name: 'reef.bin', mimeType: 'application/octet-stream', buffer: randomBytes(5_000_000) })
  await expect(ana.page.locator('#transfers li[data-state=failed]')).toHaveText('reef.bin to Benit was closed')
})
