/** The map on a canvas: members on a circle, and the lines between them. It draws when it is told to. */

import { nameOf } from '../peer/facts.ts'
import { isPresent, type Line, type RoomMap, type Spot } from './overlay-map.ts'

/** Up to so many everybody's name is written; beyond, those of this peer's neighbours and of who is chosen. */
const namedMax = 24
const nearNamedMax = 160
const nameCharsMax = 12
/** From the edge of the canvas to the circle: where there are names, they need their place. */
const marginPx = { x: 62, y: 26 }
const bareMarginPx = { x: 14, y: 14 }
const spotPxMax = 6
const spotPxMin = 1.5
/** So many lines are told apart. */
const linesPlain = 500
/** How far from a spot the pointer may be. */
const reachPx = 14

interface Point {
  readonly x: number
  readonly y: number
}

type Palette = Record<(typeof colours)[number], string>
const colours = [
  'paper',
  'ink',
  'faded',
  'ring',
  'alive',
  'suspect',
  'dead',
  'left',
  'link',
  'opening',
  'relay',
  'accent',
] as const

export class Chart {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  #map: RoomMap | undefined
  #points: readonly Point[] = []
  #spotPx = spotPxMax

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas
    this.#context = canvas.getContext('2d')!
  }

  /** Draws all of it, with the member chosen and its neighbours brought out. */
  draw(map: RoomMap, chosen: string | undefined, route: readonly string[]): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    if (width === 0 || height === 0) return
    this.#fit(width, height)
    this.#map = map
    const { spots } = map
    const margin = spots.length <= nearNamedMax ? marginPx : bareMarginPx
    const radius = Math.min(width / 2 - margin.x, height / 2 - margin.y)
    this.#points = spots.map(({ angle }) => {
      return { x: width / 2 + radius * Math.sin(angle), y: height / 2 - radius * Math.cos(angle) }
    })
    // At most two thirds of the circle are covered.
    this.#spotPx = Math.max(spotPxMin, Math.min(spotPxMax, (2 * radius) / spots.length))
    const context = this.#context
    const palette = this.#palette()
    context.clearRect(0, 0, width, height)
    const at = spots.findIndex(({ member }) => member.id === chosen)
    // Thousands of lines would be one dark disc.
    context.globalAlpha = Math.min(1, Math.max(0.3, linesPlain / map.expected.length))
    this.#lines(map.expected, palette.ring, map.expected.length > linesPlain ? 0.75 : 1)
    context.globalAlpha = 1
    this.#lines(map.relayed, palette.relay, 1.5, [4, 3])
    this.#lines(map.opening, palette.opening, 1.5)
    this.#lines(map.open, palette.link, 1.75)
    const isOf = (line: Line) => line.includes(at)
    this.#lines(map.expected.filter(isOf), palette.accent, 1.25)
    this.#way(map, route, palette)
    for (const [i, spot] of spots.entries()) this.#spot(spot, this.#points[i]!, palette, i === at)
    this.#names(map, at, palette)
  }

  /** The member at a place on the canvas, if there is one near by. */
  memberAt(x: number, y: number): string | undefined {
    let nearest: string | undefined
    let leastPx = reachPx
    this.#points.forEach((point, i) => {
      const px = Math.hypot(point.x - x, point.y - y)
      if (px >= leastPx) return
      leastPx = px
      nearest = this.#map!.spots[i]!.member.id
    })
    return nearest
  }

  /** As many pixels as the screen has there. */
  #fit(width: number, height: number): void {
    const scale = devicePixelRatio
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)]
    if (this.#canvas.width !== wide || this.#canvas.height !== high) {
      this.#canvas.width = wide
      this.#canvas.height = high
    }
    this.#context.setTransform(scale, 0, 0, scale, 0, 0)
  }

  #palette(): Palette {
    const style = getComputedStyle(this.#canvas)
    return Object.fromEntries(colours.map((name) => [name, style.getPropertyValue(`--${name}`)])) as Palette
  }

  #lines(lines: readonly Line[], colour: string, widthPx: number, dash: number[] = []): void {
    const context = this.#context
    context.beginPath()
    for (const [from, to] of lines) {
      const [a, b] = [this.#points[from]!, this.#points[to]!]
      context.moveTo(a.x, a.y)
      context.lineTo(b.x, b.y)
    }
    context.strokeStyle = colour
    context.lineWidth = widthPx
    context.setLineDash(dash)
    context.stroke()
    context.setLineDash([])
  }

  /** The way that a packet to the one chosen would take. */
  #way({ spots }: RoomMap, route: readonly string[], palette: Palette): void {
    if (route.length === 0) return
    const stops = route.map((id) => spots.findIndex(({ member }) => member.id === id)).filter((at) => at >= 0)
    const own = spots.findIndex(({ self }) => self)
    this.#lines(
      stops.map((at, i) => [i === 0 ? own : stops[i - 1]!, at] as const),
      palette.accent,
      2.5,
    )
  }

  /** Tabs are round, servers square; whoever is doubted is hollow, whoever died a cross, so that nobody needs the colours. */
  #spot({ member, self }: Spot, { x, y }: Point, palette: Palette, chosen: boolean): void {
    const context = this.#context
    const size = self ? Math.max(this.#spotPx, 4) : this.#spotPx
    const colour = palette[member.status]
    context.beginPath()
    if (member.status === 'dead') {
      context.moveTo(x - size, y - size)
      context.lineTo(x + size, y + size)
      context.moveTo(x + size, y - size)
      context.lineTo(x - size, y + size)
    } else if (member.mode === 'server') context.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8)
    else context.arc(x, y, size, 0, 2 * Math.PI)
    if (member.status === 'alive') {
      context.globalAlpha = member.mode === 'hidden' || member.mode === 'frozen' ? 0.5 : 1
      context.fillStyle = colour
      context.fill()
      context.globalAlpha = 1
    } else {
      if (member.status !== 'dead' && size > 2) {
        context.fillStyle = palette.paper
        context.fill()
      }
      context.strokeStyle = colour
      context.lineWidth = Math.max(1.5, size / 3)
      context.stroke()
    }
    if (self || chosen) this.#halo({ x, y }, size + 3, chosen ? palette.accent : palette.ink)
  }

  #halo({ x, y }: Point, radius: number, colour: string): void {
    const context = this.#context
    context.beginPath()
    context.arc(x, y, radius, 0, 2 * Math.PI)
    context.strokeStyle = colour
    context.lineWidth = 1.5
    context.stroke()
  }

  #names({ spots, expected }: RoomMap, chosen: number, palette: Palette): void {
    const own = spots.findIndex(({ self }) => self)
    const near = new Set(expected.filter((line) => line.includes(own)).flat())
    const context = this.#context
    context.font = '11px system-ui, sans-serif'
    context.textBaseline = 'middle'
    spots.forEach((spot, i) => {
      const isNamed =
        i === chosen || spots.length <= namedMax || (spots.length <= nearNamedMax && (spot.self || near.has(i)))
      if (!isNamed) return
      const { x, y } = this.#points[i]!
      const [right, down] = [Math.sin(spot.angle), -Math.cos(spot.angle)]
      const inside = spots.length > nearNamedMax
      const reach = (this.#spotPx + 7) * (inside ? -1 : 1)
      const outward = inside ? -right : right
      context.textAlign = Math.abs(right) < 0.2 ? 'center' : outward > 0 ? 'left' : 'right'
      context.fillStyle = isPresent(spot.member) ? palette.ink : palette.faded
      const name = [...(spot.self ? 'you' : nameOf(spot.member))]
      const text = name.length > nameCharsMax ? `${name.slice(0, nameCharsMax - 1).join('')}…` : name.join('')
      context.fillText(text, x + right * reach, y + down * (reach + 2))
    })
  }
}
