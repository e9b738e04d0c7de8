/** What every bench prints: figures with their spread, text in columns for people, and one closing line of JSON. */

import { availableParallelism } from 'node:os'

/** Median and range; undefined without any measurement. */
export function spread(numbers) {
  const sorted = numbers.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
  return { median: rounded(median), min: rounded(sorted[0]), max: rounded(sorted.at(-1)), runs: sorted.length }
}

/** Three digits that count; more of a measurement is noise, and makes stored results differ for nothing. */
export function rounded(number) {
  return Number(number.toPrecision(3))
}

/** Where it was measured, as far as it changes the figures. No date: a result that is the same stays the same file. */
export function conditions() {
  return { node: process.version, cores: availableParallelism() }
}

/** Rows of equal length in columns, the first to the left and the others to the right. */
export function columns(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)))
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))))
    .map((row) => row.join('  ').trimEnd())
    .join('\n')
}

/** Ends a bench: `bench/run.mjs` keeps this line, and a pipe can. */
export function closeWith(result) {
  console.log(JSON.stringify(result))
}

/** A flag's text as a whole number. Ends the process with one line when it is none. */
export function wholeNumber(flag, text, least, most) {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  console.error(`--${flag}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`)
  process.exit(2)
}
