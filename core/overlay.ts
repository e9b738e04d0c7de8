/**
 * Which links of a linked channel to hold, and when to dial. For now the neighbours are everybody on the island, a full
 * mesh; dialling is paced, and a failed dial is repeated with doubling pauses. Of two peers the smaller id dials, so
 * that two offers never cross.
 */

import type { Config } from './config.ts'
import type { PeerId } from './ids.ts'
import type { Random } from './random.ts'

type OverlayConfig = Pick<Config, 'dialsMax' | 'redialMinMs' | 'redialMaxMs'>

interface Dial {
  attempts: number
  /** Not again before. */
  notBefore: number
  open: boolean
}

export class Overlay {
  readonly #self: PeerId
  readonly #config: OverlayConfig
  readonly #random: Random
  readonly #links = new Set<PeerId>()
  /** Peers being dialled or waited for; only neighbours are kept. */
  readonly #dials = new Map<PeerId, Dial>()

  constructor(self: PeerId, config: OverlayConfig, random: Random) {
    this.#self = self
    this.#config = config
    this.#random = random
  }

  get links(): ReadonlySet<PeerId> {
    return this.#links
  }

  linkUp(peer: PeerId): void {
    this.#links.add(peer)
    this.#dials.delete(peer)
  }

  linkDown(peer: PeerId, now: number): void {
    this.#links.delete(peer)
    const attempts = (this.#dials.get(peer)?.attempts ?? 0) + 1
    const pause = Math.min(this.#config.redialMaxMs, this.#config.redialMinMs * 2 ** (attempts - 1))
    this.#dials.set(peer, { attempts, notBefore: now + pause * (0.5 + this.#random() / 2), open: false })
  }

  /** What to dial and what to close now, given the neighbours wanted; what it returns counts as being dialled. */
  plan(neighbours: ReadonlySet<PeerId>, now: number): { dial: PeerId[]; hangUp: PeerId[] } {
    const hangUp = [...this.#links].filter((peer) => !neighbours.has(peer))
    let open = 0
    for (const [peer, dial] of this.#dials) {
      if (!neighbours.has(peer)) {
        if (dial.open) hangUp.push(peer)
        this.#dials.delete(peer)
      } else if (dial.open) open++
    }
    const dial: PeerId[] = []
    for (const peer of neighbours) {
      if (open + dial.length >= this.#config.dialsMax) break
      if (peer <= this.#self || this.#links.has(peer)) continue
      const known = this.#dials.get(peer)
      if (known && (known.open || known.notBefore > now)) continue
      this.#dials.set(peer, { attempts: known?.attempts ?? 0, notBefore: now, open: true })
      dial.push(peer)
    }
    return { dial, hangUp }
  }
}
