/**
 * Glide: from the places where a pointer was, told ten times a second, to a movement without corners. A critically damped
 * spring draws what is shown to where the pointer is: it keeps its speed when the aim changes, and never overshoots.
 */

export interface Place {
  readonly x: number
  readonly y: number
}

/** Of the spring, per millisecond: after 100 ms, 60 % of the way is left behind, after 250 ms 96 %. */
const stiffness = 0.02
/** By then less is left than anybody sees. */
const restMs = 600

export class Glide {
  #aim: Place
  /** Where it was, relative to the aim, and how fast it moved per millisecond, when the aim was set. */
  #offset: Place = { x: 0, y: 0 }
  #speed: Place = { x: 0, y: 0 }
  #setAt = Number.NEGATIVE_INFINITY

  constructor(place: Place) {
    this.#aim = place
  }

  aim(place: Place, now: number): void {
    const { x, y } = this.at(now)
    this.#speed = this.#speedAt(now)
    this.#offset = { x: x - place.x, y: y - place.y }
    this.#aim = place
    this.#setAt = now
  }

  at(now: number): Place {
    return { x: this.#aim.x + this.#offsetAt('x', now), y: this.#aim.y + this.#offsetAt('y', now) }
  }

  /** Nothing moves from here on. */
  rests(now: number): boolean {
    return now - this.#setAt > restMs
  }

  #offsetAt(axis: 'x' | 'y', now: number): number {
    if (this.rests(now)) return 0
    const ms = now - this.#setAt
    return (this.#offset[axis] + this.#drive(axis) * ms) * Math.exp(-stiffness * ms)
  }

  #speedAt(now: number): Place {
    if (this.rests(now)) return { x: 0, y: 0 }
    const ms = now - this.#setAt
    const of = (axis: 'x' | 'y') =>
      (this.#drive(axis) - stiffness * (this.#offset[axis] + this.#drive(axis) * ms)) * Math.exp(-stiffness * ms)
    return { x: of('x'), y: of('y') }
  }

  #drive(axis: 'x' | 'y'): number {
    return this.#speed[axis] + stiffness * this.#offset[axis]
  }
}
