/**
 * `shoal/overlay`: a panel for developers that shows a room live, and why each member is believed to be what it is.
 * The guide is docs/why.md.
 *
 * ```ts
 * import { showOverlay } from 'shoal/overlay'
 *
 * const overlay = showOverlay(peer, { corner: 'bottom-left' })
 * overlay.close()
 * ```
 *
 * @module
 */

import { checkFlag, checkKnown, type Explanation, ShoalError, shown } from '../core/index.ts'
import { type Fact, memberFacts, nameOf, plain } from '../peer/facts.ts'
import { Chart } from './overlay-chart.ts'
import { Cartographer, type OverlayPeer, type RoomMap } from './overlay-map.ts'
import { style } from './overlay-style.ts'
import { mapText, Rates, standingFacts } from './overlay-words.ts'

export type { OverlayMember, OverlayPeer } from './overlay-map.ts'

/** How the overlay begins. */
export interface OverlayOptions {
  /** Where on the page; `bottom-right` unless told. */
  corner?: Corner
  /** False: it begins collapsed to its title. */
  open?: boolean
}

/** A corner of the page. */
export type Corner = 'bottom-right' | 'bottom-left' | 'top-right' | 'top-left'

/** An overlay that is shown. */
export interface Overlay {
  /** Takes it off the page, with every listener and timer of its own; may be called again. */
  close(): void
}

const corners: readonly Corner[] = ['bottom-right', 'bottom-left', 'top-right', 'top-left']
/** Changes are shown together, a few times a second at most; ages and rates move on this often by themselves. */
const redrawMs = 250
const refreshMs = 1000

/**
 * Shows the room of a peer on the page, until `close()`: members on a circle in the order of the first ring, thin lines
 * between those who are neighbours, thick ones where this peer has links (dashed where the signalling server stands in).
 * Pointing at a member, or choosing it by the arrow keys, shows `peer.explain(id)`; a click or Enter keeps it shown.
 *
 * It stands in a shadow root, loads nothing, and needs no `unsafe-inline`. Collapsed, or on a hidden page, it does nothing.
 * Throws `bad_option` for what is no peer, option or corner.
 */
export function showOverlay(peer: OverlayPeer, options: OverlayOptions = {}): Overlay {
  checkKnown('showOverlay', options, ['corner', 'open'])
  const { corner = 'bottom-right', open = true } = options
  if (!corners.includes(corner)) {
    throw new ShoalError('bad_option', `corner: expected ${corners.join(', ')}, got ${shown(corner)}`)
  }
  checkFlag('open', open)
  if (typeof peer?.subscribe !== 'function') {
    throw new ShoalError('bad_option', `peer: expected a peer, got ${shown(peer)}`)
  }
  const panel = new Panel(peer, corner, open)
  return { close: () => panel.close() }
}

class Panel {
  readonly #peer: OverlayPeer
  readonly #host = document.createElement('div')
  readonly #cartographer: Cartographer
  readonly #rates = new Rates()
  readonly #section = make('section')
  readonly #title = make('button')
  readonly #status = make('span', 'status')
  readonly #larger = make('button', 'size')
  readonly #reason = make('p', 'reason')
  readonly #standing = make('dl', 'standing')
  readonly #canvas = make('canvas')
  readonly #about = make('div', 'about')
  /** For screen readers: it changes with the member and its status, where the rest changes every second. */
  readonly #said = make('p', 'said')
  readonly #chart: Chart
  /** Everything on objects that outlive the panel is ended by it. */
  readonly #closed = new AbortController()
  readonly #unsubscribe: readonly (() => void)[]
  #map: RoomMap | undefined
  #pinned: string | undefined
  #pointed: string | undefined
  #open: boolean
  /** The one timer: for the next drawing. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #drawnAt = Number.NEGATIVE_INFINITY

  constructor(peer: OverlayPeer, corner: Corner, open: boolean) {
    this.#peer = peer
    this.#open = open
    this.#cartographer = new Cartographer(peer)
    this.#chart = new Chart(this.#canvas)
    this.#build(corner)
    this.#listen()
    this.#unsubscribe = [peer.subscribe(() => this.#hasten()), peer.on('status', () => this.#showStatus())]
    document.body.append(this.#host)
    this.#show()
  }

  close(): void {
    this.#closed.abort()
    for (const end of this.#unsubscribe) end()
    clearTimeout(this.#timer)
    this.#host.remove()
  }

  #build(corner: Corner): void {
    this.#host.dataset.corner = corner
    const root = this.#host.attachShadow({ mode: 'open' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style)
    root.adoptedStyleSheets = [sheet]
    this.#section.setAttribute('aria-label', 'Shoal: what this peer sees of its room')
    this.#title.append(make('span', 'dot'), make('b', '', 'Shoal'), this.#status)
    this.#canvas.tabIndex = 0
    this.#canvas.setAttribute('role', 'application')
    this.#said.setAttribute('role', 'status')
    const header = make('header')
    header.append(this.#title, this.#larger)
    const legend = make('div', 'legend')
    legend.append(
      make('span', '', 'link'),
      make('span', 'opening', 'opening'),
      make('span', 'relayed', 'by the server'),
      make('span', 'expected', 'neighbours'),
    )
    const body = make('div', 'body')
    body.append(this.#reason, this.#standing, this.#canvas, legend, this.#about, this.#said)
    this.#section.append(header, body)
    root.append(this.#section)
    this.#resize(false)
  }

  #listen(): void {
    const { signal } = this.#closed
    this.#title.addEventListener('click', () => {
      this.#open = !this.#open
      this.#show()
    })
    this.#larger.addEventListener('click', () => this.#resize(this.#section.dataset.size !== 'large'))
    this.#canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
      this.#point(this.#chart.memberAt(offsetX, offsetY))
    })
    this.#canvas.addEventListener('pointerleave', () => this.#point(undefined))
    this.#canvas.addEventListener('click', ({ offsetX, offsetY }) => this.#pin(this.#chart.memberAt(offsetX, offsetY)))
    this.#canvas.addEventListener('keydown', (event) => this.#steer(event))
    // On objects of the page, which outlive this panel.
    document.addEventListener('visibilitychange', () => this.#show(), { signal })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw(), { signal })
    window.addEventListener('resize', () => this.#hasten(), { signal })
  }

  /** Shows or collapses itself. Nothing is drawn while nobody looks. */
  #show(): void {
    this.#section.dataset.open = this.#open ? 'yes' : 'no'
    this.#title.setAttribute('aria-expanded', String(this.#open))
    this.#title.title = this.#open ? 'Collapse' : 'Show the room'
    this.#showStatus()
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isSeen) this.#draw()
  }

  #showStatus(): void {
    this.#section.dataset.status = this.#peer.status
    setText(this.#status, this.#peer.status)
    setText(this.#reason, plain(this.#peer.reason))
  }

  #resize(large: boolean): void {
    this.#section.dataset.size = large ? 'large' : 'small'
    setText(this.#larger, large ? 'smaller' : 'larger')
    this.#draw()
  }

  get #isSeen(): boolean {
    return this.#open && this.#host.isConnected && document.visibilityState === 'visible'
  }

  /** Something has changed: drawn soon, with whatever else changes by then. */
  #hasten(): void {
    if (this.#isSeen) this.#drawIn(Math.max(0, this.#drawnAt + redrawMs - performance.now()))
  }

  #drawIn(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#draw(), ms)
  }

  #draw(): void {
    if (!this.#isSeen) return
    const now = performance.now()
    this.#drawnAt = now
    this.#map = this.#cartographer.draw()
    const packets = this.#rates.take(this.#peer.counters(), now)
    this.#showStatus()
    setFacts(this.#standing, standingFacts(this.#peer, this.#map, packets))
    this.#canvas.setAttribute('aria-label', mapText(this.#map))
    this.#choose()
    this.#drawIn(refreshMs)
  }

  /** Brings out the member that is pointed at or pinned, and says why it is what it is. */
  #choose(): void {
    const chosen = this.#pointed ?? this.#pinned
    const about = chosen === undefined ? undefined : this.#peer.explain(chosen)
    this.#chart.draw(this.#map!, about?.id, about?.route?.map(({ id }) => id) ?? [])
    this.#tell(about)
  }

  #tell(about: Explanation | undefined): void {
    const said = about ? `${about.id} ${about.status}` : ''
    if (this.#said.dataset.of !== said) setText(this.#said, about ? plain(`${nameOf(about)}: ${about.because}`) : '')
    this.#said.dataset.of = said
    const of = about?.status ?? ''
    if (this.#about.dataset.of !== of || this.#about.childElementCount === 0) {
      this.#about.dataset.of = of
      const hint = make('p', 'hint', 'Point at a member, or choose one by the arrow keys, to see why it is what it is.')
      this.#about.replaceChildren(...(about ? [make('p', 'because'), make('dl')] : [hint]))
    }
    if (about === undefined) return
    const [because, facts] = this.#about.children
    if (because!.childElementCount === 0) because!.append(make('b'), make('span'))
    setText(because!.children[0]!, nameOf(about))
    setText(because!.children[1]!, plain(about.because))
    setFacts(facts as HTMLElement, memberFacts(about))
  }

  #point(id: string | undefined): void {
    if (id === this.#pointed) return
    this.#pointed = id
    if (this.#map) this.#choose()
  }

  #pin(id: string | undefined): void {
    this.#pinned = id
    if (this.#map) this.#choose()
  }

  #steer(event: KeyboardEvent): void {
    const spots = this.#map?.spots ?? []
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (event.key === 'Escape' && (this.#pinned ?? this.#pointed) !== undefined) {
      this.#pointed = undefined
      this.#pin(undefined)
    } else if (step !== undefined && spots.length > 0) {
      const at = spots.findIndex(({ member }) => member.id === (this.#pointed ?? this.#pinned))
      const next = at < 0 ? (step > 0 ? 0 : spots.length - 1) : (at + step + spots.length) % spots.length
      this.#pointed = undefined
      this.#pin(spots[next]!.member.id)
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
}

function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  text = '',
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text) made.textContent = text
  return made
}

/** Screen readers and selections notice every write. */
function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

function setFacts(list: HTMLElement, facts: readonly Fact[]): void {
  while (list.childElementCount > 2 * facts.length) list.lastElementChild!.remove()
  while (list.childElementCount < 2 * facts.length) list.append(make('dt'), make('dd'))
  facts.forEach(([name, value], i) => {
    setText(list.children[2 * i]!, name)
    setText(list.children[2 * i + 1]!, plain(value))
  })
}
