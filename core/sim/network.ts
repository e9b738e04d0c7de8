/**
 * The network between simulated peers: what happens to a packet on its way, and who is cut off from whom. Cuts go by
 * name, so that a restarted peer comes back on its own side.
 */

import type { Random } from '../random.ts'
import { defaultLink, type Kind, type LinkOptions, type PeerLoss } from './options.ts'

export class Network {
  #link: LinkOptions
  readonly #random: Random
  #groupOf: Map<string, number> | undefined
  /** `from>to` by name: one-way cuts. */
  readonly #blocked = new Set<string>()

  /** By name. */
  readonly #lossOf = new Map<string, PeerLoss>()

  constructor(link: Partial<LinkOptions>, random: Random) {
    this.#link = { ...defaultLink, ...link }
    this.#random = random
  }

  change(link: Partial<LinkOptions>): void {
    this.#link = { ...this.#link, ...link }
  }

  /** What is lost of everything to and from one peer, whatever the channel. */
  setLossOf(name: string, loss: PeerLoss): void {
    if (loss.lossIn > 0 || loss.lossOut > 0) this.#lossOf.set(name, loss)
    else this.#lossOf.delete(name)
  }

  /** How often one packet arrives: not at all, once or twice. The signalling server's sockets lose and double nothing. */
  copies(from: string, to: string, kind: Kind): number {
    if (this.isCut(from, to)) return 0
    if (this.#lossOf.size > 0 && this.#random() < this.#lossBetween(from, to)) return 0
    if (kind === 'relay') return 1
    const { loss, duplicate } = this.#link
    if (loss > 0 && this.#random() < loss) return 0
    return duplicate > 0 && this.#random() < duplicate ? 2 : 1
  }

  /** How long one copy takes. */
  delay(): number {
    const { delayMs, jitterMs, reorder } = this.#link
    const usual = delayMs + this.#random() * jitterMs
    return reorder > 0 && this.#random() < reorder ? usual + this.#random() * 10 * (delayMs + jitterMs) : usual
  }

  /** True if nothing at all gets from one to the other. */
  isCut(from: string, to: string): boolean {
    if (this.#lossOf.size > 0 && this.#lossBetween(from, to) >= 1) return true
    if (this.#blocked.size > 0 && this.#blocked.has(`${from}>${to}`)) return true
    return this.#groupOf !== undefined && this.#group(from) !== this.#group(to)
  }

  /** True if nothing gets to this one, whoever sends it. */
  isDeaf(name: string): boolean {
    return (this.#lossOf.get(name)?.lossIn ?? 0) >= 1
  }

  partition(groups: readonly (readonly string[])[]): void {
    this.#groupOf = new Map(groups.flatMap((names, group) => names.map((name) => [name, group] as const)))
  }

  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`)
  }

  heal(): void {
    this.#groupOf = undefined
    this.#blocked.clear()
  }

  #lossBetween(from: string, to: string): number {
    const out = this.#lossOf.get(from)?.lossOut ?? 0
    const into = this.#lossOf.get(to)?.lossIn ?? 0
    return 1 - (1 - out) * (1 - into)
  }

  /** Peers that no group names are together in one more group. */
  #group(name: string): number {
    return this.#groupOf?.get(name) ?? -1
  }
}
