/**
 * A peer's connection to the first server of a list that answers, and its way back ("failback") from one further down. Who
 * had turned to another server while the first was away would stay there for as long as it lasts, and newcomers would be
 * alone at the first. So a peer on another server looks now and then whether one before it is there again. Then it is on
 * both for so long that everybody else has looked meanwhile: whoever is in reach by a server alone stays in reach.
 *
 *     main on the second            scout on the first            main on the first
 *     ---- lookMs passed -------> ---- both are up, bothMs -----> the old one is listened to, lingerMs,
 *           ^                             |                       and leaves its server
 *           +---- the scout found none ---+
 */

import { SignalingClient, type SignalingClientEvents, type SignalingClientOptions } from './signaling.ts'

/** Between two looks, half as long at the least and half as long again at the most: a server that returns meets no herd. */
const lookMs = 60_000
/** A page that wakes up looks at once, though not again within this time. */
const lookPauseMs = 10_000
/** Longer than the longest time between two looks, also of hidden pages, whose timers come once a minute. */
const bothMs = 240_000
/** Then the better server has to say something more, for it may be gone since: so often that is looked for. */
const listenMs = 2_000
/** Others send by a server for as long as they remember that it led here (see `SignalingServers`). */
const lingerMs = 30_000

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
  /** The one that was main: nothing is sent by it any more, and what comes is taken. */
  #left: SignalingClient | undefined
  /** The next look, or the end of being on both. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #leftTimer: ReturnType<typeof setTimeout> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  /** What those have counted that are no longer in use. */
  #past: Readonly<Record<string, number>> = {}
  #leaving: Promise<void> = Promise.resolve()
  /** For good: a page that comes back has another peer. */
  #isClosed = false

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
    if (this.#isClosed) return
    this.#main.open()
    if (this.#isMainUp && this.#now() - this.#lookedAt >= lookPauseMs) this.#look()
  }

  introduce(): void {
    this.#main.introduce()
    this.#scout?.introduce()
  }

  /** As `SignalingClient.close`. */
  async close(): Promise<void> {
    this.#end()
    await Promise.all([this.#main.close(), this.#leaving])
  }

  /** As `SignalingClient.bye`. */
  bye(): void {
    this.#end()
    this.#main.bye()
  }

  counters(): Readonly<Record<string, number>> {
    const clients = [this.#main, this.#scout, this.#left]
    return sum([this.#past, ...clients.map((client) => client?.counters() ?? {})])
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
      this.#arm(bothMs, () => this.#tryBack(this.#now()))
    } else {
      this.#isMainUp = true
      this.#lookLater()
    }
  }

  #down(client: SignalingClient): void {
    if (client === this.#main) {
      this.#isMainUp = false
      clearTimeout(this.#timer)
      this.#dismissLeft()
      // One that has found nothing yet would meet the main one where that begins anew.
      if (this.#isScoutUp) this.#goBack()
      else this.#dismiss()
    } else if (client === this.#scout) {
      // One that was welcomed and lost at once goes on to the next.
      if (this.#isScoutUp) clearTimeout(this.#timer)
      this.#isScoutUp = false
      if (!client.isClosed) return
      this.#dismiss()
      this.#lookLater()
    } else if (client === this.#left) this.#dismissLeft()
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

  #tryBack(since: number): void {
    if (this.#scout!.lastHeard > since) this.#goBack()
    else this.#arm(listenMs, () => this.#tryBack(since))
  }

  /** The scout has found a better server: that is where this peer is from now on. */
  #goBack(): void {
    this.#dismissLeft()
    const left = this.#main
    const wasUp = this.#isMainUp
    this.#main = this.#scout!
    this.#isMainUp = true
    this.#scout = undefined
    this.#isScoutUp = false
    this.#main.settle()
    const reason = `${left.url} was left for ${this.#main.url}`
    this.#options.log.info(`signaling: ${reason}`)
    if (wasUp) {
      this.#left = left
      this.#leftTimer = setTimeout(() => this.#dismissLeft(), lingerMs)
      this.#eventsOf(() => left).down(reason)
    } else this.#retire(left)
    // One further up may have come back meanwhile, and others may be there.
    this.#look()
  }

  #dismiss(): void {
    if (!this.#scout) return
    this.#retire(this.#scout)
    this.#scout = undefined
    this.#isScoutUp = false
  }

  #dismissLeft(): void {
    clearTimeout(this.#leftTimer)
    if (this.#left) this.#retire(this.#left)
    this.#left = undefined
  }

  /** Leaves all servers but that of `main`, and looks for none. */
  #end(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#dismiss()
    this.#dismissLeft()
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
