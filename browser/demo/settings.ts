/** What this tab joins with: from the address, else from the last time, else made up. */

import { type Random, randomInt } from '../../core/index.ts'
import { parseColor, swatches } from './color.ts'
import { friendlyName } from './name.ts'

export interface Settings {
  readonly room: string
  readonly name: string
  readonly user?: string
  /** A swatch's name or `#rrggbb`. */
  readonly color: string
}

/** The part of `sessionStorage` in use: it outlives a reload, and another tab has its own. */
export type Memory = Pick<Storage, 'getItem' | 'setItem'>

/** Reads `?room=`, `?name=`, `?user=` and `?color=`, and remembers name and colour. */
export function readSettings(query: string, memory: Memory, random: Random): Settings {
  const asked = new URLSearchParams(query)
  const user = asked.get('user')
  const name = asked.get('name')?.trim() || memory.getItem('name') || friendlyName(random)
  const wish = asked.get('color') ?? memory.getItem('color')
  const color = wish && parseColor(wish) ? wish : [...swatches.keys()][randomInt(random, swatches.size)]!
  memory.setItem('name', name)
  memory.setItem('color', color)
  return { room: asked.get('room')?.trim() || 'lobby', name, color, ...(user ? { user } : {}) }
}
