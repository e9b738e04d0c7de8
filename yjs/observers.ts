/**
 * Who listens to an awareness: the events of lib0's `Observable`, to the letter, since bindings and providers count on
 * them. A listener that throws ends the call that told it, and those behind it are not told.
 */

export type Listener = (...told: never[]) => void

export class Observers {
  /** Under lib0's name: whatever takes an Observable by its type wants it. @internal */
  _observers = new Map<string, Set<Listener>>()

  /** Listens until `off`. */
  on(name: string, listener: Listener): void {
    const listeners = this._observers.get(name) ?? new Set()
    this._observers.set(name, listeners.add(listener))
  }

  /** Not ended by `off`, as in lib0. */
  once(name: string, listener: Listener): void {
    const first = (...told: never[]) => {
      this.off(name, first)
      listener(...told)
    }
    this.on(name, first)
  }

  /** Listens no more. */
  off(name: string, listener: Listener): void {
    const listeners = this._observers.get(name)
    listeners?.delete(listener)
    if (listeners?.size === 0) this._observers.delete(name)
  }

  /** Tells those that listen by now; who is added meanwhile hears the next. */
  emit(name: string, told: unknown[]): void {
    for (const listener of [...(this._observers.get(name) ?? [])]) {
      ;(listener as (...told: unknown[]) => void)(...told)
    }
  }

  /** Forgets every listener. */
  destroy(): void {
    this._observers = new Map()
  }
}
