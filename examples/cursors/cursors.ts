/** Cursors: the pointers of the others on the mat, moving as if they were told all the time. */

import type { Member } from 'shoal/browser'
import { parseColor } from '../me.ts'
import { Glide, type Place } from './glide.ts'
import type { MyState } from './main.ts'

/** Of more than these, those with the smallest ids are shown. */
const shownMax = 100

const arrow = 'M1 1 1 18.5 5.7 14.2 8.8 21.3 12.2 19.8 9.2 12.9 15.6 12.6Z'

interface Cursor {
  readonly element: HTMLElement
  readonly glide: Glide
  place: Place
}

export class Cursors {
  readonly #mat: HTMLElement
  readonly #shown = new Map<string, Cursor>()
  #frame: number | undefined

  constructor(mat: HTMLElement) {
    this.#mat = mat
  }

  show(members: readonly Member<MyState>[]): void {
    const pointing = new Map<string, [Member<MyState>, Place]>()
    for (const member of members) {
      const place = parsePlace(member.state.cursor)
      if (place && pointing.size < shownMax) pointing.set(member.id, [member, place])
    }
    for (const [id, { element }] of this.#shown) {
      if (pointing.has(id)) continue
      element.remove()
      this.#shown.delete(id)
    }
    for (const [id, [member, place]] of pointing) {
      const cursor = this.#shown.get(id) ?? this.#add(member, place)
      if (place.x !== cursor.place.x || place.y !== cursor.place.y) cursor.glide.aim(place, performance.now())
      cursor.place = place
      cursor.element.style.setProperty('--color', parseColor(member.state.color))
      cursor.element.classList.toggle('doubtful', member.status === 'suspect')
    }
    this.#frame ??= requestAnimationFrame(this.#draw)
  }

  #add(member: Member<MyState>, place: Place): Cursor {
    const element = document.createElement('div')
    element.className = 'cursor'
    element.dataset.member = member.id
    element.innerHTML = `<svg viewBox="0 0 18 24" aria-hidden="true"><path d="${arrow}"/></svg><bdi></bdi>`
    element.querySelector('bdi')!.textContent = member.name
    const cursor = { element, glide: new Glide(place), place }
    this.#shown.set(member.id, cursor)
    this.#mat.append(element)
    return cursor
  }

  readonly #draw = (now: number): void => {
    const { clientWidth, clientHeight } = this.#mat
    let moving = false
    for (const { element, glide } of this.#shown.values()) {
      const { x, y } = glide.at(now)
      element.style.transform = `translate(${x * clientWidth}px, ${y * clientHeight}px)`
      moving ||= !glide.rests(now)
    }
    this.#frame = moving ? requestAnimationFrame(this.#draw) : undefined
  }
}

/** What others publish can be anything. */
function parsePlace(value: unknown): Place | undefined {
  if (!Array.isArray(value)) return undefined
  const [x, y] = value
  return isShare(x) && isShare(y) ? { x, y } : undefined
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}
