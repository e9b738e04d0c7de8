/**
 * Application code in a simulated process: its way into the core of its peer, and what it hears from there. Events wait
 * until the call that raised them is over, because a listener may call in again.
 */

import { ShoalError } from '../errors.ts'
import type { SwimEvent } from '../host.ts'
import type { Swim } from '../swim.ts'
import type { Participant } from './participant.ts'

/** What `World.connect` gives to application code. */
export class Connection {
  /** The core of its peer. */
  readonly swim: Swim
  /** The time by the clock of its peer, also where that has ended. */
  readonly now: () => number
  readonly #peer: Participant
  readonly #listen: (event: SwimEvent) => void
  readonly #enter: (run: (swim: Swim, now: number) => void) => void
  readonly #depart: () => void
  /** No more than one call raises. */
  readonly #untold: SwimEvent[] = []
  #telling = false

  constructor(
    peer: Participant,
    listen: (event: SwimEvent) => void,
    world: { enter: (run: (swim: Swim, now: number) => void) => void; now: () => number; depart: () => void },
  ) {
    this.swim = peer.swim
    this.#peer = peer
    this.#listen = listen
    this.#enter = world.enter
    this.now = world.now
    this.#depart = world.depart
  }

  /** Calls into the core by the clock of its peer. Throws where the process has ended, and calls nothing then. */
  call(run: (swim: Swim, now: number) => void): void {
    const { name, id, life, live } = this.#peer
    if (!live) {
      const problem = `${name} (${id}) ${life === 'left' ? 'has left' : 'has crashed'}; nothing was changed`
      throw new ShoalError('left', problem)
    }
    this.#enter(run)
  }

  /** Says farewell and ends; does nothing where the process has ended already. */
  leave(): void {
    if (this.#peer.live) this.#depart()
  }

  /** For the world: an event of the call that is running. @internal */
  hear(event: SwimEvent): void {
    this.#untold.push(event)
  }

  /** For the world: the call is over. Nothing is told in a process that has crashed. @internal */
  tell(): void {
    if (this.#telling) return
    this.#telling = true
    try {
      for (let event = this.#untold.shift(); event; event = this.#untold.shift()) {
        if (this.#peer.life !== 'crashed') this.#listen(event)
      }
    } finally {
      this.#telling = false
    }
  }
}
