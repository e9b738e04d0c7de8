/**
 * A peer's connection to the first server of a list that answers, and its way back ("failback") from one further down. Who
 * had turned to another server while the first was away would stay there for as long as it lasts, and newcomers would be
 * alone at the first. So a peer on another server looks now and then whether one before it is there again. Then it is on
 * both for so long that everybody else has looked meanwhile: whoever is in reach by a server alone stays in reach.
 *
 *     main on the second            scout on the first            main on the first
 *     ---- lookMs passed -------> ---- both are up, bothMs -----> the old main leaves its server
 *           ^                             |
 *           +---- the scout found none ---+
 */

import { SignalingClient, type SignalingClientEvents, type SignalingClientOptions } from './signaling.ts'

/** Between two looks, half as long at the least and half as long again at the most: a server that returns meets no herd. */
const lookMs = 60_000
/** A page that wakes up looks at once, though not again within this time. */
const lookPauseMs = 10_000
/** Longer than the longest time between two looks, also of hidden pages, whose timers come once a minute. */
const bothMs = 180_000

export class FailbackClient {
  readonly #options: SignalingClientOptions
  readonly #eventsOf: (client: () => SignalingClient) => SignalingClientEvents
  readonly #now: () => number
  /** The servers know the peer by these, whichever client asks. */
  readonly #tokens = new Map<string, string>()
  #main: SignalingClient
  #isMainUp = false
  /** Looks for the servers before that of `main`, or has found one. */
  #scout: SignalingClient | undefined
  #isScoutUp = false
  /** The next look, or the end of being on both. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  /** What those have counted that are no longer in use. */
  #past: Readonly<Record<string, number>> = {}
  #leaving: Promise<void> = Promise.resolve()

  /** `eventsOf` makes the events of one client; `down` also tells that a server was left for a better one. */
  constructor(options: SignalingClientOptions, eventsOf: (client: () => SignalingClient) => SignalingClientEvents) {
    this.#options = options
    this.#eventsOf = eventsOf
    this.#now = options.now ?? (() => performance.now())
    this.#main = this.#client()
  }

  /** The one to be used where none is up. */
  get main(): SignalingClient {
    return this.#main
  }

  /** Connects, and stays connected. What is waited for, the next attempt or the next look, is done at once. */
  open(): void {
    this.#main.open()
    if (this.#isMainUp && this.#now() - this.#lookedAt >= lookPauseMs) this.#look()
  }

  introduce(): void {
    this.#main.introduce()
    this.#scout?.introduce()
  }

  /** As `SignalingClient.close`. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await Promise.all([this.#main.close(), this.#scout?.close(), this.#leaving])
  }

  /** As `SignalingClient.bye`. */
  bye(): void {
    clearTimeout(this.#timer)
    this.#main.bye()
    this.#scout?.bye()
  }

  counters(): Readonly<Record<string, number>> {
    return sum([this.#past, this.#main.counters(), this.#scout?.counters() ?? {}])
  }

  #client(scoutBefore?: number): SignalingClient {
    const options = { ...this.#options, tokens: this.#tokens, ...(scoutBefore !== undefined && { scoutBefore }) }
    const events = this.#eventsOf(() => client)
    const client: SignalingClient = new SignalingClient(options, {
      ...events,
      up: () => {
        this.#up(client)
        events.up()
      },
      down: (reason) => {
        this.#down(client)
        events.down(reason)
      },
    })
    return client
  }

  #up(client: SignalingClient): void {
    if (client === this.#scout) {
      this.#isScoutUp = true
      this.#arm(bothMs, () => this.#goBack())
    } else {
      this.#isMainUp = true
      this.#lookLater()
    }
  }

  #down(client: SignalingClient): void {
    if (client === this.#main) {
      this.#isMainUp = false
      clearTimeout(this.#timer)
      // One that has found nothing yet would meet the main one where that begins anew.
      if (this.#isScoutUp) this.#goBack()
      else this.#dismiss()
    } else if (client === this.#scout && client.isClosed) {
      this.#dismiss()
      this.#lookLater()
    }
  }

  #lookLater(): void {
    if (this.#main.rank > 0) this.#arm(lookMs * (0.5 + this.#options.random()), () => this.#look())
  }

  #look(): void {
    const { rank } = this.#main
    if (rank === 0 || this.#scout) return
    clearTimeout(this.#timer)
    this.#lookedAt = this.#now()
    this.#scout = this.#client(rank)
    this.#scout.open()
  }

  /** The scout has found a better server: that is where this peer is from now on. */
  #goBack(): void {
    const left = this.#main
    const wasUp = this.#isMainUp
    this.#main = this.#scout!
    this.#isMainUp = true
    this.#scout = undefined
    this.#isScoutUp = false
    this.#main.settle()
    const reason = `${left.url} was left for ${this.#main.url}`
    this.#options.log.info(`signaling: ${reason}`)
    this.#retire(left)
    if (wasUp) this.#eventsOf(() => left).down(reason)
    this.#lookLater()
  }

  #dismiss(): void {
    if (!this.#scout) return
    this.#retire(this.#scout)
    this.#scout = undefined
    this.#isScoutUp = false
  }

  #retire(client: SignalingClient): void {
    this.#past = sum([this.#past, client.counters()])
    this.#leaving = Promise.all([this.#leaving, client.close()]).then(() => {})
  }

  #arm(ms: number, fire: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(fire, ms)
  }
}

/** Name by name. */
export function sum(counts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const one of counts) for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count
  return sums
}
