/**
 * An explanation in lines of name and value, for people: the overlay and `shoal info` show them under the sentence that sums
 * it up.
 */

import type { Explanation, Named } from '../core/index.ts'

export type Fact = readonly [name: string, value: string]

/** Names that are listed one by one. */
const listedMax = 8

/** What bears on one member, beside the sentence that sums it up. */
export function memberFacts(about: Explanation): Fact[] {
  const { lastAnswer, rttMs, rttVariationMs = 0, accusers, deadInMs, route, path, watchers, entries, flapping } = about
  const isPresent = about.status === 'alive' || about.status === 'suspect'
  const facts: (Fact | false | undefined)[] = [
    [`${about.status} for`, duration(about.sinceMs)],
    about.mode !== 'visible' && ['mode', about.mode],
    lastAnswer && ['last answer', `${duration(lastAnswer.agoMs)} ago by ${placeOf(lastAnswer.from, about.id)}`],
    rttMs !== undefined && ['round trip', `${duration(rttMs)} ± ${duration(rttVariationMs)}`],
    accusers.length > 0 && [
      'suspected by',
      accusers.map((one) => `${nameOf(one)} (${duration(one.agoMs)})`).join(', '),
    ],
    deadInMs !== undefined && ['dead in', duration(deadInMs)],
    ...about.links.map((link): Fact => ['link', linkText(link)]),
    path !== undefined && ['way to it', route ? `${names(route)}, by their links` : placeOf(path, about.id)],
    isPresent && ['watched by', watchers.length > 0 ? names(watchers) : 'nobody'],
    ['incarnation', String(about.incarnation)],
    entries.count > 0 && ['entries', `${entries.count}, ${entries.bytes} bytes`],
    flapping > 0 && ['flapping', `${flapping} of 5`],
    ['id', about.id],
  ]
  return facts.filter((fact): fact is Fact => Boolean(fact))
}

export function duration(ms: number): string {
  if (ms < 1) return '<1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 99_500) return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`
  return ms < 5_970_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}

/**
 * What others have chosen, fit to stand in a line: without control characters, and without those that turn the direction of
 * the text around them.
 */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '')
}

export function nameOf({ id, name }: Named): string {
  return plain(name).trim() || id.slice(0, 8)
}

/** The address of a link is the id again, which has a line of its own. */
function placeOf(endpoint: string, id: string): string {
  return endpoint.endsWith(`:${id}`) ? endpoint.slice(0, -id.length - 1) : endpoint
}

function linkText({ kind, state, failed, againInMs }: Explanation['links'][number]): string {
  const missed = failed === 0 ? '' : failed === 1 ? ', 1 dial failed' : `, ${failed} dials failed`
  const again = againInMs ? `, again in ${duration(againInMs)}` : ''
  return `${kind} ${state}${missed}${again}`
}

function names(all: readonly Named[]): string {
  const shown = all.slice(0, listedMax).map(nameOf).join(', ')
  return all.length > listedMax ? `${shown} and ${all.length - listedMax} more` : shown
}
