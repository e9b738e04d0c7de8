/** Channels within one process, for tests: a hub carries packets between the channels that were opened on it. */

import type { Channel, ChannelEvents, Endpoint } from '../core/index.ts'
import { packetBytesMax } from '../core/index.ts'

export class Hub {
  readonly #open = new Map<Endpoint, ChannelEvents>()
  readonly #atOnce: boolean
  #opened = 0

  /** `atOnce` hands packets over within `send`, in the sender's own buffer; otherwise they come a little later. */
  constructor({ atOnce = false } = {}) {
    this.#atOnce = atOnce
  }

  /** Endpoints of the channels that have not been closed. */
  get open(): readonly Endpoint[] {
    return [...this.#open.keys()]
  }

  /** Opens a channel, under an endpoint of its own unless told. */
  channel(events: ChannelEvents, endpoint: Endpoint = `sim:${++this.#opened}`): Channel {
    this.#open.set(endpoint, events)
    return {
      kind: 'sim',
      endpoint,
      packetSizeMax: packetBytesMax,
      reach: 'any',
      send: (to, packet) => {
        if (!this.#open.has(endpoint)) return
        if (this.#atOnce) return this.#open.get(to)?.receive(endpoint, packet)
        const kept = new Uint8Array(packet)
        queueMicrotask(() => this.#open.get(to)?.receive(endpoint, kept))
      },
      close: async () => {
        this.#open.delete(endpoint)
      },
    }
  }
}
