/** An agent process and its HTTP API. */

import type { Member } from '../core/index.ts'
import { Process } from './process.ts'
import { type Seen, seen, type Viewer } from './view.ts'

export class Agent implements Viewer {
  readonly name: string
  readonly process: Process
  readonly udpPort: number
  readonly #http: string

  constructor(name: string, options: { udpPort: number; httpPort: number; flags: readonly string[] }) {
    this.name = name
    this.udpPort = options.udpPort
    this.#http = `http://127.0.0.1:${options.httpPort}`
    this.process = new Process(name, [
      'agent',
      ...['--name', name],
      ...['--bind', `127.0.0.1:${options.udpPort}`],
      ...['--http', `127.0.0.1:${options.httpPort}`],
      ...options.flags,
    ])
  }

  async view(): Promise<Seen[]> {
    const { members } = (await this.get('/v1/members')) as { members: Member[] }
    return seen(members)
  }

  async id(): Promise<string> {
    const { member } = (await this.get('/v1/agent/self')) as { member: Member }
    return member.id
  }

  /** The body of an answer, whatever its status: `/v1/health` answers 503 while it joins. */
  async get(path: string): Promise<unknown> {
    this.process.assertRunning()
    const response = await fetch(this.#http + path)
    return response.json()
  }

  /** Whether it has joined; false as well while it is not listening yet. */
  async joined(): Promise<boolean> {
    this.process.assertRunning()
    return fetch(`${this.#http}/v1/health`).then(
      (response) => response.ok,
      () => false,
    )
  }
}
