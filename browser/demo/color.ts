/** The colour of a member. What others put into their state can be anything, so only known forms get through. */

import type { Member } from '../../core/index.ts'
import { hash } from './place.ts'

/** Mid tones: each stands out on pale water and on dark. */
export const swatches: ReadonlyMap<string, string> = new Map([
  ['coral', '#e2583e'],
  ['amber', '#cf8a17'],
  ['moss', '#5f8f2f'],
  ['teal', '#14898c'],
  ['sky', '#3a86c8'],
  ['iris', '#6c63c7'],
  ['plum', '#a6489b'],
  ['rose', '#d1436f'],
])

/** A swatch's name or `#rrggbb` as a CSS colour; undefined for anything else. */
export function parseColor(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  return swatches.get(value) ?? (/^#[0-9a-f]{6}$/i.test(value) ? value : undefined)
}

/** What the member chose, else a swatch that every page picks alike from the member's id. */
export function colorOf(member: Pick<Member, 'id' | 'state'>): string {
  return parseColor(member.state.color) ?? [...swatches.values()][hash(member.id) % swatches.size]!
}
