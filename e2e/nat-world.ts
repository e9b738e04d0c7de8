/** Tabs and agents in homes behind NATs, with a signalling server and a TURN server on the internet between them. */

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium, expect } from 'playwright/test'
import type { TabOptions } from '../browser/index.ts'
import type { Member } from '../core/index.ts'
import { type Home, NatNetwork, type NatRules, serverAddress } from './nat-network.ts'
import { Process, root } from './process.ts'
import { Tab } from './tab.ts'

declare global {
  /** Every connection that the page has made. */
  var natConnections: RTCPeerConnection[]
}

const room = 'nat'
const signalPort = 8787
const turnPort = 3478
const turnSecret = 'a-secret-of-two-servers'
const agentHttp = '127.0.0.1:7980'
/** Its name is not looked up: Playwright answers for it. */
const pageUrl = `http://${serverAddress}:${signalPort}/own/page.html`

export class NatWorld {
  readonly signaling = `ws://${serverAddress}:${signalPort}`
  readonly #network: NatNetwork
  readonly #directory = mkdtempSync(join(tmpdir(), 'shoal-nat-'))
  readonly #launchArgs: readonly string[]
  readonly #processes: Process[] = []
  readonly #browsers: Browser[] = []
  readonly #tabs: Tab[] = []
  #signal: Process | undefined

  /** `launchArgs` are those that Chromium is started with in all tests. */
  constructor(rules: NatRules, launchArgs: readonly string[]) {
    this.#network = new NatNetwork(rules)
    this.#launchArgs = launchArgs
  }

  /** `told`: what the server tells its clients of, beside itself. */
  async startSignal(told: { stun?: boolean; turn?: 'udp' | 'tcp' } = {}): Promise<void> {
    const flags = ['--host', serverAddress, '--port', String(signalPort), '--no-page']
    if (told.stun) flags.push('--stun', `stun:${serverAddress}:${turnPort}`)
    if (told.turn) {
      flags.push('--turn', `turn:${serverAddress}:${turnPort}?transport=${told.turn}`)
      flags.push('--turn-secret-file', this.#file('turn-secret', `${turnSecret}\n`))
    }
    this.#signal = this.#run('signal', 'net', { args: ['signal', ...flags] })
    await this.#printed(this.#signal, 'shoal signal: ')
  }

  async stopSignal(): Promise<void> {
    expect(await this.#signal!.stop()).toEqual({ code: 0, signal: null })
  }

  /** coturn, for STUN and for TURN by time-limited passwords. */
  async startTurn(): Promise<void> {
    const settings = [
      `listening-ip=${serverAddress}`,
      `relay-ip=${serverAddress}`,
      `listening-port=${turnPort}`,
      'min-port=50000',
      'max-port=50200',
      'realm=shoal.test',
      'use-auth-secret',
      `static-auth-secret=${turnSecret}`,
      'no-tls',
      'no-dtls',
      'no-cli',
      'log-file=stdout',
      `userdb=${join(this.#directory, 'turndb')}`,
      `pidfile=${join(this.#directory, 'turn.pid')}`,
    ]
    const file = this.#file('turnserver.conf', settings.join('\n'))
    const turn = this.#run('turnserver', 'net', { program: 'turnserver', args: ['-c', file] })
    // What it prints comes in blocks, so it is asked.
    const connect = `require('net').connect(${turnPort}, '${serverAddress}')`
    const ask = `${connect}.on('error', () => process.exit(1)).on('connect', () => process.exit())`
    const answers = () => {
      turn.assertRunning()
      return this.#within('net', ['-e', ask]).then(
        () => true,
        () => false,
      )
    }
    await expect.poll(answers, { message: 'the TURN server listens' }).toBe(true)
  }

  /** A tab in a Chromium of its own, in one of the homes. Its `join()` has returned. */
  async openTab(home: Home, name: string, options: Partial<TabOptions> = {}): Promise<Tab> {
    const script = `#!/bin/sh\nexec ${this.#network.command(home).join(' ')} "$CHROMIUM_PATH" "$@"\n`
    const executablePath = this.#file(`chromium-${home}`, script, 0o700)
    const browser = await chromium.launch({ executablePath, args: [...this.#launchArgs] })
    this.#browsers.push(browser)
    const page = await browser.newPage()
    await page.addInitScript(() => {
      globalThis.natConnections = []
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          super(configuration)
          globalThis.natConnections.push(this)
        }
      }
    })
    const joining: TabOptions = { room, name, signaling: this.signaling, ...options }
    await page.route('**/own/page.html', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><link rel="icon" href="data:," /><script type="module">
          import { join } from './shoal.js'
          globalThis.shoal = { peer: await join(${JSON.stringify(joining)}) }</script>`,
      }),
    )
    await page.route('**/own/shoal.js', (route) => route.fulfill({ path: join(root, 'dist/browser/index.js') }))
    const tab = new Tab(name, page)
    // The browser itself writes this line at every attempt to connect while the server is away.
    tab.allow(/WebSocket connection to .* failed/)
    this.#tabs.push(tab)
    await page.goto(pageUrl)
    await page.waitForFunction(() => globalThis.shoal)
    return tab
  }

  /** An agent that meets the room through the signalling server only, one to a home. */
  async startAgent(home: Home, name: string): Promise<void> {
    const flags = ['--room', room, '--name', name, '--http', agentHttp, '--signaling', this.signaling]
    const agent = this.#run(name, home, { args: ['agent', ...flags] })
    await this.#printed(agent, 'shoal agent ')
  }

  /** What the agent in a home believes. */
  async membersAtAgent(home: Home): Promise<Member[]> {
    const ask = ['members', '--http', agentHttp, '--format', 'json']
    return JSON.parse(await this.#within(home, [join(root, 'dist/node/cli.js'), ...ask])).members
  }

  /** Ends and removes everything; answers with what went wrong on the way. */
  async end(): Promise<string[]> {
    const faults = this.#tabs.flatMap((tab) => tab.errors.map((error) => `tab ${tab.name}: ${error}`))
    const fault = (error: unknown) => faults.push(error instanceof Error ? error.message : String(error))
    await Promise.all(this.#browsers.map((browser) => browser.close().catch(fault)))
    for (const process of this.#processes) {
      try {
        process.assertRunning()
        if (!process.exit) await process.stop()
      } catch (error) {
        fault(error)
      }
    }
    this.#network.remove()
    rmSync(this.#directory, { recursive: true, force: true })
    return faults
  }

  transcript(): string {
    return this.#processes.map(({ name, lines }) => [`# ${name}`, ...lines].join('\n')).join('\n\n')
  }

  #run(name: string, where: Home | 'net', { args, program }: { args: readonly string[]; program?: string }): Process {
    const within = this.#network.command(where)
    const process = new Process(name, args, { within, ...(program !== undefined && { program }) })
    this.#processes.push(process)
    return process
  }

  /** Runs Node there to its end; answers with what it printed. */
  async #within(where: Home | 'net', args: readonly string[]): Promise<string> {
    const [program, ...within] = this.#network.command(where) as [string, ...string[]]
    const { stdout } = await promisify(execFile)(program, [...within, process.execPath, ...args], { timeout: 20_000 })
    return stdout
  }

  async #printed(process: Process, text: string): Promise<void> {
    const lines = () => {
      process.assertRunning()
      return process.printed('out').some((line) => line.includes(text))
    }
    await expect.poll(lines, { message: `${process.name} prints ${text}` }).toBe(true)
  }

  #file(name: string, text: string, mode = 0o600): string {
    const path = join(this.#directory, name)
    writeFileSync(path, text, { mode })
    return path
  }
}

/** What the tab sees of the others: `Ben alive relayed`. */
export function othersAt(tab: Tab): Promise<string[]> {
  return tab.page.evaluate(() => {
    const { peer } = globalThis.shoal
    const others = peer.members().filter(({ id }) => id !== peer.self.id)
    return others.map(({ name, status, via }) => `${name} ${status} ${via}`).sort()
  })
}

/** The pairs of candidates in use on the tab's natConnections, e.g. `relay-host`: here first. */
export function pairsAt(tab: Tab): Promise<string[]> {
  return tab.page.evaluate(async () => {
    const pairs: string[] = []
    for (const connection of globalThis.natConnections) {
      const stats = new Map<string, Record<string, string>>()
      const report = await connection.getStats()
      report.forEach((entry: Record<string, string>) => {
        stats.set(entry.id!, entry)
      })
      for (const { type, selectedCandidatePairId } of stats.values()) {
        const pair = type === 'transport' ? stats.get(selectedCandidatePairId ?? '') : undefined
        if (pair === undefined) continue
        const typeOf = (id: string | undefined) => stats.get(id ?? '')?.candidateType
        pairs.push(`${typeOf(pair.localCandidateId)}-${typeOf(pair.remoteCandidateId)}`)
      }
    }
    return pairs
  })
}

/** How many of the tab's natConnections were given up or have failed. */
export function lostConnectionsAt(tab: Tab): Promise<number> {
  return tab.page.evaluate(
    () => globalThis.natConnections.filter(({ connectionState }) => /closed|failed/.test(connectionState)).length,
  )
}
