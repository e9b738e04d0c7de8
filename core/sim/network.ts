/**
 * The network between simulated peers: what happens to a packet on its way, who is cut off from whom, and which links
 * are open. Cuts go by name, so that a restarted peer comes back on its own side.
 */

import type { PeerId } from '../ids.ts'
import type { Random } from '../random.ts'
import { defaultLink, type Kind, type LinkOptions } from './options.ts'

export class Network {
  #link: LinkOptions
  readonly #random: Random
  #groupOf: Map<string, number> | undefined
  /** `from>to` by name: one-way cuts. */
  readonly #blocked = new Set<string>()
  /** Open links by kind and both ids, the smaller first; a link that was opened again carries another number. */
  readonly #links = new Map<string, number>()
  #opened = 0

  constructor(link: Partial<LinkOptions>, random: Random) {
    this.#link = { ...defaultLink, ...link }
    this.#random = random
  }

  change(link: Partial<LinkOptions>): void {
    this.#link = { ...this.#link, ...link }
  }

  /** How often one packet arrives: not at all, once or twice. The signalling server's sockets lose and double nothing. */
  copies(from: string, to: string, kind: Kind): number {
    if (this.isCut(from, to)) return 0
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

  isCut(from: string, to: string): boolean {
    if (this.#blocked.size > 0 && this.#blocked.has(`${from}>${to}`)) return true
    return this.#groupOf !== undefined && this.#group(from) !== this.#group(to)
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

  open(kind: Kind, a: PeerId, b: PeerId): void {
    this.#links.set(linkKey(kind, a, b), ++this.#opened)
  }

  /** The number of the open link; undefined without one. */
  link(kind: Kind, a: PeerId, b: PeerId): number | undefined {
    return this.#links.get(linkKey(kind, a, b))
  }

  /** True if there was a link to close. */
  close(kind: Kind, a: PeerId, b: PeerId): boolean {
    return this.#links.delete(linkKey(kind, a, b))
  }

  /** The open links, of one peer or of all. */
  *links(of?: PeerId): Generator<{ kind: Kind; a: PeerId; b: PeerId; number: number }> {
    for (const [key, number] of this.#links) {
      const [kind, a, b] = key.split(' ') as [Kind, PeerId, PeerId]
      if (of === undefined || a === of || b === of) yield { kind, a, b, number }
    }
  }

  /** Peers that no group names are together in one more group. */
  #group(name: string): number {
    return this.#groupOf?.get(name) ?? -1
  }
}

function linkKey(kind: Kind, a: PeerId, b: PeerId): string {
  return a < b ? `${kind} ${a} ${b}` : `${kind} ${b} ${a}`
}
