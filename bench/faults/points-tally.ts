/** What all series of `points` found together. */
import type { Row } from './fault.js'
import { SOON_MS, type Series } from './points-series.js'

/** Points whose every aim was missed are violations; some misses are the scheduler's. */
export class Tally {
  readonly #points: number
  readonly violations: string[] = []
  readonly #killed = new Map<string, number>()
  readonly #missed = new Map<string, number>()
  #starts: number[] = []
  #greens = 0
  #stored = 0
  #received = 0
  #parked = 0

  constructor(points: number) {
    this.#points = points
  }

  wrong(...what: readonly string[]): void {
    this.violations.push(...what)
  }

  aimed(point: string, killed: boolean): void {
    const of = killed ? this.#killed : this.#missed
    of.set(point, (of.get(point) ?? 0) + 1)
  }

  /** A series is over. */
  took({ stored, consumer, violations, startsMs }: Series, what: string): void {
    this.wrong(...violations.map((violation) => `${what}: ${violation}`))
    this.#starts.push(...startsMs)
    this.#greens += stored.greens
    this.#stored += stored.ids.length
    this.#received += consumer.received
    this.#parked += stored.everAside.size
  }

  /** Once all is done: was each point that was chosen ever the last? */
  notKilled(point: string): void {
    if (!this.#killed.has(point)) this.wrong(`no daemon died at ${point}: it was not passed again`)
  }

  get progress(): string {
    return `${sum(this.#killed)} kills, ${this.#greens} greens, ${this.violations.length} violations`
  }

  get rows(): Row[] {
    if (this.#greens === 0) this.wrong('nothing was shown green: there was nothing to lose')
    const starts = this.#starts.sort((a, b) => a - b)
    const slow = starts.filter((ms) => ms > SOON_MS).length
    return [
      ['points', this.#points, `named in the sources; ${this.#killed.size} of them killed at`],
      ['kills', sum(this.#killed), `at a point; ${sum(this.#missed)} lives did not pass it often enough`],
      ['greens', this.#greens, 'lights shown'],
      ['stored', this.#stored, 'records, of all series'],
      ['received', this.#received, `by the consumers; ${this.#parked} were set aside for a time or for good`],
      ['late starts', slow, `of ${starts.length}, after more than ${SOON_MS / 1_000} s; half after ${Math.round(starts[starts.length >> 1] ?? 0)} ms, all after ${Math.round(starts.at(-1) ?? 0)} ms`], // prettier-ignore
      ['violations', this.violations.length, 'greens missing or doubled, numbers used again, lost, out of order, verify not clean'], // prettier-ignore
    ]
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}
