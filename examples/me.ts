/** Who the visitor is: one user in all tabs of a browser, by the name and the colour chosen at the first visit. */

export interface Me {
  readonly user: string
  readonly name: string
  readonly color: string
}

export const colors = ['#e4572e', '#d99a00', '#5a9e3a', '#12908e', '#3b7dd8', '#7a63d2', '#b8468f', '#7d5a44']

const nameCharsMax = 40

/** Of an earlier visit; undefined at the first. */
export function remembered(): Me | undefined {
  const { me_user: user, me_name: name, me_color: color } = localStorage as Partial<Record<string, string>>
  return user && name && color ? { user, name, color: parseColor(color) } : undefined
}

/** For all tabs of this browser, and for the next visit. */
export function remember(name: string, color: string): Me {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2))
  const me = { user: `${high!.toString(36)}${low!.toString(36)}`, name: name.trim().slice(0, nameCharsMax), color }
  localStorage.setItem('me_user', me.user)
  localStorage.setItem('me_name', me.name)
  localStorage.setItem('me_color', me.color)
  return me
}

/** What others publish can be anything, and a colour goes into the page's style. */
export function parseColor(value: unknown): string {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value) ? value : '#6b7280'
}

/** One or two letters for an avatar. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '')
  return letters.join('').toUpperCase() || '?'
}

/** `?room=` in the address, and the signalling server that this page is from. */
export function roomOfPage(): { room: string; signaling: string } {
  const room = new URLSearchParams(location.search).get('room')?.trim() || 'lobby'
  return { room: room.slice(0, 128), signaling: location.origin.replace(/^http/, 'ws') }
}
