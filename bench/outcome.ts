/** What a bench promises to say, whatever it measures. */

export interface BenchOptions {
  /** An empty directory on the disk to measure, gone afterwards. */
  readonly folder: string
  /** Short enough for a test: the shape of the answer is right, the figures are not. */
  readonly quick: boolean
  /** Longer than usual, where a bench knows how. */
  readonly full: boolean
  readonly given: GivenFolders
  readonly say: (progress: string) => void
}

/** Folders that the command line names; only `peers` asks for them. */
export interface GivenFolders {
  /** Where to install peers, and then take them from. */
  readonly install: string | undefined
  /** Where installed peers are. */
  readonly peers: string | undefined
  /** A checkout of the ThingsBoard gateway. */
  readonly thingsboard: string | undefined
}

export interface Goal {
  readonly bound: 'at least' | 'at most'
  readonly limit: number
}

/** Orientation only: absolute figures of a shared machine mean nothing elsewhere. */
export type Figures = Readonly<Record<string, number | string>>

export interface Outcome {
  /** By what it is divided by; the median of the rounds. */
  readonly ratios: Readonly<Record<string, number>>
  readonly spread: { readonly min: number; readonly max: number; readonly rounds: number }
  readonly goal: Goal
  readonly met: boolean
  readonly figures: Figures
  readonly extra?: Extra
}

/** A table of its own, for a bench with more to say than one ratio. */
export interface Extra {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
  readonly notes: readonly string[]
}

/** It cannot be measured here, which is neither met nor missed. */
export interface Skipped {
  readonly ratios: Readonly<Record<string, never>>
  readonly skipped: string
}

export interface Bench {
  readonly name: string
  /** One line for the table. */
  readonly title: string
  readonly goal: Goal
  run(options: BenchOptions): Promise<Outcome | Skipped>
}

/** It cannot run at all: a sentence for a person, and the exit code. */
export class BenchError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Judges the ratios of interleaved rounds by their median. */
export function outcomeOf(goal: Goal, against: string, ratios: readonly number[], figures: Figures): Outcome {
  const ratio = round(median(ratios))
  const met = goal.bound === 'at least' ? ratio >= goal.limit : ratio <= goal.limit
  const spread = { min: round(Math.min(...ratios)), max: round(Math.max(...ratios)), rounds: ratios.length }
  return { ratios: { [against]: ratio }, spread, goal, met, figures }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The value below which `share` of all values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Three significant digits at least: more would claim a precision that no round repeats. */
export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
