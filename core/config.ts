/**
 * The numbers of the protocol. They start from memberlist's LAN profile; all times are milliseconds.
 */

export interface Config {
  /** One member is probed per period (SWIM, section 3.1). */
  readonly probePeriodMs: number
  /**
   * How long a direct ping may take before others are asked to try, until a round trip was measured; afterwards it is what
   * the round trips say (RFC 6298).
   */
  readonly ackTimeoutMs: number
  /** The least that measured round trips can make of it. */
  readonly ackTimeoutMinMs: number
  /** The most, before the peer's own health stretches it. */
  readonly ackTimeoutMaxMs: number
  /** SWIM's k: how many members are asked to ping on our behalf. */
  readonly indirectProbes: number
  /** An unconfirmed suspicion lasts this many periods, times log10 of the room's size (memberlist's SuspicionMult). */
  readonly suspicionMult: number
  /** A confirmed suspicion lasts this many periods, and the way of a refutation. */
  readonly suspicionMinMult: number
  /** A member sends a rumour this many times log10(n + 1), in small rooms more often. */
  readonly transmitMult: number
  /** New rumours wait this long for company before their first transmission. */
  readonly coalesceMs: number
  /** While rumours wait, they are sent to `gossipFanout` members each interval. */
  readonly gossipIntervalMs: number
  /** How many members are told at a time. */
  readonly gossipFanout: number
  /** Digests that differ in this many observations in a row start a sync. */
  readonly differencesMax: number
  /** An unanswered sync request is repeated after this long. */
  readonly syncTimeoutMs: number
  /** How often one sync request is made, whoever is asked. */
  readonly syncAttemptsMax: number
  /** Seeds and endpoints of dead members are tried for ever, first after this pause, which doubles with every attempt. */
  readonly healMinMs: number
  /** The longest pause between two attempts. */
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
  /** Links that may be dialled at once after a pause: browsers count even closed ones. */
  readonly dialBurst: number
  /** How many a second are added to the burst; 0.5 is one every two seconds. */
  readonly dialsPerSecond: number
  /** Links held; of more, those wanted no longer are closed at once. */
  readonly linksMax: number
  /** How long a link that is wanted no longer is kept: neighbours come back. */
  readonly lingerMs: number
  /** How long one waits, once to twice, to be dialled by a smaller id before asking for it. */
  readonly askAfterMs: number
  /** A failed link is tried again after this pause, which doubles with every failure. */
  readonly redialMinMs: number
  /** The longest pause between two dials of one member. */
  readonly redialMaxMs: number
}

/** What `Config` says where it is not told otherwise. */
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
