/**
 * A scenario is a promise that can be tried: what happens to a simulated room, and what must hold all the same. It is
 * data and one pure function, so that a seed shows again what it has shown once.
 */

import { type Figures, Findings, type Result, type Statistic, statistic } from './findings.ts'

export interface Settings {
  readonly seed: number
  readonly peers: number
  /** Less of the same, for tests that run all the time: fewer repetitions and shorter runs, never laxer limits. */
  readonly quick: boolean
}

/** Hears the story as it happens, a line at a time. */
export type Say = (line: string) => void

/** What a statistic of a figure, over every sample of every seed that was run, may reach at most. */
export interface Limit {
  readonly figure: string
  readonly statistic: Statistic
  readonly atMost: number
}

export interface Scenario {
  readonly name: string
  /** What happens, in one sentence. */
  readonly about: string
  /** What must hold, in words. */
  readonly toReach: string
  readonly defaults: { readonly peers: number; readonly quick: { readonly peers: number } }
  /** The limits in numbers, for a room of this size. */
  limits(peers: number): readonly Limit[]
  /** Throws when an invariant of the world breaks. */
  run(settings: Settings, say: Say, findings: Findings): void
}

/** Runs a scenario once. What is thrown on the way is a finding too. */
export function perform(scenario: Scenario, settings: Settings, say: Say = () => {}): Result {
  const findings = new Findings()
  try {
    scenario.run(settings, say, findings)
  } catch (error) {
    findings.expect(false, error instanceof Error ? error.message : String(error))
  }
  return findings.result()
}

/** Which limits these samples exceed; nothing measured is no proof, so a figure without samples fails too. */
export function exceeded(scenario: Scenario, peers: number, figures: Figures): string[] {
  return scenario.limits(peers).flatMap(({ figure, statistic: kind, atMost }) => {
    const samples = figures[figure] ?? []
    if (samples.length === 0) return [`${figure}: nothing was measured`]
    const reached = statistic(samples, kind)
    return reached <= atMost ? [] : [`${figure}: ${kind} ${rounded(reached)}, at most ${rounded(atMost)} allowed`]
  })
}

/** All that did not hold over these runs: what each found by itself, and the limits that all together exceed. */
export function judge(scenario: Scenario, peers: number, results: readonly Result[]): string[] {
  return [...results.flatMap(({ failed }) => failed), ...exceeded(scenario, peers, pooled(results))]
}

/** The samples of several runs as those of one. */
export function pooled(results: readonly Result[]): Figures {
  const all: Record<string, number[]> = {}
  for (const { figures } of results) {
    for (const [name, samples] of Object.entries(figures)) {
      all[name] ??= []
      // One by one: an hour has more of them than a call takes arguments.
      for (const sample of samples) all[name].push(sample)
    }
  }
  return all
}

function rounded(value: number): string {
  return String(Math.round(value * 1000) / 1000)
}
