/** Where this tab's pointer is in the pond, told at most 20 times a second; by mouse, touch or arrow keys. */

import { clamp, type Place } from './place.ts'

const intervalMs = 50
const keyStep = 0.04
const keys: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
])

/** Calls `tell` with each new place, the last one always included, and with undefined when there is none any more. */
export function followPointer(pond: HTMLElement, tell: (place: Place | undefined) => void): void {
  let place: Place | undefined
  let toldAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const say = (): void => {
    timer = undefined
    toldAt = performance.now()
    tell(place)
  }
  const move = (next: Place | undefined): void => {
    if (next === undefined && place === undefined) return
    place = next
    if (timer === undefined) timer = setTimeout(say, Math.max(0, toldAt + intervalMs - performance.now()))
  }
  const point = (event: PointerEvent): void => {
    const box = pond.getBoundingClientRect()
    move({ x: clamp((event.clientX - box.left) / box.width), y: clamp((event.clientY - box.top) / box.height) })
  }
  pond.addEventListener('pointermove', point)
  pond.addEventListener('pointerdown', point)
  for (const end of ['pointerleave', 'pointercancel', 'blur']) pond.addEventListener(end, () => move(undefined))
  pond.addEventListener('keydown', (event) => {
    const step = keys.get(event.key)
    if (event.key === 'Escape') move(undefined)
    if (!step) return
    event.preventDefault()
    const from = place ?? { x: 0.5, y: 0.5 }
    move({ x: clamp(from.x + step[0] * keyStep), y: clamp(from.y + step[1] * keyStep) })
  })
}
