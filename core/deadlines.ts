/**
 * What falls due when: a binary heap. Nothing is ever cancelled; whoever takes an item recognises a stale one by the
 * number it carries. Items live for seconds, so the heap is bounded by what is started in that time.
 */

export class Deadlines<Item> {
  readonly #heap: { at: number; order: number; item: Item }[] = []
  #order = 0

  get size(): number {
    return this.#heap.length
  }

  /** When the first item falls due; Infinity without one. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  add(at: number, item: Item): void {
    const heap = this.#heap
    const added = { at, order: this.#order++, item }
    let i = heap.length
    heap.push(added)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(added, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = added
  }

  /** The earliest item that is due at `now`; those due at the same moment come in the order they were added. */
  take(now: number): Item | undefined {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.at > now) return undefined
    const last = heap.pop()!
    if (heap.length > 0) {
      let i = 0
      for (;;) {
        let child = 2 * i + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
        if (!before(heap[child]!, last)) break
        heap[i] = heap[child]!
        i = child
      }
      heap[i] = last
    }
    return first.item
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
