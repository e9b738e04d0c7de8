/** What stands for simple-peer in tests: it keeps what it is told, and does what it is told to. */

import { EventEmitter } from 'node:events'

export class FakeConnection extends EventEmitter {
  static failing = false
  /** All that were made since a test emptied it. */
  static made: FakeConnection[] = []
  readonly options: { channelConfig: object }
  readonly signals: unknown[] = []
  readonly bufferSize = 0
  destroyed = false
  closed = false

  constructor(options: object) {
    super()
    if (FakeConnection.failing) throw new Error('too many')
    this.options = options as { channelConfig: object }
    this.on('error', () => {})
    FakeConnection.made.push(this)
  }

  signal(data: unknown): void {
    this.signals.push(data)
  }

  send(): void {}

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    queueMicrotask(() => {
      this.closed = true
      this.emit('close')
    })
  }
}
