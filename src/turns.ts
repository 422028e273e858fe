/**
 * Lets so many calls of one driver into the journal at a time: however fast it calls, between two of its commits there is
 * room for those of the other readers. The line of those who wait has an end.
 */

/** A terminal's upload fills a commit with so many; the others wait for no more. */
const MOST_REPORTS = 32
/** Each of these is a commit of its own. */
const MOST_OTHERS = 1
/** Longer than any upload; what comes beyond it comes from a driver gone wild. */
const MOST_WAITING = 10_000
/** Gaps at the front of a line are closed when there are so many. */
const MANY_GONE = 64

export class Line {
  readonly #most: number
  #inside = 0
  readonly #waiting: (() => void)[] = []
  /** Those before it had their turn. */
  #first = 0
  #closed = false

  constructor(most: number) {
    this.#most = most
  }

  close(): void {
    this.#closed = true
  }

  /** Nobody more is let in, for now or for ever. */
  get full(): boolean {
    return this.#closed || this.#waiting.length - this.#first >= MOST_WAITING
  }

  /** The result of `act`, when its turn came; undefined, and `act` not called, when the line is full or closed. */
  async take<T>(act: () => Promise<T>): Promise<T | undefined> {
    if (this.full) return undefined
    if (this.#inside < this.#most) this.#inside += 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return this.#closed ? undefined : await act()
    } finally {
      this.#pass()
    }
  }

  /** Whoever is next has the place; without anybody it is free. */
  #pass(): void {
    const next = this.#waiting[this.#first]
    if (!next) {
      this.#inside -= 1
      return
    }
    this.#first += 1
    next()
    // Not `shift`: on a long line each would move all others.
    if (this.#first < MANY_GONE) return
    this.#waiting.splice(0, this.#first)
    this.#first = 0
  }
}

/** The lines of one run of a driver. */
export class Turns {
  readonly reports = new Line(MOST_REPORTS)
  /** Events, and what it remembers. */
  readonly others = new Line(MOST_OTHERS)
  /** The run is over: nothing of it enters any more. */
  closed = false

  close(): void {
    this.closed = true
    this.reports.close()
    this.others.close()
  }
}
