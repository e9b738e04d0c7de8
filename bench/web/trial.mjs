/**
 * What is measured in one room of one library and one size, in this order: its filling, newcomers and their leaving, what
 * idle tabs send, cursors, crashes. What does not come to pass in its time is missing from the figures, and told.
 */

import { setTimeout as pause } from 'node:timers/promises'

const fillWithinMs = 45_000
const joinWithinMs = 15_000
const closeWithinMs = 12_000
/** y-webrtc gives a silent member 30 s, and looks every 3 s. */
const crashWithinMs = 36_000
/** Newcomers that do not come to a complete view; then no more are tried. */
const failedJoinsMax = 2
/** Between a newcomer's coming and going. */
const restMs = 500
/** What was said about the start has gone round by then, and links that are no longer wanted are given up. */
const settlingMs = 5_000
const moversMax = 5
const movesEach = 4
const moveEveryMs = 300
/** A move that is not seen by then is lost. */
const moveWithinMs = 2_000
const crashEveryMs = 1_000

/** Writes into `found` as it goes, so that a room that is given up still tells how far it came. */
export async function measure(room, { size, newcomers, crashes, idleSeconds }, found) {
  found.errors = room.errors
  found.filled = await fill(room, size - 1)
  found.joins = []
  found.closed = []
  let failed = 0
  while (found.joins.length < newcomers && failed < failedJoinsMax) {
    // The last newcomer stays.
    if (found.joins.length > 0) found.closed.push(...(await close(room)))
    const joined = await join(room)
    found.joins.push(joined)
    if (joined.completeMs === undefined) failed++
    await pause(restMs)
  }
  await pause(settlingMs)
  found.completeViews = await room.holding(room.names, { present: room.names }, 0)
  found.idle = await idleTraffic(room, idleSeconds)
  found.moves = await cursors(room)
  found.crashed = await depart(room, room.names.slice(1, 1 + crashes), (name) => room.crash(name), crashWithinMs)
  found.closed.push(...(await close(room)))
  found.liveLost = sum(await room.ask(room.names, (names) => globalThis.diary.lossesOf(names), room.names))
}

/** All come nearly at once, a few navigations at a time. */
async function fill(room, count) {
  const names = await room.openTabs(count)
  const startedAt = Date.now()
  await room.enter(names)
  const complete = await room.holding(names, { present: names }, fillWithinMs)
  const arrivals = await room.ask(names, (names) => globalThis.diary.arrival(names), names)
  const last = Math.max(...arrivals.map(({ navigatedAt, completeMs }) => navigatedAt + completeMs))
  return { views: { held: complete, of: count }, allCompleteMs: complete === count ? last - startedAt : undefined }
}

/** Times from the newcomer's navigation on; undefined where somebody was not seen in time. */
async function join(room) {
  const others = room.names
  const [name] = await room.openTabs(1)
  await room.enter([name])
  await Promise.all([
    room.holding([name], { present: others }, joinWithinMs),
    room.holding(others, { present: [name] }, joinWithinMs),
  ])
  const [arrival] = await room.ask([name], (others) => globalThis.diary.arrival(others), others)
  const seenAt = await room.ask(others, (name) => globalThis.diary.seenAt(name), name)
  return {
    firstMs: arrival.firstMs,
    completeMs: arrival.completeMs,
    seenByAllMs: seenAt.includes(undefined) ? undefined : Math.max(...seenAt) - arrival.navigatedAt,
  }
}

/** The youngest tab. */
function close(room) {
  return depart(room, room.names.slice(-1), (name) => room.close(name), closeWithinMs)
}

/** How long until those who had seen it see it no more, for each who goes. */
async function depart(room, leavers, go, withinMs) {
  const watchers = room.names.filter((name) => !leavers.includes(name))
  const knew = await Promise.all(leavers.map((leaver) => whoSees(room, watchers, leaver)))
  const wentAt = []
  for (const leaver of leavers) {
    if (wentAt.length > 0) await pause(crashEveryMs)
    wentAt.push(await go(leaver))
  }
  await room.holding(watchers, { absent: leavers }, withinMs)
  return Promise.all(
    leavers.map(async (leaver, i) => {
      const lostAt = await room.ask(knew[i], (name) => globalThis.diary.lostAt(name), leaver)
      const noticed = lostAt.filter((at) => at !== undefined)
      const complete = noticed.length > 0 && noticed.length === lostAt.length
      return {
        firstMs: noticed.length > 0 ? Math.min(...noticed) - wentAt[i] : undefined,
        allMs: complete ? Math.max(...noticed) - wentAt[i] : undefined,
      }
    }),
  )
}

async function whoSees(room, names, name) {
  const seenAt = await room.ask(names, (name) => globalThis.diary.seenAt(name), name)
  return names.filter((_, i) => seenAt[i] !== undefined)
}

/** What each tab sends in a second while nothing happens, and its connections. */
async function idleTraffic(room, seconds) {
  const { names } = room
  const before = await room.ask(names, () => globalThis.diary.traffic())
  await pause(seconds * 1000)
  const after = await room.ask(names, () => globalThis.diary.traffic())
  const connections = await room.ask(names, () => globalThis.diary.connections())
  const rates = (read) => after.map((to, i) => ((read(to) - read(before[i])) * 1000) / (to.at - before[i].at))
  const carried = (key) =>
    after.map((to, i) => {
      const grown = Object.entries(to.transports).map(
        ([number, now]) => now[key] - (before[i].transports[number]?.[key] ?? 0),
      )
      return (sum(grown) * 1000) / (to.at - before[i].at)
    })
  return {
    links: connections.map(({ links }) => links),
    open: connections.map(({ open }) => open),
    made: connections.map(({ made }) => made),
    messages: rates(({ channel }) => channel.sent),
    payloadBytes: rates(({ channel }) => channel.sentBytes),
    transportBytes: carried('sentBytes'),
    iceChecks: carried('iceChecks'),
    socketMessages: rates(({ socket }) => socket.sent),
    socketBytes: rates(({ socket }) => socket.sentBytes),
    socketReceivedBytes: rates(({ socket }) => socket.receivedBytes),
  }
}

/** One tab after the other moves its cursor a few times. A receiver that sees a later move has seen the earlier ones. */
async function cursors(room) {
  const { names } = room
  const every = Math.ceil(names.length / moversMax)
  const movers = names.filter((_, i) => i % every === 0)
  const made = []
  for (const mover of movers) {
    made.push(...(await room.ask([mover], (moves) => globalThis.diary.move(...moves), [movesEach, moveEveryMs])))
  }
  await pause(moveWithinMs)
  const found = { atAllMs: [], atEachMs: [], lost: 0, moves: made.flat().length }
  for (const [i, mover] of movers.entries()) {
    const others = names.filter((name) => name !== mover)
    const seen = await room.ask(others, (name) => globalThis.diary.movesOf(name), mover)
    for (const { move, at } of made[i]) {
      const latencies = seen
        .map((moves) => moves.find((seen) => seen.move >= move)?.at - at)
        .filter((latency) => latency <= moveWithinMs)
      const lost = others.length - latencies.length
      found.lost += lost
      found.atEachMs.push(...latencies)
      if (lost === 0) found.atAllMs.push(Math.max(...latencies))
    }
  }
  return found
}

function sum(numbers) {
  return numbers.reduce((a, b) => a + b, 0)
}
