/**
 * Who may open a socket at all, decided from the HTTP request before any WebSocket exists: the page's origin, the number
 * of sockets, and the number from one address.
 */

export interface AdmissionLimits {
  socketsMax: number
  socketsPerAddressMax: number
}

export type Rejection = { status: 403 | 429 | 503; counter: 'refusedOrigin' | 'refusedAddress' | 'refusedFull' }

export class Admission {
  readonly #limits: AdmissionLimits
  readonly #origins: ReadonlySet<string> | undefined
  /** Bounded by `socketsMax`: an address without a socket has no entry. */
  readonly #byAddress = new Map<string, number>()
  #sockets = 0

  constructor(limits: AdmissionLimits, origins: ReadonlySet<string> | undefined) {
    this.#limits = limits
    this.#origins = origins
  }

  /** Counts a socket in, or says why it has to stay out. Whoever was counted in is counted out by `release`. */
  admit(origin: string | undefined, address: string): Rejection | undefined {
    // Only browsers send an origin, and they cannot be made not to. Other programs could write any, so to demand one of
    // them would keep nobody out: the list protects users from foreign pages, it does not authenticate programs.
    if (this.#origins && origin !== undefined && !this.#origins.has(origin)) {
      return { status: 403, counter: 'refusedOrigin' }
    }
    if (this.#sockets >= this.#limits.socketsMax) return { status: 503, counter: 'refusedFull' }
    const network = networkOf(address)
    const held = this.#byAddress.get(network) ?? 0
    if (held >= this.#limits.socketsPerAddressMax) return { status: 429, counter: 'refusedAddress' }
    this.#byAddress.set(network, held + 1)
    this.#sockets++
    return undefined
  }

  release(address: string): void {
    const network = networkOf(address)
    const held = this.#byAddress.get(network)!
    if (held === 1) this.#byAddress.delete(network)
    else this.#byAddress.set(network, held - 1)
    this.#sockets--
  }
}

/** An IPv4 address as it is, and the /64 of an IPv6 one: a single customer usually commands all of its addresses. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (!address.includes(':')) return address
  const [head, tail] = address.split('%', 1)[0]!.split('::')
  const front = head ? head.split(':') : []
  const back = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length
  return [...front, ...new Array<string>(Math.max(0, zeros)).fill('0'), ...back].slice(0, 4).join(':')
}
