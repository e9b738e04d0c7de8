/** Turns what the rooms have shown into figures with their spread, into a table, and into a verdict on what was promised. */

import { columns, rounded, spread } from '../report.mjs'

/** The figures as people read them, in this order. */
const labels = {
  firstMs: 'newcomer: navigation to first member, ms',
  completeMs: 'newcomer: navigation to complete view, ms',
  seenByAllMs: 'newcomer: navigation to seen by all, ms',
  fillMs: 'all but one at once: complete at all, ms',
  fillViews: 'all but one at once: complete within 45 s',
  closedMs: 'tab closed: noticed by all, ms',
  crashedFirstMs: 'renderer killed: noticed by the first, ms',
  crashedMs: 'renderer killed: noticed by all, ms',
  cursorAtAllMs: 'cursor move: at all others, ms',
  cursorAtEachMs: 'cursor move: at each other, ms',
  cursorLost: 'cursor move: not seen within 2 s, of all',
  links: 'links a tab',
  open: 'connections a tab keeps open',
  made: 'connections a tab has made by then',
  idleMessages: 'idle: data channel messages a second',
  idlePayloadBytes: 'idle: data channel payload, bytes a second',
  idleTransportBytes: 'idle: the same with DTLS and SCTP',
  idleSocketBytes: 'idle: WebSocket payload, bytes a second',
  idleBytes: 'idle: both, with DTLS and SCTP',
  idleIceChecks: "idle: the browser's ICE checks a second",
  completeViews: 'views complete once settled',
  liveLost: 'live members seen to go',
}
const perTab = 'idle: what a tab sends, the mean of all; else median (min-max)'

/** Of what a room has found until it ended or was given up. */
export function figuresOf({ filled, joins, closed, crashed, idle, moves, completeViews, liveLost, errors }) {
  const trials = (all, key) => all && { ...spread(all.map((trial) => trial[key])), tried: all.length }
  return {
    firstMs: trials(joins, 'firstMs'),
    completeMs: trials(joins, 'completeMs'),
    seenByAllMs: trials(joins, 'seenByAllMs'),
    fillMs: filled?.allCompleteMs && rounded(filled.allCompleteMs),
    fillViews: filled?.views,
    closedMs: trials(closed, 'allMs'),
    crashedFirstMs: trials(crashed, 'firstMs'),
    crashedMs: trials(crashed, 'allMs'),
    ...(moves && cursorFigures(moves)),
    ...(idle && idleFigures(idle)),
    completeViews: idle && { held: completeViews, of: idle.links.length },
    liveLost,
    pageErrors: errors,
  }
}

function cursorFigures({ atAllMs, atEachMs, lost, moves }) {
  return {
    cursorAtAllMs: { ...spread(atAllMs), tried: moves },
    cursorAtEachMs: spread(atEachMs),
    cursorLost: rounded(lost / (lost + atEachMs.length)),
  }
}

function idleFigures(idle) {
  return {
    links: spread(idle.links),
    open: spread(idle.open),
    made: spread(idle.made),
    idleMessages: mean(idle.messages),
    idlePayloadBytes: mean(idle.payloadBytes),
    idleTransportBytes: mean(idle.transportBytes),
    idleSocketBytes: mean(idle.socketBytes),
    idleBytes: mean(idle.transportBytes.map((bytes, i) => bytes + idle.socketBytes[i])),
    idleIceChecks: mean(idle.iceChecks),
  }
}

/** One section a size. What was not measured, or did not come to pass, is a dash. */
export function table(sizes, libraries, measured) {
  const rows = [[perTab, ...libraries, ...libraries.slice(1).map((name) => `${name}/${libraries[0]}`)]]
  const blank = rows[0].slice(1).map(() => '')
  for (const size of sizes) {
    const rooms = libraries.map((name) => measured[size]?.[name] ?? {})
    rows.push([`-- ${size} tabs`, ...blank])
    for (const [figure, label] of Object.entries(labels)) {
      const [first, ...rest] = rooms.map((room) => room[figure])
      rows.push([label, ...[first, ...rest].map(text), ...rest.map((other) => ratio(first, other) ?? '-')])
    }
  }
  return columns(rows)
}

/** What was promised of Shoal in the largest room, with what was reached; `held` is undefined without the figure. */
export function promises({ shoal, 'y-webrtc': rival } = {}, size) {
  return [
    promise(`a cursor move of ${size} tabs at all others, ms (median)`, shoal?.cursorAtAllMs, 250),
    promise(`navigation of tab ${size} to its complete view, ms (median)`, shoal?.completeMs, 1_500),
    promise(
      `an idle tab of ${size} sends, bytes a second, no more than y-webrtc's`,
      shoal?.idleBytes,
      middleOf(rival?.idleBytes),
    ),
  ]
}

function promise(what, figure, limit) {
  const reached = middleOf(figure)
  // A median of the trials that came to an end says nothing of those that did not.
  const whole = figure?.tried === undefined || figure.tried === figure.runs
  const known = reached !== undefined && limit !== undefined
  return { what, limit, reached, held: known ? whole && reached <= limit : undefined }
}

function mean(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const sum = numbers.reduce((a, b) => a + b, 0)
  return { mean: rounded(sum / numbers.length), min: rounded(sorted[0]), max: rounded(sorted.at(-1)) }
}

function middleOf(figure) {
  return figure?.median ?? figure?.mean ?? (typeof figure === 'number' ? figure : undefined)
}

function text(figure) {
  if (figure?.of !== undefined) return `${figure.held} of ${figure.of}`
  const all = figure?.tried === undefined || figure.tried === figure.runs
  const some = all ? '' : `${figure.runs ?? 0} of ${figure.tried}: `
  const value = middleOf(figure) ?? '-'
  return some + (figure?.min === figure?.max ? value : `${value} (${figure.min}-${figure.max})`)
}

function ratio(first, other) {
  const [a, b] = [middleOf(first), middleOf(other)]
  return a > 0 && b !== undefined ? rounded(b / a) : undefined
}
