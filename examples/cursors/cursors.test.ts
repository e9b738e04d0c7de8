// @vitest-environment happy-dom

import type { Member } from 'shoal/browser'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Cursors } from './cursors.ts'
import type { MyState } from './main.ts'

const frameMs = 16

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['requestAnimationFrame', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

function mat(): HTMLElement {
  const element = document.createElement('main')
  Object.defineProperties(element, { clientWidth: { value: 1000 }, clientHeight: { value: 500 } })
  return element
}

function ana(state: object): Member<MyState> {
  return { id: 'a', name: 'Ana', status: 'alive', state } as unknown as Member<MyState>
}

function place(element: HTMLElement): number[] {
  const { transform } = element.querySelector<HTMLElement>('.cursor')!.style
  return [...transform.matchAll(/[\d.]+(?=px)/g)].map(([length]) => Math.round(Number(length)))
}

test('a cursor begins where it is told, then glides to each new place, and no frame is drawn once it is there', () => {
  const element = mat()
  const cursors = new Cursors(element)
  cursors.show([ana({ cursor: [0.1, 0.5] })])
  vi.advanceTimersByTime(frameMs)
  expect(place(element)).toEqual([100, 250])

  cursors.show([ana({ cursor: [0.9, 0.5] })])
  const seen = new Set<number>()
  for (let ms = 0; ms < 700; ms += frameMs) {
    vi.advanceTimersByTime(frameMs)
    seen.add(place(element)[0]!)
  }
  expect(seen.size, 'places on the way').toBeGreaterThan(15)
  expect(place(element)).toEqual([900, 250])
  expect(vi.getTimerCount()).toBe(0)
})

test('one who points nowhere has no cursor, nor has one who publishes what is no place', () => {
  const element = mat()
  const cursors = new Cursors(element)
  cursors.show([ana({ cursor: [0.1, 0.5] })])
  expect(element.children.length).toBe(1)
  for (const cursor of [undefined, 'here', [1], [2, 0], [Number.NaN, 0], ['0', 0], { x: 0, y: 0 }]) {
    cursors.show([ana({ cursor })])
    expect(element.children.length).toBe(0)
    cursors.show([ana({ cursor: [0, 1] })])
    expect(element.children.length).toBe(1)
  }
})

test('names and colours of others are shown, and are nothing but text and a colour', () => {
  const element = mat()
  const hostile = { ...ana({ cursor: [0, 0], color: 'red;background:url(//x)' }), name: '<img src=x>' }
  new Cursors(element).show([hostile])
  expect(element.querySelector('img')).toBeNull()
  expect(element.textContent).toBe('<img src=x>')
  expect(element.querySelector<HTMLElement>('.cursor')!.style.getPropertyValue('--color')).toMatch(/^#[0-9a-f]{6}$/)
})
