/** The pond: everybody, living on the chart. It draws only while something moves, and never while it is out of sight. */

import type { Member } from '../../core/index.ts'
import { colorOf } from './color.ts'
import { isPresent } from './company.ts'
import { shownName } from './name.ts'
import { cursorOf, hash, layout, type Place } from './place.ts'
import { drawMember, type Look, readPalette } from './sprites.ts'

interface Swimmer {
  look: Look
  status: Member['status']
  /** Where it wants to be, in shares of the pond. */
  goal: Place
  /** Its goal is its resting place and not a cursor. */
  idle: boolean
}

/** After so long without news the water lies still and costs nothing. */
const restlessMs = 30_000
/** Between frames when all that moves is the drift. */
const driftFrameMs = 60
/** In a pond fuller than this only the own fish bears its name. */
const labelledMax = 60

export class Pond {
  readonly #canvas: HTMLCanvasElement
  readonly #ctx: CanvasRenderingContext2D
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)')
  /** As many as members shown last. */
  #swimmers = new Map<string, Swimmer>()
  #palette
  #width = 0
  #height = 0
  #inSight = true
  /** The next frame asked for, and the timer that will ask for one: at most one of each. */
  #frame = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #drawnAt = 0
  #restlessUntil = 0

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas
    this.#ctx = canvas.getContext('2d')!
    this.#palette = readPalette(canvas)
    new ResizeObserver(() => this.#resize()).observe(canvas)
    new IntersectionObserver(([entry]) => {
      this.#inSight = entry?.isIntersecting ?? true
      this.#start()
    }).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#resize())
    this.#resize()
  }

  show(members: readonly Member[], selfId: string): void {
    const places = layout(members)
    const swimmers = new Map<string, Swimmer>()
    const labelMax = members.length > labelledMax ? 0 : this.#width < 500 ? 12 : 22
    for (const member of members) {
      const server = member.mode === 'server'
      const self = member.id === selfId
      const rest = places.get(member.id)!
      const cursor = server ? undefined : cursorOf(member)
      const beat = hash(member.id) % 100
      const { x, y } = { x: rest.x * this.#width, y: rest.y * this.#height }
      const before = this.#swimmers.get(member.id)?.look ?? {
        x,
        y,
        facing: server || beat < 50 ? 1 : -1,
        tilt: 0,
        beat,
        strength: 0,
      }
      const look: Look = {
        ...before,
        symbol: server ? 'lighthouse' : 'fish',
        label: self || labelMax > 0 ? shownName(member.name, labelMax || 22) : '',
        color: colorOf(member),
        self,
        unsure: member.status === 'suspect',
      }
      swimmers.set(member.id, { look, status: member.status, goal: cursor ?? rest, idle: cursor === undefined })
    }
    this.#swimmers = swimmers
    this.#start()
  }

  /** Sets the water moving again for a while. */
  wake(): void {
    this.#restlessUntil = performance.now() + restlessMs
    this.#start()
  }

  #start(): void {
    if (this.#frame === 0 && this.#inSight) this.#frame = requestAnimationFrame((now) => this.#draw(now))
  }

  #startLater(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#start()
    }, driftFrameMs)
  }

  #draw(now: number): void {
    this.#frame = 0
    const elapsed = Math.min(100, now - this.#drawnAt)
    this.#drawnAt = now
    this.#ctx.clearRect(0, 0, this.#width, this.#height)
    let moving = false
    // The own fish comes first and is drawn last, on top.
    for (const swimmer of [...this.#swimmers.values()].reverse()) {
      if (this.#move(swimmer, now, elapsed)) moving = true
      drawMember(this.#ctx, swimmer.look, this.#palette, this.#width)
    }
    if (moving) this.#start()
    else if (!this.#calm.matches && now < this.#restlessUntil) this.#startLater()
  }

  /** Brings a swimmer nearer to its goal; false when only the drift is left. Those who asked for calm see no way. */
  #move({ look, status, goal, idle }: Swimmer, now: number, elapsed: number): boolean {
    const calm = this.#calm.matches
    const within = (timeMs: number): number => (calm ? 1 : 1 - Math.exp(-elapsed / timeMs))
    const drifts = idle && look.symbol === 'fish' && !calm
    const drift = drifts ? Math.min(1, Math.max(0, this.#restlessUntil - now) / 4000) : 0
    const x = goal.x * this.#width + drift * 16 * Math.sin(look.beat / 3)
    const y = goal.y * this.#height + drift * 6 * Math.sin(look.beat / 2)
    const strength = isPresent({ status }) ? 1 : 0
    const stepX = (x - look.x) * within(idle ? 600 : 110)
    const stepY = (y - look.y) * within(idle ? 600 : 110)
    look.x += stepX
    look.y += stepY
    const slope = Math.max(-0.5, Math.min(0.5, stepY / (Math.abs(stepX) + 3)))
    // A dead fish turns its belly up.
    const tilt = look.symbol === 'lighthouse' ? 0 : status === 'dead' ? Math.PI : slope
    look.strength += (strength - look.strength) * within(strength === 1 ? 300 : 2500)
    look.beat += calm ? 0 : elapsed / 900
    if (look.symbol === 'fish' && Math.abs(stepX) > 0.15) look.facing += (Math.sign(stepX) - look.facing) * within(110)
    look.tilt += (tilt - look.tilt) * within(status === 'dead' ? 600 : 110)
    return Math.hypot(x - look.x, y - look.y) > 12 * drift + 0.5 || Math.abs(strength - look.strength) > 0.02
  }

  /** A new size or colour scheme. */
  #resize(): void {
    const scale = Math.min(2, devicePixelRatio)
    this.#width = this.#canvas.clientWidth
    this.#height = this.#canvas.clientHeight
    this.#canvas.width = Math.round(this.#width * scale)
    this.#canvas.height = Math.round(this.#height * scale)
    this.#ctx.scale(scale, scale)
    this.#palette = readPalette(this.#canvas)
    this.wake()
  }
}
