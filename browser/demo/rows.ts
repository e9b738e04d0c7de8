/** The elements of the page: made of plain text, and kept in step with lists of things that come and go. */

type Part = Node | string

/** An element with a class and children. Strings become text nodes, so no peer's text is ever read as markup. */
export function element(tag: string, className = '', ...parts: readonly Part[]): HTMLElement {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...parts)
  return made
}

/** The element of `index.html` with that id. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

/** Changes the text only when it differs: screen readers and selections notice every write. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

export function setData(target: HTMLElement, data: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(data)) if (target.dataset[key] !== value) target.dataset[key] = value
}

/** A drawing from the sheet at the top of `index.html`, in the colour given. */
export function glyph(symbol: 'fish' | 'lighthouse'): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use')
  use.setAttribute('href', `#${symbol}`)
  svg.setAttribute('class', symbol)
  svg.setAttribute('aria-hidden', 'true')
  svg.append(use)
  return svg
}

/** Children of `list`, one for each item and in the items' order; a child lives as long as its item's key does. */
export class Rows<Item> {
  readonly #list: HTMLElement
  readonly #make: (item: Item) => HTMLElement
  readonly #fill: (row: HTMLElement, item: Item) => void
  /** As many as items shown last. */
  #rows = new Map<string, HTMLElement>()

  constructor(list: HTMLElement, make: (item: Item) => HTMLElement, fill: (row: HTMLElement, item: Item) => void) {
    this.#list = list
    this.#make = make
    this.#fill = fill
  }

  show(items: readonly Item[], keyOf: (item: Item) => string): void {
    const kept = new Map<string, HTMLElement>()
    for (const item of items) kept.set(keyOf(item), this.#rows.get(keyOf(item)) ?? this.#make(item))
    for (const [key, row] of this.#rows) if (!kept.has(key)) row.remove()
    this.#rows = kept
    items.forEach((item, i) => {
      const row = kept.get(keyOf(item))!
      this.#fill(row, item)
      if (this.#list.children[i] !== row) this.#list.insertBefore(row, this.#list.children[i] ?? null)
    })
  }
}
