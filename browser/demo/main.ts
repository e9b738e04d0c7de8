/** The page: a member of the room that shows the room. The hooks for tests are listed in `index.html`. */

import { join, type Peer } from '../index.ts'
import { type Overlay, showOverlay } from '../overlay.ts'
import { Activity } from './activity.ts'
import { swatches } from './color.ts'
import { Company, isPresent } from './company.ts'
import { Directory } from './directory.ts'
import { shownName } from './name.ts'
import { followPointer } from './pointer.ts'
import { Pond } from './pond.ts'
import { Roster } from './roster.ts'
import { element, part, setText } from './rows.ts'
import { readSettings, type Settings } from './settings.ts'
import { agreement } from './wording.ts'

/** Changes that come closer together than this are shown together. */
const gatherMs = 60
/** What changes without news (round trips, agreement, those who faded) is looked at this often. */
const refreshMs = 1000

const settings = readSettings(location.search, sessionStorage, Math.random)
const activity = new Activity(part('activity'))
showSettings(settings)
try {
  const { room, name, user, color } = settings
  const signaling = location.origin.replace(/^http/, 'ws')
  show(await join({ room, name, signaling, state: { color }, ...(user === undefined ? {} : { user }) }))
} catch (error) {
  document.body.dataset.status = 'failed'
  setText(part('status'), `could not join: ${error instanceof Error ? error.message : String(error)}`)
}

function show(peer: Peer): void {
  Object.assign(globalThis, { shoal: { peer } })
  const company = new Company()
  const roster = new Roster()
  const directory = new Directory()
  const pond = new Pond(part<HTMLCanvasElement>('pond'))

  let due: ReturnType<typeof setTimeout> | undefined
  const render = (): void => {
    due = undefined
    const members = company.select(peer.members({ gone: true }), peer.self.id, Date.now())
    roster.show(members, peer.self.id)
    directory.show(members)
    pond.show(members, peer.self.id)
    document.body.dataset.status = peer.status
    setText(part('status'), peer.reason ? `${peer.status}: ${peer.reason}` : peer.status)
    const present = peer.getSnapshot().length
    setText(part('count'), String(present))
    const hidden = present - members.filter(isPresent).length
    setText(part('more'), hidden > 0 ? `${hidden} more are not shown.` : '')
    setText(part('agreement'), agreement(peer.consistency()))
  }
  peer.subscribe(() => {
    if (due === undefined) due = setTimeout(render, gatherMs)
  })
  setInterval(render, refreshMs)
  for (const news of ['join', 'suspect', 'refute', 'leave', 'dead'] as const) {
    peer.on(news, (member) => {
      if (member.id === peer.self.id) return
      activity.tell(news, member.name)
      pond.wake()
    })
  }
  peer.on('status', (status, reason) => activity.write(`This tab is ${status}${reason ? `: ${reason}` : ''}`, 'self'))
  followPointer(part('pond'), (place) => {
    pond.wake()
    const cursor = place && [place.x, place.y].map((share) => Math.round(share * 1000) / 1000)
    if (peer.status !== 'left') peer.setState({ cursor }, { volatile: true })
  })
  part('swatches').addEventListener('change', (event) => {
    const color = (event.target as HTMLInputElement).value
    sessionStorage.setItem('color', color)
    if (peer.status !== 'left') peer.setState({ color })
  })
  offerOverlay(peer)
  activity.write(`You joined ${shownName(settings.room, 40)} as ${shownName(settings.name, 40)}`, 'self')
  render()
}

/** The room as the peer sees it, for those who ask why. */
function offerOverlay(peer: Peer): void {
  const button = part('why')
  let overlay: Overlay | undefined
  button.hidden = false
  button.addEventListener('click', () => {
    overlay?.close()
    overlay = overlay ? undefined : showOverlay(peer)
    button.setAttribute('aria-pressed', String(overlay !== undefined))
  })
}

/** The parts of the page that need no room: who you are, and a choice of colours. */
function showSettings({ room, name, color }: Settings): void {
  setText(part('room'), shownName(room))
  document.title = `Shoal: ${shownName(room, 40)}`
  const form = part<HTMLFormElement>('rejoin')
  for (const [field, value] of Object.entries({ room, name })) {
    ;(form.elements.namedItem(field) as HTMLInputElement).value = value
  }
  part<HTMLAnchorElement>('second').href = `?${new URLSearchParams({ room })}`
  for (const [swatch, css] of swatches) {
    const choice = element('input') as HTMLInputElement
    Object.assign(choice, { type: 'radio', name: 'color', value: swatch, ariaLabel: swatch, title: swatch })
    choice.checked = swatch === color
    choice.style.setProperty('--color', css)
    part('swatches').append(choice)
  }
}
