import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Place } from './place.ts'
import { followPointer } from './pointer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A pond of 200 x 100 pixels, what it told, and a way to do things to it. */
function pond() {
  const target = new EventTarget()
  const box = { left: 10, top: 20, width: 200, height: 100 }
  const told: (Place | undefined)[] = []
  const element = Object.assign(target, { getBoundingClientRect: () => box }) as unknown as HTMLElement
  followPointer(element, (place) => told.push(place))
  const raise = (type: string, fields: object = {}) => {
    const event = Object.assign(new Event(type, { cancelable: true }), fields)
    target.dispatchEvent(event)
    return event
  }
  return { told, raise, move: (clientX: number, clientY: number) => raise('pointermove', { clientX, clientY }) }
}

test('a pointer that never rests is told of 20 times a second, the last place included', () => {
  const { told, move } = pond()
  for (let i = 0; i < 200; i++) {
    move(10 + i, 20)
    vi.advanceTimersByTime(5)
  }
  expect(told.length).toBeGreaterThanOrEqual(18)
  expect(told.length).toBeLessThanOrEqual(21)
  vi.advanceTimersByTime(100)
  expect(told.at(-1)).toEqual({ x: 199 / 200, y: 0 })
})

test('a pointer that rests is told of no more', () => {
  const { told, move } = pond()
  move(110, 70)
  vi.advanceTimersByTime(1000)
  expect(told).toEqual([{ x: 0.5, y: 0.5 }])
})

test('a pointer that leaves is told of once', () => {
  const { told, move, raise } = pond()
  move(110, 70)
  vi.advanceTimersByTime(100)
  raise('pointerleave')
  raise('blur')
  vi.advanceTimersByTime(100)
  raise('pointerleave')
  vi.advanceTimersByTime(100)
  expect(told).toEqual([{ x: 0.5, y: 0.5 }, undefined])
})

test('arrow keys steer without scrolling the page, and other keys do nothing', () => {
  const { told, raise } = pond()
  expect(raise('keydown', { key: 'ArrowLeft' }).defaultPrevented).toBe(true)
  expect(raise('keydown', { key: 'Tab' }).defaultPrevented).toBe(false)
  expect(raise('keydown', { key: 'constructor' }).defaultPrevented).toBe(false)
  vi.advanceTimersByTime(100)
  expect(told).toEqual([{ x: 0.46, y: 0.5 }])
})
