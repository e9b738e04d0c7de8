/** What happened to members during one call into the core; told when it is over, so that listeners see the view as it is. */

import type { Belief } from './belief.ts'
import type { Host } from './host.ts'
import type { MemberEvent } from './member.ts'

export class News {
  readonly #events: { type: MemberEvent['type']; belief: Belief }[] = []
  readonly #told = new Set<Belief>()
  #changed = false
  #joined = false

  /** Somebody joined in this call: links to it may be wanted. */
  get joined(): boolean {
    return this.#joined
  }

  /** Something that a snapshot shows has changed. */
  change(): void {
    this.#changed = true
  }

  /** An update of a member that is in the news already adds nothing. */
  add(type: MemberEvent['type'], belief: Belief): void {
    this.#changed = true
    if (type === 'join') this.#joined = true
    if (type === 'update' && this.#told.has(belief)) return
    this.#told.add(belief)
    this.#events.push({ type, belief })
  }

  /** What was known from before is no news; that it is known now is. */
  hush(): void {
    this.#events.length = 0
  }

  tell(host: Pick<Host, 'notify'>, now: number): void {
    this.#told.clear()
    this.#joined = false
    for (const { type, belief } of this.#events.splice(0)) host.notify({ type, member: belief.snapshot(now) })
    if (!this.#changed) return
    this.#changed = false
    host.notify({ type: 'changed' })
  }
}
