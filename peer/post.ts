/**
 * What members say to one another, as applications send and hear it: to one member, to a topic, and questions to all with
 * the answers that come back. What is waited for is bounded, and ends with the peer.
 */

import {
  checkData,
  checkTopic,
  type Message,
  type PeerId,
  type PeerStatus,
  type Query,
  ShoalError,
  type SwimEvent,
  shown,
} from '../core/index.ts'
import { Answers } from './answers.ts'
import type { Grounds } from './grounds.ts'
import { checkFunction, type Listeners } from './listeners.ts'
import { checkSignal } from './signal.ts'
import { isThenable } from './thenable.ts'

/** How long `Peer.query` waits. */
export interface QueryOptions {
  /** For how long answers are waited for, in milliseconds; 1,000 in rooms of up to 9, and as much more for every digit. */
  timeout?: number
  /** Ends the query: whoever waits for the next answer gets its reason. */
  signal?: AbortSignal
}

/** What a member answers; undefined is no answer. */
export type QueryHandler = (data: unknown, asked: { from: PeerId }) => unknown

/** Queries of this peer that wait for answers, and those of others that wait for its handlers or their turn. */
const queriesMax = 64
const answeringMax = 256
const timeoutMsMax = 60_000
/** Answers are spread by this much for each member, so that those of 1,000 do not arrive at once ... */
const spreadMsEach = 2
/** ... but no later than in this part of the time that they are waited for. */
const spreadShare = 1 / 3

export class Post {
  readonly #grounds: Grounds
  readonly #listeners: Listeners
  /** Who waits for a receipt; the core bounds them. */
  readonly #receipts = new Map<number, (arrived: boolean) => void>()
  readonly #handlers = new Map<string, QueryHandler>()
  /** By the number of the query. */
  readonly #queries = new Map<number, Answers>()
  /** Queries of others that are being answered. */
  readonly #answering = new Set<Query>()
  #lastRef = 0

  constructor(grounds: Grounds, listeners: Listeners) {
    this.#grounds = grounds
    this.#listeners = listeners
  }

  send(to: PeerId, data: unknown): Promise<boolean> {
    const value = this.#read(data)
    const ref = ++this.#lastRef
    let told: (arrived: boolean) => void = () => {}
    const arrival = new Promise<boolean>((resolve) => {
      told = resolve
    })
    // Before it is sent: to oneself it arrives at once.
    this.#receipts.set(ref, told)
    try {
      this.#grounds.enter((swim, now) => swim.send(ref, to, value, now))
    } catch (error) {
      this.#receipts.delete(ref)
      throw error
    }
    return arrival
  }

  publish(topic: string, data: unknown): void {
    const value = this.#read(data)
    this.#grounds.enter((swim, now) => swim.publish(topic, value, now))
  }

  onMessage(topic: string | undefined, listener: (message: Message) => void): () => void {
    if (topic !== undefined) checkTopic(topic)
    checkFunction('onMessage', listener)
    if (topic === undefined) return this.#listeners.on('message', listener)
    // What it gives is handed on: where that is a promise, somebody has to look after it.
    return this.#listeners.on('message', (message: Message) =>
      message.topic === topic ? listener(message) : undefined,
    )
  }

  query(topic: string, data: unknown, options: QueryOptions): Answers {
    const { timeout = this.#usualTimeoutMs(), signal } = options
    checkSignal(signal)
    if (!Number.isInteger(timeout) || timeout < 1 || timeout > timeoutMsMax) {
      throw new ShoalError(
        'bad_option',
        `timeout: expected a whole number of milliseconds from 1 to ${timeoutMsMax}, got ${shown(timeout)}`,
      )
    }
    if (this.#queries.size >= queriesMax) {
      throw new ShoalError('too_many', `query: at most ${queriesMax} wait for answers at a time; nothing was sent`)
    }
    const value = this.#read(data)
    let callOff = () => {}
    let seq = 0
    const ended = () => {
      callOff()
      this.#queries.delete(seq)
    }
    const answers = new Answers(ended, () => this.#grounds.swim.count('answers_dropped'), signal)
    // Given up before it was asked.
    if (signal?.aborted) return answers
    try {
      seq = this.#grounds.enter((swim, now) => swim.publish(topic, value, now, timeout))
    } catch (error) {
      answers.end()
      throw error
    }
    // This peer's own handler may have been called by now, and have called this off or left the room.
    if (this.#grounds.swim.status === 'left') answers.end()
    if (answers.over) return answers
    this.#queries.set(seq, answers)
    callOff = this.#grounds.remind(timeout, () => answers.end())
    return answers
  }

  onQuery(topic: string, handler: QueryHandler): () => void {
    checkTopic(topic)
    checkFunction('onQuery', handler)
    if (this.#handlers.has(topic)) {
      throw new ShoalError(
        'already_registered',
        `onQuery: ${JSON.stringify(topic)} is answered already, and once a member`,
      )
    }
    this.#handlers.set(topic, handler)
    return () => {
      if (this.#handlers.get(topic) === handler) this.#handlers.delete(topic)
    }
  }

  /** What the core tells. */
  hear(event: SwimEvent & { type: 'query' | 'answer' | 'receipt' }): void {
    switch (event.type) {
      case 'query':
        return this.#answer(event.query)
      case 'answer':
        return this.#queries.get(event.seq)?.take({ from: event.from, data: event.data })
      case 'receipt':
        this.#receipts.get(event.ref)?.(event.arrived)
        this.#receipts.delete(event.ref)
    }
  }

  /** Behind the farewell nothing arrives any more: whoever waits is told. */
  hearStatus(status: PeerStatus): void {
    if (status !== 'left') return
    for (const told of this.#receipts.values()) told(false)
    this.#receipts.clear()
    this.#answering.clear()
    for (const answers of [...this.#queries.values()]) answers.end()
  }

  /** As Serf's: longer in larger rooms, by the number of digits in their size. */
  #usualTimeoutMs(): number {
    return 1_000 * Math.ceil(Math.log10(this.#grounds.swim.beliefs.size + 1))
  }

  /** Before the core is entered, since reading it may run code of the application's that calls this peer. */
  #read(data: unknown): unknown {
    this.#grounds.assertPresent('sent')
    return checkData(data)
  }

  #answer(query: Query): void {
    const handler = this.#handlers.get(query.topic)
    if (handler === undefined) return
    if (this.#answering.size >= answeringMax) return this.#grounds.swim.count('queries_dropped')
    this.#answering.add(query)
    const fail = (error: unknown) => {
      this.#answering.delete(query)
      this.#grounds.guard(() => {
        throw error
      })
    }
    try {
      const answer = handler(query.data, Object.freeze({ from: query.from }))
      // An answer at hand takes no promise: in a simulated world those come to nothing while time passes.
      if (isThenable(answer)) this.#await(answer, query, fail)
      else this.#reply(query, answer)
    } catch (error) {
      fail(error)
    }
  }

  /** A handler that never comes to an end holds its place for as long as answers are waited for. */
  #await(answer: PromiseLike<unknown>, query: Query, fail: (error: unknown) => void): void {
    const callOff = this.#grounds.remind(Math.min(query.answerMs, timeoutMsMax), () => this.#answering.delete(query))
    const given = (value: unknown) => {
      callOff()
      if (this.#answering.has(query)) this.#reply(query, value)
    }
    Promise.resolve(answer)
      .then(given)
      .catch((error: unknown) => {
        callOff()
        fail(error)
      })
  }

  #reply(query: Query, answer: unknown): void {
    const { from, seq, answerMs } = query
    if (answer === undefined) {
      this.#answering.delete(query)
      return
    }
    const { id, swim, parts } = this.#grounds
    const spreadMs = from === id ? 0 : Math.min(spreadMsEach * swim.beliefs.size, spreadShare * answerMs)
    this.#grounds.remind(parts.random() * spreadMs, () => {
      if (!this.#answering.delete(query)) return
      this.#grounds.guard(() => this.#grounds.enter((core, now) => core.send(0, from, answer, now, seq)))
    })
  }
}
