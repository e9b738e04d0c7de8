/** What one peer believes about the room, in the same form whether it is a tab or a process. */

import type { Member } from '../core/index.ts'

/** A member as far as every view must agree on it: nothing that depends on who is looking. */
export interface Seen {
  id: string
  name: string
  status: string
  mode: string
  state: unknown
  services: { service: string; port: number | undefined; health: string }[]
}

/** Something that has a view: a tab or an agent. */
export interface Viewer {
  readonly name: string
  /** Everyone it remembers, those who are gone included. */
  view(): Promise<Seen[]>
}

/** Sorted by name and then by id, so that equal views are equal lists. */
export function seen(members: readonly Member[]): Seen[] {
  return members
    .map(({ id, name, status, mode, state, services }) => ({
      id,
      name,
      status,
      mode,
      state,
      services: services
        .map(({ service, port, health }) => ({ service, port, health }))
        .sort((a, b) => (a.service < b.service ? -1 : 1)),
    }))
    .sort((a, b) => (a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1))
}

/** `Ana alive, api-1 dead`: one line that a failed expectation can show. */
export function statuses(view: readonly Seen[]): string {
  return view.map(({ name, status }) => `${name} ${status}`).join(', ')
}

/** Everyone's statuses, by who looks. */
export async function statusesAtAll(viewers: readonly Viewer[]): Promise<Record<string, string>> {
  const views = await Promise.all(viewers.map(async (viewer) => [viewer.name, statuses(await viewer.view())] as const))
  return Object.fromEntries(views)
}

/** The same line at each of them. */
export function atAll(viewers: readonly Viewer[], line: string): Record<string, string> {
  return Object.fromEntries(viewers.map(({ name }) => [name, line]))
}
