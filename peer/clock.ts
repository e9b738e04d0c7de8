/** The clocks of the platform, put together to one that a peer can live by. */

export type Clock = () => number

/** Clocks drift apart, and are put right, by less than this between two readings; a machine sleeps for longer. */
const jumpMs = 1_000

/**
 * A clock that also counts the time this machine was asleep. `performance.now()` stands still meanwhile on macOS and Linux,
 * so a peer that woke up would take itself for awake all along and blame the others for the silence. The wall clock tells:
 * what it jumps ahead of the other one is added. So is what it was set ahead by, which is then taken for an absence and
 * costs a sync; what it is set back by is left out.
 */
export function sleepless(running: Clock, wall: Clock): Clock {
  let aheadMs = wall() - running()
  let sleptMs = 0
  return () => {
    const now = running()
    const jumpedMs = wall() - now - aheadMs
    aheadMs += jumpedMs
    if (jumpedMs > jumpMs) sleptMs += jumpedMs
    return now + sleptMs
  }
}

/** Milliseconds since the epoch, on a clock of this platform that goes on through sleep and follows no other corrections. */
export function platformClock(): Clock {
  return sleepless(
    () => performance.timeOrigin + performance.now(),
    () => Date.now(),
  )
}
