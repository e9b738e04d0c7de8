/** Clocks as the core wants them: time that passes, and never runs backwards. */

/**
 * A clock that never runs backwards, made from one that may be set. What a jump back takes away is added from then on:
 * deadlines would otherwise lie that much further off, and nothing would be probed until the old time is reached again.
 * A jump ahead passes: nothing tells it from a process that was away, and the core recovers from that by itself.
 */
export function steady(clock: () => number): () => number {
  let last = Number.NEGATIVE_INFINITY
  let addedMs = 0
  return () => {
    const now = clock() + addedMs
    if (now < last) addedMs += last - now
    else last = now
    return last
  }
}
