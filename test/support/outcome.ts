/** What a chapter that ran in a process of its own says of itself, in a file: its reporter writes it, the lanes read it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

export interface Outcome {
  readonly passed: number
  readonly failed: number
  /** What mocha tells of those that failed; empty when none did. */
  readonly failures: string
  readonly skipped: readonly Skipped[]
}

export interface Skipped {
  readonly title: string
  readonly reason: string
}

export function writeOutcome(path: string, outcome: Outcome): void {
  writeFileSync(path, JSON.stringify(outcome))
}

/** Undefined: it ended before it could say anything. */
export function readOutcome(path: string): Outcome | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Outcome) : undefined
}

/** The end of what a run prints: why tests were skipped, then one plain line of totals. */
export function ending(passed: number, failed: number, skipped: readonly Skipped[]): string {
  const reasons = skipped.map(({ title, reason }) => `    ${title}: ${reason}\n`)
  const heading = skipped.length > 0 ? ['  Skipped:\n', ...reasons, '\n'].join('') : ''
  return `${heading}${passed} passed, ${failed} failed, ${skipped.length} skipped\n`
}
