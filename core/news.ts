/** What happened to members during one call into the core; told when it is over, so that listeners see the view as it is. */

import type { Belief } from './belief.ts'
import type { Host, SwimEvent } from './host.ts'
import type { MemberEvent } from './member.ts'

export class News {
  readonly #events: { type: MemberEvent['type']; belief: Belief }[] = []
  readonly #told = new Set<Belief>()
  /** What was said in this call. */
  readonly #said: SwimEvent[] = []
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

  /** Whoever hears what somebody says should see who is there: it is told last. */
  say(event: SwimEvent): void {
    this.#said.push(event)
  }

  /** What was known from before is no news; that it is known now is. */
  hush(): void {
    this.#events.length = 0
  }

  tell(host: Pick<Host, 'notify'>): void {
    this.#told.clear()
    this.#joined = false
    for (const { type, belief } of this.#events.splice(0)) host.notify({ type, member: belief.snapshot() })
    const changed = this.#changed
    this.#changed = false
    if (changed) host.notify({ type: 'changed' })
    for (const event of this.#said.splice(0)) host.notify(event)
  }
}
