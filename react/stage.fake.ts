/** A page for components under test, and peers to show there. Whatever anybody complains of on the console fails the test. */

import { act, createElement, type ReactNode, StrictMode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, type MockInstance, vi } from 'vitest'
import type { Member, Swim, SwimEvent } from '../core/index.ts'
import { Peer } from '../peer/peer.ts'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

const roots: Root[] = []
let complaints: MockInstance[] = []

beforeEach(() => {
  complaints = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')]
})

afterEach(() => {
  act(() => {
    for (const root of roots.splice(0)) root.unmount()
  })
  const said = complaints.flatMap((complaint) => complaint.mock.calls)
  vi.restoreAllMocks()
  document.body.replaceChildren()
  expect(said, 'on the console').toEqual([])
})

export interface Shown {
  text(): string
  draw(node: ReactNode): Promise<void>
  unmount(): Promise<void>
}

/** Draws a tree, under StrictMode or not, over HTML of a server where there is some. */
export async function show(node: ReactNode, options: { strict?: boolean; html?: string } = {}): Promise<Shown> {
  const wrap = (node: ReactNode) => (options.strict ? createElement(StrictMode, null, node) : node)
  const place = document.createElement('div')
  document.body.append(place)
  let root: Root
  if (options.html === undefined) {
    root = createRoot(place)
    await act(async () => root.render(wrap(node)))
  } else {
    place.innerHTML = options.html
    root = await act(async () => hydrateRoot(place, wrap(node)))
  }
  roots.push(root)
  return {
    text: () => place.textContent ?? '',
    draw: (node) => act(async () => root.render(wrap(node))),
    unmount: () => act(async () => root.unmount()),
  }
}

/** How many listeners the peer has at any time. */
export function countListeners(peer: Pick<Peer, 'subscribe' | 'on'>): () => number {
  let count = 0
  for (const method of ['subscribe', 'on'] as const) {
    const listen = peer[method].bind(peer) as (...told: unknown[]) => () => void
    Object.defineProperty(peer, method, {
      value: (...told: unknown[]) => {
        const end = listen(...told)
        count++
        return () => {
          count--
          end()
        }
      },
    })
  }
  return () => count
}

/** A peer whose view is a list made here: a room of a thousand at no cost. It cannot publish anything. */
export class Crowd {
  readonly peer: Peer
  #members: readonly Member[]

  constructor(size: number) {
    this.#members = Object.freeze(Array.from({ length: size }, (_, n) => Object.freeze(memberOf(n))))
    const view = {
      id: this.#members[0]!.id,
      status: 'joined',
      reason: '',
      self: () => this.#members[0]!,
      members: () => this.#members,
      member: (id: string) => this.#members.find((member) => member.id === id),
    }
    this.peer = new Peer({
      room: 'crowd',
      swim: view as unknown as Swim,
      call: () => {},
      now: () => 0,
      leave: async () => {},
      random: () => 0,
      warn: (message) => {
        throw new Error(message)
      },
    })
  }

  /** Only this one becomes another object, as in the view of a real peer. */
  change(n: number, changes: Partial<Member>): void {
    const changed = Object.freeze({ ...this.#members[n]!, ...changes })
    this.#members = Object.freeze(this.#members.map((member, at) => (at === n ? changed : member)))
    this.peer.hear({ type: 'changed' } as SwimEvent)
  }
}

function memberOf(n: number): Member {
  return {
    id: `member-${n}`,
    name: `m${n}`,
    user: `u${n}`,
    status: 'alive',
    mode: 'visible',
    incarnation: 0,
    state: Object.freeze({ cursor: 0 }),
    services: [],
    endpoints: [],
    via: 'direct',
    since: 0,
    lastHeard: 0,
  }
}
