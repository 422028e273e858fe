/** How often records were sent again, without remembering each of them. */
import { Ranges } from './ranges.js'

/** A count stops here: it tells "often" well enough. */
const MOST = 100
/** More pieces than this are forgotten: a consumer that asks here and there for years must not fill the memory. */
const MOST_PIECES = 1_000

export class Attempts {
  /** In the n-th are those that were sent again more than n times: each lies within the one before. */
  readonly #again: Ranges[] = []

  /** Counts one more sending again, and returns which sending that is: 2 for the first. */
  next(seq: number): number {
    const before = this.#again.findIndex((ranges) => !ranges.has(seq))
    const times = before === -1 ? this.#again.length : before
    if (times >= MOST) return MOST + 1
    const ranges = (this.#again[times] ??= new Ranges())
    ranges.add(seq, seq)
    // Behind it lie only numbers that are within it.
    if (ranges.pieces > MOST_PIECES) this.#again.length = times
    return times + 2
  }
}
