/** One process under test: what it prints, how it ends. */

import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const linesMax = 2000
const stopWithinMs = 10_000

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ProcessOptions {
  /** A path from the root of the repository; the `shoal` binary unless told. */
  script?: string
  /** A program of the system, instead of a script of Node. */
  program?: string
  /** What is put before the command, e.g. `ip netns exec name`; it has to become the command, not to start it. */
  within?: readonly string[]
  env?: NodeJS.ProcessEnv
}

export class Process {
  readonly name: string
  readonly pid: number
  exit: Exit | undefined
  /** Both streams, each line with its stream's name; the last `linesMax`. */
  readonly lines: string[] = []
  readonly #child: ChildProcess
  /** Resolved when it has ended and all it printed has been read. */
  readonly #exited: Promise<Exit>
  /** Its end is what the test wants, so it is no fault. */
  #mayEnd = false

  /** Runs a script of Node from the root of the repository. It leads a process group, as one started by a shell does. */
  constructor(name: string, args: readonly string[], options: ProcessOptions = {}) {
    const { script = 'dist/node/cli.js', program, within = [], env = {} } = options
    this.name = name
    const command = program === undefined ? [process.execPath, join(root, script)] : [program]
    const [file, ...rest] = [...within, ...command, ...args] as [string, ...string[]]
    this.#child = spawn(file, rest, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      detached: true,
    })
    this.pid = this.#child.pid!
    this.#collect('out')
    this.#collect('err')
    // A worker that is ended in the middle of a test takes its processes with it.
    const onEnd = () => this.#signalGroup('SIGKILL')
    process.once('exit', onEnd)
    this.#exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        process.off('exit', onEnd)
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
  }

  /** What it printed to one stream. */
  printed(stream: 'out' | 'err'): string[] {
    const mark = `${stream}| `
    return this.lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length))
  }

  /** Waits for one that ends by itself. */
  ended(): Promise<Exit> {
    this.#mayEnd = true
    return this.#exited
  }

  /** Asks it to end, and answers with how it did. One that does not is killed and has the signal SIGKILL. */
  stop(): Promise<Exit> {
    return this.#end(() => this.#child.kill('SIGTERM'))
  }

  /** Ctrl-C: the terminal signals the whole group, so that its children are told before it can tell them. */
  interrupt(): Promise<Exit> {
    return this.#end(() => this.#signalGroup('SIGINT'))
  }

  /** Ends it without a word, as a power cut would. */
  async kill(): Promise<void> {
    this.#mayEnd = true
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Throws when it has ended without being told to. */
  assertRunning(): void {
    if (!this.exit || this.#mayEnd) return
    throw new Error(`${this.name} ended by itself, ${JSON.stringify(this.exit)}:\n${this.lines.join('\n')}`)
  }

  async #end(ask: () => void): Promise<Exit> {
    this.#mayEnd = true
    ask()
    const timer = setTimeout(() => this.#signalGroup('SIGKILL'), stopWithinMs)
    const exit = await this.#exited
    clearTimeout(timer)
    return exit
  }

  #signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch (error) {
      // The whole group has ended by itself meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #collect(stream: 'out' | 'err'): void {
    const source = stream === 'out' ? this.#child.stdout! : this.#child.stderr!
    let rest = ''
    source.setEncoding('utf8')
    source.on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()!
      this.#keep(stream, parts)
    })
    source.on('end', () => this.#keep(stream, rest === '' ? [] : [rest]))
  }

  #keep(stream: 'out' | 'err', lines: readonly string[]): void {
    this.lines.push(...lines.map((line) => `${stream}| ${line}`))
    this.lines.splice(0, this.lines.length - linesMax)
  }
}
