/**
 * The numbers of the protocol. They start from memberlist's LAN profile; all times are milliseconds.
 */

export interface Config {
  /** One member is probed per period (SWIM, section 3.1). */
  readonly probePeriodMs: number
  /**
   * How long a direct ping may take before others are asked to try: the first until a round trip was measured, afterwards
   * what the round trips say (RFC 6298), between the second and the third.
   */
  readonly ackTimeoutMs: number
  readonly ackTimeoutMinMs: number
  readonly ackTimeoutMaxMs: number
  /** SWIM's k: how many members are asked to ping on our behalf. */
  readonly indirectProbes: number
  /** An unconfirmed suspicion lasts this many periods, times log10 of the room's size (memberlist's SuspicionMult). */
  readonly suspicionMult: number
  /** A confirmed suspicion lasts this many periods, and the way of a refutation. */
  readonly suspicionMinMult: number
  /** A member sends a rumour this many times log10(n + 1), in small rooms more often (see `transmitLimit`). */
  readonly transmitMult: number
  /** New rumours wait this long for company before their first transmission. */
  readonly coalesceMs: number
  /** While rumours wait, they are sent to `gossipFanout` members each interval. */
  readonly gossipIntervalMs: number
  readonly gossipFanout: number
  /** Digests that differ in this many observations in a row start a sync. */
  readonly differencesMax: number
  /** An unanswered sync request is repeated after this long, `syncAttemptsMax` times in all. */
  readonly syncTimeoutMs: number
  readonly syncAttemptsMax: number
  /** Seeds and endpoints of dead members are tried after the first, doubling up to the last, for ever. */
  readonly healMinMs: number
  readonly healMaxMs: number
  /** How long a dead or left member is remembered: longer than any rumour about it lives. */
  readonly tombstoneMs: number
  /** Of dead and left members the newest are kept: a sweep each minute, or at twice as many, leaves this number. */
  readonly tombstonesMax: number
  /** More members than this are not taken in; what is refused is counted. */
  readonly membersMax: number
  /** Rumours waiting to be sent, of members and as many of the application, for each kind of channel; beyond it the most often sent is dropped and counted. */
  readonly rumoursMax: number
  /** Links being opened at the same time. */
  readonly dialsMax: number
  /** Links that may be dialled at once after a pause, and how many a second beyond: browsers count even closed ones. */
  readonly dialBurst: number
  readonly dialsPerSecond: number
  /** Links held; of more, those wanted no longer are closed at once. */
  readonly linksMax: number
  /** How long a link that is wanted no longer is kept: neighbours come back. */
  readonly lingerMs: number
  /** How long one waits, once to twice, to be dialled by a smaller id before asking for it. */
  readonly askAfterMs: number
  /** A failed link is tried again after the first, doubling up to the last. */
  readonly redialMinMs: number
  readonly redialMaxMs: number
}

export const defaultConfig: Config = {
  probePeriodMs: 1000,
  ackTimeoutMs: 500,
  ackTimeoutMinMs: 100,
  ackTimeoutMaxMs: 2000,
  indirectProbes: 3,
  suspicionMult: 4,
  suspicionMinMult: 1,
  transmitMult: 4,
  coalesceMs: 10,
  gossipIntervalMs: 40,
  gossipFanout: 4,
  differencesMax: 3,
  syncTimeoutMs: 500,
  syncAttemptsMax: 3,
  healMinMs: 5_000,
  healMaxMs: 300_000,
  tombstoneMs: 3_600_000,
  tombstonesMax: 4096,
  membersMax: 16_384,
  rumoursMax: 4096,
  dialsMax: 4,
  dialBurst: 64,
  dialsPerSecond: 0.5,
  linksMax: 16,
  lingerMs: 30_000,
  askAfterMs: 1_000,
  redialMinMs: 1_000,
  redialMaxMs: 120_000,
}
