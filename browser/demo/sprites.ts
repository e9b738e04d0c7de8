/** How one member looks in the pond: a tab is a fish, a server a lighthouse, drawn after the sheet in `index.html`. */

/** Colours by their role, and the face of the lettering; `style.css` has them for light and dark. */
export type Palette = Readonly<Record<'ink' | 'paper' | 'shallow' | 'accent' | 'font', string>>

export interface Look {
  readonly symbol: 'fish' | 'lighthouse'
  readonly label: string
  readonly color: string
  readonly self: boolean
  /** Suspected: drawn pale and dashed, since nobody knows. */
  readonly unsure: boolean
  /** In pixels, from the top left. */
  x: number
  y: number
  /** From 1, swimming to the right, through 0 to -1, to the left. */
  facing: number
  /** Radians, nose down. */
  tilt: number
  /** The swing of the light, in radians. */
  beat: number
  /** From 1, here, to 0, gone. */
  strength: number
}

export function readPalette(from: Element): Palette {
  const style = getComputedStyle(from)
  const color = (role: string): string => style.getPropertyValue(`--${role}`).trim()
  return {
    ink: color('ink'),
    paper: color('paper'),
    shallow: color('shallow'),
    accent: color('accent'),
    font: style.fontFamily,
  }
}

export function drawMember(ctx: CanvasRenderingContext2D, look: Look, palette: Palette, width: number): void {
  ctx.save()
  ctx.translate(look.x, look.y)
  ctx.globalAlpha = look.strength
  ctx.save()
  const size = (look.self ? 1.3 : 1) * (width < 500 ? 0.75 : 1)
  ctx.scale(size, size)
  if (look.symbol === 'lighthouse') drawLight(ctx, look, palette)
  ctx.scale(Math.sign(look.facing || 1) * Math.max(0.25, Math.abs(look.facing)), 1)
  ctx.rotate(look.tilt)
  drawBody(ctx, look, palette)
  ctx.restore()
  drawLabel(ctx, look, palette, width, size)
  ctx.restore()
}

function drawBody(ctx: CanvasRenderingContext2D, look: Look, palette: Palette): void {
  const [body, bare] = outlines(look.symbol)
  ctx.translate(-20, look.symbol === 'fish' ? -12 : -28)
  ctx.lineJoin = 'round'
  ctx.strokeStyle = palette.paper
  ctx.lineWidth = 4
  ctx.stroke(body)
  ctx.fillStyle = palette.paper
  ctx.fill(body)
  ctx.globalAlpha *= look.unsure ? 0.25 : 1
  ctx.fillStyle = look.color
  ctx.fill(body)
  ctx.globalAlpha = look.strength
  ctx.fillStyle = palette.paper
  ctx.fill(bare)
  ctx.strokeStyle = palette.ink
  ctx.lineWidth = look.self || look.unsure ? 1.4 : 0.8
  if (look.unsure) ctx.setLineDash([3, 2.5])
  ctx.stroke(body)
}

/** The body of a symbol, and what is left bare in it. */
const traced = new Map<Look['symbol'], readonly [Path2D, Path2D]>()

function outlines(symbol: Look['symbol']): readonly [Path2D, Path2D] {
  let found = traced.get(symbol)
  if (!found) {
    const paths = document.querySelectorAll(`#${symbol} path`)
    found = [new Path2D(paths[0]?.getAttribute('d') ?? ''), new Path2D(paths[1]?.getAttribute('d') ?? '')]
    traced.set(symbol, found)
  }
  return found
}

/** The rock, and two beams that swing round: as they turn towards the reader they shorten and cross. */
function drawLight(ctx: CanvasRenderingContext2D, look: Look, palette: Palette): void {
  ctx.fillStyle = palette.shallow
  ctx.beginPath()
  ctx.ellipse(0, 15, 21, 6.5, 0, 0, 2 * Math.PI)
  ctx.fill()
  if (look.unsure) return
  const reach = 74 * Math.cos(look.beat / 6)
  const glow = ctx.createRadialGradient(0, -19, 0, 0, -19, Math.abs(reach) + 1)
  glow.addColorStop(0, palette.accent)
  glow.addColorStop(1, 'transparent')
  ctx.globalAlpha *= 0.5
  ctx.fillStyle = glow
  for (const end of [-reach, reach]) ctx.fill(new Path2D(`M0-20L${end}-34V-4L0-18Z`))
  ctx.globalAlpha = look.strength
}

/** As charts letter: upright for what stands on land, italic for what is in the water. Never over the frame. */
function drawLabel(ctx: CanvasRenderingContext2D, look: Look, palette: Palette, width: number, size: number): void {
  if (look.label === '') return
  const text = look.unsure ? `${look.label} ?` : look.label
  ctx.font = `${look.symbol === 'fish' ? 'italic ' : ''}${look.self ? 'bold ' : ''}13px ${palette.font}`
  const half = ctx.measureText(text).width / 2 + 4
  const x = Math.max(half - look.x, Math.min(width - half - look.x, 0))
  const y = (look.symbol === 'lighthouse' ? 22 : 14) * size + 14
  ctx.textAlign = 'center'
  ctx.lineWidth = 3.5
  ctx.strokeStyle = palette.paper
  ctx.fillStyle = palette.ink
  ctx.strokeText(text, x, y)
  ctx.fillText(text, x, y)
}
