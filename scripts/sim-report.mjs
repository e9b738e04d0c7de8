// What `npm run sim` says of its runs: figures for the terminal, tables for the documentation.

const begin = '<!-- begin: written by npm run sim -- --table -->'
const end = '<!-- end -->'

/** Three digits that mean something; whole numbers as they are. */
export function digits(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(value >= 100 ? 4 : 3)))
}

/** The command that shows a run again. */
export function commandFor({ scenario, seed, peers, quick }) {
  return `npm run sim -- --scenario ${scenario} --seed ${seed} --peers ${peers}${quick ? ' --quick' : ''}`
}

/** Figures as lines: one value where there is one, else how they are spread. */
export function figureLines(figures, statistic) {
  const rows = spreads(figures, statistic)
  const width = Math.max(0, ...rows.map(([figure]) => figure.length))
  return rows.map(([figure, count, ...spread]) =>
    count === '1'
      ? `  ${figure.padEnd(width)}  ${spread[0]}`
      : `  ${figure.padEnd(width)}  ${spread.join(' / ')}  (min / median / p99 / max of ${count})`,
  )
}

/** The two tables of the page: what was promised and reached, and every figure. `seeds` is how many each was run with. */
export function tables(reports, statistic) {
  const verdicts = reports.map(({ scenario, peers, seeds, figures, failed, limits }) => {
    const reached = limits.map(({ figure, statistic: kind }) => {
      const samples = figures[figure] ?? []
      return `${figure}: ${samples.length > 0 ? `${kind} ${digits(statistic(samples, kind))}` : 'nothing measured'}`
    })
    return [
      scenario.name,
      String(peers),
      String(seeds),
      scenario.toReach,
      reached.join('; '),
      failed.length === 0 ? 'yes' : '**no**',
    ]
  })
  const rows = reports.flatMap(({ scenario, figures }) =>
    spreads(figures, statistic).map((row) => [scenario.name, ...row]),
  )
  return [
    markdown(['scenario', 'peers', 'seeds', 'to reach', 'reached', 'held'], verdicts),
    markdown(['scenario', 'figure', 'samples', 'min', 'median', 'p99', 'max'], rows),
  ].join('\n\n')
}

/**
 * The page with what stands between its two marks replaced. Rows of scenarios in `names` that the new tables do not have
 * stay as they are; all stand in the order of `names`.
 */
export function withTables(page, text, names = []) {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`the page has no place for tables: expected ${begin} and then ${end}`)
  const before = tablesOf(page.slice(from + begin.length, to))
  const merged = tablesOf(text).map(({ head, rows }, i) => {
    const fresh = new Set(rows.map(nameOf))
    const kept = (before[i]?.rows ?? []).filter((row) => names.includes(nameOf(row)) && !fresh.has(nameOf(row)))
    const all = [...kept, ...rows]
    all.sort((a, b) => names.indexOf(nameOf(a)) - names.indexOf(nameOf(b)))
    return [...head, ...all].join('\n')
  })
  return `${page.slice(0, from + begin.length)}\n\n${merged.join('\n\n')}\n\n${page.slice(to)}`
}

function tablesOf(text) {
  const blocks = text.trim() === '' ? [] : text.trim().split('\n\n')
  return blocks.map((block) => block.split('\n')).map((lines) => ({ head: lines.slice(0, 2), rows: lines.slice(2) }))
}

/** What stands in a row's first cell. */
function nameOf(row) {
  return row.split('|')[1].trim()
}

function spreads(figures, statistic) {
  return Object.entries(figures).map(([figure, samples]) => [
    figure,
    String(samples.length),
    ...['min', 'median', 'p99', 'max'].map((kind) => digits(statistic(samples, kind))),
  ])
}

function markdown(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
