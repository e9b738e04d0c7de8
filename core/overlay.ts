/**
 * Which links of a linked channel to hold, and when to dial. Wanted are the neighbours on the rings; a link that is wanted
 * no longer is kept for a while, since neighbours come back, and then closed. Dialling is paced: few at a time, a bucket of
 * tokens for all, and a failed dial is repeated with pauses that double. Of two peers that want a link the smaller id dials,
 * so that two offers never cross; the larger one, if it is not dialled, asks for it.
 */

import { Allowance } from './allowance.ts'
import type { Config } from './config.ts'
import { idPrefix, type PeerId } from './ids.ts'
import type { Random } from './random.ts'

type OverlayConfig = Pick<
  Config,
  'dialsMax' | 'dialBurst' | 'dialsPerSecond' | 'redialMinMs' | 'redialMaxMs' | 'askAfterMs' | 'lingerMs' | 'linksMax'
>

interface Dial {
  /** How many have failed. */
  attempts: number
  /** Not again before. */
  notBefore: number
  /** It is being dialled. */
  open: boolean
}

export class Overlay {
  readonly #self: PeerId
  readonly #config: OverlayConfig
  readonly #random: Random
  /** Open links, and since when each is wanted no longer. */
  readonly #links = new Map<PeerId, { readonly prefix: number; unwantedSince: number | undefined }>()
  /** Peers being dialled or waited for; only those wanted are kept. */
  readonly #dials = new Map<PeerId, Dial>()
  readonly #tokens: Allowance

  constructor(self: PeerId, config: OverlayConfig, random: Random) {
    this.#self = self
    this.#config = config
    this.#random = random
    this.#tokens = new Allowance(config.dialsPerSecond, config.dialBurst, 0)
  }

  get size(): number {
    return this.#links.size
  }

  has(peer: PeerId): boolean {
    return this.#links.has(peer)
  }

  links(): Iterable<PeerId> {
    return this.#links.keys()
  }

  /** What is known of a link that is not open; undefined where nobody is dialling. */
  dialOf(peer: PeerId): Readonly<Dial> | undefined {
    return this.#dials.get(peer)
  }

  /** The linked peer whose id begins with these bits. */
  byPrefix(prefix: number): PeerId | undefined {
    for (const [peer, link] of this.#links) if (link.prefix === prefix) return peer
    return undefined
  }

  /** At least one dial of those under way has failed already: the ways to the others may be no better. */
  get struggling(): boolean {
    for (const { attempts } of this.#dials.values()) if (attempts > 0) return true
    return false
  }

  linkUp(peer: PeerId): void {
    // Over the first link the others can be reached, whatever has failed before, and they may know no way here.
    if (this.#links.size === 0 && this.struggling) for (const dial of this.#dials.values()) dial.notBefore = 0
    this.#links.set(peer, { prefix: idPrefix(peer), unwantedSince: undefined })
    this.#dials.delete(peer)
  }

  linkDown(peer: PeerId, now: number): void {
    this.#links.delete(peer)
    const attempts = (this.#dials.get(peer)?.attempts ?? 0) + 1
    const pause = Math.min(this.#config.redialMaxMs, this.#config.redialMinMs * 2 ** (attempts - 1))
    this.#dials.set(peer, { attempts, notBefore: now + pause * (0.5 + this.#random() / 2), open: false })
  }

  /** What to dial and what to close now, given the peers wanted; what it returns counts as being dialled. */
  plan(wanted: ReadonlySet<PeerId>, now: number): { dial: PeerId[]; hangUp: PeerId[] } {
    const hangUp = this.#outlived(wanted, now)
    let open = 0
    for (const [peer, dial] of this.#dials) {
      if (!wanted.has(peer)) {
        if (dial.open) hangUp.push(peer)
        this.#dials.delete(peer)
      } else if (dial.open) open++
    }
    const dial: PeerId[] = []
    for (const peer of wanted) {
      if (open + dial.length >= this.#config.dialsMax) break
      if (this.#links.has(peer)) continue
      const known = this.#dials.get(peer) ?? this.#expect(peer, now)
      if (known.open || known.notBefore > now) continue
      if (!this.#tokens.take(1, now)) break
      known.open = true
      dial.push(peer)
    }
    return { dial, hangUp }
  }

  #expect(peer: PeerId, now: number): Dial {
    const { askAfterMs } = this.#config
    // Whoever has no link, and whose dials fail, may be somewhere the others do not look.
    const isLost = this.#links.size === 0 && this.struggling
    const waitMs = peer > this.#self || isLost ? 0 : askAfterMs * (1 + this.#random())
    const dial = { attempts: 0, notBefore: now + waitMs, open: false }
    this.#dials.set(peer, dial)
    return dial
  }

  /** Links that nobody here has wanted for long enough, and of too many those unwanted for longest. */
  #outlived(wanted: ReadonlySet<PeerId>, now: number): PeerId[] {
    const { lingerMs, linksMax } = this.#config
    const unwanted: { peer: PeerId; since: number }[] = []
    for (const [peer, link] of this.#links) {
      if (wanted.has(peer)) link.unwantedSince = undefined
      else {
        link.unwantedSince ??= now
        unwanted.push({ peer, since: link.unwantedSince })
      }
    }
    unwanted.sort((a, b) => a.since - b.since)
    const surplus = this.#links.size - linksMax
    return unwanted.filter(({ since }, i) => i < surplus || now - since >= lingerMs).map(({ peer }) => peer)
  }
}
