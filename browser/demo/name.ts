/** Names of people and processes: safe to put into a line of text, and friendly ones for those who brought none. */

import { type Random, randomInt } from '../../core/index.ts'

const first = 'Brisk Calm Dappled Eager Gentle Keen Merry Quick Silver Sunny Swift Wily'.split(' ')
const last = 'Anchovy Bream Dab Goby Gurnard Herring Mackerel Minnow Perch Sardine Sprat Tench'.split(' ')

export function friendlyName(random: Random): string {
  return `${first[randomInt(random, first.length)]} ${last[randomInt(random, last.length)]}`
}

/**
 * A name as it may be shown. Control characters and those that turn the direction of the text round it are taken out,
 * accents piled on one letter are cut to two, and what is left is cut to `lengthMax` characters.
 */
export function shownName(name: string, lengthMax = 64): string {
  const plain = name
    .replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '')
    .replace(/(\p{M}{2})\p{M}+/gu, '$1')
    .trim()
  const letters = [...plain]
  if (letters.length === 0) return 'nameless'
  return letters.length > lengthMax ? `${letters.slice(0, lengthMax - 1).join('')}…` : plain
}
