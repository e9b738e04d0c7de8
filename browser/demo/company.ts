/** Who is shown: everybody present, and for a while those this page has seen go. */

import type { Member } from '../../core/index.ts'

/** How long somebody who went stays in sight, fading; `style.css` fades over the same time. */
export const lingerMs = 8_000

/** More than this many are counted but not shown. */
export const shownMax = 200

export function isPresent(member: Pick<Member, 'status'>): boolean {
  return member.status === 'alive' || member.status === 'suspect'
}

export class Company {
  /** Ids shown last time, at most `shownMax`: somebody who was gone before this page came is not worth a farewell. */
  #shown = new Set<string>()

  /** `members` with those gone; `now` by the same clock as `Member.since`. The own member comes first. */
  select(members: readonly Member[], selfId: string, now: number): Member[] {
    const lingers = (member: Member): boolean => this.#shown.has(member.id) && now - member.since < lingerMs
    // Servers before tabs, so that a crowd of tabs hides no service.
    const rank = ({ id, mode, name }: Member): string =>
      id === selfId ? '' : `${mode === 'server' ? 1 : 2}${name}\n${id}`
    const shown = members
      .filter((member) => isPresent(member) || lingers(member))
      .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
      .slice(0, shownMax)
    this.#shown = new Set(shown.map((member) => member.id))
    return shown
  }
}
