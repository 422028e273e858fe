/** What a bench promises to say, whatever it measures. */
import type { Journals } from './journals.js'

export interface BenchOptions {
  /** An empty directory on the disk to measure, gone afterwards. */
  readonly folder: string
  /** Short enough for a test: the shape of the answer is right, the figures are not. */
  readonly quick: boolean
  /** With the large journals, for a release: an hour. Never together with `quick`. */
  readonly full: boolean
  readonly given: GivenFolders
  /** Journals with many records, made once for all benches. */
  readonly journals: Journals
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

export interface Spread {
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** One thing that was measured in several rounds; without a goal it is there to be seen. */
export interface Measured {
  /** By what it is divided. */
  readonly against: string
  readonly goal?: Goal
  readonly rounds: readonly number[]
}

/** All records have the names of the ratios; the first of them is what the bench is there for. */
export interface Outcome {
  /** By what it is divided by; the median of the rounds. */
  readonly ratios: Readonly<Record<string, number>>
  readonly spreads: Readonly<Record<string, Spread>>
  readonly goals: Readonly<Record<string, Goal>>
  /** Ratios that miss their goal. */
  readonly missed: readonly string[]
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
  /** Of its first ratio. */
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
  return judged([{ against, goal, rounds: ratios }], figures)
}

/** Judges each by the median of its rounds. */
export function judged(all: readonly Measured[], figures: Figures): Outcome {
  const named = <Value>(of: (measured: Measured) => Value | undefined): Record<string, Value> =>
    Object.fromEntries(
      all.flatMap((measured) => {
        const value = of(measured)
        return value === undefined ? [] : [[measured.against, value] as const]
      }),
    )
  const missed = all.filter((measured) => !meets(measured)).map(({ against }) => against)
  return {
    ratios: named(({ rounds }) => round(median(rounds))),
    spreads: named(({ rounds }) => spreadOf(rounds)),
    goals: named(({ goal }) => goal),
    missed,
    met: missed.length === 0,
    figures,
  }
}

function meets({ goal, rounds }: Measured): boolean {
  if (goal === undefined) return true
  const ratio = round(median(rounds))
  return goal.bound === 'at least' ? ratio >= goal.limit : ratio <= goal.limit
}

export function spreadOf(rounds: readonly number[]): Spread {
  return { min: round(Math.min(...rounds)), max: round(Math.max(...rounds)), rounds: rounds.length }
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
