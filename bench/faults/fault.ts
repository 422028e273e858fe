/** What each program of `npm run torture` promises to say, whatever it breaks. */

/** How long: for CI, for an evening's look, for a release. */
export type Size = 'quick' | 'usual' | 'full'

export interface FaultOptions {
  /** An empty directory, gone afterwards. */
  readonly folder: string
  readonly size: Size
  /** So many kills, cuts or seeds instead of what `size` says (`--times`). */
  readonly times: number | undefined
  /** What is chosen at random follows from it. */
  readonly seed: number
  readonly say: (progress: string) => void
}

/** One line of the table: what was counted, how often, and what that means. */
export type Row = readonly [name: string, value: number | string, note: string]

export interface Finding {
  readonly rows: readonly Row[]
  /** What must never be, a sentence each; a control that was not found out is one, too. */
  readonly violations: readonly string[]
}

/** It cannot be done here, which is neither good nor bad. */
export interface Skipped {
  readonly skipped: string
}

export interface Fault {
  readonly name: string
  /** One line for the table. */
  readonly title: string
  run(options: FaultOptions): Promise<Finding | Skipped>
}

/** How often, by size, unless `--times` says otherwise. */
export function timesOf({ size, times }: FaultOptions, bySize: Readonly<Record<Size, number>>): number {
  return times ?? bySize[size]
}
