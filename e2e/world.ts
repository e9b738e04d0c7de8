/** The processes and tabs of one test, all in a room of their own, and their orderly end. */

import { type Browser, type BrowserContext, expect } from 'playwright/test'
import { startPeer } from '../node/index.ts'
import type { Peer } from '../peer/peer.ts'
import { Agent } from './agent.ts'
import { freeTcpPort, freeUdpPort } from './ports.ts'
import { Process, type ProcessOptions } from './process.ts'
import { Tab } from './tab.ts'

export class World {
  readonly room: string
  readonly processes: Process[] = []
  readonly tabs: Tab[] = []
  readonly peers: Peer[] = []
  readonly #browser: Browser
  readonly #contexts: BrowserContext[] = []
  #signalPort = 0
  #signal: Process | undefined

  constructor(room: string, browser: Browser) {
    this.room = room
    this.#browser = browser
  }

  /** The address of the signalling server, for `--signaling` and for joins by hand. */
  get signaling(): string {
    return `ws://127.0.0.1:${this.#signalPort}`
  }

  /** Starts the signalling server with its page; after it was stopped, again at the same port. */
  async startSignal(): Promise<Process> {
    this.#signalPort ||= await freeTcpPort()
    const server = this.run('signal', ['signal', '--port', String(this.#signalPort)])
    this.#signal = server
    await expect
      .poll(
        () => {
          server.assertRunning()
          return fetch(this.pageUrl('')).then(
            (response) => response.status,
            () => 'not listening',
          )
        },
        { message: 'the signalling server serves its page' },
      )
      .toBe(200)
    return server
  }

  async stopSignal(): Promise<void> {
    expect(await this.#signal!.stop(), 'the signalling server ends when it is asked to').toEqual({
      code: 0,
      signal: null,
    })
  }

  /** An agent with a UDP address; with `join` it knows another one, with `gateway` it is on the signalling server too. */
  async startAgent(
    name: string,
    options: { join?: Agent; gateway?: boolean; flags?: readonly string[]; udpPort?: number } = {},
  ): Promise<Agent> {
    const flags = ['--room', this.room, ...(options.flags ?? [])]
    if (options.join) flags.push('--join', `127.0.0.1:${options.join.udpPort}`)
    if (options.gateway) flags.push('--signaling', this.signaling)
    const udpPort = options.udpPort ?? (await freeUdpPort())
    const agent = new Agent(name, { udpPort, httpPort: await freeTcpPort(), flags })
    this.processes.push(agent.process)
    await expect.poll(() => agent.joined(), { message: `${name} joins` }).toBe(true)
    return agent
  }

  /** A UDP-only peer inside the test itself, for what the HTTP API of an agent does not offer. */
  async startLocalPeer(name: string, join: Agent): Promise<Peer> {
    const udp = { bind: '127.0.0.1:0', join: [`127.0.0.1:${join.udpPort}`] }
    const peer = await startPeer({ room: this.room, name, udp })
    this.peers.push(peer)
    return peer
  }

  /**
   * A tab with a renderer process of its own: contexts do not share one. `before` runs in it ahead of the page, errors that
   * the test brings about while it opens are allowed by `allow`.
   */
  async openTab(name: string, options: { before?: () => void; url?: string; allow?: RegExp } = {}): Promise<Tab> {
    const context = await this.#browser.newContext()
    this.#contexts.push(context)
    if (options.before) await context.addInitScript(options.before)
    const tab = new Tab(name, await context.newPage())
    this.tabs.push(tab)
    if (options.allow) tab.allow(options.allow)
    await tab.open(options.url ?? this.pageUrl(name))
    return tab
  }

  pageUrl(name: string): string {
    const query = new URLSearchParams({ room: this.room, name })
    return `http://127.0.0.1:${this.#signalPort}/?${query}`
  }

  /** A process of this test, which is ended with it. */
  run(name: string, args: readonly string[], options?: ProcessOptions): Process {
    const process = new Process(name, args, options)
    this.processes.push(process)
    return process
  }

  /** Ends everything and answers with what went wrong on the way. Whatever happens, nothing is left running. */
  async end(): Promise<string[]> {
    const faults = this.tabs.flatMap((tab) => tab.errors.map((error) => `tab ${tab.name}: ${error}`))
    const fault = (error: unknown) => faults.push(error instanceof Error ? error.message : String(error))
    await Promise.all(this.#contexts.map((context) => context.close().catch(fault)))
    await Promise.all(this.peers.map((peer) => peer.leave()))
    await Promise.all(
      this.processes.map(async (process) => {
        try {
          process.assertRunning()
          if (process.exit) return
          const { code, signal } = await process.stop()
          if (code !== 0) fault(`${process.name}: asked to stop, it ended with ${signal ?? `exit code ${code}`}`)
        } catch (error) {
          fault(error)
        }
      }),
    )
    return faults
  }

  /** All that the processes printed, to be looked at when a test has failed. */
  transcript(): string {
    return this.processes
      .map(({ name, pid, exit, lines }) => [`# ${name} (${pid}), exit ${JSON.stringify(exit)}`, ...lines].join('\n'))
      .join('\n\n')
  }
}
