/**
 * Live cursors and avatars, without a framework: each tab publishes where its pointer is as volatile state, and shows
 * where those of the others are.
 */

import { join, type Peer } from 'shoal/browser'
import { colors, type Me, remember, remembered, roomOfPage } from '../me.ts'
import { Avatars } from './avatars.ts'
import { Cursors } from './cursors.ts'

export interface MyState {
  color: string
  /** Shares of the mat's width and height, from its upper left corner; none while the pointer is elsewhere. */
  cursor: [x: number, y: number]
}

const mat = document.querySelector<HTMLElement>('#mat')!
const status = document.querySelector<HTMLElement>('#status')!

const { room, signaling } = roomOfPage()
document.querySelector('#room')!.textContent = room
document.querySelector<HTMLAnchorElement>('#second')!.href = location.href
enter(remembered() ?? (await askWho()))

async function enter({ user, name, color }: Me): Promise<void> {
  status.textContent = 'joining'
  try {
    show(await join<MyState>({ room, signaling, user, name, state: { color } }))
  } catch (error) {
    status.textContent = `could not join: ${error instanceof Error ? error.message : String(error)}`
  }
}

function show(peer: Peer<MyState>): void {
  const avatars = new Avatars(document.querySelector('#avatars')!)
  const cursors = new Cursors(mat)
  const render = () => {
    avatars.show(peer.users(), peer.self.user)
    cursors.show(peer.members().filter(({ id }) => id !== peer.id))
    document.body.classList.toggle('alone', peer.members().length === 1)
    status.textContent = peer.status === 'joined' ? `${peer.users().length} here` : peer.reason
  }
  peer.subscribe(render)
  peer.on('status', render)
  render()

  // Every move: the peer publishes the newest place at most ten times a second.
  mat.addEventListener('pointermove', ({ clientX, clientY }) => {
    const { left, top, width, height } = mat.getBoundingClientRect()
    point(peer, [round((clientX - left) / width), round((clientY - top) / height)])
  })
  for (const type of ['pointerleave', 'pointercancel']) mat.addEventListener(type, () => point(peer, undefined))
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) point(peer, undefined)
  })
}

function point(peer: Peer<MyState>, cursor: [x: number, y: number] | undefined): void {
  if (peer.status !== 'left') peer.setState({ cursor }, { volatile: true })
}

/** A ten-thousandth of the mat is less than anybody sees, and few bytes. */
function round(share: number): number {
  return Math.round(share * 10_000) / 10_000
}

function askWho(): Promise<Me> {
  const form = document.querySelector<HTMLFormElement>('#who')!
  const swatches = form.querySelector('.swatches')!
  const chosen = Math.floor(Math.random() * colors.length)
  colors.forEach((color, i) => {
    const swatch = document.createElement('input')
    Object.assign(swatch, { type: 'radio', name: 'color', value: color, checked: i === chosen })
    swatch.ariaLabel = `colour ${i + 1}`
    swatch.style.setProperty('--color', color)
    swatches.append(swatch)
  })
  form.hidden = false
  form.querySelector<HTMLInputElement>('[name=name]')!.focus()
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const { name, color } = Object.fromEntries(new FormData(form)) as Record<string, string>
      form.hidden = true
      resolve(remember(name!, color!))
    })
  })
}
