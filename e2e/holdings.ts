/** Counts what a page holds open of the platform, so that a test can see that nothing is left behind. */

export interface Holdings {
  timers: number
  sockets: number
  connections: number
  workers: number
}

declare global {
  var holdings: () => Holdings
}

/** Runs in the page, ahead of it (`openTab`'s `before`); `holdings()` there tells what is open just then. */
export function countHoldings(): void {
  const timers = new Set<unknown>()
  const { setTimeout: set, clearTimeout: clear } = globalThis
  globalThis.setTimeout = ((run: () => void, ms?: number, ...args: never[]) => {
    const id = set(() => {
      timers.delete(id)
      Reflect.apply(run, undefined, args)
    }, ms)
    timers.add(id)
    return id
  }) as typeof setTimeout
  globalThis.clearTimeout = (id) => {
    timers.delete(id)
    clear(id as number)
  }
  const { setInterval: repeat, clearInterval: end } = globalThis
  globalThis.setInterval = ((run: () => void, ms?: number) => {
    const id = repeat(run, ms)
    timers.add(id)
    return id
  }) as typeof setInterval
  globalThis.clearInterval = (id) => {
    timers.delete(id)
    end(id as number)
  }

  const sockets = new Set<WebSocket>()
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL) {
      super(url)
      sockets.add(this)
      this.addEventListener('close', () => sockets.delete(this))
    }
  }
  const connections = new Set<RTCPeerConnection>()
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      connections.add(this)
    }

    override close(): void {
      connections.delete(this)
      super.close()
    }
  }
  const workers = new Set<Worker>()
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL) {
      super(url)
      workers.add(this)
    }

    override terminate(): void {
      workers.delete(this)
      super.terminate()
    }
  }
  globalThis.holdings = () => ({
    timers: timers.size,
    sockets: sockets.size,
    connections: connections.size,
    workers: workers.size,
  })
}
