/**
 * A room of tabs in one Chromium on this machine: how long until the last tab sees everybody, and how soon a cursor that
 * moves in one tab has moved in all others.
 *
 *     npm run build && node bench/room.mjs [--tabs 40] [--trials 7] [--moves 20]
 *
 * Each trial closes the last tab and opens another in its place. One machine, one clock: what a page saw is compared
 * with when another page did it. Everything runs on the same cores, the browser's forty renderers too.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { findOrInstallChromium } from '../scripts/chromium.mjs'
import { closeWith, columns, conditions, spread, wholeNumber } from './report.mjs'

const deadlineMs = 120_000
const pauseMs = 300
const loadingMax = 4

const text = { type: 'string' }
const { values } = parseArgs({ options: { tabs: text, trials: text, moves: text } })
const tabs = wholeNumber('tabs', values.tabs ?? '40', 2, 100)
const trials = wholeNumber('trials', values.trials ?? '7', 1, 100)
const moves = wholeNumber('moves', values.moves ?? '20', 1, 1000)

const fromRoot = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const server = await startPage()
const signal = spawn(process.execPath, [fromRoot('dist/node/cli.js'), 'signal', '--port', '0', '--no-page'])
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH || findOrInstallChromium(),
  args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update'],
})
for (const stop of ['SIGINT', 'SIGTERM']) process.once(stop, () => void end().then(() => process.exit(1)))
try {
  const signaling = await addressOf(signal)
  await measure(signaling)
} finally {
  await end()
}

async function measure(signaling) {
  const pages = []
  while (pages.length < tabs - 1) {
    const batch = Math.min(loadingMax, tabs - 1 - pages.length)
    pages.push(...(await Promise.all(Array.from({ length: batch }, () => open(signaling)))))
  }
  const complete = []
  for (let trial = 0; trial < trials; trial++) {
    await Promise.all(pages.map((page) => until(page, (count) => shoal.peer.members().length === count, pages.length)))
    const last = await open(signaling)
    await until(last, () => seen.completeMs !== undefined)
    complete.push(await last.evaluate(() => seen.completeMs))
    if (trial < trials - 1) await last.close({ runBeforeUnload: true })
    else pages.push(last)
  }
  await Promise.all(pages.map((page) => until(page, (count) => shoal.peer.members().length === count, tabs)))
  const cursors = []
  for (let move = 0; move < moves; move++) cursors.push(...(await moveCursor(pages, move)))
  const openLinks = () => [shoal.peer.links().filter(({ state }) => state === 'open').length, seen.linksMost]
  const links = await Promise.all(pages.map((page) => page.evaluate(openLinks)))

  const rows = [
    ['last tab: navigation to complete view, ms', spread(complete)],
    ['cursor: move in one to move in another, ms', spread(cursors)],
    ['open links of a tab at the end', spread(links.map(([now]) => now))],
    ['most links of a tab at a time', spread(links.map(([, most]) => most))],
  ]
  console.log(`${tabs} tabs in one room, ${trials} trials of the last one, ${moves} moves of a cursor\n`)
  const table = rows.map(([what, { median, min, max }]) => [what, median, min, max])
  console.log(columns([['', 'median', 'min', 'max'], ...table]))
  const [completeMs, cursorMs, linksNow, linksMost] = rows.map(([, figures]) => figures)
  closeWith({ bench: 'room', ...conditions(), tabs, completeMs, cursorMs, linksNow, linksMost })
}

/** Milliseconds from the move to each of the other tabs. A tab that has not seen it within the deadline ends the bench. */
async function moveCursor(pages, move) {
  const from = pages[move % pages.length]
  const others = pages.filter((page) => page !== from)
  const id = await from.evaluate(() => shoal.peer.id)
  await Promise.all(others.map((page) => page.evaluate(watchCursor, id)))
  await from.evaluate((move) => shoal.peer.setState({ cursor: [move, move, Date.now()] }, { volatile: true }), move)
  await Promise.all(others.map((page) => until(page, () => globalThis.movedAfterMs !== undefined)))
  const seen = await Promise.all(others.map((page) => page.evaluate(() => globalThis.movedAfterMs)))
  await new Promise((resolve) => setTimeout(resolve, pauseMs))
  return seen
}

/** Runs in the page. */
function watchCursor(id) {
  globalThis.movedAfterMs = undefined
  globalThis.unwatch?.()
  globalThis.unwatch = shoal.peer.on('update', (member) => {
    if (member.id === id) globalThis.movedAfterMs ??= Date.now() - member.state.cursor[2]
  })
}

async function open(signaling) {
  const page = await browser.newPage()
  const name = 'tab'
  const query = new URLSearchParams({ room: 'bench', name, signaling, crowd: String(tabs) })
  await page.goto(`http://127.0.0.1:${server.address().port}/?${query}`)
  await until(page, () => globalThis.shoal?.peer.status === 'joined')
  return page
}

/** Polled now and then, since a test at every frame of forty pages would be what is measured. */
async function until(page, holds, argument) {
  await page.waitForFunction(holds, argument, { polling: 100, timeout: deadlineMs })
}

/** The address that a server started with port 0 prints. */
async function addressOf(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /ws:\/\/\S+?:\d+/.exec(line)?.[0]
    if (address !== undefined) return address
  }
  throw new Error('the signalling server ended without an address')
}

/** The page of the browser tests, which is little more than a member. */
async function startPage() {
  const files = {
    '/': ['text/html', await readFile(fromRoot('e2e/plain-page/index.html'))],
    '/shoal.js': ['text/javascript', await readFile(fromRoot('dist/browser/index.js'))],
  }
  const pages = createServer((request, response) => {
    const file = files[request.url.split('?')[0]]
    if (file) response.setHeader('content-type', file[0]).end(file[1])
    else response.writeHead(404).end()
  })
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve))
  return pages
}

async function end() {
  await browser.close()
  server.closeAllConnections()
  server.close()
  if (signal.exitCode !== null) return
  const ended = once(signal, 'exit')
  signal.kill('SIGTERM')
  await ended
}
