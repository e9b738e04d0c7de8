/** What a run brings to light: figures, each with its samples, and what did not hold. */

/** Samples by name; a name ends in its unit: `first suspicion, s`. */
export type Figures = Readonly<Record<string, readonly number[]>>

export interface Result {
  readonly figures: Figures
  /** In words; empty when all held that one run can show. */
  readonly failed: readonly string[]
}

export type Statistic = 'min' | 'median' | 'mean' | 'p99' | 'max'

/** Failures kept of one run: a run that goes wrong goes wrong everywhere. */
const failedMax = 20

export class Findings {
  readonly #figures = new Map<string, number[]>()
  readonly #failed: string[] = []

  /** Adds a sample to a figure. */
  note(figure: string, value: number): void {
    const samples = this.#figures.get(figure)
    if (samples) samples.push(value)
    else this.#figures.set(figure, [value])
  }

  /** Says what is wrong unless it held; returns whether it did. */
  expect(held: boolean, otherwise: string): boolean {
    if (!held && this.#failed.length < failedMax) this.#failed.push(otherwise)
    return held
  }

  result(): Result {
    return { figures: Object.fromEntries(this.#figures), failed: [...this.#failed] }
  }
}

/** The nearest rank, so that each value returned is one that was measured; the mean aside. Samples must not be empty. */
export function statistic(samples: readonly number[], kind: Statistic): number {
  if (kind === 'mean') return samples.reduce((sum, value) => sum + value, 0) / samples.length
  const sorted = [...samples].sort((a, b) => a - b)
  const share = { min: 0, median: 0.5, p99: 0.99, max: 1 }[kind]
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}
